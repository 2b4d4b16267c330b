"""Agreement of a prediction with a scale: how far apart, how alike, and whether the difference matters.

Sources: Lin LI (1989) Biometrics 45:255-268 with the variance as corrected in 56:324 (2000); Shrout PE, Fleiss JL
(1979) Psychol Bull 86:420-428 and McGraw KO, Wong SP (1996) Psychol Methods 1:30-46 (intraclass correlation); Bland
JM, Altman DG (1986) Lancet 327:307-310 and Carkeet A (2015) Optom Vis Sci 92:e71-80 (exact limits); Bakdash JZ,
Marusich LR (2017) Front Psychol 8:456 (repeated measures).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Floats, StatsError
from presage.stats.results import Estimate


@dataclass(frozen=True)
class BlandAltman:
    """Mean difference (prediction minus truth) and the limits within which 95 % of the differences lie, with intervals.

    `slope` is the change of the difference per unit of the mean of both: away from 0 the bias is not the same
    everywhere.
    """

    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    slope: Estimate
    n: int


def _pair(truth: ArrayLike, prediction: ArrayLike, least: int = 3) -> tuple[Floats, Floats]:
    first = checks.finite(truth, "the truth")
    second = checks.score(prediction, len(first), "the prediction", varied=False)
    if len(first) < least:
        raise StatsError(f"{len(first)} patient(s) are too few for an interval; at least {least} are needed")
    return first, second


def _t_interval(values: Floats, level: float) -> tuple[float, float, float]:
    centre = float(values.mean())
    half = float(stats.t.ppf(0.5 + level / 2, len(values) - 1)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return centre, centre - half, centre + half


def _fisher(value: float, error: float, level: float, name: str) -> Estimate:
    """Interval on the inverse hyperbolic tangent; a correlation of 1 has no interval but itself."""
    if abs(value) >= 1 - 1e-12:
        return Estimate(value, value, value, level, name)
    half = float(stats.norm.ppf(0.5 + level / 2)) * error
    centre = float(np.arctanh(value))
    return Estimate(value, float(np.tanh(centre - half)), float(np.tanh(centre + half)), level, name)


def mean_absolute_error(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Mean absolute error in points of the scale; truth and prediction have shape (n,).

    Raises
    ------
    StatsError
        Missing values, arrays of different length, fewer than three patients (as everywhere here).
    """
    first, second = _pair(truth, prediction)
    level = checks.fraction(level, "the confidence level")
    value, low, high = _t_interval(np.abs(second - first), level)
    return Estimate(value, max(low, 0.0), high, level, "t")


