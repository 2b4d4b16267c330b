"""Agreement with a scale: how far predictions are from the questionnaire, and whether changes are seen alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.changes import changes
from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, difference_with_interval, number, with_interval
from presage.stats import agreement as measures
from presage.stats.checks import StatsError
from presage.stats.severity import bands, weighted_kappa

# Points of the Bland-Altman plot; more would be a cloud.
MOST_POINTS = 400


def agreement(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``agreement``; None for other outcomes than a scale."""
    if table.outcome_kind != "scale":
        return None
    options = Options.read(chosen)
    truth = np.asarray(table.outcome, dtype=np.float64)
    scores = [
        _one(table, name, truth, options) for name in sorted(table.scores, key=lambda name: name != table.standard)
    ]
    section = {
        "title": "Agreement with the scale",
        "n": len(truth),
        "scale": table.outcome_title,
        "range": [float(truth.min()), float(truth.max())],
        "scores": scores,
        "changes": changes(table, {entry["name"]: entry["on_scale"] for entry in scores}, options),
    }
    section["sentence"] = _sentence(scores, table)
    section["caveats"] = _caveats(section, table)
    return section


def fits(table: ScoreTable, name: str, options: Options) -> bool:
    """Whether a score is in points of the scale: as chosen, or by its values.

    All must lie within the scale's range and a half more, and their mean where the middle four fifths of people are.
    """
    if options.on_scale is not None:
        return name in options.on_scale
    truth, score = np.asarray(table.outcome, dtype=np.float64), table.combined(name)
    room = 0.5 * (truth.max() - truth.min())
    inside = truth.min() - room <= score.min() and score.max() <= truth.max() + room
    low, high = np.quantile(truth, [0.1, 0.9])
    # A probability or a logit lies within many scales; its spread or its mean gives it away.
    return bool(inside and low <= score.mean() <= high and score.std() >= 0.1 * truth.std())


def _one(table: ScoreTable, name: str, truth: NDArray[np.float64], options: Options) -> dict[str, Any]:
    score, level = table.combined(name), options.level
    entry: dict[str, Any] = {
        "name": name,
        "role": table.role(name),
        "on_scale": fits(table, name, options),
        "pearson": as_json(measures.pearson(truth, score, level=level)),
        "within": _within(table, truth, score, level),
    }
    if not entry["on_scale"]:
        return entry
    both = np.column_stack([truth, score])
    found = measures.bland_altman(truth, score, level=level)
    entry |= {
        "mean_absolute_error": as_json(measures.mean_absolute_error(truth, score, level=level)),
        "root_mean_square_error": as_json(measures.root_mean_square_error(truth, score, level=level)),
        "concordance": as_json(measures.concordance_correlation(truth, score, level=level)),
        "intraclass": as_json(measures.intraclass_correlation(both, level=level)),
        "bias": as_json(found.bias),
        "lower_limit": as_json(found.lower_limit),
        "upper_limit": as_json(found.upper_limit),
        "bias_slope": as_json(found.slope),
        "kappa": _kappa(truth, score, options),
        "points": _points(truth, score),
        "against_standard": None,
    }
    if name != table.standard and fits(table, table.standard, options):
        # The mean of paired differences of absolute errors, with its t interval: below 0, the marker is nearer.
        errors = np.abs(table.combined(table.standard) - truth), np.abs(score - truth)
        if not np.array_equal(*errors):
            entry["against_standard"] = as_json(measures.bland_altman(*errors, level=level).bias)
    return entry


def _within(
    table: ScoreTable, truth: NDArray[np.float64], score: NDArray[np.float64], level: float
) -> dict[str, Any] | None:
    """Correlation of changes within people; None where nobody has several visits."""
    if not table.clustered:
        return None
    try:
        return as_json(measures.repeated_measures_correlation(truth, score, table.patient, level=level))
    except StatsError:
        return None


def _kappa(truth: NDArray[np.float64], score: NDArray[np.float64], options: Options) -> dict[str, Any] | None:
    if not options.bands:
        return None
    cuts = np.asarray(options.bands, dtype=np.float64)
    try:
        return as_json(weighted_kappa(bands(truth, cuts), bands(score, cuts), level=options.level))
    except StatsError:
        return None


def _points(truth: NDArray[np.float64], score: NDArray[np.float64]) -> dict[str, list[float]]:
    keep = np.unique(np.linspace(0, len(truth) - 1, MOST_POINTS).astype(int))
    return {
        "mean": [float(f"{v:.6g}") for v in (truth[keep] + score[keep]) / 2],
        "difference": [float(f"{v:.6g}") for v in score[keep] - truth[keep]],
    }


def _sentence(scores: list[dict[str, Any]], table: ScoreTable) -> str:
    told = []
    for entry in scores:
        if not entry["on_scale"]:
            told.append(
                f"{entry['name']} is not in points of the scale (correlation {with_interval(entry['pearson'])})"
            )
            continue
        text = (
            f"{entry['name']} is off by {with_interval(entry['mean_absolute_error'], 1)} points on average, and for "
            "one "
            f"person by {number(entry['lower_limit']['value'], 1)} to {number(entry['upper_limit']['value'], 1)}"
        )
        against = entry["against_standard"]
        if against is not None:
            better = (
                "nearer than" if against["high"] < 0 else "farther than" if against["low"] > 0 else "no nearer than"
            )
            text += f" ({better} {table.standard}: {difference_with_interval(against, 2)} points)"
        told.append(text)
    return f"Against {table.outcome_title}: {'; '.join(told)}."


def _caveats(section: Mapping[str, Any], table: ScoreTable) -> list[str]:
    caveats = []
    if not all(entry["on_scale"] for entry in section["scores"]):
        caveats.append("Errors in points are shown only for scores that are in points of the scale (option on_scale).")
    if any(
        entry["on_scale"] and not entry["bias_slope"]["low"] <= 0 <= entry["bias_slope"]["high"]
        for entry in section["scores"]
    ):
        caveats.append(
            "The error changes along the scale (a slope other than 0), as predictions drawn towards the mean do: high "
            "scores "
            "are under-estimated, low ones over-estimated, or the reverse."
        )
    if table.clustered:
        caveats.append(
            "Some people have several visits, which these intervals take as independent: they are too narrow."
        )
    return caveats
