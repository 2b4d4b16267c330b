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
    findings = score_visits(open_visits(folder, names), terminal_progress())
    page = render(findings, folder.place(FOLDER))
    typer.echo(f"\n{answer(findings)}\nreport: {page}")
