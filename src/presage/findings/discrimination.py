"""How well each score tells cases from controls: AUC, sensitivity at fixed specificities, ROC curves, distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings import estimates
from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import percent, with_interval

# More would not be seen on a page, and the findings of a large cohort stay small.
CURVE_POINTS = 200
BINS = 24


def discrimination(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``discrimination``; None for a time-to-event outcome, whose discrimination depends on time."""
    if table.outcome_kind == "time-to-event":
        return None
    options = Options.read(chosen)
    cases = table.cases
    scores = [_one(table, name, cases, options) for name in table.scores]
    # The standard first, then the markers in the order in which they were named.
    scores.sort(key=lambda entry: entry["role"] != "standard")
    caveats = []
    if table.folds is not None:
        count = estimates.repeats(table)
        used = f"mean over {count} repeats" if count > 1 else "score"
        caveats.append(
            "Every score is out of fold. The AUC compares people within a test fold, whom one fitted model scored, and "
            f"its interval counts the training too. Curves, distributions and sensitivities use each person's {used}, "
            "brought to mean 0 and standard deviation 1 within each test fold, so that the models are comparable; "
            "they may differ a little from the AUC."
        )
    if table.clustered:
        caveats.append(
            "Some people have several rows; intervals are by person, as rows of one person are not independent."
        )
    return {
        "title": "Discrimination",
        "n": len(cases),
        "n_cases": int(cases.sum()),
        "n_controls": int((~cases).sum()),
        "outcome": table.outcome_title,
        "scores": scores,
        "sentence": _sentence(scores, options),
        "caveats": caveats,
    }


def _one(table: ScoreTable, name: str, cases: NDArray[np.bool_], options: Options) -> dict[str, Any]:
    ranking = table.ranking(name)
    return {
        "name": name,
        "role": table.role(name),
        "auc": estimates.auc(table, name, options),
        "sensitivity_at": [estimates.sensitivity_at(table, name, value, options) for value in options.specificities],
        "roc": roc_points(cases, ranking),
        "distribution": distribution(cases, ranking),
    }


def roc_points(cases: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, list[float]]:
    """Corners of the empirical ROC curve, thinned to at most `CURVE_POINTS` for drawing."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    sensitivity = np.concatenate(([0.0], np.cumsum(cases[order])[ends] / cases.sum()))
    false_positive = np.concatenate(([0.0], np.cumsum(~cases[order])[ends] / (~cases).sum()))
    if len(ends) > CURVE_POINTS:
        # Evenly along the curve, so that a steep start keeps its corners.
        along = sensitivity + false_positive
        keep = np.unique(np.searchsorted(along, np.linspace(0, 2, CURVE_POINTS)).clip(0, len(along) - 1))
        sensitivity, false_positive = sensitivity[keep], false_positive[keep]
    return {"false_positive_rate": _rounded(false_positive), "sensitivity": _rounded(sensitivity)}


def distribution(cases: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, Any]:
    """Histogram of the scores of cases and of controls on the same edges, and the quartiles of both.

    Few scores far out would squeeze all others into one bar: those beyond three quartile ranges are counted in the
    outermost bars, and in ``beyond``.
    """
    low, high = _drawn_range(score)
    edges = np.linspace(low, high, BINS + 1)
    inside = np.clip(score, low, high)
    return {
        "edges": [float(f"{edge:.6g}") for edge in edges],
        "cases": np.histogram(inside[cases], edges)[0].tolist(),
        "controls": np.histogram(inside[~cases], edges)[0].tolist(),
        "beyond": int(((score < low) | (score > high)).sum()),
        "quartiles_cases": [float(f"{q:.6g}") for q in np.quantile(score[cases], (0.25, 0.5, 0.75))],
        "quartiles_controls": [float(f"{q:.6g}") for q in np.quantile(score[~cases], (0.25, 0.5, 0.75))],
    }


def _drawn_range(score: NDArray[np.float64]) -> tuple[float, float]:
    first, third = np.quantile(score, (0.25, 0.75))
    reach = 3 * float(third - first)
    low, high = max(float(score.min()), first - reach), min(float(score.max()), third + reach)
    return (float(low), float(high)) if high > low else (float(score.min()), float(score.max()))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]


def _sentence(scores: list[dict[str, Any]], options: Options) -> str:
    if not options.specificities:
        return "The chance that a case scores above a control (AUC): " + "; ".join(
            f"{entry['name']} {with_interval(entry['auc'])}" for entry in scores
        )
    kept = options.specificities[-1]
    found = "; ".join(
        f"{entry['name']} finds {percent(entry['sensitivity_at'][-1]['sensitivity']['value'])}" for entry in scores
    )
    return f"Where {percent(1 - kept)} of the controls may be falsely alarmed, the share of cases found is: {found}."
