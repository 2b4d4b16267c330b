"""Significance of every pair of a tumour and an alteration, by permutations, with a false discovery rate over all.

For evidence that tells for and against (:class:`~presage.tumor.tci.Continuous`). A pair's score is how many genes the
alteration is expected to act on in the tumour, less how many it is the cohort's cause of and yet does nothing to there.
Its p-value is the share of scores that are as high in tumours whose expression was dealt out anew, among alterations
that as many tumours have: a frequent alteration fits more by chance than a rare one.

Under chance alone the p-values of a stratum, taken together, are those of a uniform draw, as the tumours of each
permutation and those observed are exchangeable. Memory does not grow with the permutations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from presage.cohort import InputError
from presage.tumor.drivers import BINS, Calls, Levels, explained, posterior_counts, upper_quantile
from presage.tumor.tci import Continuous, Posterior

# Pairs that a stratum has at the least: each permutation gives as many scores to compare with.
_STRATUM = 30


def score(found: Posterior) -> NDArray[np.float64]:
    """Genes that each alteration of a tumour is expected to act on, less those that speak against it, shape (a,)."""
    assert found.against is not None
    return np.asarray((found.probability[:-1] - found.against).sum(axis=1))


def strata(number: NDArray[np.integer], least: int = _STRATUM) -> NDArray[np.int64]:
    """Which alterations are compared with each other: those of as many tumours, joined upwards until `least` pairs.

    Parameters
    ----------
    number
        Tumours that have each alteration, shape (alterations,).

    Returns
    -------
    ndarray
        Stratum of each, from 0, shape (alterations,).
    """
    place = np.zeros(len(number), dtype=np.int64)
    stratum, pairs = 0, 0
    for one in np.unique(number):
        if pairs >= least:
            stratum, pairs = stratum + 1, 0
        place[number == one] = stratum
        pairs += int(number[number == one].sum())
    if pairs < least and stratum:
        place[place == stratum] = stratum - 1
    return place


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
        The smallest p-value is about one over their number times the pairs of a stratum.
    alpha
        A pair is called where its p-value is no larger; posteriors count from the level that this share of permuted
        ones exceeds.
    fdr
        In its place the false discovery rate over all pairs (Benjamini and Hochberg).
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
    place = strata(inference.altered.sum(axis=0, dtype=np.int64))
    tumour, alteration = (part.astype(np.int64) for part in np.nonzero(inference.altered))
    observed = _scores(inference)
    groups = [np.flatnonzero(place[alteration] == one) for one in range(int(place.max(initial=-1)) + 1)]
    groups = [rows[np.argsort(observed[rows], kind="stable")] for rows in groups]
    above, drawn = np.zeros(len(observed), dtype=np.int64), np.zeros(len(observed), dtype=np.int64)
    counts = np.zeros((inference.altered.shape[1], BINS), dtype=np.int64)
    generator = np.random.default_rng([seed, 0x7C2])
    for _ in range(permutations):
        chance = _scores(inference.permuted(generator), counts)
        for rows in groups:
            own = np.sort(chance[rows])
            above[rows] += len(own) - np.searchsorted(own, observed[rows], side="left")
            drawn[rows] += len(own)
        if progress is not None:
            progress(1)
    p = (1 + above) / (1 + drawn)
    q = np.asarray(stats.false_discovery_control(p)) if len(p) else p
    levels = Levels(upper_quantile(counts, alpha) / BINS, None, alpha, permutations)
    targets, share = _explained(inference, levels)
    driver = p <= alpha if fdr is None else q <= fdr
    return levels, Calls(tumour, alteration, targets, share, driver, observed, p, q)


def _scores(inference: Continuous, counts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Of every pair, tumour by tumour, shape (pairs,); posteriors are added to `counts` where it is given."""
    scores = [np.zeros(0)]
    for found in inference.posteriors():
        scores.append(score(found))
        if counts is not None:
            posterior_counts(found, counts)
    return np.concatenate(scores)


def _explained(inference: Continuous, levels: Levels) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    targets, share = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for found in inference.posteriors():
        targets.append(explained(found, levels.posterior).sum(axis=1))
        share.append(found.probability[:-1].mean(axis=1))
    return np.concatenate(targets), np.concatenate(share)
