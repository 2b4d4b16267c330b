"""Calibration: does a predicted risk of 10 % happen to 10 of 100?

Sources: Cox DR (1958) Biometrika 45:562-565 (intercept and slope); Van Calster B et al. (2016) J Clin Epidemiol
74:167-176 (levels of calibration); Harrell FE (2015) Regression Modeling Strategies, 2.4.6 and table 2.3 (restricted
cubic splines and their knots); Austin PC, Steyerberg EW (2019) Statistics in Medicine 38:4051-4065 (ICI, E50, E90,
Emax); Brier GW (1950); Murphy AH (1973) J Appl Meteorol 12:595-600 and Stephenson DB, Coelho CAS, Jolliffe IT (2008)
Weather and Forecasting 23:752-757 (decomposition exact with grouped forecasts); Steyerberg EW et al. (2010)
Epidemiology 21:128-138 (scaled Brier).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.logistic import fit_logistic
from presage.stats.resampling import bootstrap, percentile_interval
from presage.stats.results import Estimate

# Log-odds of 0 and 1 are infinite; risks nearer than this to them are moved here and counted.
NEAREST = 1e-6

# Harrell's table 2.3: quantiles of the knots by their number.
KNOTS = {3: (0.10, 0.5, 0.90), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


@dataclass(frozen=True)
class CalibrationCurve:
    """Smooth curve of the observed share over predicted risk, with its pointwise band; all arrays (points,)."""

    risk: Floats
    observed: Floats
    low: Floats
    high: Floats
    level: float
    method: str


@dataclass(frozen=True)
class BrierScore:
    """Mean squared error of the risks and its parts: score = reliability - resolution + uncertainty.

    `scaled` is 1 - score / uncertainty: 0 for the prevalence said of everyone, 1 for a perfect forecast.
    """

    score: Estimate
    reliability: float
    resolution: float
    uncertainty: float
    scaled: float


@dataclass(frozen=True)
class Calibration:
    """Every measure of calibration of one set of risks.

    Attributes
    ----------
    intercept
        Calibration in the large: log-odds by which the risks are too low (0 is right; slope held at 1).
    slope
        1 is right; below 1 the risks are too extreme (overfitted).
    observed_to_expected
        Cases observed per case expected.
    average_error, median_error, error_at_90_percent, largest_error
        ICI, E50, E90 and Emax: distance between the smooth curve and the risks.
    curve, brier
        See there.
    moved
        How many risks were nearer than 1e-6 to 0 or 1 and were moved there for their log-odds.
    """

    intercept: Estimate
    slope: Estimate
    observed_to_expected: Estimate
    average_error: Estimate
    median_error: Estimate
    error_at_90_percent: Estimate
    largest_error: float
    curve: CalibrationCurve
    brier: BrierScore
    moved: int


def calibration(
    cases: ArrayLike,
    risks: ArrayLike,
    *,
    level: float = 0.95,
    points: int = 101,
    replicates: int = 300,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> Calibration:
    """Calibration of predicted risks.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    risks
        Predicted probabilities, shape (n,), in [0, 1].
    points
        Points of the smooth curve, over the range of the risks.
    replicates, seed
        Bootstrap replicates behind the intervals of ICI, E50 and E90.
    patients
        The patient of each row, where a patient has several: these intervals are then over patients.

    Raises
    ------
    StatsError
        Risks outside [0, 1] or all the same, one class only, missing values.
    """
    checked = checks.binary(cases)
    risk = checks.probabilities(risks, len(checked))
    checks.score(risk, len(checked), "the predicted risk")
    level = checks.fraction(level, "the confidence level")
    bounded = np.clip(risk, NEAREST, 1 - NEAREST)
    linear, outcome = logit(bounded), checked.astype(np.float64)
    z = float(stats.norm.ppf(0.5 + level / 2))
    in_the_large = fit_logistic(np.ones((len(outcome), 1)), outcome, linear)
    straight = fit_logistic(np.column_stack([np.ones(len(outcome)), linear]), outcome)
    numbers = None if patients is None else checks.labels(patients, len(checked), "the patient")[1]
    errors = _errors(checked, risk, linear, numbers, level, replicates, seed)
    return Calibration(
        _wald(in_the_large.coefficients[0], in_the_large.covariance[0, 0], z, level),
        _wald(straight.coefficients[1], straight.covariance[1, 1], z, level),
        _observed_to_expected(outcome, risk, z, level),
        *errors[:3],
        largest_error=errors[3],
        curve=_curve(linear, outcome, points, z, level),
        brier=brier(checked, risk, level=level),
        moved=int(np.count_nonzero(bounded != risk)),
    )


def log_loss(cases: ArrayLike, risks: ArrayLike) -> float:
    """Mean negative log-likelihood of the risks (nats); risks nearer than 1e-6 to 0 or 1 are moved there.

    Raises
    ------
    StatsError
        As :func:`calibration`; constant risks are allowed.
    """
    checked = checks.binary(cases)
    risk = np.clip(checks.probabilities(risks, len(checked)), NEAREST, 1 - NEAREST)
    return float(-np.log(np.where(checked, risk, 1 - risk)).mean())


def brier(cases: ArrayLike, risks: ArrayLike, *, groups: int = 10, level: float = 0.95) -> BrierScore:
    """Brier score and its decomposition over `groups` groups of equal size (fewer where risks are tied).

    The spread of risks within a group is counted with the resolution, so that the parts add up exactly.

    Raises
    ------
    StatsError
        As :func:`calibration`; constant risks are allowed.
    """
    checked = checks.binary(cases)
    risk = checks.probabilities(risks, len(checked))
    level = checks.fraction(level, "the confidence level")
    outcome, n = checked.astype(np.float64), len(checked)
    squares = (risk - outcome) ** 2
    score, z = float(squares.mean()), float(stats.norm.ppf(0.5 + level / 2))
    half = z * float(squares.std(ddof=1)) / n**0.5
    share = float(outcome.mean())
    distinct, numbers = np.unique(risk, return_inverse=True)
    if len(distinct) > groups:
        edges = np.unique(np.quantile(risk, np.arange(1, groups) / groups))
        numbers = np.unique(np.searchsorted(edges, risk, side="right"), return_inverse=True)[1]
    sizes = np.bincount(numbers)
    forecast, seen = (np.bincount(numbers, weights=values) / sizes for values in (risk, outcome))
    reliability = float((sizes * (forecast - seen) ** 2).sum() / n)
    uncertainty = share * (1 - share)
    # What is left belongs to the resolution: between groups, and within them where they are wide.
    resolution = reliability + uncertainty - score
    estimate = Estimate(score, max(0.0, score - half), min(1.0, score + half), level, "normal")
    return BrierScore(estimate, reliability, resolution, uncertainty, 1 - score / uncertainty)


def _wald(value: float, variance: float, z: float, level: float) -> Estimate:
    half = z * float(variance) ** 0.5
    return Estimate(float(value), float(value) - half, float(value) + half, level, "maximum likelihood, normal")


def _observed_to_expected(outcome: Floats, risk: Floats, z: float, level: float) -> Estimate:
    observed, expected = float(outcome.sum()), float(risk.sum())
    if expected <= 0:
        raise StatsError("every predicted risk is 0: nothing is expected, so observed to expected is undefined")
    value = observed / expected
    half = z * ((1 - observed / len(outcome)) / observed) ** 0.5
    low, high = (value * float(np.exp(sign * half)) for sign in (-1, 1))
    return Estimate(value, low, high, level, "log method")


def spline_basis(values: Floats, knots: Floats) -> Floats:
    """Restricted cubic splines: columns 1, x, and one for each knot but two; linear beyond the outer knots."""
    first, last, before = knots[0], knots[-1], knots[-2]
    scale = (last - first) ** 2

    def cube(x: Floats) -> Floats:
        return np.asarray(np.maximum(x, 0) ** 3)

    columns = [np.ones_like(values), values]
    for knot in knots[:-2]:
        bend = cube(values - knot) - cube(values - before) * (last - knot) / (last - before)
        columns.append((bend + cube(values - last) * (before - knot) / (last - before)) / scale)
    return np.column_stack(columns)


def _knots(linear: Floats, n_cases: int) -> Floats:
    """Fewer knots where the smaller class is small, and a straight line where the quantiles coincide."""
    for count in (5, 4, 3):
        if n_cases >= {5: 100, 4: 40, 3: 0}[count]:
            knots = np.quantile(linear, KNOTS[count])
            if (np.diff(knots) > 1e-9).all():
                return np.asarray(knots)
    return np.array([])


def _design(linear: Floats, knots: Floats) -> Floats:
    return spline_basis(linear, knots) if len(knots) else np.column_stack([np.ones_like(linear), linear])


def _curve(linear: Floats, outcome: Floats, points: int, z: float, level: float) -> CalibrationCurve:
    knots = _knots(linear, int(min(outcome.sum(), len(outcome) - outcome.sum())))
    fit = fit_logistic(_design(linear, knots), outcome)
    grid = np.linspace(float(expit(linear.min())), float(expit(linear.max())), points)
    design = _design(logit(np.clip(grid, NEAREST, 1 - NEAREST)), knots)
    centre = design @ fit.coefficients
    half = z * np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance, design))
    shape = f"restricted cubic spline, {len(knots)} knots" if len(knots) else "straight line"
    low, high = expit(centre - half), expit(centre + half)
    return CalibrationCurve(grid, expit(centre), low, high, level, f"{shape} of the log-odds")


def _errors(
    cases: Bools, risk: Floats, linear: Floats, patients: Ints | None, level: float, replicates: int, seed: int
) -> tuple[Estimate, Estimate, Estimate, float]:
    outcome = cases.astype(np.float64)
    # The knots stay where they are in every replicate: they are a choice made on the risks, not on the outcome.
    design = _design(linear, _knots(linear, int(min(outcome.sum(), len(outcome) - outcome.sum()))))

    def one(weights: Floats) -> Floats:
        fit = fit_logistic(design, outcome, weights=weights)
        distance = np.abs(expit(design @ fit.coefficients) - risk)
        order = np.argsort(distance)
        upto = np.cumsum(weights[order])
        median, ninety = (distance[order][np.searchsorted(upto, share * upto[-1])] for share in (0.5, 0.9))
        return np.array([np.average(distance, weights=weights), median, ninety, distance.max()])

    def block_of(block: Floats) -> Floats:
        values = np.full((len(block), 4), np.nan)
        for number, weights in enumerate(block):
            # A replicate may separate the classes; it has no curve and is left out of the percentiles.
            with contextlib.suppress(StatsError):
                values[number] = one(weights)
        return values

    here = one(np.ones(len(outcome)))
    drawn = bootstrap(block_of, cases, patients, replicates=replicates, seed=seed, threads=1)
    drawn = drawn[np.isfinite(drawn[:, 0])]
    if len(drawn) < 0.9 * replicates:
        raise StatsError(
            f"the calibration curve exists in {len(drawn)} of {replicates} bootstrap replicates only: "
            "there are too few patients for a smooth curve"
        )
    average, median, ninety = (_around(percentile_interval(float(here[i]), drawn[:, i], level=level)) for i in range(3))
    return average, median, ninety, float(here[3])


def _around(found: Estimate) -> Estimate:
    """A distance grows in every replicate, so that percentiles may leave out the value itself: stretched to hold it."""
    if found.low <= found.value <= found.high:
        return found
    low, high = min(found.low, found.value), max(found.high, found.value)
    return replace(found, low=low, high=high, method=f"{found.method}, stretched to the value")
