"""Logistic regression of a few features by Newton's method, kept finite where the classes are separated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.breast.lda import Discriminant
from presage.cohort import InputError

# Penalty on squared slopes of standardised features, as of one hundredth of a patient: too little to be seen in a
# score, enough to keep a slope finite where the feature separates cases from controls.
_RIDGE = 0.01


def fit_logistic(features: NDArray[np.floating], cases: NDArray[np.bool_]) -> Discriminant:
    """Maximum-likelihood logistic regression, as a linear rule whose value is the log-odds.

    Parameters
    ----------
    features
        Shape (n, features), finite; n well above the number of features.
    cases
        Shape (n,).

    Raises
    ------
    InputError
        If a class is empty or a feature is not finite.
    """
    x = np.asarray(features, dtype=np.float64)
    if cases.all() or not cases.any():
        raise InputError(
            f"{int(cases.sum())} of {len(cases)} training patients are cases: a regression needs both classes",
            cure="use fewer folds or a larger cohort",
        )
    if not np.isfinite(x).all():
        raise InputError("a feature of a training patient is not finite")
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 1e-12 * np.maximum(1.0, np.abs(mean)), deviation, np.inf)
    design = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    share = cases.mean()
    start = np.zeros(design.shape[1])
    start[0] = np.log(share / (1 - share))
    found = _newton(design, cases.astype(np.float64), start)
    return Discriminant(mean, found[1:] / scale, float(found[0]))


def _newton(
    design: NDArray[np.float64], target: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients of the penalised likelihood's maximum; steps are halved until the likelihood rises."""
    penalty = np.full(design.shape[1], _RIDGE)
    penalty[0] = 0.0

    def loss(coefficients: NDArray[np.float64]) -> float:
        odds = design @ coefficients
        return float(np.logaddexp(0, odds).sum() - target @ odds + 0.5 * penalty @ coefficients**2)

    coefficients, value = start, loss(start)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(design @ coefficients, -500, 500)))
        gradient = design.T @ (chance - target) + penalty * coefficients
        weight = chance * (1 - chance)
        curvature = design.T @ (design * weight[:, None]) + np.diag(penalty + 1e-12)
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while (tried := loss(coefficients - length * step)) > value and length > 1e-8:
            length /= 2
        if value - tried <= 1e-12 * (1 + abs(value)):
            break
        coefficients, value = coefficients - length * step, tried
    return coefficients
