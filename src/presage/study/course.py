"""Every visit of every patient scored by the marker that was fitted without the patient.

A study gives one number per patient. Here the marker of each outer fold, fitted on the training patients as in the
study, scores each visit of the test patients apart: the cohort is restricted to the recordings of that visit, and what
the table knows of it (``phq9_2`` at visit 2) takes the place of what it knew at the first (``phq9``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError
from presage.cohort.splits import Fold
from presage.cohort.tables import some
from presage.findings import Findings, ScoreTable
from presage.findings.course import course
from presage.findings.findings import SCHEMA
from presage.study.document import marker_settings
from presage.study.fitted import first_folds, fitted
from presage.study.folder import Folder
from presage.study.marker import Marker, Resources
from presage.study.opened import Run, open_run, stamp
from presage.study.plan import Study
from presage.study.prepare import read_selected, with_encoded
from presage.study.progress import Progress
from presage.study.scored import checked_scores
from presage.study.software import versions

#: Below the run folder: findings, page, table and fitted markers.
FOLDER = "course"


@dataclass(frozen=True)
class Visits:
    """A finished run and the recordings of all visits of its patients.

    Attributes
    ----------
    run
        The run folder.
    study
        Its study.
    cohort
        All visits of the patients of the run, with outcomes.
    names
        The visits in order: by number where all are numbers, else as the table names them first.
    columns
        Columns of ``patients.csv`` with a value for each visit.
    """

    run: Run
    study: Study
    cohort: Cohort
    names: tuple[str, ...]
    columns: tuple[str, ...]

    def at(self, visit: str) -> Cohort:
        """The cohort as it was at one visit: its recordings alone, and the table's values of that visit."""
        recordings = self.cohort.recordings
        patients = self.cohort.patients.copy()
        if visit != self.names[0]:
            for name in self.columns:
                patients[name] = patients[f"{name}_{visit}"]
        return replace(self.cohort, patients=patients, recordings=recordings[recordings["visit"] == visit].copy())

    def folds(self) -> list[Fold]:
        """The folds of the first repeat: each patient is tested once in them."""
        return first_folds(self.run)

    def fitted(self, position: int, fold: Fold) -> tuple[Marker, Resources]:
        """A marker as the study fitted it on the training patients of a fold; kept, where it can be saved."""
        return fitted(self.run, position, fold, FOLDER)


def open_visits(run_folder: Folder, columns: Sequence[str]) -> Visits:
    """The visits of a finished run.

    Parameters
    ----------
    run_folder
        Of ``presage run``.
    columns
        Columns with a value for each visit: ``NAME`` for the first, ``NAME_VISIT`` for the others.

    Raises
    ------
    InputError
        If the run is not finished, the outcome is no scale, there is one visit only, or a column is missing.
    """
    if not run_folder.exists("findings.json"):
        raise InputError(
            "this run is not finished", where=run_folder.address, cure="finish it first: presage run STUDY --out RUN"
        )
    study = Study.read(run_folder.place("study.yaml"))
    run = open_run(run_folder.address, stamp(run_folder.address))
    outcome = study.outcome.outcome()
    if outcome.kind != "scale":
        raise InputError(
            f"the outcome {outcome.title!r} is {outcome.kind}, and only a scale has a course over visits",
            where="study, outcome",
            cure="predict a scale: outcome: {column: hamd, kind: scale, cutoff: 17}",
        )
    # The study may have kept one visit; here all of them are wanted.
    filters = {column: values for column, values in study.recordings.items() if column != "visit"}
    cohort = read_selected(study.model_copy(update={"recordings": filters}))
    cohort = cohort.select(set(run.cohort.patient_ids) & set(cohort.patient_ids))
    names = _in_order(cohort.recordings["visit"].astype(str).unique().tolist())
    if len(names) < 2:
        raise InputError("all recordings are of one visit", where="recordings.csv, visit", cure="add the later visits")
    wanted = tuple(dict.fromkeys((outcome.column, *columns)))
    lacking = [f"{name}_{visit}" for name in wanted for visit in names[1:] if f"{name}_{visit}" not in cohort.patients]
    if lacking:
        raise InputError(
            f"patients.csv has no column {some(lacking)}: the visits are {', '.join(names)}",
            where="patients.csv",
            cure=f"add it: NAME holds the value of visit {names[0]}, NAME_{names[1]} that of visit {names[1]}",
        )
    twice = [f"{name}_{names[0]}" for name in wanted if f"{name}_{names[0]}" in cohort.patients]
    if twice:
        raise InputError(
            f"patients.csv has {some(twice)} beside the column of the first visit: are these items of a questionnaire?",
            where="patients.csv",
            cure=f"give the totals by visit another name (NAME, NAME_{names[1]}), or drop {some(twice)}",
        )
    return Visits(run, study, cohort, names, wanted)


