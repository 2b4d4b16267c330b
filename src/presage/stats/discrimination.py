"""The area under the ROC curve with DeLong's variance: exact with ties, in the time of a sort.

Everything rests on *placements*. A case's placement is the share of controls that score below it (ties count half), a
control's is the share of cases above it. Their means are both the AUC, and their spread is its variance.

Sources: DeLong ER, DeLong DM, Clarke-Pearson DL (1988) Biometrics 44:837-845, eq. 3-6; Sun X, Xu W (2014) IEEE Signal
Processing Letters 21:1389-1393 (ranks in place of all pairs); Newcombe RG (2006) Statistics in Medicine 25:559-573,
method 5 (score-type interval); Pepe MS (2003) The Statistical Evaluation of Medical Tests, section 5.2 (logit).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints
from presage.stats.results import Comparison, Estimate

IntervalMethod = Literal["auto", "wald", "logit", "score"]

# Below this many patients in the smaller class the normal interval is too short (benchmarks/coverage.py).
FEW = 30


def placements(cases: Bools, score: Floats) -> Floats:
    """Placement of every patient, shape (n,), in the order given. The arrays are trusted (bool, finite float64)."""
    n_cases = int(np.count_nonzero(cases))
    n_controls = len(cases) - n_cases
    order = np.argsort(score)
    ordered = score[order]
    is_case = cases[order]
    cases_so_far: Ints = np.cumsum(is_case, dtype=np.intp)
    differs = ordered[1:] != ordered[:-1]
    values = np.empty(len(cases))
    if differs.all():
        controls_below = np.arange(1, len(cases) + 1) - cases_so_far
        placed = np.where(is_case, controls_below / n_controls, (n_cases - cases_so_far) / n_cases)
    else:
        last: Ints = np.flatnonzero(np.append(differs, True))
        sizes = np.diff(last, prepend=-1)
        cases_to = cases_so_far[last].astype(np.float64)
        controls_to = (last + 1) - cases_to
        # Half of the group's own members count: the middle between the totals before and after the group.
        below = (controls_to + np.concatenate(([0.0], controls_to[:-1]))) / (2 * n_controls)
        above = 1 - (cases_to + np.concatenate(([0.0], cases_to[:-1]))) / (2 * n_cases)
        placed = np.where(is_case, np.repeat(below, sizes), np.repeat(above, sizes))
    values[order] = placed
    return values


def auc(cases: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a case scores above a control, ties counting half.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Shape (n,), higher = more likely a case.

    Raises
    ------
    StatsError
        One class only, a missing or infinite or constant score, arrays of different lengths.
    """
    checked = checks.binary(cases)
    return float(placements(checked, checks.score(scores, len(checked)))[checked].mean())


def delong(cases: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs of several markers on the same patients and their covariance.

    Parameters
    ----------
    cases
        0/1, shape (n,); at least two of each.
    scores
        Shape (markers, n) or (n,).

    Returns
    -------
    aucs, covariance
        Shapes (markers,) and (markers, markers).

    Raises
    ------
    StatsError
        As :func:`auc`, or fewer than two cases or controls.
    """
    checked = checks.binary(cases)
    checks.enough(checked)
    matrix = checks.score_matrix(scores, len(checked))
    return from_placements(checked, np.stack([placements(checked, row) for row in matrix]))


def from_placements(cases: Bools, placed: Floats) -> tuple[Floats, Floats]:
    """AUCs (markers,) and covariance (markers, markers) from placements (markers, n)."""
    of_cases, of_controls = placed[:, cases], placed[:, ~cases]
    covariance = (
        np.atleast_2d(np.cov(of_cases)) / of_cases.shape[1]
        + np.atleast_2d(np.cov(of_controls)) / (of_controls.shape[1])
    )
    return of_cases.mean(axis=1), covariance


def auc_interval(
    cases: ArrayLike, scores: ArrayLike, *, level: float = 0.95, method: IntervalMethod = "auto"
) -> Estimate:
    """AUC of one marker with its interval, which never leaves [0, 1].

    Parameters
    ----------
    cases, scores
        As in :func:`auc`; at least two cases and two controls.
    level
        Confidence level.
    method
        ``wald``: estimate +- z * standard error (DeLong), cut at 0 and 1, as R's pROC prints it. ``logit``: the same on
        the log-odds of the AUC. ``score``: Newcombe's method 5, which is defined at 0 and 1 too. ``auto``: Wald, but
        logit where the smaller class has under 30 patients or the Wald limits pass 0 or 1, and score where the estimate
        is 0 or 1.

    Raises
    ------
    StatsError
        As :func:`delong`.
    """
    checked = checks.binary(cases)
    values, covariance = delong(checked, scores)
    n_cases = int(checked.sum())
    return interval_of_auc(
        float(values[0]), float(covariance[0, 0]), n_cases, len(checked) - n_cases, level=level, method=method
    )


def interval_of_auc(
    value: float,
    variance: float,
    n_cases: int,
    n_controls: int,
    *,
    level: float = 0.95,
    method: IntervalMethod = "auto",
    variance_name: str = "DeLong",
    freedom: float | None = None,
) -> Estimate:
    """Interval of an AUC from its variance and the numbers of patients; `method` as in :func:`auc_interval`.

    `freedom` replaces the normal by Student's t where the variance itself is uncertain.
    """
    level = checks.fraction(level, "the confidence level")
    reference, reference_name = _reference(freedom)
    z = float(reference.ppf(0.5 + level / 2))
    half = z * variance**0.5
    if method == "auto":
        inside = value - half > 0 and value + half < 1
        method = "wald" if inside and min(n_cases, n_controls) >= FEW else "logit"
    if method == "score" or (method == "logit" and (variance <= 0 or not 0 < value < 1)):
        low, high = _score_limits(value, n_cases, n_controls, z)
        return Estimate(value, low, high, level, "score (Newcombe method 5)")
    if method == "logit":
        centre, width = np.log(value / (1 - value)), half / (value * (1 - value))
        low, high = (float(1 / (1 + np.exp(-(centre + sign * width)))) for sign in (-1, 1))
        return Estimate(value, low, high, level, f"{variance_name}, logit, {reference_name}")
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), level, f"{variance_name}, {reference_name}")


def _reference(freedom: float | None) -> tuple[Any, str]:
    """The distribution of the standardised estimate, and its name."""
    if freedom is None or freedom > 1000:
        return stats.norm, "normal"
    return stats.t(freedom), f"t with {freedom:.1f} degrees of freedom"


def _score_limits(value: float, n_cases: int, n_controls: int, z: float) -> tuple[float, float]:
    """Newcombe's method 5: the AUCs that a score test would not reject."""
    extra = (n_cases + n_controls) / 2 - 1

    def excess(theta: float) -> float:
        spread = theta * (1 - theta) * (1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta))
        return (value - theta) ** 2 - z**2 * spread / (n_cases * n_controls)

    low = 0.0 if value <= 0 else float(optimize.brentq(excess, 0.0, value))
    high = 1.0 if value >= 1 else float(optimize.brentq(excess, value, 1.0))
    return low, high


