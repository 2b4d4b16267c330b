"""The area under the ROC curve with DeLong's variance: exact with ties, in the time of a sort.

Everything rests on *placements*. A case's placement is the share of controls that score below it (ties count half), a
control's is the share of cases above it. Their means are both the AUC, and their spread is its variance.

Sources: DeLong ER, DeLong DM, Clarke-Pearson DL (1988) Biometrics 44:837-845, eq. 3-6; Sun X, Xu W (2014) IEEE Signal
Processing Letters 21:1389-1393 (ranks in place of all pairs); Newcombe RG (2006) Statistics in Medicine 25:559-573,
method 5 (score-type interval); Pepe MS (2003) The Statistical Evaluation of Medical Tests, section 5.2 (logit).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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

# From here on a sort takes longer than starting a thread for it.
LARGE = 50_000


def placements(cases: Bools, score: Floats) -> Floats:
    """Placement of every patient, shape (n,), in the order given. The arrays are trusted (bool, finite float64)."""
    n_cases = int(np.count_nonzero(cases))
    n_controls = len(cases) - n_cases
    order = np.argsort(score)
    ordered, is_case = score[order], cases[order]
    # 32 bits hold any number of patients and halve the memory that is walked through.
    cases_so_far = np.cumsum(is_case, dtype=np.int32)
    differs = ordered[1:] != ordered[:-1]
    if differs.all():
        controls_so_far = np.arange(1, len(cases) + 1, dtype=np.int32) - cases_so_far
        counted = np.where(is_case, controls_so_far, n_cases - cases_so_far)
    else:
        last: Ints = np.flatnonzero(np.append(differs, True))
        sizes = np.diff(last, prepend=-1)
        cases_to = cases_so_far[last].astype(np.float64)
        controls_to = (last + 1) - cases_to
        # Half of the group's own members count: the middle between the totals before and after the group.
        below = (controls_to + np.concatenate(([0.0], controls_to[:-1]))) / 2
        above = n_cases - (cases_to + np.concatenate(([0.0], cases_to[:-1]))) / 2
        counted = np.where(is_case, np.repeat(below, sizes), np.repeat(above, sizes))
    values = np.empty(len(cases))
    values[order] = counted
    values /= np.where(cases, float(n_controls), float(n_cases))
    return values


def placements_of(cases: Bools, matrix: Floats) -> Floats:
    """Placements of several markers, shape (markers, n); the sorts of large ones run beside each other."""
    if len(matrix) == 1 or len(cases) < LARGE:
        return np.stack([placements(cases, row) for row in matrix])
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda row: placements(cases, row), matrix)))


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
    return from_placements(checked, placements_of(checked, matrix))


def from_placements(cases: Bools, placed: Floats) -> tuple[Floats, Floats]:
    """AUCs (markers,) and covariance (markers, markers) from placements (markers, n)."""
    n_cases = int(np.count_nonzero(cases))
    n_controls = len(cases) - n_cases
    # The mean over cases and the mean over controls are both the AUC, so that one subtraction serves both.
    aucs: Floats = placed @ cases.astype(np.float64) / n_cases
    excess = placed - aucs[:, None]
    weights = np.where(cases, 1 / (n_cases * (n_cases - 1)), 1 / (n_controls * (n_controls - 1)))
    covariance: Floats = (excess * weights) @ excess.T
    return aucs, covariance


def few_freedom(cases: Bools, difference: Floats) -> float | None:
    """Satterthwaite's degrees of freedom of a mean placement difference (n,), None where each class has 30 or more.

    With few cases the variance among them is itself a guess, and the normal rejects up to twice too often
    (benchmarks/type_one_error.py).
    """
    return few_satterthwaite([difference[cases], difference[~cases]])


def few_satterthwaite(groups: Sequence[Floats]) -> float | None:
    """Satterthwaite's degrees of freedom of a sum of independent group means; None where no group is under 30."""
    if min(len(group) for group in groups) >= FEW:
        return None
    parts = np.array([np.var(group, ddof=1) / len(group) for group in groups])
    freedoms = np.array([len(group) - 1 for group in groups])
    total = float(parts.sum())
    return None if total <= 0 else float(total**2 / (parts**2 / freedoms).sum())


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
        the log-odds of the AUC. ``score``: Newcombe's method 5, which is defined at 0 and 1 too. ``auto``: Wald; logit
        for an AUC beyond 0.15 or 0.85; score where the smaller class has under 30 patients, or under 100 and under a
        third of the larger for an AUC beyond 0.15 or 0.85. Chosen by coverage (benchmarks/coverage.py).

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
    inflation: float = 1.0,
) -> Estimate:
    """Interval of an AUC from its variance and the numbers of patients; `method` as in :func:`auc_interval`.

    `freedom` replaces the normal by Student's t where the variance itself is uncertain. `inflation` is
    `variance` over that of as many independent patients (clusters, training); the score interval is scaled to it.
    """
    level = checks.fraction(level, "the confidence level")
    reference, reference_name = _reference(freedom)
    z = float(reference.ppf(0.5 + level / 2))
    half = z * variance**0.5
    if method == "auto":
        method = _fitting(value, n_cases, n_controls)
    if method == "score" or (method == "logit" and (variance <= 0 or not 0 < value < 1)):
        low, high = _score_limits(value, n_cases, n_controls, z * inflation**0.5)
        name = "score (Newcombe method 5)" + (f", scaled to the variance of {variance_name}" if inflation != 1 else "")
        return Estimate(value, low, high, level, name)
    if method == "logit":
        centre, width = np.log(value / (1 - value)), half / (value * (1 - value))
        low, high = (float(1 / (1 + np.exp(-(centre + sign * width)))) for sign in (-1, 1))
        return Estimate(value, low, high, level, f"{variance_name}, logit, {reference_name}")
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), level, f"{variance_name}, {reference_name}")