def score_visits(visits: Visits, progress: Progress | None = None, *, remission: float | None = None) -> Findings:
    """Score every visit out of fold, write ``course/course.csv`` and ``course/findings.json``; the findings.

    A visit enters where every marker can score it, so that all are compared on the same visits; the others are counted.

    Parameters
    ----------
    visits
        As :func:`open_visits` gives them.
    remission
        The scale below which nobody counts as ill; None for the outcome's cut-off.
    """
    run, told = visits.run, progress or Progress()
    plans = [run.plan.entry(position) for position in range(len(run.plan.markers))]
    built = {plan.name: plan.build() for plan in plans}
    cohorts = {visit: with_encoded(visits.at(visit), built, run.cache, told) for visit in visits.names}
    folds = visits.folds()
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    told.start("Scoring visits", len(folds) * len(plans))
    for fold in folds:
        for position, plan in enumerate(plans):
            marker, resources = visits.fitted(position, fold)
            for visit, cohort in cohorts.items():
                ids = set(fold.test) & set(cohort.patient_ids)
                part = cohort.select(ids).blinded()
                where = f"marker {plan.name!r}, fold {fold.fold}, visit {visit}"
                scores = checked_scores(marker.score(part, resources), part, where)
                for patient, score in zip(part.patient_ids, scores.tolist(), strict=True):
                    rows.setdefault((run.codes[patient], visit), {"fold": fold.fold})[plan.name] = score
            told.advance()
    told.finish()
    _add_outcome(rows, visits, cohorts)
    findings = _findings(visits, _table(rows, visits), built, cohorts, remission)
    frame = pd.DataFrame([{"patient": code, "visit": visit, **row} for (code, visit), row in sorted(rows.items())])
    run.folder.write_text(f"{FOLDER}/course.csv", frame.to_csv(index=False, lineterminator="\n"))
    run.folder.write_text(f"{FOLDER}/findings.json", findings.to_json())
    return findings


def _in_order(names: list[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(names)


def _add_outcome(rows: dict[tuple[str, str], dict[str, Any]], visits: Visits, cohorts: dict[str, Cohort]) -> None:
    outcome = visits.study.outcome.outcome()
    for visit, cohort in cohorts.items():
        known = cohort.patients[outcome.known(cohort.patients)]
        values = dict(zip(known.index, outcome.values(known).tolist(), strict=True))
        for patient in cohort.patient_ids:
            row = rows.get((visits.run.codes[patient], visit))
            if row is not None:
                row["outcome"] = values.get(patient)


def _table(rows: dict[tuple[str, str], dict[str, Any]], visits: Visits) -> ScoreTable:
    """One row for each visit with a known scale."""
    order = {visit: number for number, visit in enumerate(visits.names)}
    kept = sorted((key for key, row in rows.items() if row["outcome"] is not None), key=lambda k: (k[0], order[k[1]]))
    outcome = visits.study.outcome.outcome()
    names = [plan.name for plan in visits.study.plans]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([rows[key][name] for key in kept], dtype=np.float64)

    return ScoreTable(
        patient=np.array([code for code, _ in kept]),
        outcome=column("outcome"),
        scores={name: column(name)[None, :] for name in names},
        standard=visits.study.standard.name,
        outcome_kind="scale",
        cutoff=outcome.cutoff,
        outcome_title=outcome.title,
        covariates=pd.DataFrame({"visit": pd.Categorical([visit for _, visit in kept], visits.names, ordered=True)}),
    )


def _findings(
    visits: Visits, table: ScoreTable, markers: dict[str, Marker], cohorts: dict[str, Cohort], remission: float | None
) -> Findings:
    outcome, cohort = visits.study.outcome.outcome(), visits.cohort
    section = course(table, {**visits.study.report, "remission": remission})
    section["left_out"] = [{"visit": visit, "n": len(cohort) - len(part)} for visit, part in cohorts.items()]
    return Findings(
        {
            "schema": SCHEMA,
            "phantom": cohort.phantom,
            "title": f"{visits.study.title or outcome.title}: over the visits",
            "cohort": {
                "name": cohort.name,
                "description": cohort.description,
                "n_patients": len(np.unique(table.patient)),
                "n_recordings": None,
                "n_rows": len(table.patient),
                "flow": cohort.flow.counts(),
                "characteristics": None,
            },
            "outcome": asdict(outcome) | {"title": outcome.title},
            "standard": {"name": table.standard},
            "markers": [
                {
                    "name": name,
                    "summary": marker.summary,
                    "role": table.role(name),
                    "settings": marker_settings(marker),
                }
                for name, marker in markers.items()
            ],
            "validation": {
                "folds": len(visits.folds()),
                "repeats": 1,
                "group_by": visits.run.plan.group_by,
                "seed": visits.run.plan.seed,
            },
            "sections": {"course": section},
            "scores": {
                "patients": table.patient.tolist(),
                "visits": table.covariates["visit"].astype(str).tolist(),
                "outcome": table.outcome.tolist(),
                "folds": None,
                "scores": {name: given.tolist() for name, given in table.scores.items()},
            },
            "gallery": [],
            "settings": {"columns": list(visits.columns)},
            "software": versions(markers.values()),
        }
    )
