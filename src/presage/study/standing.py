"""One patient by a study's own scores: what each marker says, where that stands among the others, and why.

For cohorts with one visit, and for studies whose visits were not scored apart. What this gathers may quote the patient.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from presage.cohort import InputError
from presage.findings import Findings, ScoreTable
from presage.study.finished_run import FinishedRun, finished_run
from presage.study.folder import Folder
from presage.study.patient import FOLDER, coded, draw, largest
from presage.study.progress import Progress

SCHEMA = "presage-standing/1"


def gather_standing(run_folder: Folder, code: str, progress: Progress | None = None) -> dict[str, Any]:
    """Everything that the page of one patient shows; also written to ``patients/CODE/patient.json``.

    Parameters
    ----------
    run_folder
        Of a finished run.
    code
        The patient's code in findings and report, such as ``P0007``.

    Returns
    -------
    dict
        ``code``, ``phantom``, ``title``, ``outcome`` (title, words, and the names of the two groups), ``scores`` (each
        with name, role, value, the others' scores by group, and reasons), ``pictures`` (visit, file, caption) and
        ``software``. Scores are those of the first repeat of the folds, by the model that did not see the patient.

    Raises
    ------
    InputError
        If the run is not finished, or nobody has this code.
    """
    if not run_folder.exists("findings.json"):
        raise InputError(
            "this run is not finished", where=run_folder.address, cure="finish it first: presage run STUDY --out RUN"
        )
    where = run_folder.place("findings.json")
    run = finished_run(run_folder, Findings.read(where))
    table, document = run.table(), run.findings.document
    row = _row_of(table, code, where)
    patient = next(pid for pid, given in run.codes.items() if given == code)
    private = run_folder.child(FOLDER, private=True).child(code, private=True)
    alone = coded(run.run.cohort.select([patient]), code)
    pictures = []
    for visit in dict.fromkeys(alone.recordings["visit"].astype(str).tolist()):
        pictures += [{"visit": visit, **shown} for shown in draw(alone, visit, private)]
    found = {
        "schema": SCHEMA,
        "code": code,
        "phantom": run.phantom,
        "title": document["title"],
        "outcome": _outcome(table, row),
        "scores": _scores(run, table, row, patient, progress or Progress()),
        "pictures": pictures,
        "software": document["software"],
    }
    private.write_text("patient.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return found


def _row_of(table: ScoreTable, code: str, where: str) -> int:
    rows = np.flatnonzero(table.patient == code)
    if not len(rows):
        raise InputError(
            f"nobody has the code {code!r} in these findings",
            where=where,
            cure=f"codes look like {table.patient[0]}; key.csv of the run says whose they are",
        )
    return int(rows[0])


def _outcome(table: ScoreTable, row: int) -> dict[str, Any]:
    case = bool(table.cases[row])
    if table.outcome_kind == "scale":
        value = float(table.outcome[row])
        assert table.cutoff is not None
        words = f"{value:g}, {'a case' if case else 'no case'} (cases from {table.cutoff:g})"
    elif table.outcome_kind == "binary":
        words = "yes" if case else "no"
    else:
        words = f"{'at' if case else 'not by'} time {float(table.outcome['time'][row]):g}"
    timed = table.outcome_kind == "time-to-event"
    return {
        "title": table.outcome_title,
        "words": words,
        "groups": {"cases": "those with the event", "controls": "those without it so far"}
        if timed
        else {"cases": "cases", "controls": "controls"},
    }


def _scores(run: FinishedRun, table: ScoreTable, row: int, patient: str, progress: Progress) -> list[dict[str, Any]]:
    others = np.arange(len(table.patient)) != row
    progress.start("Asking for reasons", len(table.scores))
    found = []
    # The standard first, then as the study names them; markers whose tasks failed have no scores.
    for name in (entry["name"] for entry in run.findings.document["markers"]):
        if name not in table.scores:
            continue
        first = table.scores[name][0]
        found.append(
            {
                "name": name,
                "role": table.role(name),
                "value": float(first[row]),
                "others": {
                    "cases": np.sort(first[others & table.cases]).tolist(),
                    "controls": np.sort(first[others & ~table.cases]).tolist(),
                },
                "reasons": largest(run.reasons_of(name, patient, FOLDER)),
            }
        )
        progress.advance()
    progress.finish()
    return found
