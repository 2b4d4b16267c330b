"""One patient over the visits: scale, scores, what each score is the sum of, and pictures of the recordings.

What this gathers may quote the patient. It goes into a folder for its owner alone, under the patient's code.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from presage.cohort import Cohort, InputError, kind_named
from presage.findings import Findings
from presage.study.course import FOLDER as COURSE
from presage.study.course import Visits, open_visits
from presage.study.folder import Folder
from presage.study.marker import Reason
from presage.study.progress import Progress
from presage.study.scored import gives_reasons

#: Below the run folder, for its owner alone.
FOLDER = "patients"
SCHEMA = "presage-patient/1"
# Reasons that are kept of each marker at each visit: so many that raise the score, and so many that lower it.
_MOST = 3


def has_course(run_folder: Folder, code: str) -> bool:
    """Whether some visit of the patient was scored apart."""
    place = f"{COURSE}/findings.json"
    return run_folder.exists(place) and code in Findings.read(run_folder.place(place)).document["scores"]["patients"]


def gather_patient(run_folder: Folder, code: str, progress: Progress | None = None) -> dict[str, Any]:
    """Everything that the page of one patient shows; also written to ``patients/CODE/patient.json``.

    Parameters
    ----------
    run_folder
        Of a finished run whose visits were scored (``presage course``).
    code
        The patient's code in findings and report, such as ``P0007``.

    Returns
    -------
    dict
        ``code``, ``phantom``, ``title``, ``scale`` (title, cutoff, remission_below), ``visits`` (each with ``visit``,
        ``outcome``, ``pictures`` and, by marker, ``score`` and ``reasons``), ``scores`` (name, role, smallest reliable
        change) and ``software``.

    Raises
    ------
    InputError
        If the visits were not scored, or nobody has this code.
    """
    told = progress or Progress()
    if not run_folder.exists(f"{COURSE}/findings.json"):
        raise InputError(
            "the visits of this run are not scored", where=run_folder.address, cure="score them: presage course RUN"
        )
    document = Findings.read(run_folder.place(f"{COURSE}/findings.json")).document
    rows = [number for number, given in enumerate(document["scores"]["patients"]) if given == code]
    if not rows:
        raise InputError(
            f"nobody has the code {code!r} in these findings",
            where=run_folder.place(f"{COURSE}/findings.json"),
            cure=f"codes look like {document['scores']['patients'][0]}; course.csv lists them",
        )
    visits = open_visits(run_folder, document["settings"]["columns"])
    patient = next(pid for pid, given in visits.run.codes.items() if given == code)
    section = document["sections"]["course"]
    told.start("Drawing visits", len(rows))
    shown = []
    private = run_folder.child(FOLDER, private=True).child(code, private=True)
    for row in rows:
        shown.append(_visit(visits, document, row, patient, private))
        told.advance()
    told.finish()
    found = {
        "schema": SCHEMA,
        "code": code,
        "phantom": document["phantom"],
        "title": visits.study.title or section["scale"],
        "scale": {
            "title": section["scale"],
            "cutoff": document["outcome"]["cutoff"],
            "remission_below": section["remission_below"],
        },
        "scores": [
            {"name": entry["name"], "role": entry["role"], "smallest": (entry.get("error") or {}).get("smallest")}
            for entry in section["scores"]
        ],
        "visits": shown,
        "software": document["software"],
    }
    private.write_text("patient.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return found


def _visit(visits: Visits, document: dict[str, Any], row: int, patient: str, private: Folder) -> dict[str, Any]:
    scores = document["scores"]
    visit = scores["visits"][row]
    fold = next(fold for fold in visits.folds() if patient in fold.test)
    alone = visits.at(visit).select([patient])
    reasons = {}
    for position, plan in enumerate(visits.study.plans):
        if not gives_reasons(plan.build()):
            continue
        marker, resources = visits.fitted(position, fold)
        reasons[plan.name] = largest(marker.reasons(alone.blinded(), patient, resources))
    return {
        "visit": visit,
        "outcome": scores["outcome"][row],
        "scores": {name: given[0][row] for name, given in scores["scores"].items()},
        "reasons": reasons,
        "pictures": draw(coded(alone, visits.run.codes[patient]), visit, private),
    }


def largest(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """The reasons that raise a score most, then those that lower it most."""
    ordered = sorted(reasons, key=lambda part: -abs(part.contribution))
    up = [part for part in ordered if part.contribution > 0][:_MOST]
    down = [part for part in ordered if part.contribution < 0][:_MOST]
    return [asdict(part) for part in (*up, *down)]


def coded(cohort: Cohort, code: str) -> Cohort:
    """The cohort of one patient under the code: what is drawn of it names nobody."""
    patients = cohort.patients.copy()
    patients.index = patients.index.map(lambda _: code)
    return replace(cohort, patients=patients, recordings=cohort.recordings.assign(patient_id=code))


def draw(cohort: Cohort, visit: str, private: Folder) -> list[dict[str, str]]:
    """Draw a picture of each kind of one visit that no other kind shows too; file and caption of each."""
    cohort = replace(cohort, recordings=cohort.recordings[cohort.recordings["visit"].astype(str) == visit])
    there = sorted(set(cohort.recordings["kind"]))
    covered = {other for kind in there for other in getattr(kind_named(kind), "shows", ()) if other in there}
    # Two that show each other: the one that shows more stands.
    kept = [kind for kind in there if kind not in covered] or there
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for kind in kept:
            drawn = kind_named(kind).show(cohort, Path(scratch) / f"{kind}.png")
            name = re.sub(r"[^\w.-]+", "-", f"visit-{visit}-{kind}.png")
            private.write(name, drawn.read_bytes())
            found.append({"file": name, "caption": getattr(kind_named(kind), "caption", "")})
    return found
