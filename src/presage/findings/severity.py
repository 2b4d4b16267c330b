"""Severity in points of the scale, from any score: errors, concordance and F1, each with its interval.

A score need not be in points. A straight line (least squares) is fitted for each test fold on the people of all others
and gives the points of those in it; so is the threshold for F1, the one with the best F1 in the others. Beside them
stands what knows nothing: the others' mean, which says that everybody is alike, and for F1 that everybody is a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.risks import folds_of
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, number, with_interval
from presage.stats import agreement as measures
from presage.stats.resampling import bootstrap

_MOST_REPLICATES = 2000
Floats = NDArray[np.float64]


def severity(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``severity``; None for other outcomes than a scale, and where people have several rows."""
    if table.outcome_kind != "scale" or table.clustered:
        return None
    options = Options.read(chosen)
    truth = np.asarray(table.outcome, dtype=np.float64)
    names = sorted(table.scores, key=lambda name: name != table.standard)
    scores = [_one(table, name, truth, options) for name in names]
    nothing = np.mean([_mean_of_others(truth, folds) for folds in _folds(table)], axis=0)
    reference = {
        "mean_absolute_error": as_json(measures.mean_absolute_error(truth, nothing, level=options.level)),
        "root_mean_square_error": as_json(measures.root_mean_square_error(truth, nothing, level=options.level)),
        "f1": _f1(table.cases, np.ones((1, len(truth)), dtype=bool), options),
    }
    return {
        "title": "Severity in points of the scale",
        "n": len(truth),
        "n_cases": int(table.cases.sum()),
        "scale": table.outcome_title,
        "cutoff": table.cutoff,
        "scores": scores,
        "reference": reference,
        "sentence": _sentence(scores, reference, table),
        "caveats": [
            "Points come from a straight line through each score, and the threshold for F1 from the best F1, both "
            "fitted for each test fold on the people of all others. Errors are of each person's mean over the repeats.",
            "F1 depends on the share of cases: compare it within these people alone.",
        ],
    }


def _folds(table: ScoreTable) -> NDArray[np.int64]:
    """Shape (repeats, n); folds of people where the scores came without any."""
    return table.folds if table.folds is not None else folds_of(table)[None]


def mean_error(table: ScoreTable, name: str) -> float:
    """Mean absolute error in points of one score, out of fold as in :func:`severity`."""
    truth = np.asarray(table.outcome, dtype=np.float64)
    return float(np.abs(_predicted(*_in_folds(table, name), truth) - truth).mean())


def _in_folds(table: ScoreTable, name: str) -> tuple[Floats, NDArray[np.int64]]:
    """Comparable scores and folds, both of shape (repeats, n)."""
    even, folds = table.comparable(name), _folds(table)
    return np.broadcast_to(even, folds.shape) if len(even) == 1 else even, folds


def _predicted(even: Floats, folds: NDArray[np.int64], truth: Floats) -> Floats:
    """Points of everyone, the mean over the repeats, shape (n,)."""
    return np.asarray(np.mean([_points(truth, score, fold) for score, fold in zip(even, folds, strict=True)], axis=0))


def _one(table: ScoreTable, name: str, truth: Floats, options: Options) -> dict[str, Any]:
    even, folds = _in_folds(table, name)
    predicted = _predicted(even, folds, truth)
    called = np.array([_called(table.cases, score, fold) for score, fold in zip(even, folds, strict=True)])
    constant = float(np.ptp(predicted)) == 0
    return {
        "name": name,
        "role": table.role(name),
        "mean_absolute_error": as_json(measures.mean_absolute_error(truth, predicted, level=options.level)),
        "root_mean_square_error": as_json(measures.root_mean_square_error(truth, predicted, level=options.level)),
        "concordance": None
        if constant
        else as_json(measures.concordance_correlation(truth, predicted, level=options.level)),
        "f1": _f1(table.cases, called, options),
    }


def _points(truth: Floats, score: Floats, folds: NDArray[np.int64]) -> Floats:
    """Points of everyone from lines fitted without them, shape (n,)."""
    points = np.empty(len(truth))
    for fold in np.unique(folds):
        inside = folds == fold
        x, y = score[~inside], truth[~inside]
        spread = float(((x - x.mean()) ** 2).sum())
        slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 0 else 0.0
        # A line has no end, a scale has.
        points[inside] = np.clip(y.mean() + slope * (score[inside] - x.mean()), y.min(), y.max())
    return points


def _mean_of_others(truth: Floats, folds: NDArray[np.int64]) -> Floats:
    return np.array([truth[folds != fold].mean() for fold in folds])


def _called(cases: NDArray[np.bool_], score: Floats, folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Who is called a case by the threshold that has the best F1 in the other folds, shape (n,)."""
    called = np.zeros(len(cases), dtype=bool)
    for fold in np.unique(folds):
        inside = folds == fold
        truth, given = cases[~inside], score[~inside]
        order = np.argsort(-given, kind="stable")
        ends = np.append(np.diff(given[order]) != 0, True)
        hits = np.cumsum(truth[order])
        f1 = np.where(ends, 2 * hits / (np.arange(1, len(order) + 1) + truth.sum()), -1)
        called[inside] = score[inside] >= given[order][int(np.argmax(f1))]
    return called


def _f1(cases: NDArray[np.bool_], called: NDArray[np.bool_], options: Options) -> dict[str, Any]:
    """Mean F1 over the repeats, shape of `called` (repeats, n), with a percentile interval by person."""

    def statistic(weights: Floats) -> Floats:
        hits, positives, true = weights @ (called & cases).T, weights @ called.T, weights @ cases
        # Nobody called and nobody missed cannot be: there are always cases.
        return np.asarray((2 * hits / (positives + true[:, None])).mean(axis=1))

    value = float(statistic(np.ones((1, len(cases))))[0])
    draws = bootstrap(statistic, cases, replicates=options.draws(len(cases), _MOST_REPLICATES), seed=options.seed)
    low, high = np.quantile(draws, [0.5 - options.level / 2, 0.5 + options.level / 2])
    return {
        "value": value,
        "low": float(low),
        "high": float(high),
        "level": options.level,
        "method": "bootstrap by person, percentile",
    }


def _sentence(scores: list[dict[str, Any]], reference: dict[str, Any], table: ScoreTable) -> str:
    told = "; ".join(
        f"{entry['name']}: {with_interval(entry['mean_absolute_error'], 1)}, F1 {with_interval(entry['f1'])}"
        for entry in scores
    )
    error, f1 = reference["mean_absolute_error"]["value"], reference["f1"]["value"]
    return (
        f"Mean absolute error in points of {table.outcome_title}, and F1 at its cut-off: {told}. "
        f"To say the others' mean of everybody is off by {number(error, 1)}; to call everybody a case has an F1 of "
        f"{number(f1)}."
    )
