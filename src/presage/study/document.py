"""The findings of a study: scores and statistics in one document without paths, dates or patient ids."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import Cohort
from presage.cohort.splits import Splits
from presage.findings import Findings, ScoreTable, analyse
from presage.findings.findings import SCHEMA
from presage.study.marker import Marker
from presage.study.plan import MarkerPlan, Study
from presage.study.runfolder import Plan
from presage.study.software import versions
from presage.study.tuning_section import Outer, tuning_section

#: A text column with more distinct values than this share of the patients may name persons: it is no covariate.
_MOST_DISTINCT = 0.25


def findings_of(
    study: Study,
    cohort: Cohort,
    splits: Splits,
    markers: Mapping[str, Marker],
    key: Mapping[str, str],
    trainings: Mapping[str, NDArray[np.float64]],
    gallery: list[dict[str, str]],
    holes: Sequence[Mapping[str, Any]] = (),
    notes: Mapping[str, list[str]] | None = None,
    tuning: Mapping[str, Sequence[Outer]] | None = None,
) -> Findings:
    """Every analysis of the out-of-fold scores, and what is needed to read and repeat them.

    Parameters
    ----------
    study, cohort, splits, markers
        What was run, on whom.
    key
        Code by patient id.
    trainings
        By marker, scores of each of its trainings, shape (trainings, repeats, tested patients), patients in the order
        of `splits.tested`; the score is their mean.
    gallery
        As :func:`gallery_of` gives it.
    holes
        As :func:`presage.study.holes.holes_of` gives it; their markers are neither among `markers` nor in `scores`.
    notes
        By marker, what its fits said of themselves that a reader must know.
    tuning
        By marker, what each outer training fold chose where its settings are tuned.
    """
    told = notes or {}
    table = score_table(study, cohort, splits, markers, key, trainings)
    outcome = study.outcome.outcome()
    read = [r for r in cohort.iter_recordings() if any(marker.needs(r) for marker in markers.values())]
    validation: dict[str, Any] = {
        "folds": splits.folds,
        "repeats": splits.repeats,
        "group_by": splits.group_by,
        "seed": study.validation.seed,
        "splits_sha256": splits.digest(),
    }
    if len(splits.tested) < len(cohort):
        validation["n_tested"] = len(splits.tested)
    settings = settings_of(study)
    if study.validation.splits:
        settings["validation"] |= {"folds": splits.folds, "repeats": splits.repeats, "splits": "given"}
    return Findings(
        {
            **({"incomplete": list(holes)} if holes else {}),
            "schema": SCHEMA,
            "phantom": cohort.phantom,
            "title": study.title or outcome.title,
            "cohort": {
                "name": cohort.name,
                "description": cohort.description,
                "n_patients": len(cohort),
                "n_recordings": len(read),
                "n_cases": int(cohort.cases().sum()),
                "flow": cohort.flow.counts(),
                "characteristics": None,
            },
            "outcome": {"title": outcome.title, "kind": outcome.kind, "cutoff": outcome.cutoff},
            "standard": {"name": study.standard.name},
            "markers": [
                {
                    "name": name,
                    "summary": marker.summary,
                    "role": table.role(name),
                    "settings": marker_settings(marker),
                    **({"notes": told[name]} if told.get(name) else {}),
                }
                for name, marker in markers.items()
            ],
            "validation": validation,
            "sections": analyse(table, study.report) | _tuning(study, tuning or {}),
            "scores": {
                "patients": table.patient.tolist(),
                "outcome": _outcomes(table),
                "folds": None if table.folds is None else table.folds.tolist(),
                "scores": {name: given.tolist() for name, given in table.scores.items()},
            },
            "gallery": gallery,
            "settings": settings,
            "software": versions(markers.values(), tuned=any((tuning or {}).values())),
        }
    )


def settings_of(study: Study) -> dict[str, Any]:
    """The study as it may be passed on: without its cohort's folder, its engine and any path."""
    settings = study.model_dump(
        mode="json", exclude={"cohort": True, "engine": True, "pages": True, "validation": {"splits"}}
    )
    return settings | {key: _without_place(_without_paths(settings[key])) for key in ("standard", "markers")}


def marker_settings(marker: Marker) -> dict[str, Any]:
    """Every setting of a marker, files by their name alone."""
    return dict(_without_paths(marker.model_dump(mode="json")))


