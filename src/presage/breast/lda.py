"""Linear discriminant analysis with a shrunken covariance, for many more features than patients.

The within-class covariance is a diagonal plus a matrix of rank n, so that its inverse is applied through an n x n
system (Woodbury) and the p x p matrix is never formed: a fit of 200 patients and 2,560 features takes milliseconds. The
decision function equals scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)``.

Source of the automatic shrinkage: Ledoit and Wolf, J Multivariate Anal 2004;88:365-411.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

Floats = NDArray[np.float64]
Shrinkage = Literal["auto"] | float


@dataclass(frozen=True)
class Discriminant:
    """A fitted discriminant: log-odds = (x - mean) . weights + intercept.

    Attributes
    ----------
    mean
        Of the training patients, shape (features,).
    weights
        In units of the features as they came (their scaling is folded in), shape (features,).
    intercept
        Log-odds at the mean.
    """

    mean: Floats
    weights: Floats
    intercept: float

    def log_odds(self, features: NDArray[np.floating]) -> Floats:
        """Log-odds of being a case, shape (n,), for features of shape (n, features)."""
        # Row by row, so that a patient's score does not depend on who else is scored.
        centred = np.asarray(features, dtype=np.float64) - self.mean
        return np.asarray(np.einsum("np,p->n", centred, self.weights) + self.intercept)


def fit_discriminant(
    features: NDArray[np.floating], cases: NDArray[np.bool_], *, shrinkage: Shrinkage = "auto"
) -> Discriminant:
    """Standardise the features, then fit a two-class discriminant to them.

    Parameters
    ----------
    features
        Shape (n, features), finite.
    cases
        Shape (n,); at least two of each class.
    shrinkage
        ``auto`` (Ledoit-Wolf, for each class) or a number in (0, 1].

    Raises
    ------
    InputError
        If a class has fewer than two patients, a feature is not finite, or no feature varies.
    """
    x = np.array(features, dtype=np.float64)
    _check(x, cases, shrinkage)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    varies = ~_is_constant(deviation**2, mean, len(x))
    if not varies.any():
        raise InputError("no feature differs between the patients: there is nothing to tell cases by")
    x -= mean
    x /= np.where(varies, deviation, 1.0)
    x[:, ~varies] = 0.0
    # Prior-weighted sum of the classes' covariances: diag(diagonal) + rows' rows.
    diagonal = np.zeros(x.shape[1])
    rows, means, priors = [], [], []
    for members in (x[~cases], x[cases]):
        prior = len(members) / len(x)
        class_mean = members.mean(axis=0)
        kept, spherical = _shrunken(members - class_mean, class_mean, shrinkage)
        rows.append(np.sqrt(prior) * kept)
        diagonal += prior * spherical
        means.append(class_mean)
        priors.append(prior)
    difference = means[1] - means[0]
    direction = _solve(diagonal, np.concatenate(rows), difference)
    intercept = -0.5 * float(direction @ (means[0] + means[1])) + float(np.log(priors[1] / priors[0]))
    return Discriminant(mean, np.where(varies, direction / np.where(varies, deviation, 1.0), 0.0), intercept)


def _check(x: Floats, cases: NDArray[np.bool_], shrinkage: Shrinkage) -> None:
    if shrinkage != "auto" and not 0 < float(shrinkage) <= 1:
        raise InputError(f"shrinkage must be 'auto' or a number above 0 and at most 1, not {shrinkage!r}")
    count = int(cases.sum())
    if min(count, len(cases) - count) < 2:
        raise InputError(
            f"{count} of {len(cases)} training patients are cases: a discriminant needs at least two of each class",
            cure="use fewer folds or a larger cohort",
        )
    if not np.isfinite(x).all():
        raise InputError("a feature of a training patient is not finite")


def _is_constant(variance: Floats, mean: Floats, count: int) -> NDArray[np.bool_]:
    """Whether a variance is no more than rounding leaves of a constant (the bound that scikit-learn uses)."""
    epsilon = np.finfo(np.float64).eps
    return np.asarray(variance <= count * epsilon * variance + (count * mean * epsilon) ** 2)


def _shrunken(centred: Floats, mean: Floats, shrinkage: Shrinkage) -> tuple[Floats, Floats]:
    """A class's shrunken covariance as (rows, diagonal): covariance = rows' rows + diag(diagonal)."""
    count, features = centred.shape
    if shrinkage != "auto":
        share = float(shrinkage)
        level = float((centred**2).sum()) / count / features
        return np.sqrt((1 - share) / count) * centred, np.full(features, share * level)
    # Ledoit-Wolf on features of unit variance within the class, scaled back.
    variance = (centred**2).mean(axis=0)
    scale = np.where(_is_constant(variance, mean, count), 1.0, np.sqrt(variance))
    standard = centred / scale
    share, level = ledoit_wolf(standard)
    return np.sqrt((1 - share) / count) * centred, share * level * scale**2


def ledoit_wolf(centred: Floats) -> tuple[float, float]:
    """Shrinkage towards a multiple of the identity, and that multiple.

    Both Frobenius norms are taken in the n x n Gram matrix.
    """
    count, features = centred.shape
    squares = centred**2
    level = float(squares.sum()) / count / features
    # Squared Frobenius norm of the empirical covariance.
    norm = float(((centred @ centred.T) ** 2).sum()) / count**2
    noise = (float((squares.sum(axis=1) ** 2).sum()) / count - norm) / (features * count)
    distance = norm / features - level**2
    noise = min(noise, distance)
    return (0.0 if noise == 0 else noise / distance), level


def _solve(diagonal: Floats, rows: Floats, right: Floats) -> Floats:
    """(diag(diagonal) + rows' rows)^-1 right by Woodbury's identity."""
    from scipy.linalg import cho_factor, cho_solve

    if not (diagonal > 0).all():
        # No shrinkage at all was called for (far more patients than features): the plain system is regular.
        covariance = rows.T @ rows + np.diag(diagonal)
        return np.asarray(np.linalg.lstsq(covariance, right, rcond=None)[0])
    scaled = rows / diagonal
    inner = np.eye(len(rows)) + rows @ scaled.T
    # cho_factor may overwrite: `inner` is not used again.
    solved = cho_solve(cho_factor(inner, lower=True, overwrite_a=True), scaled @ right)
    return np.asarray(right / diagonal - scaled.T @ solved)
