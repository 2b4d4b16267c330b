"""Significance of every pair of a tumour and an alteration, and a false discovery rate over all.

For evidence that tells for and against (:class:`~presage.tumor.tci.Continuous`). A pair's score is how many genes the
alteration is expected to act on in the tumour, less how many it is the cohort's cause of and yet does nothing to there.
Its p-value is the share of scores that are as high where alterations were given to tumours that lack them
(:mod:`presage.tumor.exchanges`), among alterations that explain about as many genes in the *other* tumours: what
explains many can seem to act by chance where it is idle, what explains few hardly can.

The drivers of the cohort stay in place, so that the rates hold with them about. Memory does not grow with the draws.
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
# Groups of pairs that are compared with each other, and how many pairs each has at the least.
_GROUPS, _LEAST = 5, 30


def score(found: Posterior) -> Floats:
    """Genes that each alteration of a tumour is expected to act on, less those that speak against it, shape (a,)."""
    assert found.against is not None
    return np.asarray((found.probability[:-1] - found.against).sum(axis=1))


def groups(elsewhere: Floats) -> NDArray[np.int64]:
    """Which pairs are compared with each other: fifths by how many genes are explained in the other tumours.

    Parameters
    ----------
    elsewhere
        Of each pair, shape (pairs,); see :meth:`~presage.tumor.tci.Continuous.elsewhere`.

    Returns
    -------
    ndarray
        Group of each, from 0 for the fewest genes, shape (pairs,); fewer than five where pairs are few. Equal numbers
        are in one group.
    """
    number = min(_GROUPS, max(1, len(elsewhere) // _LEAST))
    share = stats.rankdata(elsewhere) / max(1, len(elsewhere))
    return np.asarray(np.clip(np.ceil(share * number) - 1, 0, number - 1), dtype=np.int64)


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
            cure="20 permutations at alpha 0.01 are usual, 200 with a false discovery rate of 0.1",
        )
    exchanges = Exchanges(inference, seed)
    observed, elsewhere = _observed(inference)
    group = groups(elsewhere)
    members = [np.flatnonzero(group == one) for one in range(int(group.max(initial=-1)) + 1)]
    above, drawn = np.zeros(len(observed), dtype=np.int64), np.zeros(len(observed), dtype=np.int64)
    for chance in exchanges.draws(permutations):
        for rows in members:
            own = np.sort(chance[rows][~np.isnan(chance[rows])])
            above[rows] += len(own) - np.searchsorted(own, observed[rows], side="left")
            drawn[rows] += len(own)
        if progress is not None:
            progress(1)
    # What every tumour has cannot be compared with tumours without it.
    judged = inference.altered.min(axis=0)[exchanges.alteration] == 0
    p = np.where(judged, (1 + above) / (1 + drawn), 1.0)
    q = grouped_rates(p, group)
    levels = Levels(_level(exchanges.counts, alpha), None, alpha, permutations)
    targets, share = _explained(inference, levels)
    driver = p <= alpha if fdr is None else q <= fdr
    return levels, Calls(exchanges.tumour, exchanges.alteration, targets, share, driver, observed, p, q)


def _observed(inference: Continuous) -> tuple[Floats, Floats]:
    """Score of every pair, tumour by tumour, and how many genes its alteration explains elsewhere."""
    scores, elsewhere = [np.zeros(0)], [np.zeros(0)]
    for tumour, found in enumerate(inference.posteriors()):
        scores.append(score(found))
        elsewhere.append(inference.elsewhere(tumour))
    return np.round(np.concatenate(scores), DECIMALS), np.round(np.concatenate(elsewhere), DECIMALS)


def _level(counts: NDArray[np.int64], alpha: float) -> Floats:
    """From where on a posterior counts; of what every tumour has, none does."""
    return np.asarray(np.where(counts.any(axis=1), upper_quantile(counts, alpha) / BINS, 1.0))


def _explained(inference: Continuous, levels: Levels) -> tuple[NDArray[np.int64], Floats]:
    targets, share = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for found in inference.posteriors():
        targets.append(explained(found, levels.posterior).sum(axis=1))
        share.append(found.probability[:-1].mean(axis=1))
    return np.concatenate(targets), np.concatenate(share)