def compare_paired(cases: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """Difference in AUC (first minus second) of two markers on the same patients, with DeLong's test.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    first, second
        Shape (n,) each. The same curve twice gives difference 0, Z 0, p 1.

    Raises
    ------
    StatsError
        As :func:`delong`.
    """
    checked = checks.binary(cases)
    n = len(checked)
    pair = np.stack([checks.score(first, n, "the first score"), checks.score(second, n, "the second score")])
    values, covariance = delong(checked, pair)
    n_cases = int(checked.sum())
    return difference_of_aucs(values, covariance, (n_cases, n_cases), (n - n_cases, n - n_cases), level=level)


def compare_unpaired(
    first_cases: ArrayLike,
    first_scores: ArrayLike,
    second_cases: ArrayLike,
    second_scores: ArrayLike,
    *,
    level: float = 0.95,
) -> Comparison:
    """Difference in AUC (first minus second) between independent groups of patients.

    The reference is Student's t with Welch-Satterthwaite degrees of freedom, as in R's pROC: with few patients the
    normal rejects too often.

    Raises
    ------
    StatsError
        As :func:`delong`, for either group.
    """
    groups = [checks.binary(first_cases), checks.binary(second_cases)]
    fits = [delong(group, scores) for group, scores in zip(groups, (first_scores, second_scores), strict=True)]
    values = np.array([fit[0][0] for fit in fits])
    variances = np.array([fit[1][0, 0] for fit in fits])
    sizes = np.array([len(group) for group in groups])
    total = variances.sum()
    freedom = float(total**2 / (variances**2 / (sizes - 1)).sum()) if total > 0 else None
    n_cases = (int(groups[0].sum()), int(groups[1].sum()))
    n_controls = (int((~groups[0]).sum()), int((~groups[1]).sum()))
    return difference_of_aucs(values, np.diag(variances), n_cases, n_controls, level=level, freedom=freedom)


def difference_of_aucs(
    values: Floats,
    covariance: Floats,
    n_cases: tuple[int, int],
    n_controls: tuple[int, int],
    *,
    level: float = 0.95,
    freedom: float | None = None,
    variance_name: str = "DeLong",
) -> Comparison:
    """Comparison of two AUCs (2,) from their covariance (2, 2) and the numbers of patients behind each."""
    level = checks.fraction(level, "the confidence level")
    difference = float(values[0] - values[1])
    error = float(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)) ** 0.5
    reference, reference_name = _reference(freedom)
    name = f"{variance_name}, {reference_name}"
    quantile = float(reference.ppf(0.5 + level / 2))
    if error <= 1e-12:
        if abs(difference) <= 1e-12:
            return Comparison(0.0, 0.0, 0.0, 0.0, 1.0, level, name)
        return _without_variance(values, n_cases, n_controls, level)
    statistic = difference / error
    low, high = max(-1.0, difference - quantile * error), min(1.0, difference + quantile * error)
    p = float(2 * reference.sf(abs(statistic)))
    return Comparison(difference, low, high, statistic, p, level, name)


def _without_variance(
    values: Floats, n_cases: tuple[int, int], n_controls: tuple[int, int], level: float
) -> Comparison:
    """Both AUCs are extreme (0 or 1), so DeLong's variance is 0: combine score limits (MOVER; Zou & Donner 2008)."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    (low1, high1), (low2, high2) = (
        _score_limits(float(value), m, n, z) for value, m, n in zip(values, n_cases, n_controls, strict=True)
    )
    difference = float(values[0] - values[1])
    low = difference - float(np.hypot(values[0] - low1, high2 - values[1]))
    high = difference + float(np.hypot(high1 - values[0], values[1] - low2))
    towards_zero = difference - low if difference > 0 else high - difference
    statistic = z * difference / towards_zero
    p = float(2 * stats.norm.sf(abs(statistic)))
    return Comparison(difference, max(low, -1.0), min(high, 1.0), statistic, p, level, "score limits combined (MOVER)")