def _fitting(value: float, n_cases: int, n_controls: int) -> IntervalMethod:
    """The interval whose coverage is nearest to its level for such numbers."""
    fewer, more = sorted((n_cases, n_controls))
    extreme = abs(value - 0.5) > 0.35
    if fewer < FEW or (extreme and fewer < 100 and 3 * fewer < more):
        return "score"
    return "logit" if extreme else "wald"


def _reference(freedom: float | None) -> tuple[Any, str]:
    """The distribution of the standardised estimate, and its name."""
    if freedom is None or freedom > 1000:
        return stats.norm, "normal"
    return stats.t(freedom), f"t with {freedom:.1f} degrees of freedom"


def _score_limits(value: float, n_cases: int, n_controls: int, z: float) -> tuple[float, float]:
    """Newcombe's method 5: the AUCs that a score test would not reject."""
    average = (n_cases + n_controls) / 2

    def excess(theta: float) -> float:
        spread = hanley_mcneil_variance(theta, average, average) * average**2 / (n_cases * n_controls)
        return (value - theta) ** 2 - z**2 * spread

    # At 0 and 1 the estimate itself is a root without meaning; the limit is the other one.
    low = 0.0 if value <= 0 else float(optimize.brentq(excess, 0.0, value * (1 - 1e-12)))
    high = 1.0 if value >= 1 else float(optimize.brentq(excess, 1 - (1 - value) * (1 - 1e-12), 1.0))
    return low, high


def hanley_mcneil_variance(value: float, n_cases: float, n_controls: float) -> float:
    """Variance of an AUC of `value` when only the numbers are known (Hanley & McNeil 1982, Radiology 143:29-36)."""
    extra = (n_cases - 1) * (1 - value) / (2 - value) + (n_controls - 1) * value / (1 + value)
    return value * (1 - value) * (1 + extra) / (n_cases * n_controls)


def compare_paired(cases: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """Difference in AUC (first minus second) of two markers on the same patients, with DeLong's test.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    first, second
        Shape (n,) each. The same curve twice gives difference 0, Z 0, p 1.

    Notes
    -----
    The reference is the normal, as in R's pROC, and Student's t (Satterthwaite) where a class has under 30 patients.

    Raises
    ------
    StatsError
        As :func:`delong`.
    """
    checked = checks.binary(cases)
    n = len(checked)
    pair = np.stack([checks.score(first, n, "the first score"), checks.score(second, n, "the second score")])
    checks.enough(checked)
    placed = placements_of(checked, pair)
    values, covariance = from_placements(checked, placed)
    n_cases = int(checked.sum())
    counts = (n_cases, n_cases), (n - n_cases, n - n_cases)
    freedom = few_freedom(checked, placed[0] - placed[1])
    return difference_of_aucs(values, covariance, *counts, level=level, freedom=freedom)


def compare_unpaired(
    first_cases: ArrayLike,
    first_scores: ArrayLike,
    second_cases: ArrayLike,
    second_scores: ArrayLike,
    *,
    level: float = 0.95,
) -> Comparison:
    """Difference in AUC (first minus second) between independent groups of patients.

    The reference is Student's t with Welch-Satterthwaite degrees of freedom, as in R's pROC; where a class has under 30
    patients they are taken from cases and controls, of which the few decide.

    Raises
    ------
    StatsError
        As :func:`delong`, for either group.
    """
    groups = [checks.binary(first_cases), checks.binary(second_cases)]
    placed = []
    for group, scores in zip(groups, (first_scores, second_scores), strict=True):
        checks.enough(group)
        placed.append(placements(group, checks.score(scores, len(group))))
    fits = [from_placements(group, row[None]) for group, row in zip(groups, placed, strict=True)]
    values, variances = (np.array([fit[0][0] for fit in fits]), np.array([fit[1][0, 0] for fit in fits]))
    sizes = np.array([len(group) for group in groups])
    total = float(variances.sum())
    freedom = few_satterthwaite(
        [row[part] for group, row in zip(groups, placed, strict=True) for part in (group, ~group)]
    )
    if freedom is None and total > 0:
        freedom = float(total**2 / (variances**2 / (sizes - 1)).sum())
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
