"""Significance of every pair of a tumour and an alteration, and a false discovery rate over all.

For evidence that tells for and against (:class:`~presage.tumor.tci.Continuous`). A pair's score is how many genes the
alteration is expected to act on in the tumour, less how many it is the cohort's cause of and yet does nothing to there.
It is told in standard deviations of what the same alteration reaches where it is given to tumours that lack it
(:mod:`presage.tumor.exchanges`). The p-value is the share of exchanged pairs that reach as much, among alterations that
explain about as many genes in the *other* tumours.

The drivers of the cohort stay in place, so that the rates hold with them about.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from presage.cohort import InputError
from presage.tumor.drivers import BINS, Calls, Levels, explained, upper_quantile
from presage.tumor.exchanges import DECIMALS, Exchanges
from presage.tumor.rates import grouped_rates
from presage.tumor.tci import Continuous, Posterior

Floats = NDArray[np.float64]
# Pairs that a group has at the least.
_LEAST = 50
# Scores that differ by less than this do not vary.
_FLAT = 1e-6


def score(found: Posterior) -> Floats:
    """Genes that each alteration of a tumour is expected to act on, less those that speak against it, shape (a,)."""
    assert found.against is not None
    return np.asarray((found.probability[:-1] - found.against).sum(axis=1))


def groups(elsewhere: Floats, least: int = _LEAST) -> NDArray[np.int64]:
    """Which pairs are compared with each other, by how many genes are explained in the other tumours.

    The half that explains fewest, the half of the others that explains fewest, and so on, while at least `least` pairs
    are left: what drives is among those that explain most, and may be few.

    Parameters
    ----------
    elsewhere
        Of each pair, shape (pairs,); see :meth:`~presage.tumor.tci.Continuous.elsewhere`.

    Returns
    -------
    ndarray
        Group of each, from 0 for the fewest genes, shape (pairs,). Equal numbers are in one group.
    """
    size = len(elsewhere)
    number = int(np.log2(size / least)) if size >= least else 0
    place = np.maximum(stats.rankdata(-elsewhere), 1) / max(1, size)
    return np.asarray(np.clip(np.floor(-np.log2(place)), 0, number), dtype=np.int64)


def deviations(chance: Floats, observed: Floats, alteration: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Exchanged and observed scores in standard deviations of the exchanged scores of the same alteration.

    An exchanged score is compared with all others but itself, as an observed one is: however few they are, the two are
    alike where there is nothing.

    Parameters
    ----------
    chance
        Shape (draws, pairs); NaN where nothing could be exchanged.
    observed, alteration
        Of each pair, shape (pairs,).

    Returns
    -------
    chance, observed
        In standard deviations; NaN for an alteration that was exchanged less than twice.
    """
    size = int(alteration.max(initial=-1)) + 1
    draws = np.asarray(np.bincount(alteration, minlength=size)[alteration] * len(chance), dtype=np.float64)

    def sums(of: Floats) -> Floats:
        return np.asarray(np.bincount(alteration, of.sum(axis=0), minlength=size)[alteration], dtype=np.float64)

    draws[draws < 2] = np.nan
    # About the mean of all, so that squares do not cancel.
    centre = sums(chance) / draws
    x, y = chance - centre, observed - centre
    first, second = sums(x), sums(x**2)

    def scaled(value: Floats, number: Floats, total: Floats, squares: Floats) -> Floats:
        mean = total / np.maximum(number, 1)
        spread = np.sqrt(np.maximum(squares / np.maximum(number, 1) - mean**2, 0)) + _FLAT
        return np.asarray(np.round((value - mean) / spread, DECIMALS))

    return scaled(x, draws - 1, first - x, second - x**2), scaled(y, draws, first, second)


def judge(
    inference: Continuous,
    *,
    permutations: int = 20,
    alpha: float = 0.01,
    fdr: float | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[Levels, Calls]:
    """Score every pair and call drivers.

    Parameters
    ----------
    permutations
        How often each pair's alteration is given to another tumour. The smallest p-value is about one over their
        number times the pairs of a group.
    alpha
        A pair is called where its p-value is no larger; posteriors count from the level that this share exceeds in
        tumours that the alteration was given to.
    fdr
        In its place the false discovery rate over all pairs, see :func:`~presage.tumor.rates.grouped_rates`.
    progress
        Called with 1 after each permutation.

    Raises
    ------
    InputError
        If there is no permutation, or alpha or the rate is no share.
    """
    if permutations < 1 or not 0 < alpha < 1 or not (fdr is None or 0 < fdr < 1):
        rate = "" if fdr is None else f", false discovery rate {fdr:g}"
        raise InputError(
            f"{permutations} permutations at alpha {alpha:g}{rate}: it takes one at least, and shares between 0 and 1",
            cure="20 permutations at alpha 0.01 are usual, 100 with a false discovery rate of 0.1",
        )
    exchanges = Exchanges(inference, seed)
    observed, elsewhere = _observed(inference)
    chance = np.empty((permutations, len(observed)))
    for row, scores in enumerate(exchanges.draws(permutations)):
        chance[row] = scores
        if progress is not None:
            progress(1)
    group = groups(elsewhere)
    p = _p_values(*deviations(chance, observed, exchanges.alteration), group)
    q = grouped_rates(p, group)
    levels = Levels(_level(exchanges.counts, alpha), None, alpha, permutations)
    targets, share = _explained(inference, levels)
    driver = p <= alpha if fdr is None else q <= fdr
    return levels, Calls(exchanges.tumour, exchanges.alteration, targets, share, driver, observed, p, q)


def _p_values(chance: Floats, observed: Floats, group: NDArray[np.int64]) -> Floats:
    """Share of exchanged pairs of a group that reach as much; 1 for what was not exchanged, as every tumour has it."""
    p = np.ones(len(observed))
    for one in np.unique(group):
        rows = np.flatnonzero((group == one) & ~np.isnan(observed))
        pool = np.sort(chance[:, rows].ravel())
        p[rows] = (1 + len(pool) - np.searchsorted(pool, observed[rows], side="left")) / (1 + len(pool))
    return p


def _observed(inference: Continuous) -> tuple[Floats, Floats]:
    """Score of every pair, tumour by tumour, and how many genes its alteration explains elsewhere."""
    scores: list[Floats] = [np.zeros(0)]
    elsewhere: list[Floats] = [np.zeros(0)]
    for tumour, found in enumerate(inference.posteriors()):
        scores.append(score(found))
        elsewhere.append(inference.elsewhere(tumour))
    return _rounded(scores), _rounded(elsewhere)


def _rounded(parts: list[Floats]) -> Floats:
    return np.asarray(np.round(np.concatenate(parts), DECIMALS), dtype=np.float64)


def _level(counts: NDArray[np.int64], alpha: float) -> Floats:
    """From where on a posterior counts; of what every tumour has, none does."""
    return np.asarray(np.where(counts.any(axis=1), upper_quantile(counts, alpha) / BINS, 1.0))


def _explained(inference: Continuous, levels: Levels) -> tuple[NDArray[np.int64], Floats]:
    targets, share = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for found in inference.posteriors():
        targets.append(explained(found, levels.posterior).sum(axis=1))
        share.append(found.probability[:-1].mean(axis=1))
    return np.concatenate(targets), np.concatenate(share)
