"""How often a gene would be mutated without selection: a negative-binomial regression on silent changes.

A gene's silent changes are Poisson with a rate that varies between genes as a gamma around what its length and its
covariates say (the model of Martincorena et al., Cell 2017, with protein length in the place of the sequence's own
mutable sites, or with these where coding sequences are given: `presage.tumor.selection.context`). Given the gene's own
silent changes the rate is a gamma again, so the changes of another class are negative-binomial: the gene's own silent
ones count as much as they are worth.

What the length cannot say (how many changes of a gene's sequence are missense) is a second gamma, whose spread is
measured on missense changes of genes without excess; with sequences it is what is left of it. Indels have their own
spread and follow the length alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from presage.tumor.selection.counts import CHANGING, Counts

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

#: Silent changes below which the rate of single genes cannot be learned from them: lengths alone are used then.
LEAST_SILENT = 50
# A gene whose class has so small a p-value is not background; no gene list is used for it.
_TRIM = 1e-3
_ROUNDS = 4
# 1 / spread: beyond the first the gamma is a point for counts as these.
_SHAPES = (1e-2, 1e5)


@dataclass(frozen=True)
class Background:
    """What is expected of each gene.

    Attributes
    ----------
    silent
        Expected silent changes from length and covariates, shape (genes,).
    shape
        Shape of the gamma of the rate before the gene's own silent changes are seen (large: genes hardly differ).
    expected
        Class -> expected patients given the gene's own silent changes, shape (genes,).
    spread
        Squared coefficient of variation that missense changes have beyond it.
    shapes
        Negative-binomial shape of the substitution classes, shape (genes,).
    indel_shape
        That of the indels.
    coefficients
        Of the regression: name -> value (covariates per standard deviation); `log length` is that of what the sequence
        lets expect where sequences are given.
    learned
        Whether silent changes were enough; False: length alone.
    """

    silent: Floats
    shape: float
    expected: dict[str, Floats]
    spread: float
    shapes: Floats
    indel_shape: float
    coefficients: dict[str, float]
    learned: bool


def fit_background(counts: Counts, covariates: Floats | None = None) -> Background:
    """Fit what is expected without selection.

    Parameters
    ----------
    covariates
        Standardised, shape (genes, covariates).
    """
    lengths = counts.genes.lengths
    sites = counts.sites
    room = lengths if sites is None else sites["silent"]
    learned = int(counts.silent.sum()) >= LEAST_SILENT
    if learned:
        design = [np.ones_like(room), _standard(np.log(room))]
        names = ["intercept", "log length"]
        if covariates is not None:
            design += list(covariates.T)
            names += [f"covariate {number + 1}" for number in range(covariates.shape[1])]
        silent, shape, values = negative_binomial(counts.silent, np.column_stack(design), np.log(room))
        factor, given = (shape + counts.silent) / (shape + silent), shape + counts.silent
    else:
        names, values = [], np.array([])
        silent, shape = room / room.sum() * max(int(counts.silent.sum()), 1), _SHAPES[1]
        factor, given = np.ones_like(lengths), np.full(lengths.shape, np.inf)
    rate = silent * factor
    # Per silent change, a gene's sequence has room for its own number of the others; its length cannot say it.
    rates = {name: rate if sites is None else rate * (sites[name] / room) for name in ("missense", "truncating")}
    spread, shapes = 0.0, given
    missense = _scaled(counts.missense, rates["missense"], np.ones(lengths.shape, dtype=bool))
    inside = np.ones(lengths.shape, dtype=bool)
    for _ in range(_ROUNDS):
        spread = _spread(counts.missense[inside], missense[inside], given[inside])
        with np.errstate(divide="ignore"):
            # No spread at all is an infinite shape: a Poisson.
            shapes = 1.0 / (1.0 / given + spread)
        inside = upper_tail(counts.missense, missense, shapes)[0] > _TRIM
        missense = _scaled(counts.missense, rates["missense"], inside)
    truncating = _trimmed(counts.truncating, rates["truncating"], shapes)
    indel, indel_shape = _indels(counts.indel, lengths)
    expected = dict(zip(CHANGING, (missense, truncating, indel), strict=True))
    of = {name: float(value) for name, value in zip(names, values, strict=True)}
    return Background(silent, shape, expected, spread, np.minimum(shapes, _SHAPES[1]), indel_shape, of, learned)


def negative_binomial(counts: NDArray[np.int64], design: Floats, offset: Floats) -> tuple[Floats, float, Floats]:
    """Maximum likelihood of counts ~ NB(exp(offset + design @ b), shape).

    Returns
    -------
    mean, shape, coefficients
        Iteratively reweighted least squares for the mean and a line search for the shape, in turn until neither moves.
    """
    values: Floats = np.zeros(design.shape[1])
    values[0] = np.log(max(counts.sum(), 0.5)) - special.logsumexp(offset)
    shape = 1.0
    for _ in range(50):
        before = values.copy()
        mean = np.exp(np.clip(offset + design @ values, -30, 30))
        weight = mean / (1.0 + mean / shape)
        target = design @ values + (counts - mean) / mean
        gram = design.T @ (design * weight[:, None]) + 1e-9 * np.eye(len(values))
        values = np.linalg.solve(gram, design.T @ (weight * target))
        mean = np.exp(np.clip(offset + design @ values, -30, 30))
        shape = _best_shape(counts, mean)
        if np.max(np.abs(values - before)) < 1e-7:
            break
    return mean, shape, values


def log_likelihood(counts: NDArray[np.int64], mean: Floats, shape: float | Floats) -> float:
    """Log-likelihood of negative-binomial counts, without the term of the counts alone."""
    shape = np.broadcast_to(np.asarray(shape, float), mean.shape)
    terms = special.gammaln(counts + shape) - special.gammaln(shape) + shape * np.log(shape / (shape + mean))
    return float((terms + special.xlogy(counts, mean / (shape + mean))).sum())


def upper_tail(counts: NDArray[np.int64], mean: Floats, shape: float | Floats) -> tuple[Floats, Floats]:
    """P(X >= count) and P(X = count) of a negative binomial with a mean and a shape."""
    shape = np.broadcast_to(np.minimum(np.asarray(shape, float), _SHAPES[1]), mean.shape)
    share = mean / (mean + shape)
    with np.errstate(under="ignore"):
        tail = np.where(counts > 0, special.betainc(np.maximum(counts, 1), shape, share), 1.0)
        mass = np.exp(
            special.gammaln(counts + shape) - special.gammaln(shape) - special.gammaln(counts + 1.0)
            + shape * np.log1p(-share) + special.xlogy(counts, share)
        )  # fmt: skip
    return tail, mass


def _scaled(counts: NDArray[np.int64], rate: Floats, inside: Bools) -> Floats:
    # Half a change keeps the expectation above nought in a class that nobody has.
    return rate * (max(float(counts[inside].sum()), 0.5) / float(rate[inside].sum()))


def _trimmed(counts: NDArray[np.int64], rate: Floats, shapes: Floats) -> Floats:
    inside = np.ones(rate.shape, dtype=bool)
    for _ in range(_ROUNDS):
        mean = _scaled(counts, rate, inside)
        inside = upper_tail(counts, mean, shapes)[0] > _TRIM
    return _scaled(counts, rate, inside)


def _indels(counts: NDArray[np.int64], lengths: Floats) -> tuple[Floats, float]:
    inside = np.ones(lengths.shape, dtype=bool)
    shape = _SHAPES[1]
    for _ in range(_ROUNDS):
        mean = _scaled(counts, lengths, inside)
        shape = _best_shape(counts[inside], mean[inside])
        inside = upper_tail(counts, mean, shape)[0] > _TRIM
    return _scaled(counts, lengths, inside), shape


def _spread(counts: NDArray[np.int64], mean: Floats, given: Floats) -> float:
    def lost(log_spread: float) -> float:
        return -log_likelihood(counts, mean, np.minimum(1.0 / (1.0 / given + np.exp(log_spread)), _SHAPES[1]))

    best = optimize.minimize_scalar(lost, bounds=(-9.0, 3.0), method="bounded")
    return float(np.exp(best.x)) if best.x > -8.5 else 0.0


def _best_shape(counts: NDArray[np.int64], mean: Floats) -> float:
    low, high = np.log(_SHAPES[0]), np.log(_SHAPES[1])
    best = optimize.minimize_scalar(
        lambda x: -log_likelihood(counts, mean, float(np.exp(x))), bounds=(low, high), method="bounded"
    )
    return float(np.exp(best.x))


def _standard(values: Floats) -> Floats:
    spread = values.std()
    standard: Floats = (values - values.mean()) / (spread if spread > 0 else 1.0)
    return standard
