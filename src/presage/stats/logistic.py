"""Logistic regression by Newton's method, with an offset: the one fitting routine that the statistics need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from presage.stats.checks import Floats, StatsError


@dataclass(frozen=True)
class LogisticFit:
    """Maximum-likelihood coefficients (terms,), their covariance (terms, terms) and the log-likelihood."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float


def fit_logistic(
    design: Floats, outcome: Floats, offset: Floats | None = None, weights: Floats | None = None, *, steps: int = 50
) -> LogisticFit:
    """Fit outcome (n,), a share between 0 and 1, on design (n, terms).

    Raises
    ------
    StatsError
        Where no finite maximum exists: a term that separates cases from controls perfectly, or terms that say the same.
    """
    shift = np.zeros(len(outcome)) if offset is None else offset
    weight = np.ones(len(outcome)) if weights is None else weights
    beta = np.zeros(design.shape[1])

    def likelihood(trial: Floats) -> float:
        linear = design @ trial + shift
        return float((weight * (outcome * linear - np.logaddexp(0, linear))).sum())

    best = likelihood(beta)
    for _ in range(steps):
        chance = expit(design @ beta + shift)
        gradient = design.T @ (weight * (outcome - chance))
        information = (design * (weight * chance * (1 - chance))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError as error:
            raise StatsError(
                "a logistic model could not be fitted: its terms are redundant or separate perfectly"
            ) from error
        size = 1.0
        # Newton may overshoot far from the maximum; halving keeps every step uphill.
        while (found := likelihood(beta + size * step)) < best - 1e-12 * abs(best) and size > 1e-6:
            size /= 2
        beta, best = beta + size * step, found
        if np.abs(step).max() * size < 1e-10 * (1 + np.abs(beta).max()):
            if best > -1e-6 * len(outcome):
                break
            return LogisticFit(beta, np.linalg.inv(information), best)
    raise StatsError(
        "a logistic model has no finite solution: the score separates cases from controls perfectly, or nearly so"
    )
