"""Intervals and tests of AUCs from their variance, whatever it was found by.

Sources: Newcombe RG (2006) Statistics in Medicine 25:559-573, method 5 (score-type interval); Pepe MS (2003) The
Statistical Evaluation of Medical Tests, section 5.2 (logit); Zou GY, Donner A (2008) Statistics in Medicine
27:1693-1702 (limits combined); Hanley JA, McNeil BJ (1982) Radiology 143:29-36.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from presage.stats import checks
from presage.stats.checks import Floats
from presage.stats.results import Comparison, Estimate

IntervalMethod = Literal["auto", "wald", "logit", "score"]

# Below this many patients in the smaller class the normal interval is too short (benchmarks/interval_coverage.py).
FEW = 30


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
    reference = _reference(freedom)
    z = reference.quantile(level)
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
        return Estimate(value, low, high, level, f"{variance_name}, logit, {reference.name}")
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), level, f"{variance_name}, {reference.name}")


def _fitting(value: float, n_cases: int, n_controls: int) -> IntervalMethod:
    """The interval whose coverage is nearest to its level for such numbers."""
    fewer, more = sorted((n_cases, n_controls))
    extreme = abs(value - 0.5) > 0.35
    if fewer < FEW or (extreme and fewer < 100 and 3 * fewer < more):
        return "score"
    return "logit" if extreme else "wald"


@dataclass(frozen=True)
class _Reference:
    """The distribution of the standardised estimate: normal, or Student's t where `freedom` is given."""

    # The special functions themselves: scipy.stats would take longer than all the rest for a thousand patients.
    freedom: float | None

    @property
    def name(self) -> str:
        return "normal" if self.freedom is None else f"t with {self.freedom:.1f} degrees of freedom"

    def quantile(self, level: float) -> float:
        """The positive limit of the middle `level`."""
        tail = 0.5 + level / 2
        return float(special.ndtri(tail) if self.freedom is None else special.stdtrit(self.freedom, tail))

    def two_sided(self, statistic: float) -> float:
        """Probability of a value at least as far from 0."""
        below = -abs(statistic)
        return float(2 * (special.ndtr(below) if self.freedom is None else special.stdtr(self.freedom, below)))


def _reference(freedom: float | None) -> _Reference:
    return _Reference(None if freedom is None or freedom > 1000 else freedom)


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
    reference = _reference(freedom)
    name = f"{variance_name}, {reference.name}"
    quantile = reference.quantile(level)
    if error <= 1e-12:
        if abs(difference) <= 1e-12:
            return Comparison(0.0, 0.0, 0.0, 0.0, 1.0, level, name)
        return _without_variance(values, n_cases, n_controls, level)
    statistic = difference / error
    low, high = max(-1.0, difference - quantile * error), min(1.0, difference + quantile * error)
    p = reference.two_sided(statistic)
    return Comparison(difference, low, high, statistic, p, level, name)


def _without_variance(
    values: Floats, n_cases: tuple[int, int], n_controls: tuple[int, int], level: float
) -> Comparison:
    """Both AUCs are extreme (0 or 1), so DeLong's variance is 0: combine score limits (MOVER; Zou & Donner 2008)."""
    normal = _reference(None)
    z = normal.quantile(level)
    (low1, high1), (low2, high2) = (
        _score_limits(float(value), m, n, z) for value, m, n in zip(values, n_cases, n_controls, strict=True)
    )
    difference = float(values[0] - values[1])
    low = difference - float(np.hypot(values[0] - low1, high2 - values[1]))
    high = difference + float(np.hypot(high1 - values[0], values[1] - low2))
    towards_zero = difference - low if difference > 0 else high - difference
    statistic = z * difference / towards_zero
    p = normal.two_sided(statistic)
    return Comparison(difference, max(low, -1.0), min(high, 1.0), statistic, p, level, "score limits combined (MOVER)")