def root_mean_square_error(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Root of the mean squared error in points of the scale; as :func:`mean_absolute_error`."""
    first, second = _pair(truth, prediction)
    level = checks.fraction(level, "the confidence level")
    value, low, high = (max(x, 0.0) ** 0.5 for x in _t_interval((second - first) ** 2, level))
    return Estimate(value, low, high, level, "t on the squares")


def pearson(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Pearson correlation with Fisher's interval; at least four patients, neither array constant.

    Raises
    ------
    StatsError
        As :func:`mean_absolute_error`; a constant array.
    """
    first, second = _pair(truth, prediction, 4)
    level = checks.fraction(level, "the confidence level")
    for values, name in ((first, "the truth"), (second, "the prediction")):
        checks.score(values, len(values), name)
    value = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    return _fisher(value, (len(first) - 3) ** -0.5, level, "Fisher z")


def concordance_correlation(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Lin's concordance correlation: 1 only where prediction and truth are equal, not merely on a line.

    Raises
    ------
    StatsError
        As :func:`pearson`.
    """
    correlation = pearson(truth, prediction, level=level).value
    first, second = _pair(truth, prediction, 4)
    n = len(first)
    spread = float(first.var() + second.var() + (first.mean() - second.mean()) ** 2)
    value = 2 * float(((first - first.mean()) * (second - second.mean())).mean()) / spread
    name = "Lin, inverse hyperbolic tangent"
    if abs(value) >= 1 - 1e-12 or correlation == 0:
        return Estimate(value, value if correlation else -1.0, value if correlation else 1.0, level, name)
    shift = (first.mean() - second.mean()) ** 2 / (first.std() * second.std())
    r2, c2 = correlation**2, value**2
    variance = (
        (1 - r2) * c2 / ((1 - c2) * r2)
        + 2 * value**3 * (1 - value) * shift / (correlation * (1 - c2) ** 2)
        - value**4 * shift**2 / (2 * r2 * (1 - c2) ** 2)
    ) / (n - 2)
    return _fisher(value, float(max(variance, 0.0)) ** 0.5, level, name)


def intraclass_correlation(ratings: ArrayLike, *, kind: Literal["2,1", "3,1"] = "2,1", level: float = 0.95) -> Estimate:
    """Intraclass correlation of single ratings.

    Parameters
    ----------
    ratings
        Shape (patients, raters): truth and prediction, or several raters; complete.
    kind
        ``2,1``: raters are a sample and their level counts (absolute agreement). ``3,1``: these raters only, their
        level does not count (consistency).

    Raises
    ------
    StatsError
        Missing values; fewer than three patients or two raters; ratings without any spread.
    """
    table = checks.finite(ratings, "the ratings", ndim=2)
    n, k = table.shape
    level = checks.fraction(level, "the confidence level")
    if n < 3 or k < 2:
        raise StatsError(f"an intraclass correlation needs at least 3 patients and 2 raters, not {n} and {k}")
    if np.ptp(table) == 0:
        raise StatsError("all ratings are the same number: agreement cannot be told from constancy")
    grand = table.mean()
    between = k * float(((table.mean(axis=1) - grand) ** 2).sum()) / (n - 1)
    raters = n * float(((table.mean(axis=0) - grand) ** 2).sum()) / (k - 1)
    left = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + grand
    error = float((left**2).sum()) / ((n - 1) * (k - 1))
    if between <= 1e-12 * np.ptp(table) ** 2:
        raise StatsError("the patients' means are all the same: there is nothing between patients to agree on")
    name = f"ICC({kind}), F (McGraw & Wong)"
    if error <= 1e-12 * between and (kind == "3,1" or raters <= 1e-12 * between):
        return Estimate(1.0, 1.0, 1.0, level, name)
    tail = 0.5 + level / 2
    if kind == "3,1":
        ratio, freedom = between / error, (n - 1) * (k - 1)
        value = (between - error) / (between + (k - 1) * error)
        down, up = ratio / stats.f.ppf(tail, n - 1, freedom), ratio * stats.f.ppf(tail, freedom, n - 1)
        return Estimate(value, float((down - 1) / (down + k - 1)), float((up - 1) / (up + k - 1)), level, name)
    total = between + (k - 1) * error + k * (raters - error) / n
    if total <= 1e-12 * between or total - between + error <= 1e-12 * total:
        raise StatsError("the ratings leave no variance to divide: more patients or raters are needed")
    value = (between - error) / total
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * raters + b * error) ** 2 / ((a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    below, above = stats.f.ppf(tail, n - 1, freedom), stats.f.ppf(tail, freedom, n - 1)
    noise = k * raters + (k * n - k - n) * error
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.float64(n * (between - below * error)) / (below * noise + n * between)
        high = np.float64(n * (above * between - error)) / (noise + n * above * between)
    if not np.isfinite([low, high]).all():
        raise StatsError("the ratings leave no variance to divide: more patients or raters are needed")
    return Estimate(value, float(low), float(high), level, name)


def bland_altman(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95, share: float = 0.95) -> BlandAltman:
    """Bias and limits of agreement, with exact intervals of both.

    Parameters
    ----------
    truth, prediction
        Shape (n,).
    share
        Share of the differences between the limits, 0.95 by custom.

    Raises
    ------
    StatsError
        As :func:`mean_absolute_error`.
    """
    first, second = _pair(truth, prediction)
    level, share = checks.fraction(level, "the confidence level"), checks.fraction(share, "the share within the limits")
    gaps, middle = second - first, (first + second) / 2
    n, bias, spread = len(gaps), float(gaps.mean()), float(gaps.std(ddof=1))
    z = float(stats.norm.ppf(0.5 + share / 2))
    # A normal quantile's exact interval: the non-central t (Carkeet 2015).
    near, far = (float(stats.nct.ppf(q, n - 1, z * n**0.5)) / n**0.5 for q in (0.5 - level / 2, 0.5 + level / 2))
    name = "exact, non-central t"
    lower = Estimate(bias - z * spread, bias - far * spread, bias - near * spread, level, name)
    upper = Estimate(bias + z * spread, bias + near * spread, bias + far * spread, level, name)
    centre, low, high = _t_interval(gaps, level)
    if np.ptp(middle) == 0:
        raise StatsError(
            "truth and prediction have the same mean for every patient, so bias over the scale is undefined"
        )
    line = stats.linregress(middle, gaps)
    half = float(stats.t.ppf(0.5 + level / 2, n - 2)) * float(line.stderr)
    slope = Estimate(float(line.slope), float(line.slope) - half, float(line.slope) + half, level, "least squares, t")
    return BlandAltman(Estimate(centre, low, high, level, "t"), lower, upper, slope, n)


def repeated_measures_correlation(
    first: ArrayLike, second: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """Correlation within patients over their visits, with each patient's own level taken out.

    Parameters
    ----------
    first, second
        Shape (visits,), all visits of all patients.
    patients
        The patient of each visit; patients with one visit say nothing.

    Raises
    ------
    StatsError
        Missing values; too few repeated visits; no change within patients.
    """
    one, two = _pair(first, second)
    names, numbers = checks.labels(patients, len(one), "the patient")
    sizes = np.bincount(numbers)
    left = [values - (np.bincount(numbers, weights=values) / sizes)[numbers] for values in (one, two)]
    freedom = len(one) - len(names) - 1
    if freedom < 2:
        raise StatsError("too few repeated visits: correlation within patients needs patients seen several times")
    if any(np.ptp(part) == 0 for part in left):
        raise StatsError("a score never changes within a patient, so no correlation of changes exists")
    value = float(np.clip(left[0] @ left[1] / ((left[0] @ left[0]) * (left[1] @ left[1])) ** 0.5, -1, 1))
    level = checks.fraction(level, "the confidence level")
    return _fisher(value, (freedom - 1) ** -0.5, level, f"Fisher z, {freedom} degrees of freedom")
