"""``presage course`` and ``presage patient``: a study's markers over the visits, and the page of one patient."""

from __future__ import annotations

from typing import Annotated

import typer

Run = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def course(
    run: Run,
    columns: Annotated[
        str, typer.Option(help="Columns asked at every visit, beside the outcome: `phq9` stands for phq9, phq9_2, ...")
    ] = "",
    remission: Annotated[
        float | None, typer.Option(help="The scale below which nobody counts as ill; the outcome's cut-off by default.")
    ] = None,
) -> None:
    """Score every visit out of fold and show whether the markers follow their patients.

    The model of each fold, fitted without its test patients, scores each of their visits apart. Writes
    `course/course.csv`, `course/findings.json` and `course/report.html` below the run folder (codes, no ids).
    """
    from presage.report import answer, render
    from presage.study.course import FOLDER, open_visits, score_visits
    from presage.study.folder import folder_at
    from presage.study.progress import terminal_progress

    folder = folder_at(run)
    names = [name.strip() for name in columns.split(",") if name.strip()]
    findings = score_visits(open_visits(folder, names), terminal_progress(), remission=remission)
    page = render(findings, folder.place(FOLDER))
    typer.echo(f"\n{answer(findings)}\nreport: {page}")


def patient(
    run: Run,
    code: Annotated[
        str, typer.Argument(help="The patient's code, such as P0007; the run's `key.csv` says whose it is.")
    ],
    by_id: Annotated[bool, typer.Option("--id", help="What is given is the patient's id, and not the code.")] = False,
) -> None:
    """Write the page of one patient: scores among those of the others, the recordings, where the scores come from.

    After `presage course RUN` it shows scale and scores at every visit; else the one score that the study gave each
    patient. The page quotes the patient. It is written to `patients/CODE/patient.html` below the run folder, which its
    owner alone may open. Needs the recordings.
    """
    from presage.report.patient import patient_page
    from presage.report.standing import standing_page
    from presage.study.folder import folder_at
    from presage.study.patient import FOLDER, gather_patient, has_course
    from presage.study.progress import terminal_progress
    from presage.study.runfolder import code_of
    from presage.study.standing import gather_standing

    folder, told = folder_at(run), terminal_progress()
    if by_id:
        # Asked for, never guessed: the id of one patient may be the code of another.
        code = code_of(folder, code)
    if has_course(folder, code):
        document, page_of = gather_patient(folder, code, told), patient_page
        names = [shown["file"] for visit in document["visits"] for shown in visit["pictures"]]
    else:
        document, page_of = gather_standing(folder, code, told), standing_page
        names = [shown["file"] for shown in document["pictures"]]
    private = f"{FOLDER}/{code}"
    pictures = {name: folder.read(f"{private}/{name}") for name in names}
    folder.write_text(f"{private}/patient.html", page_of(document, pictures))
    typer.echo(f"wrote {folder.place(f'{private}/patient.html')}")
