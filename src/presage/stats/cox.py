"""Proportional hazards: what a score adds to others over time, with the ties of real follow-up.

Sources: Cox DR (1972) JRSS B 34:187-220; Efron B (1977) JASA 72:557-565 and Breslow N (1974) Biometrics 30:89-99
(ties).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.kaplan_meier import follow_up

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class CoxFit:
    """Log hazard ratios (terms,) with covariance, Wald z and p, the likelihood-ratio test, and the baseline.

    `baseline_times` and `baseline_hazard` are the distinct event times and the cumulative hazard at them of someone at
    the means of the terms.
    """

    coefficients: Floats
    covariance: Floats
    z: Floats
    p: Floats
    log_likelihood: float
    likelihood_ratio: float
    likelihood_ratio_p: float
    means: Floats
    baseline_times: Floats
    baseline_hazard: Floats
    ties: Ties

    @property
    def errors(self) -> Floats:
        """Standard errors (terms,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def risk(self, terms: ArrayLike, horizons: ArrayLike) -> Floats:
        """Risk of the event by each horizon, shape (n, horizons), of people with `terms` (n, terms)."""
        design = _design(terms, None)
        grid = checks.finite(horizons, "the horizons")
        padded = np.concatenate(([0.0], self.baseline_hazard))
        hazard = padded[np.searchsorted(self.baseline_times, grid, side="right")]
        relative = np.exp((design - self.means) @ self.coefficients)
        return np.asarray(-np.expm1(-relative[:, None] * hazard))


def cox(events: ArrayLike, times: ArrayLike, terms: ArrayLike, *, ties: Ties = "efron", steps: int = 50) -> CoxFit:
    """Fit a proportional-hazards model by Newton's method.

    Parameters
    ----------
    events, times
        0/1 and follow-up above 0, shape (n,).
    terms
        Shape (n, terms) or (n,).

    Raises
    ------
    StatsError
        As :func:`presage.stats.kaplan_meier.follow_up`; constant or redundant terms; no finite maximum.
    """
    event, time = follow_up(events, times)
    design = _design(terms, len(time))
    means, scale = design.mean(axis=0), design.std(axis=0)
    if (scale == 0).any():
        raise StatsError(f"term {int(np.argmin(scale)) + 1} is constant: it cannot be related to survival")
    order = np.argsort(-time, kind="stable")
    centred, sorted_event, sorted_time = ((design - means) / scale)[order], event[order], time[order]
    beta = np.zeros(design.shape[1])
    null, gradient, information, _ = _partial_likelihood(beta, centred, sorted_event, sorted_time, ties)
    best = null
    for _ in range(steps):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError as error:
            raise StatsError("the terms of the Cox model repeat one another; leave one out") from error
        # A step of more than e^5 per standard deviation only happens where there is no maximum near.
        size = min(1.0, 5 / max(float(np.abs(step).max()), 1e-12))
        while True:
            found = _partial_likelihood(beta + size * step, centred, sorted_event, sorted_time, ties)
            if found[0] >= best - 1e-12 * abs(best) or size < 1e-6:
                break
            size /= 2
        beta = beta + size * step
        best, gradient, information, hazard = found
        # Standardised terms: a hazard ratio of e^20 per standard deviation is a coefficient without end.
        if np.abs(beta).max() > 20:
            break
        if np.abs(step).max() * size < 1e-10:
            if np.linalg.matrix_rank(information, tol=1e-9, hermitian=True) < len(beta):
                raise StatsError("the terms of the Cox model repeat one another, or no event has a comparison")
            covariance = np.linalg.inv(information) / np.outer(scale, scale)
            return _finish(beta / scale, covariance, null, best, means, hazard, ties)
    raise StatsError("the Cox model has no finite maximum: a term separates early events from all others")


def _design(terms: ArrayLike, n: int | None) -> Floats:
    design = checks.finite(terms, "the terms", ndim=None)
    design = design[:, None] if design.ndim == 1 else design
    if design.ndim != 2:
        raise StatsError(f"the terms must have shape (n, terms), but theirs is {design.shape}")
    if n is not None:
        checks.same_length(len(design), n, "the terms")
    return design


def _finish(
    coefficients: Floats,
    covariance: Floats,
    null: float,
    best: float,
    means: Floats,
    hazard: tuple[Floats, Floats],
    ties: Ties,
) -> CoxFit:
    z = coefficients / np.sqrt(np.diag(covariance))
    ratio = 2 * (best - null)
    p = 2 * stats.norm.sf(np.abs(z))
    ratio_p = float(stats.chi2.sf(ratio, len(coefficients)))
    return CoxFit(coefficients, covariance, z, p, best, ratio, ratio_p, means, hazard[0], np.cumsum(hazard[1]), ties)


def _partial_likelihood(
    beta: Floats, design: Floats, event: Bools, time: Floats, ties: Ties
) -> tuple[float, Floats, Floats, tuple[Floats, Floats]]:
    """Log-likelihood, gradient, information, and hazard steps; rows are sorted by falling time."""
    linear = design @ beta
    # Shifting by the largest keeps exp finite; it cancels between numerator and risk set.
    relative = np.exp(linear - linear.max())
    first_order = relative[:, None] * design
    second_order = first_order[:, :, None] * design[:, None, :]
    sums = np.cumsum(relative), np.cumsum(first_order, axis=0), np.cumsum(second_order, axis=0)
    value, gradient = 0.0, np.zeros_like(beta)
    information = np.zeros((len(beta), len(beta)))
    moments, steps = np.unique(time[event]), []
    last = np.searchsorted(-time, -moments, side="right") - 1
    first = np.searchsorted(-time, -moments, side="left")
    for start, end in zip(first, last, strict=True):
        died = np.arange(start, end + 1)[event[start : end + 1]]
        total, first_sum, second_sum = (part[end] for part in sums)
        tied = [part[died].sum(axis=0) for part in (relative, first_order, second_order)]
        step = 0.0
        for number in range(len(died)):
            share = number / len(died) if ties == "efron" else 0.0
            risk = total - share * tied[0]
            mean = (first_sum - share * tied[1]) / risk
            value -= float(np.log(risk))
            gradient -= mean
            information += (second_sum - share * tied[2]) / risk - np.outer(mean, mean)
            step += 1 / float(risk)
        value += float(linear[died].sum()) - len(died) * float(linear.max())
        gradient += design[died].sum(axis=0)
        steps.append(step * float(np.exp(-linear.max())))
    return value, gradient, information, (moments, np.array(steps))
