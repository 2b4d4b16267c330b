"""How many more are found, and at what price: decision curves, and what screening 1,000 people would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.risks import case_control, risks
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, number, percent
from presage.stats.checks import StatsError
from presage.stats.operating import sensitivity_at_specificity
from presage.stats.recalibration import shift_prevalence
from presage.stats.reclassification import discrimination_improvement, net_reclassification
from presage.stats.utility import DecisionCurve, decision_curve, screening

POINTS = 40
MOST_REPLICATES = 500


def utility(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``utility``; None for a time-to-event outcome or without a marker.

    A case-control table without a stated prevalence gets a section that says why nothing is shown.
    """
    if table.outcome_kind == "time-to-event" or not table.markers:
        return None
    options = Options.read(chosen)
    share = float(table.cases.mean())
    if case_control(table, options) and options.prevalence is None:
        return {
            "title": "Clinical utility",
            "shown": False,
            "sentence": (
                f"Not shown: {percent(share)} of these {options.people} are cases, which looks like a case-control "
                "sample, "
                "and what a marker is worth in a clinic depends on how common the disease is there. State the "
                "prevalence "
                "(option prevalence), or say that this is a cohort (option case_control: false)."
            ),
            "caveats": [],
        }
    prevalence = share if options.prevalence is None else options.prevalence
    section: dict[str, Any] = {
        "title": "Clinical utility",
        "shown": True,
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "prevalence": prevalence,
        "prevalence_stated": options.prevalence is not None,
        "per_1000": _per_1000(table, prevalence, options),
    }
    section |= _curves(table, prevalence, options)
    section["sentence"] = _sentence(section, table, options)
    section["caveats"] = _caveats(section)
    return section


def _per_1000(table: ScoreTable, prevalence: float, options: Options) -> list[dict[str, Any]]:
    """What acting above the threshold of each fixed specificity does per 1,000 people, for every score."""
    rows = []
    for specificity in options.specificities:
        for name in sorted(table.scores, key=lambda entry: entry != table.standard):
            score = table.combined(name)
            point = sensitivity_at_specificity(table.cases, score, specificity, seed=options.seed, replicates=100)
            try:
                found = screening(table.cases, score > point.threshold, prevalence=prevalence, level=options.level)
            except StatsError:
                continue
            rows.append(
                {
                    "name": name,
                    "specificity": specificity,
                    "positives": found.positives_per_1000,
                    "found": found.cases_found_per_1000,
                    "missed": found.cases_missed_per_1000,
                    "needless": found.needless_per_1000,
                    "number_needed_to_screen": _finite(as_json(found.number_needed_to_screen)),
                    "number_needed_to_recall": _finite(as_json(found.number_needed_to_recall)),
                }
            )
    return rows


def _curves(table: ScoreTable, prevalence: float, options: Options) -> dict[str, Any]:
    """Decision curves and reclassification of the scores that have risks, moved to the prevalence of use."""
    share = float(table.cases.mean())
    named: dict[str, NDArray[np.float64]] = {}
    for name in sorted(table.scores, key=lambda entry: entry != table.standard):
        found = risks(table, name, options)
        if found is not None:
            moved = prevalence != share
            named[name] = shift_prevalence(found.values, share, prevalence) if moved else found.values
    if table.standard not in named or len(named) < 2:
        return {"decision": None, "reclassification": []}
    patients = table.patient if table.clustered else None
    replicates = options.draws(len(table.cases), MOST_REPLICATES)
    grid = options.thresholds or thresholds(prevalence)
    try:
        curve = decision_curve(
            table.cases,
            np.stack(list(named.values())),
            np.asarray(grid),
            prevalence=prevalence if options.prevalence is not None else None,
            patients=patients,
            level=options.level,
            replicates=replicates,
            seed=options.seed,
        )
    except StatsError as error:
        return {"decision": None, "decision_reason": str(error), "reclassification": []}
    changed = [
        _reclassified(table, named[table.standard], named[name], name, replicates, options)
        for name in table.markers
        if name in named and not np.array_equal(named[name], named[table.standard])
    ]
    return {"decision": _decision(curve, list(named)), "reclassification": changed}


def _reclassified(
    table: ScoreTable,
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    name: str,
    replicates: int,
    options: Options,
) -> dict[str, Any]:
    patients = table.patient if table.clustered else None
    net = net_reclassification(
        table.cases, old, new, level=options.level, replicates=replicates, seed=options.seed, patients=patients
    )
    slope = discrimination_improvement(
        table.cases, old, new, level=options.level, replicates=replicates, seed=options.seed, patients=patients
    )
    return {
        "name": name,
        "nri": as_json(net.total),
        "nri_cases": as_json(net.cases),
        "nri_controls": as_json(net.controls),
        "idi": as_json(slope.total),
        "caveats": [net.caveat, slope.caveat],
    }


def thresholds(prevalence: float) -> list[float]:
    """Risks from a fifth of the prevalence to five times it: where a decision would be taken."""
    return [float(f"{value:.4g}") for value in np.linspace(prevalence / 5, min(5 * prevalence, 0.9), POINTS)]


def _decision(curve: DecisionCurve, names: list[str]) -> dict[str, Any]:
    def rounded(values: NDArray[np.float64]) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    keys = (
        "net_benefit",
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "standardised",
        "positives",
    )
    return {
        "thresholds": rounded(curve.thresholds),
        "treat_all": rounded(curve.treat_all),
        "level": curve.level,
        "method": curve.method,
        "scores": [
            {"name": name, **{key: rounded(getattr(curve, key)[row]) for key in keys}} for row, name in enumerate(names)
        ],
    }


def _finite(estimate: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: a limit that is infinite is None."""
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in estimate.items()}


def _sentence(section: Mapping[str, Any], table: ScoreTable, options: Options) -> str:
    if not section["per_1000"]:
        return "No score finds a case at the stated specificities."
    kept = options.specificities[-1]
    rows = [row for row in section["per_1000"] if row["specificity"] == kept]
    first, *others = [(row["name"], number(row["found"], 1)) for row in rows]
    told = "; ".join([f"{first[0]} finds {first[1]} of the cases", *(f"{name} {found}" for name, found in others)])
    return (
        f"Of 1,000 {options.people}, {1000 * section['prevalence']:.3g} of them cases, and with at most "
        f"{number(max(row['needless'] for row in rows), 0)} needless alarms each: {told}."
    )


def _caveats(section: Mapping[str, Any]) -> list[str]:
    stated = "stated" if section["prevalence_stated"] else "that of these people"
    caveats = [
        f"Prevalence {section['prevalence']:.3g} ({stated}), taken as known. Thresholds were set on the people shown, "
        "so that "
        "new people will show slightly less."
    ]
    if section.get("decision") is None:
        reason = section.get("decision_reason") or "the standard or every marker could not be turned into a risk"
        caveats.append(f"No decision curve: {reason}.")
    caveats += dict.fromkeys(text for entry in section["reclassification"] for text in entry["caveats"])
    return caveats
