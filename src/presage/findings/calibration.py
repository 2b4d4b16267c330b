"""Are the risks right? Risks as given, or scores recalibrated on other people, against what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from presage.findings.estimates import repeats
from presage.findings.options import Options
from presage.findings.risks import Risks, case_control, risks
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, joined, number, percent, with_interval
from presage.stats.calibration import Calibration
from presage.stats.calibration import calibration as calibrate
from presage.stats.checks import StatsError

# Fewer cases or controls than this leave a curve without a shape.
FEWEST = 20
POINTS = 41
# Each replicate refits a curve; more would cost seconds for a digit nobody reads.
MOST_REPLICATES = 300


def calibration(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``calibration``; None for a time-to-event outcome or fewer than 20 cases or controls."""
    cases = table.cases
    if table.outcome_kind == "time-to-event" or min(cases.sum(), (~cases).sum()) < FEWEST:
        return None
    options = Options.read(chosen)
    scores, without = [], []
    for name in sorted(table.scores, key=lambda entry: entry != table.standard):
        found = risks(table, name, options)
        entry = None if found is None else _one(table, name, found, options)
        if entry is None:
            without.append(name)
        else:
            scores.append(entry)
    if not scores:
        return None
    return {
        "title": "Calibration",
        "n": len(cases),
        "n_cases": int(cases.sum()),
        "scores": scores,
        "recalibration": "; ".join(dict.fromkeys(entry["how"] for entry in scores)),
        "sentence": _sentence(scores),
        "caveats": _caveats(table, scores, without, options),
    }


def _one(table: ScoreTable, name: str, found: Risks, options: Options) -> dict[str, Any] | None:
    try:
        fit = calibrate(
            table.cases,
            found.values,
            level=options.level,
            points=POINTS,
            replicates=options.draws(len(table.cases), MOST_REPLICATES),
            seed=options.seed,
            patients=table.patient if table.clustered else None,
        )
    except StatsError:
        return None
    return {
        "name": name,
        "role": table.role(name),
        "how": found.how,
        "recalibrated": found.recalibrated,
        "intercept": as_json(fit.intercept),
        "slope": as_json(fit.slope),
        "observed_to_expected": as_json(fit.observed_to_expected),
        "average_error": as_json(fit.average_error),
        "median_error": as_json(fit.median_error),
        "error_at_90_percent": as_json(fit.error_at_90_percent),
        "largest_error": fit.largest_error,
        "brier": {
            **as_json(fit.brier.score),
            "scaled": fit.brier.scaled,
            "reliability": fit.brier.reliability,
            "resolution": fit.brier.resolution,
            "uncertainty": fit.brier.uncertainty,
        },
        "curve": _curve(fit),
        "deciles": [round(float(value), 6) for value in np.quantile(found.values, np.linspace(0, 1, 11))],
    }


def _curve(fit: Calibration) -> dict[str, Any]:
    lines = {key: [round(float(v), 6) for v in getattr(fit.curve, key)] for key in ("risk", "observed", "low", "high")}
    return {**lines, "method": fit.curve.method}


def _sentence(scores: list[dict[str, Any]]) -> str:
    told = "; ".join(
        f"{entry['name']} {number(100 * entry['average_error']['value'], 1)} percentage points" for entry in scores
    )
    text = f"Average distance between the risk that was said and what happened: {told}."
    bent = [entry["name"] for entry in scores if entry["slope"]["high"] < 1 and not entry["recalibrated"]]
    if bent:
        text += f" Too extreme risks (slope below 1): {'; '.join(bent)}."
    off = [entry for entry in scores if not entry["recalibrated"] and _excludes(entry["observed_to_expected"], 1)]
    for entry in off:
        way = "too low" if entry["observed_to_expected"]["value"] > 1 else "too high"
        ratio = with_interval(entry["observed_to_expected"])
        text += f" The risks of {entry['name']} are {way}: {ratio} cases for each one expected."
    return text


def _excludes(estimate: Mapping[str, Any], value: float) -> bool:
    return not estimate["low"] <= value <= estimate["high"]


def _caveats(table: ScoreTable, scores: list[dict[str, Any]], without: list[str], options: Options) -> list[str]:
    caveats = []
    if without:
        caveats.append(
            f"No calibration of {joined(without)}: no risk, or no curve, could be fitted (a score that separates cases "
            "from controls completely, runs the other way, or has hardly any spread)."
        )
    if repeats(table) > 1:
        caveats.append(
            f"Judged is each person's mean risk over {repeats(table)} repeats of the cross-validation, all folds "
            "together; "
            "a mean over repeats is steadier than the risk that one fitted model would give. Intervals leave out the "
            "share of the training."
        )
    elif table.folds is not None:
        caveats.append(
            "Every risk is out of fold; those of all folds are judged together, and intervals leave out the "
            "share of the training."
        )
    if any(entry["recalibrated"] for entry in scores):
        names = "; ".join(entry["name"] for entry in scores if entry["recalibrated"])
        caveats.append(
            f"Not risks by themselves, and therefore recalibrated (on people other than those judged): {names}. Their "
            "calibration in the large is good by construction; read slope, curve and Brier score."
        )
    if case_control(table, options):
        given = table.folds is None and any(not entry["recalibrated"] for entry in scores)
        share = percent(float(table.cases.mean()))
        text = f"Taken as a case-control sample ({share} cases): these risks hold within it, and not in a clinic."
        if given and options.prevalence is None:
            text += " Without a stated prevalence, whether given risks are too high or too low cannot be judged."
        caveats.append(text)
    if min(table.cases.sum(), (~table.cases).sum()) < 200:
        caveats.append(
            "A reliable calibration curve needs about 200 cases and 200 controls; with fewer, look at the band."
        )
    return caveats
