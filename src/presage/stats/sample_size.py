"""How many patients a study needs: for a width, for a difference, for a model.

Sources: Hanley JA, McNeil BJ (1982) Radiology 143:29-36; Obuchowski NA, McClish DK (1997) Statistics in Medicine
16:1529-1542; Riley RD et al. (2019) Statistics in Medicine 38:1276-1296 and (2020) BMJ 368:m441 (minimum for
developing a model), (2021) Statistics in Medicine 40:4230-4251 and Pavlou M et al. (2021) Stat Methods Med Res
30:2187-2206 (external validation); Van Smeden M et al. (2019) Stat Methods Med Res 28:2455-2474 (mean absolute error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from presage.stats import checks
from presage.stats.auc_intervals import hanley_mcneil_variance
from presage.stats.binormal import binormal_covariance
from presage.stats.checks import StatsError

MOST = 10**8


@dataclass(frozen=True)
class SampleSize:
    """Cases and controls needed, and the assumptions in words."""

    n_cases: int
    n_controls: int
    assumptions: str

    @property
    def n(self) -> int:
        """Everyone."""
        return self.n_cases + self.n_controls


@dataclass(frozen=True)
class ModelSize:
    """Riley's minimum for developing a binary prediction model: patients and events, by criterion and over all."""

    shrinkage: int
    optimism: int
    overall_risk: int
    absolute_error: int
    n: int
    events: int
    events_per_parameter: float
    assumptions: str


def binormal_variance(value: float, n_cases: float, n_controls: float) -> float:
    """Variance of an AUC for normal scores of the same spread in cases and controls (Obuchowski & McClish 1997)."""
    return _binormal_covariance(value, value, 1.0, 1.0, n_cases, n_controls)


def _binormal_covariance(
    first: float, second: float, of_cases: float, of_controls: float, n_cases: float, n_controls: float
) -> float:
    """Covariance of two AUCs, equal spreads (B = 1), correlations of the scores in cases and in controls."""
    a = 2**0.5 * special.ndtri(np.array([first, second]))
    sick, well = (np.array([[1.0, r], [r, 1.0]]) for r in (of_cases, of_controls))
    return float(binormal_covariance(a, np.ones(2), sick, well, n_cases, n_controls)[0, 1])


def _smallest(enough: Callable[[int], bool], what: str, least: int = 2) -> int:
    """Smallest whole number for which `enough` holds; it holds for every larger one."""
    high = least
    while not enough(high):
        high *= 2
        if high > MOST:
            raise StatsError(f"{what} would need more than {MOST:,} cases; ask for less")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, least)


def size_for_auc(
    value: float, width: float, *, controls_per_case: float = 1.0, level: float = 0.95, binormal: bool = False
) -> SampleSize:
    """Patients for an AUC whose interval is `width` wide in all.

    Parameters
    ----------
    value
        AUC expected, between 0.5 and 1.
    width
        From low to high, such as 0.1.
    controls_per_case
        19 for a prevalence of 5 %.
    binormal
        Obuchowski and McClish's variance in place of Hanley and McNeil's (the larger one for high AUCs).

    Raises
    ------
    StatsError
        Values outside their range.
    """
    value, width = checks.fraction(value, "the AUC"), checks.fraction(width, "the width of the interval")
    ratio = _ratio(controls_per_case)
    z = float(stats.norm.ppf(0.5 + checks.fraction(level, "the confidence level") / 2))
    variance = binormal_variance if binormal else hanley_mcneil_variance
    n_cases = _smallest(
        lambda n: 2 * z * variance(value, n, np.ceil(n * ratio)) ** 0.5 <= width, "an interval that short"
    )
    name = "Obuchowski-McClish" if binormal else "Hanley-McNeil"
    said = f"AUC {value:g}, {level:.0%} interval {width:g} wide, {ratio:g} controls per case, variance of {name}"
    return SampleSize(n_cases, int(np.ceil(n_cases * ratio)), said)


def size_for_difference(
    standard: float,
    marker: float,
    *,
    correlation: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
    controls_per_case: float = 1.0,
    margin: float = 0.0,
) -> SampleSize:
    """Patients to show a difference in AUC between two markers on the same people, by DeLong's test.

    Parameters
    ----------
    standard, marker
        AUCs expected.
    correlation
        Of the two scores within cases and within controls; 0 is the cautious choice.
    power, alpha
        Chance of showing it, and two-sided level of the test.
    margin
        0 for a difference; with non-inferiority, how much of the standard's AUC may be lost (such as 0.05).

    Raises
    ------
    StatsError
        Values outside their range; nothing to show.
    """
    standard, marker = checks.fraction(standard, "the standard's AUC"), checks.fraction(marker, "the marker's AUC")
    power, alpha = checks.fraction(power, "the power"), checks.fraction(alpha, "the level of the test")
    ratio = _ratio(controls_per_case)
    if not -1 < correlation < 1:
        raise StatsError(f"a correlation lies between -1 and 1, but it is {correlation}")
    gap = abs(marker - standard) if margin == 0 else marker - standard + margin
    if gap <= 0:
        raise StatsError("no difference is expected, so none can be shown; with a margin, non-inferiority can")
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))

    def enough(n: int) -> bool:
        controls = float(np.ceil(n * ratio))
        one, two = binormal_variance(standard, n, controls), binormal_variance(marker, n, controls)
        shared = _binormal_covariance(standard, marker, correlation, correlation, n, controls)
        return z**2 * (one + two - 2 * shared) <= gap**2

    n_cases = _smallest(enough, "so small a difference")
    said = (
        f"AUC {standard:g} against {marker:g}, scores correlated {correlation:g}, power {power:.0%}, two-sided level "
        f"{alpha:g}, {ratio:g} controls per case" + (f", margin {margin:g}" if margin else "")
    )
    return SampleSize(n_cases, int(np.ceil(n_cases * ratio)), said)


