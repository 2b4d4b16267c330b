"""The risk of each patient by models that were fitted without the patient, and how well such risks hold in the cohort.

The statistics are those of every study (`presage.findings.survival`): a marker beside its standard, with intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError, Outcome
from presage.cohort.splits import make_splits
from presage.findings import ScoreTable, TableError
from presage.findings.options import Options
from presage.findings.survival import survival
from presage.findings.words import as_json
from presage.stats.checks import StatsError
from presage.stats.kaplan_meier import kaplan_meier
from presage.study import Reason, Resources
from presage.tumor.risk.markers import THREE_YEARS, StageAge, TumorRisk

Floats = NDArray[np.float64]

FOLDS, REPEATS = 5, 2
#: Events below which no risk is told: five folds of a handful of events are fitted to noise.
FEWEST_EVENTS = 20
STANDARD, MARKER = "Stage and age", "Tumour risk"
EVENTS = {"os": "death", "pfi": "progression or death"}
# Reasons that are told of a patient, and the smallest that are (a hundredth more or less of the hazard).
_MOST, _SMALLEST = 8, 0.01


@dataclass(frozen=True)
class Risks:
    """Risks of a cohort's patients.

    Attributes
    ----------
    document
        What is told of the cohort: `event`, `horizon`, `unit`, `standard`, `marker`, `folds`, `repeats`, `n`, `events`,
        `observed` (Kaplan-Meier, share with the event by the horizon), `ordered` (rising risks by marker and standard)
        and `section`, as `presage.findings.survival` gives it; or `not_computed`, why there are none.
    patients
        By patient: `marker`, `standard` (risks by the horizon), `place` and `place_standard` (share of the cohort with
        a lower risk), `third` (0 to 2), `known` (whether the patient's follow-up is among those that were learnt from,
        by models of other folds) and `reasons`.
    why_not
        Why the other patients have none.
    """

    document: dict[str, Any]
    patients: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    why_not: str = "the patient has no row in the clinical table, or none in the mutation table"

    def of(self, patient: str) -> dict[str, Any]:
        """What is told of one patient."""
        if patient in self.patients:
            return self.patients[patient]
        if "not_computed" in self.document:
            return {"not_computed": self.document["not_computed"]}
        return {"not_computed": self.why_not}


def no_risks(why: str) -> Risks:
    """Why nobody has a risk."""
    return Risks({"not_computed": why})


def cross_validated(
    table: pd.DataFrame,
    outcome: str = "os",
    *,
    horizon: float = THREE_YEARS,
    repeats: int = REPEATS,
    seed: int = 2020,
    phantom: bool = False,
    progress: Callable[[], object] | None = None,
) -> Risks:
    """Risks of every patient by models that were fitted, genes and penalty chosen included, without the patient.

    Parameters
    ----------
    table
        As :func:`presage.tumor.risk.risk_table` gives it. Patients without follow-up are not learnt from; they get the
        mean risk over all models.
    outcome
        `os` or `pfi`.
    horizon
        Days.
    repeats, seed
        Of the cross-validation in five folds.
    progress
        Told after each of ``5 x repeats`` parts.

    Returns
    -------
    Risks
        Without risks, and with the reason, where there are fewer than 20 events, no age, or nobody is followed beyond
        the horizon.
    """
    days, event = f"{outcome}_days", f"{outcome}_event"
    if days not in table or table[days].isna().all():
        return no_risks(f"the clinical table has no {outcome.upper()} follow-up")
    if "age" not in table or table["age"].isna().all():
        return no_risks("the clinical table has no age")
    known = table[days].notna() & table[event].notna()
    happened = int(table.loc[known, event].sum())
    if happened < FEWEST_EVENTS:
        return no_risks(
            f"{happened} of {int(known.sum())} patients with mutations and follow-up had the event "
            f"({EVENTS[outcome]}), and {FEWEST_EVENTS} are needed"
        )
    try:
        return _cross_validated(table, known, outcome, horizon, repeats, seed, phantom, progress or (lambda: None))
    except (InputError, StatsError, TableError) as error:
        return no_risks(str(getattr(error, "what", error)))


def _cross_validated(
    table: pd.DataFrame,
    known: pd.Series,
    outcome: str,
    horizon: float,
    repeats: int,
    seed: int,
    phantom: bool,
    progress: Callable[[], object],
) -> Risks:
    meant = Outcome(f"{outcome}_days", "time-to-event", event=f"{outcome}_event", label=EVENTS[outcome])
    nothing = pd.DataFrame(columns=["patient_id", "visit", "kind", "path"])
    columns = tuple(str(name) for name in table if str(name).startswith(("os_", "pfi_")))
    everybody = Cohort(table.sort_index(), nothing, phantom=phantom, outcome_columns=columns)
    cohort = everybody.select(table.index[known]).with_outcome(meant)
    others = everybody.select(table.index[~known]).blinded()
    # Nobody may have the whole follow-up before the folds are laid: a horizon that cannot be is refused at once.
    if horizon >= float(cohort.targets()["time"].max()):
        raise InputError(f"nobody was followed beyond the horizon ({horizon:g} days)")
    splits = make_splits(cohort, folds=FOLDS, repeats=repeats, seed=seed)
    place = {patient: number for number, patient in enumerate(cohort.patient_ids)}
    scores = {name: np.full((repeats, len(cohort)), np.nan) for name in (STANDARD, MARKER)}
    of_others = {name: np.zeros(len(others)) for name in (STANDARD, MARKER)}
    folds = np.zeros((repeats, len(cohort)), dtype=np.int64)
    reasons: dict[str, list[dict[str, Any]]] = {}
    for fold in splits:
        train, tested = cohort.select(fold.train), cohort.select(fold.test).blinded()
        rows = [place[patient] for patient in fold.test]
        folds[fold.repeat, rows] = fold.fold
        resources = Resources(seed=seed + 100 * fold.repeat + fold.fold)
        for name, marker in ((STANDARD, StageAge(horizon=horizon)), (MARKER, TumorRisk(horizon=horizon))):
            marker.fit(train, resources)
            scores[name][fold.repeat, rows] = marker.score(tested)
            of_others[name] += marker.score(others) / (FOLDS * repeats)
        if fold.repeat == 0:  # `marker` is the last of the two
            reasons |= {patient: told(marker.reasons(tested, patient)) for patient in fold.test}
        progress()
    scored = ScoreTable(
        patient=np.array(cohort.patient_ids),
        outcome=cohort.targets(),
        scores=scores,
        standard=STANDARD,
        folds=folds,
        outcome_kind="time-to-event",
        outcome_title=EVENTS[outcome],
        probabilities=(STANDARD, MARKER),
    )
    section = survival(scored, {"horizon": horizon, "primary": MARKER, "seed": seed})
    assert section is not None
    found = gathered(scored, section, MARKER, reasons, event=EVENTS[outcome], unit="days", repeats=repeats, folds=FOLDS)
    return with_others(found, others.patient_ids, of_others[MARKER], of_others[STANDARD])


def gathered(
    table: ScoreTable,
    section: Mapping[str, Any],
    marker: str,
    reasons: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    event: str,
    unit: str,
    repeats: int,
    folds: int,
) -> Risks:
    """Risks from out-of-fold scores and the section that judges them.

    Parameters
    ----------
    table
        Its patients are those that :meth:`Risks.of` knows.
    section
        Of `presage.findings.survival`.
    marker
        Name of the marker that is told beside the standard.
    reasons
        By patient.
    event, unit
        What happens, in words, and the unit of the follow-up.
    """
    risk, standard = table.combined(marker), table.combined(table.standard)
    third = np.searchsorted(np.quantile(risk, (1 / 3, 2 / 3)), risk, side="right")
    happened, time = table.cases, table.outcome["time"]
    alive = kaplan_meier(happened, time, level=Options().level).at(float(section["horizon"]))
    ordered = {"marker": np.sort(risk), "standard": np.sort(standard)}
    patients = {
        str(patient): {
            "marker": float(risk[row]),
            "standard": float(standard[row]),
            "place": _place(ordered["marker"], risk[row]),
            "place_standard": _place(ordered["standard"], standard[row]),
            "third": int(third[row]),
            "known": True,
            "reasons": list(reasons.get(str(patient), ())),
        }
        for row, patient in enumerate(table.patient)
    }
    observed = as_json(alive)
    document = {
        "event": event,
        "unit": unit,
        "horizon": float(section["horizon"]),
        "n": len(table.patient),
        "events": int(happened.sum()),
        "standard": table.standard,
        "marker": marker,
        "folds": folds,
        "repeats": repeats,
        "observed": observed
        | {"value": 1 - observed["value"], "low": 1 - observed["high"], "high": 1 - observed["low"]},
        "edges": [float(edge) for edge in np.quantile(risk, (1 / 3, 2 / 3))],
        "ordered": {name: [float(f"{value:.5g}") for value in values] for name, values in ordered.items()},
        # Of other scores of a study the page of a tumour says nothing.
        "section": {
            **section,
            "scores": [one for one in section["scores"] if one["name"] in (marker, table.standard)],
            "markers": [one for one in section["markers"] if one["name"] == marker],
        },
    }
    return Risks(document, patients)


def with_others(found: Risks, others: Sequence[str], risk: Floats, standard: Floats) -> Risks:
    """The risks, and those of patients whom no model learnt from as their follow-up is not known."""
    ordered = {name: np.array(values) for name, values in found.document["ordered"].items()}
    more = {
        str(patient): {
            "marker": float(risk[row]),
            "standard": float(standard[row]),
            "place": _place(ordered["marker"], risk[row]),
            "place_standard": _place(ordered["standard"], standard[row]),
            "third": int(np.searchsorted(found.document["edges"], risk[row], side="right")),
            "known": False,
            "reasons": [],
        }
        for row, patient in enumerate(others)
    }
    return Risks(found.document, {**found.patients, **more}, found.why_not)


def told(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """The largest parts of a risk, on the log hazard."""
    kept = sorted((one for one in reasons if abs(one.contribution) >= _SMALLEST), key=lambda r: -abs(r.contribution))
    return [{"words": one.words, "weight": float(one.contribution)} for one in kept[:_MOST]]


def _place(ordered: Floats, value: float) -> float:
    """Share of the cohort with a lower risk; equals count half."""
    below = np.searchsorted(ordered, value), np.searchsorted(ordered, value, side="right")
    return float(sum(below) / (2 * len(ordered)))