def score_table(
    study: Study,
    cohort: Cohort,
    splits: Splits,
    markers: Mapping[str, Marker],
    key: Mapping[str, str],
    trainings: Mapping[str, NDArray[np.float64]],
) -> ScoreTable:
    """The tested patients in the order of their codes, which says nothing about who they are."""
    ids = list(splits.tested)
    order = sorted(range(len(ids)), key=lambda number: key[ids[number]])
    tested = [ids[number] for number in order]
    outcome = study.outcome.outcome()
    patients = cohort.patients.loc[tested]
    folds = np.full((splits.repeats, len(ids)), -1, dtype=np.int64)
    rows = {repeat: number for number, repeat in enumerate(sorted({fold.repeat for fold in splits}))}
    place = {pid: number for number, pid in enumerate(tested)}
    for fold in splits:
        folds[rows[fold.repeat], [place[pid] for pid in fold.test]] = fold.fold
    return ScoreTable(
        patient=np.array([key[pid] for pid in tested]),
        outcome=outcome.values(patients),
        scores={name: given.mean(axis=0)[:, order] for name, given in trainings.items()},
        trainings={name: given[:, :, order] for name, given in trainings.items() if len(given) > 1},
        standard=study.standard.name,
        # One test set is no cross-validation: its scores are those of a model from elsewhere.
        folds=folds if splits.folds > 1 else None,
        outcome_kind=outcome.kind,
        cutoff=outcome.cutoff,
        outcome_title=outcome.title,
        covariates=_covariates(patients.drop(columns=list(cohort.outcome_columns), errors="ignore")),
        probabilities=tuple(name for name, marker in markers.items() if marker.gives_probability),
        controls=tuple(name for name, marker in markers.items() if marker.control and name != study.standard.name),
    )


def gallery_of(
    pictures: Sequence[Mapping[str, str]], cohort: Cohort, key: Mapping[str, str], plan: Plan
) -> list[dict[str, str]]:
    """The gallery's entries: cases first, then by code."""
    if plan.explaining is None:
        return []
    status = {key[pid]: bool(case) for pid, case in zip(cohort.patient_ids, cohort.cases(), strict=True)}
    name = plan.name(plan.explaining)
    entries = []
    for entry in sorted(pictures, key=lambda e: (not status[e["code"]], e["code"], e["file"])):
        who = "case" if status[entry["code"]] else "control"
        head = ", ".join(part for part in (entry["code"], who, entry["what"]) if part)
        entries.append(
            {
                "code": entry["code"],
                "file": entry["file"],
                "caption": f"{head}. {name}. {entry['caption']}".strip(),
                "alt": f"Recording of patient {head}: as it is, and coloured where the score of {name} comes from.",
            }
        )
    return entries


def _tuning(study: Study, found: Mapping[str, Sequence[Outer]]) -> dict[str, Any]:
    """The section on tuning, which comes from the study and not from the scores; nothing where nothing was tuned."""
    plans = [MarkerPlan.model_validate(_without_paths(plan.model_dump(mode="json"))) for plan in study.plans]
    chosen: dict[str, list[Outer]] = {
        name: [(repeat, fold, _without_paths(told)) for repeat, fold, told in outer] for name, outer in found.items()
    }
    section = tuning_section(plans, study.validation.group_by, chosen)
    return {} if section is None else {"tuning": section}


def _covariates(patients: pd.DataFrame) -> pd.DataFrame:
    """What is known of the patients, without texts that may name them."""
    kept = {}
    for name in patients.columns:
        column = patients[name].reset_index(drop=True)
        if name == "match_set":
            kept[name] = column
        elif pd.api.types.is_numeric_dtype(column) or column.nunique() <= max(2, _MOST_DISTINCT * len(column)):
            kept[str(name)] = column
    return pd.DataFrame(kept)


def _outcomes(table: ScoreTable) -> list[Any]:
    if table.outcome_kind == "time-to-event":
        return [[float(event), float(time)] for event, time in table.outcome]
    return list(table.outcome.tolist())


def _without_place(plans: Any) -> Any:
    """Marker plans without what a task needs of a machine: no number depends on it."""
    if isinstance(plans, list):
        return [_without_place(plan) for plan in plans]
    return {key: value for key, value in plans.items() if key != "place"}


def _without_paths(value: Any) -> Any:
    """Settings with files by their name alone: where they lie is nobody's business, and differs between machines."""
    if isinstance(value, dict):
        return {key: _without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner) for inner in value]
    if isinstance(value, str) and (os.path.isabs(value) or "://" in value or ("/" in value and os.path.exists(value))):
        return value.rstrip("/").rsplit("/", 1)[-1]
    return value
