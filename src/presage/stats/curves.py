"""ROC and precision-recall curves, the partial AUC and average precision, with patient-bootstrap intervals.

Sources: McClish DK (1989) Medical Decision Making 9:190-195 (partial AUC, standardised); Dodd LE, Pepe MS (2003)
Biometrics 59:614-623 (bootstrap); Saito T, Rehmsmeier M (2015) PLoS ONE 10:e0118432 and Boyd K et al. (2013) ECML PKDD
451-466 (precision-recall: the prevalence line and the interval).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.resampling import bootstrap, both_classes, percentile_interval
from presage.stats.results import Estimate


@dataclass(frozen=True)
class RocCurve:
    """Empirical ROC curve from (0, 0) to (1, 1); a score at or above `thresholds` is positive; arrays (points,)."""

    false_positive: Floats
    true_positive: Floats
    thresholds: Floats


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision (positive predictive value) over recall (sensitivity), arrays (points,), and their summary.

    `prevalence` is the precision of a useless marker: the line to compare with.
    """

    recall: Floats
    precision: Floats
    thresholds: Floats
    prevalence: float
    average_precision: Estimate


def roc_curve(cases: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Empirical ROC curve; tied scores give one slanted step.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`.
    """
    checked = checks.binary(cases)
    score = checks.score(scores, len(checked))
    rates = _rates(checked, score)(np.ones(len(checked)))
    return RocCurve(rates[1], rates[0], np.concatenate(([np.inf], np.unique(score)[::-1])))


def _rates(cases: Bools, score: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """True and false positive rates after each distinct score from the top, as a function of weights (n,)."""
    order = np.argsort(-score, kind="stable")
    is_case, ordered = cases[order], score[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def rates(weights: Floats) -> tuple[Floats, Floats]:
        sorted_weights = weights[order]
        both = [np.cumsum(sorted_weights * part)[last] for part in (is_case, ~is_case)]
        found, needless = (np.concatenate(([0.0], part / part[-1])) for part in both)
        return found, needless

    return rates


def partial_auc(
    cases: ArrayLike,
    scores: ArrayLike,
    *,
    specificity: tuple[float, float] = (0.9, 1.0),
    standardised: bool = True,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> Estimate:
    """Area under the ROC curve over a range of specificities.

    Parameters
    ----------
    cases, scores
        Shape (n,) each.
    specificity
        The range, lower end first.
    standardised
        McClish's: 0.5 for a useless marker and 1 for a perfect one over any range; otherwise the bare area.
    replicates, seed, patients
        Of the percentile interval from the patient bootstrap.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`; a range that is empty or outside [0, 1].
    """
    checked = checks.binary(cases)
    score = checks.score(scores, len(checked))
    start, end = 1 - specificity[1], 1 - specificity[0]
    if not 0 <= start < end <= 1:
        raise StatsError(f"the range of specificity must rise within [0, 1], lower end first; it is {specificity}")
    rates = _rates(checked, score)

    def area(weights: Floats) -> float:
        found, needless = rates(weights)
        inside = (needless > start) & (needless < end)
        x = np.concatenate(([start], needless[inside], [end]))
        # Where the curve rises straight up at an end, the range keeps its top within and its foot at the end.
        y = np.concatenate(([_height(needless, found, start)], found[inside], [_height(needless, found, end)]))
        value = float(np.trapezoid(y, x))
        least, most = (end**2 - start**2) / 2, end - start
        return (1 + (value - least) / (most - least)) / 2 if standardised else value

    return _interval(area, checked, patients, level, replicates, seed)


def _height(needless: Floats, found: Floats, at: float) -> float:
    after = int(np.searchsorted(needless, at, side="right"))
    if after == len(needless) or needless[after - 1] == at:
        return float(found[after - 1])
    share = (at - needless[after - 1]) / (needless[after] - needless[after - 1])
    return float(found[after - 1] + share * (found[after] - found[after - 1]))


def _interval(
    statistic: Callable[[Floats], float],
    cases: Bools,
    patients: ArrayLike | None,
    level: float,
    replicates: int,
    seed: int,
) -> Estimate:
    checks.enough(cases)
    numbers = None if patients is None else checks.labels(patients, len(cases), "the patient")[1]

    def rows(block: Floats) -> Floats:
        both_classes(block, cases)
        return np.array([statistic(weights) for weights in block])

    drawn = bootstrap(rows, cases, numbers, replicates=replicates, seed=seed)
    return percentile_interval(statistic(np.ones(len(cases))), drawn, level=level)


def precision_recall(
    cases: ArrayLike,
    scores: ArrayLike,
    *,
    prevalence: float | None = None,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> PrecisionRecall:
    """Precision-recall curve and average precision (the mean precision over recall, without interpolation).

    Parameters
    ----------
    cases, scores
        Shape (n,) each.
    prevalence
        Share of cases for which precision is computed, needed for a case-control study; None takes that of these rows.
    replicates, seed, patients
        Of the percentile interval from the patient bootstrap.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`.
    """
    checked = checks.binary(cases)
    score = checks.score(scores, len(checked))
    share = float(checked.mean()) if prevalence is None else checks.fraction(prevalence, "the prevalence")
    rates = _rates(checked, score)

    def curve(weights: Floats) -> tuple[Floats, Floats]:
        found, needless = (part[1:] for part in rates(weights))
        positive = share * found + (1 - share) * needless
        return found, np.divide(share * found, positive, out=np.ones_like(found), where=positive > 0)

    def average(weights: Floats) -> float:
        recall, precision = curve(weights)
        return float((np.diff(recall, prepend=0.0) * precision).sum())

    recall, precision = curve(np.ones(len(checked)))
    estimate = _interval(average, checked, patients, level, replicates, seed)
    return PrecisionRecall(recall, precision, np.unique(score)[::-1], share, estimate)
