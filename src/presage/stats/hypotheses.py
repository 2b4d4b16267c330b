"""Questions about several markers: is one better, no worse than by a margin, and what if many are tried?

Sources: DeLong ER et al. (1988) Biometrics 44:837-845 (contrasts of several AUCs); Holm S (1979) Scand J Stat 6:65-70;
Liu JP et al. (2006) Statistics in Medicine 25:1219-1238 (non-inferiority of AUCs); McNemar Q (1947) Psychometrika
12:153-157; Fagerland MW, Lydersen S, Laake P (2013) BMC Med Res Methodol 13:91 (mid-p); Newcombe RG (1998) Statistics
in Medicine 17:2635-2650, method 10 (difference of paired shares).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.auc_intervals import difference_of_aucs
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.clustered import clustered_delong
from presage.stats.crossvalidation import repeated_cv
from presage.stats.discrimination import compare_paired, delong
from presage.stats.results import Comparison


@dataclass(frozen=True)
class MarginTest:
    """Is the difference above a margin? `low` is the one-sided limit; `shown` says whether it lies above the margin."""

    difference: float
    low: float
    margin: float
    p: float
    shown: bool
    level: float
    method: str


@dataclass(frozen=True)
class ManyComparisons:
    """Several markers against one standard.

    `comparisons` are marker minus standard, unadjusted; `adjusted` are Holm's p-values (markers,); `global_p` asks
    whether the AUCs of all, the standard's included, are equal.
    """

    comparisons: tuple[Comparison, ...]
    adjusted: Floats
    global_statistic: float
    global_p: float


@dataclass(frozen=True)
class PairedDecisions:
    """Two decisions on the same people: differences in sensitivity and specificity (first minus second), McNemar."""

    sensitivity: Comparison
    specificity: Comparison


def above_margin(comparison: Comparison, margin: float, *, level: float = 0.975) -> MarginTest:
    """Is a difference in AUC above `margin`?

    Parameters
    ----------
    comparison
        New minus standard, from any of the comparisons of AUCs.
    margin
        0 asks for superiority; -0.05 for non-inferiority (less than 0.05 lost), which must be fixed before the data.
    level
        One-sided: 0.975 corresponds to the customary 95 % interval.

    Raises
    ------
    StatsError
        A margin outside [-1, 1]; a comparison without an error, whose limits are not symmetric.
    """
    level = checks.fraction(level, "the one-sided level")
    if not -1 <= margin <= 1:
        raise StatsError(f"a margin of AUC lies between -1 and 1, but it is {margin:g}")
    if comparison.statistic == 0:
        width = max(comparison.high - comparison.difference, comparison.difference - comparison.low)
        error = width / float(stats.norm.ppf(0.5 + comparison.level / 2))
    else:
        error = comparison.difference / comparison.statistic
    # The reference is found again from the two-sided p-value, so that Student's t keeps its degrees of freedom.
    freedom = _freedom(comparison)
    reference = stats.norm if freedom is None else stats.t(freedom)
    if error <= 0:
        shown = comparison.difference > margin
        return MarginTest(
            comparison.difference, comparison.difference, margin, 0.0 if shown else 1.0, shown, level, comparison.method
        )
    low = comparison.difference - float(reference.ppf(level)) * error
    p = float(reference.sf((comparison.difference - margin) / error))
    return MarginTest(comparison.difference, low, margin, p, low > margin, level, comparison.method)


def _freedom(comparison: Comparison) -> float | None:
    marker = " t with "
    if marker not in comparison.method:
        return None
    return float(comparison.method.split(marker)[1].split()[0])


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values, shape (tests,): none is significant by chance in 95 % of such families.

    Raises
    ------
    StatsError
        p-values outside [0, 1] or missing.
    """
    p = checks.finite(p_values, "the p-values")
    if (p < 0).any() or (p > 1).any():
        raise StatsError("p-values lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def compare_with_standard(
    cases: ArrayLike,
    standard: ArrayLike,
    markers: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    level: float = 0.95,
) -> ManyComparisons:
    """Every marker against the standard on the same people, adjusted by Holm.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    standard
        Shape (n,), or (repeats, n) with `folds`.
    markers
        Shape (markers, n), or (markers, repeats, n) with `folds`.
    patients
        The patient of each row, where a patient has several.
    folds
        Shape (repeats, n), of scores out of repeated cross-validation.

    Raises
    ------
    StatsError
        As :func:`presage.stats.delong`, :func:`clustered_delong` or :func:`repeated_cv`.
    """
    first = checks.finite(standard, "the standard", ndim=None)
    rest = checks.finite(markers, "the markers", ndim=None)
    rest = rest[None] if rest.ndim == first.ndim else rest
    together = np.concatenate([first[None], rest])
    checked = checks.binary(cases)
    freedoms: list[float | None] = [None] * len(rest)
    name = "DeLong"
    if folds is not None:
        fit = repeated_cv(checked, together, folds, patients=patients)
        aucs, covariance, name = fit.aucs, fit.covariance, fit.method
        freedoms = [fit.freedom(_contrast(len(together), i + 1)) for i in range(len(rest))]
    elif patients is not None:
        aucs, covariance = clustered_delong(checked, together, patients)
        name = "Obuchowski"
    else:
        aucs, covariance = delong(checked, together)
    n_cases = int(checked.sum())
    counts = (n_cases, n_cases), (len(checked) - n_cases, len(checked) - n_cases)
    comparisons = []
    for number in range(1, len(together)):
        pick = np.array([number, 0])
        if name == "DeLong":
            comparisons.append(compare_paired(checked, together[number], together[0], level=level))
        else:
            comparisons.append(
                difference_of_aucs(
                    aucs[pick],
                    covariance[np.ix_(pick, pick)],
                    *counts,
                    level=level,
                    freedom=freedoms[number - 1],
                    variance_name=name,
                )
            )
    contrasts = np.column_stack([-np.ones(len(rest)), np.eye(len(rest))])
    gaps = contrasts @ aucs
    spread = contrasts @ covariance @ contrasts.T
    statistic = float(gaps @ np.linalg.pinv(spread, hermitian=True) @ gaps)
    rank = int(np.linalg.matrix_rank(spread, hermitian=True))
    p = float(stats.chi2.sf(statistic, rank)) if rank else 1.0
    adjusted = holm([comparison.p for comparison in comparisons])
    return ManyComparisons(tuple(comparisons), adjusted, statistic, p)


