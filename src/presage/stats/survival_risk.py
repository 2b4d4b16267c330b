"""Predicted risks over time: Brier score with censoring weights, its integral, and calibration at a horizon.

Sources: Graf E et al. (1999) Statistics in Medicine 18:2529-2545 (Brier score); Gerds TA, Schumacher M (2006)
Biometrical Journal 48:1029-1040 (weights); McLernon DJ et al. (2023) Annals of Internal Medicine 176:105-114 and
Royston P, Altman DG (2013) BMC Med Res Methodol 13:33 (calibration at a horizon); Blanche P et al. (2019)
Biostatistics 20:347-357.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import logit

from presage.stats import checks
from presage.stats.calibration import NEAREST
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.kaplan_meier import Censoring, follow_up, kaplan_meier
from presage.stats.logistic import fit_logistic
from presage.stats.results import Estimate


@dataclass(frozen=True)
class BrierOverTime:
    """Brier score at each horizon and its mean over them (trapezium rule)."""

    times: Floats
    scores: tuple[Estimate, ...]
    integrated: float


@dataclass(frozen=True)
class RiskGroup:
    """People of similar predicted risk: how many, the mean risk, and what Kaplan-Meier saw by the horizon."""

    n: int
    predicted: float
    observed: Estimate


@dataclass(frozen=True)
class CalibrationAtHorizon:
    """Calibration of risks by a horizon: observed over expected, intercept and slope on the log-odds, and by group."""

    horizon: float
    observed_to_expected: Estimate
    intercept: Estimate
    slope: Estimate
    groups: tuple[RiskGroup, ...]


def brier_over_time(
    events: ArrayLike,
    times: ArrayLike,
    risks: ArrayLike,
    horizons: ArrayLike,
    *,
    censoring: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> BrierOverTime:
    """Brier score of the risk of the event by each horizon.

    Parameters
    ----------
    events, times
        0/1 and follow-up above 0, shape (n,).
    risks
        Predicted probability of the event by each horizon, shape (n, horizons).
    horizons
        Rising times, shape (horizons,), within the follow-up.
    censoring
        Events and times of the patients from whom the chance of being followed is estimated; None takes these.

    Raises
    ------
    StatsError
        As :func:`presage.stats.kaplan_meier.follow_up`; risks outside [0, 1]; horizons that do not rise or lie beyond
        the follow-up.
    """
    event, time = follow_up(events, times)
    grid = checks.finite(horizons, "the horizons")
    level = checks.fraction(level, "the confidence level")
    risk = checks.finite(risks, "the predicted risk", ndim=None)
    risk = risk[:, None] if risk.ndim == 1 else risk
    if risk.shape != (len(time), len(grid)):
        raise StatsError(f"the risks must have shape (n, horizons) = {(len(time), len(grid))}, not {risk.shape}")
    if (np.diff(grid) <= 0).any() or grid[-1] >= time.max() or grid[0] <= 0:
        raise StatsError(f"the horizons must rise, above 0 and below the longest follow-up ({time.max():g})")
    fitted = _censoring(event, time, censoring)
    scores = []
    for column, horizon in enumerate(grid):
        forecast = checks.probabilities(risk[:, column], len(time))
        weight, happened = _known(event, time, float(horizon), fitted)
        scores.append(_mean(weight * (happened - forecast) ** 2, level))
    values = np.array([score.value for score in scores])
    mean = float(np.trapezoid(values, grid) / (grid[-1] - grid[0])) if len(grid) > 1 else float(values[0])
    return BrierOverTime(grid, tuple(scores), mean)


def _censoring(event: Bools, time: Floats, other: tuple[ArrayLike, ArrayLike] | None) -> Censoring:
    if other is None:
        return Censoring.fit(event, time)
    who = checks.binary(other[0], "the event of the censoring patients", both=False)
    return Censoring.fit(who, checks.score(other[1], len(who), "their follow-up", varied=False))


def _known(event: Bools, time: Floats, horizon: float, censoring: Censoring) -> tuple[Floats, Floats]:
    """Weight of each patient whose state at the horizon is known (0 for the others), and that state."""
    weight = censoring.weights(event, time, until=horizon)
    still = time > horizon
    followed = float(censoring.at(np.array([horizon]))[0])
    if followed <= 0:
        raise StatsError(f"nobody is followed beyond time {horizon:g}; choose an earlier horizon")
    happened = (weight > 0).astype(np.float64)
    weight[still] = 1 / followed
    return weight, happened


def _mean(values: Floats, level: float) -> Estimate:
    centre, n = float(values.mean()), len(values)
    half = float(stats.norm.ppf(0.5 + level / 2)) * float(values.std(ddof=1)) / n**0.5
    return Estimate(centre, max(0.0, centre - half), centre + half, level, "inverse censoring weights, normal")


def calibration_at(
    events: ArrayLike,
    times: ArrayLike,
    risks: ArrayLike,
    horizon: float,
    *,
    groups: int = 5,
    level: float = 0.95,
) -> CalibrationAtHorizon:
    """Calibration of the predicted risk of the event by one horizon.

    Parameters
    ----------
    events, times
        0/1 and follow-up above 0, shape (n,).
    risks
        Predicted probability of the event by `horizon`, shape (n,).
    groups
        How many groups of similar risk to compare with Kaplan-Meier.

    Notes
    -----
    Intercept (slope held at 1) and slope come from a logistic model of the known states, weighted by the inverse
    chance of being followed, with the robust (sandwich) variance.

    Raises
    ------
    StatsError
        As :func:`brier_over_time`; constant risks; no event by the horizon.
    """
    event, time = follow_up(events, times)
    risk = checks.probabilities(risks, len(time))
    checks.score(risk, len(time), "the predicted risk")
    level = checks.fraction(level, "the confidence level")
    if not 0 < horizon < time.max() or not (event & (time <= horizon)).any():
        raise StatsError(f"at time {horizon:g} there is no event yet, or nobody is followed any more")
    weight, happened = _known(event, time, horizon, Censoring.fit(event, time))
    linear = logit(np.clip(risk, NEAREST, 1 - NEAREST))
    ones = np.ones((len(time), 1))
    intercept = _robust(ones, happened, linear, weight, level)
    slope = _robust(np.column_stack([ones, linear]), happened, np.zeros(len(time)), weight, level)
    edges = np.unique(np.quantile(risk, np.arange(1, groups) / groups))
    numbers = np.searchsorted(edges, risk, side="right")
    found = tuple(_group(event, time, risk, numbers == number, horizon, level) for number in np.unique(numbers))
    everyone = _observed(event, time, horizon, level)
    expected = float(risk.mean())
    value, low, high = (x / expected for x in (everyone.value, everyone.low, everyone.high))
    ratio = Estimate(value, low, high, level, everyone.method)
    return CalibrationAtHorizon(horizon, ratio, intercept, slope, found)


def _robust(design: Floats, outcome: Floats, offset: Floats, weight: Floats, level: float) -> Estimate:
    fit = fit_logistic(design, outcome, offset, weight)
    residual = weight * (outcome - 1 / (1 + np.exp(-(design @ fit.coefficients + offset))))
    parts = design * residual[:, None]
    variance = fit.covariance @ (parts.T @ parts) @ fit.covariance
    value = float(fit.coefficients[-1])
    half = float(stats.norm.ppf(0.5 + level / 2)) * float(variance[-1, -1]) ** 0.5
    return Estimate(value, value - half, value + half, level, "inverse censoring weights, robust variance, normal")


def _observed(event: Bools, time: Floats, horizon: float, level: float) -> Estimate:
    if not event.any():
        n = len(time)
        # Without events Kaplan-Meier has no interval; the rule of three bounds the risk instead.
        return Estimate(0.0, 0.0, 1 - ((1 - level) ** (1 / n)), level, "no event, exact one-sided bound")
    survival = kaplan_meier(event, time, level=level).at(min(horizon, float(time.max())))
    return Estimate(1 - survival.value, 1 - survival.high, 1 - survival.low, level, survival.method)


def _group(event: Bools, time: Floats, risk: Floats, rows: Bools, horizon: float, level: float) -> RiskGroup:
    return RiskGroup(int(rows.sum()), float(risk[rows].mean()), _observed(event[rows], time[rows], horizon, level))