def size_for_share(share: float, width: float, *, level: float = 0.95) -> int:
    """Cases for a sensitivity (controls for a specificity) whose exact interval is at most `width` wide in all.

    Raises
    ------
    StatsError
        Values outside their range.
    """
    share, width = checks.fraction(share, "the share"), checks.fraction(width, "the width of the interval")
    tail = (1 - checks.fraction(level, "the confidence level")) / 2

    def enough(n: int) -> bool:
        count = round(share * n)
        low = float(stats.beta.ppf(tail, count, n - count + 1)) if count else 0.0
        high = float(stats.beta.ppf(1 - tail, count + 1, n - count)) if count < n else 1.0
        return high - low <= width

    return _smallest(enough, "an interval that short")


def _ratio(controls_per_case: float) -> float:
    if not 0 < controls_per_case < np.inf:
        raise StatsError(f"controls per case must be above 0, but it is {controls_per_case}")
    return float(controls_per_case)


def explained_from_auc(value: float, prevalence: float) -> float:
    """Cox-Snell R2 of a well calibrated model with this AUC, its log-odds normal with equal spread in both classes.

    The approximation of Riley RD et al. (2021) BMJ 373 (from the C statistic), here by numerical integration.
    """
    value, prevalence = checks.fraction(value, "the AUC"), checks.fraction(prevalence, "the prevalence")
    # Cases N(d^2 / 2, d^2), controls N(-d^2 / 2, d^2) about the prior log-odds are exactly calibrated.
    d = 2**0.5 * abs(float(stats.norm.ppf(value)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    prior = float(special.logit(prevalence))
    gain = 0.0
    for share, sign, outcome in ((prevalence, 1, 1.0), (1 - prevalence, -1, 0.0)):
        linear = prior + sign * d**2 / 2 + d * nodes
        gain += share * float((weights * (outcome * linear - np.logaddexp(0, linear))).sum())
    null = prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence)
    return float(-np.expm1(-2 * (gain - null)))


def size_for_model(
    parameters: int,
    prevalence: float,
    *,
    explained: float | None = None,
    auc: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    risk_margin: float = 0.05,
    absolute_error: float = 0.05,
) -> ModelSize:
    """Riley's minimum for developing a binary prediction model.

    Parameters
    ----------
    parameters
        Candidate parameters, all that could enter. It does not apply to networks with thousands of weights.
    prevalence
        Share of events expected.
    explained
        Cox-Snell R2 expected (adjusted); or `auc`, from which it is approximated.
    shrinkage
        Least shrinkage factor (criterion 1).
    optimism
        Largest difference of apparent and adjusted Nagelkerke R2 (criterion 2).
    risk_margin
        Half-width of the interval of the overall risk (criterion 3).
    absolute_error
        Mean absolute error of the risks (criterion 4; Van Smeden).

    Raises
    ------
    StatsError
        Values outside their range; neither or both of `explained` and `auc`.
    """
    prevalence = checks.fraction(prevalence, "the prevalence")
    if (explained is None) == (auc is None):
        raise StatsError("give the R2 expected, or the AUC from which it is approximated, and not both")
    r2 = explained_from_auc(auc, prevalence) if auc is not None else float(explained or 0.0)
    most = 1 - (prevalence**prevalence * (1 - prevalence) ** (1 - prevalence)) ** 2
    if parameters < 1 or not 0 < r2 < most:
        raise StatsError(
            f"a model needs at least 1 parameter and an R2 between 0 and {most:.3f} (the largest at this prevalence)"
        )

    def for_shrinkage(factor: float) -> int:
        return int(np.ceil(parameters / ((factor - 1) * np.log(1 - r2 / factor))))

    first = for_shrinkage(checks.fraction(shrinkage, "the shrinkage"))
    second = for_shrinkage(r2 / (r2 + checks.fraction(optimism, "the optimism") * most))
    margin = checks.fraction(risk_margin, "the margin of the risk")
    third = int(np.ceil((1.96 / margin) ** 2 * prevalence * (1 - prevalence)))
    logs = -0.508 + 0.259 * np.log(prevalence) + 0.504 * np.log(parameters)
    fourth = int(np.ceil(np.exp((logs - np.log(checks.fraction(absolute_error, "the absolute error"))) / 0.544)))
    n = max(first, second, third, fourth)
    events = int(np.ceil(n * prevalence))
    said = (
        f"{parameters} parameters, prevalence {prevalence:g}, R2 {r2:.3f}, shrinkage {shrinkage:g}, "
        f"optimism {optimism:g}, overall risk within {risk_margin:g}, mean absolute error {absolute_error:g}"
    )
    return ModelSize(first, second, third, fourth, n, events, n * prevalence / parameters, said)