def _contrast(size: int, number: int) -> Floats:
    contrast = np.zeros(size)
    contrast[number], contrast[0] = 1.0, -1.0
    return contrast


def compare_decisions(
    cases: ArrayLike, first: ArrayLike, second: ArrayLike, *, exact: bool = False, level: float = 0.95
) -> PairedDecisions:
    """Sensitivity and specificity of two yes/no decisions on the same people.

    Parameters
    ----------
    cases, first, second
        0/1, shape (n,).
    exact
        McNemar's exact test, which never rejects too often but seldom enough; otherwise mid-p, which is right on
        average.

    Raises
    ------
    StatsError
        One class only; values other than 0/1.
    """
    checked = checks.binary(cases)
    one = checks.binary(first, "the first decision", both=False)
    two = checks.binary(second, "the second decision", both=False)
    for decided in (one, two):
        checks.same_length(len(decided), len(checked), "a decision")
    return PairedDecisions(
        _mcnemar(one[checked], two[checked], exact, level), _mcnemar(~one[~checked], ~two[~checked], exact, level)
    )


def _mcnemar(first: Bools, second: Bools, exact: bool, level: float) -> Comparison:
    """Difference of paired shares with Newcombe's method 10, and McNemar's test on the discordant pairs."""
    both, only_first = int((first & second).sum()), int((first & ~second).sum())
    only_second, neither = int((~first & second).sum()), int((~first & ~second).sum())
    n, discordant = len(first), only_first + only_second
    fewer = min(only_first, only_second)
    p = min(1.0, 2 * float(stats.binom.cdf(fewer, discordant, 0.5)))
    if not exact and discordant:
        p = min(1.0, p - float(stats.binom.pmf(fewer, discordant, 0.5)))
    level = checks.fraction(level, "the confidence level")
    shares = [int(part.sum()) / n for part in (first, second)]
    limits = [stats.binomtest(int(part.sum()), n).proportion_ci(level, "wilson") for part in (first, second)]
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    together = both * neither - only_first * only_second
    # Newcombe draws a positive correlation towards 0 by half a person, which keeps the coverage.
    corrected = together if together < 0 else max(together - n / 2, 0.0)
    phi = 0.0 if margins == 0 else corrected / margins**0.5
    down = [share - limit.low for share, limit in zip(shares, limits, strict=True)]
    up = [limit.high - share for share, limit in zip(shares, limits, strict=True)]
    difference = shares[0] - shares[1]
    low = difference - max(0.0, down[0] ** 2 - 2 * phi * down[0] * up[1] + up[1] ** 2) ** 0.5
    high = difference + max(0.0, up[0] ** 2 - 2 * phi * up[0] * down[1] + down[1] ** 2) ** 0.5
    statistic = 0.0 if not discordant else (only_first - only_second) / discordant**0.5
    name = f"Newcombe method 10; McNemar, {'exact' if exact else 'mid-p'}"
    return Comparison(difference, float(low), float(high), float(statistic), p, level, name)
