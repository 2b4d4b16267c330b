"""Which alterations drive a tumour: those that explain more of its changed genes than chance would let them.

The rule follows Cai et al. (PLoS Computational Biology 2019) in kind: a posterior counts where it is higher than what
the same alteration reaches in tumours whose expression was dealt out anew, and an alteration is called a driver of a
tumour where enough of the tumour's genes count. Both levels are quantiles over permutations, one for each alteration,
so that frequent alterations, which fit anything a little, are held to a higher standard. Levels of posteriors and of
numbers come from separate permutations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.tci import Evidence, Inference, Posterior

#: Steps in which permuted posteriors are counted.
BINS = 1000
#: Fewer explained genes than this are never a driver, whatever chance would do: the paper's number.
FEWEST = 5


@dataclass(frozen=True)
class Levels:
    """What chance reaches, by alteration.

    Attributes
    ----------
    posterior
        A posterior counts from here on, shape (alterations,).
    targets
        A tumour's alteration is called from so many genes on, shape (alterations,); None where p-values call.
    alpha
        Share of permuted posteriors, and of permuted tumours, above them.
    permutations
        How many.
    """

    posterior: NDArray[np.float64]
    targets: NDArray[np.int64] | None
    alpha: float
    permutations: int


@dataclass(frozen=True)
class Calls:
    """One row for each alteration of each tumour.

    Attributes
    ----------
    tumour, alteration
        Row and column of the alteration matrix, shape (n,).
    targets
        Genes of the tumour that the alteration explains, shape (n,).
    share
        Mean posterior over all genes of the tumour that are asked for, shape (n,): the part of its expression that the
        alteration explains.
    driver
        Whether it is called a driver of the tumour, shape (n,).
    score
        What it is called by, shape (n,): the number of targets, or that of `presage.tumor.significance`.
    p, q
        Permutation p-value and false discovery rate, shape (n,); NaN where numbers of targets call.
    """

    tumour: NDArray[np.int64]
    alteration: NDArray[np.int64]
    targets: NDArray[np.int64]
    share: NDArray[np.float64]
    driver: NDArray[np.bool_]
    score: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]

    def of(self, tumour: int) -> Calls:
        """The rows of one tumour, the strongest first."""
        rows = np.flatnonzero(self.tumour == tumour)
        rows = rows[np.lexsort((-self.share[rows], -self.score[rows]))]
        return Calls(*(getattr(self, name)[rows] for name in self.__annotations__))


def chance_levels(
    inference: Inference,
    *,
    permutations: int = 20,
    alpha: float = 0.01,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Levels:
    """Levels from tumours that are given the expression of others.

    Parameters
    ----------
    permutations
        Half of them give the level of posteriors, half the level of numbers; even.
    alpha
        Share of what chance gives that may lie above.
    progress
        Called with 1 after each permutation.

    Raises
    ------
    InputError
        If the permutations are no even number of at least 2, or alpha is no share.
    """
    if permutations < 2 or permutations % 2 or not 0 < alpha < 1:
        raise InputError(
            f"{permutations} permutations at alpha {alpha:g}: it takes an even number, and a share between 0 and 1",
            cure="20 permutations at alpha 0.01 are usual",
        )
    generator = np.random.default_rng([seed, 0x7C1])
    alterations = inference.altered.shape[1]
    counts = np.zeros((alterations, BINS), dtype=np.int64)
    for _ in range(permutations // 2):
        for found in inference.permuted(generator).posteriors():
            posterior_counts(found, counts)
        if progress is not None:
            progress(1)
    posterior = upper_quantile(counts, alpha) / BINS
    numbers = np.zeros((alterations, inference.genes + 1), dtype=np.int64)
    for _ in range(permutations // 2):
        for found in inference.permuted(generator).posteriors():
            np.add.at(numbers, (found.alterations, _targets(found, posterior)), 1)
        if progress is not None:
            progress(1)
    targets = np.maximum(upper_quantile(numbers, alpha), FEWEST)
    return Levels(posterior, targets.astype(np.int64), alpha, permutations)


def call_drivers(inference: Inference, levels: Levels) -> Calls:
    """Every alteration of every tumour, and whether it is called a driver there."""
    rows = [(tumour, found) for tumour, found in enumerate(inference.posteriors()) if len(found.alterations)]
    targets = [_targets(found, levels.posterior) for _, found in rows]
    share = [
        found.probability[:-1].mean(axis=1) if len(found.genes) else np.zeros(len(found.alterations))
        for _, found in rows
    ]
    empty = np.zeros(0, dtype=np.int64)
    alteration = np.concatenate([empty, *(found.alterations for _, found in rows)])
    number = np.concatenate([empty, *targets])
    unknown = np.full(len(number), np.nan)
    assert levels.targets is not None
    return Calls(
        tumour=np.concatenate([empty, *(np.full(len(f.alterations), tumour) for tumour, f in rows)]),
        alteration=alteration,
        targets=number,
        share=np.concatenate([np.zeros(0), *share]),
        driver=number >= levels.targets[alteration],
        score=number.astype(np.float64),
        p=unknown,
        q=unknown,
    )


def programme(inference: Evidence, levels: Levels, alteration: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Genes that an alteration explains, and in which share of the tumours that have it; the most frequent first."""
    counts = np.zeros(inference.genes, dtype=np.int64)
    having = np.flatnonzero(inference.altered[:, alteration])
    for tumour in having:
        found = inference.posterior(int(tumour))
        row = int(np.flatnonzero(found.alterations == alteration)[0])
        counts[found.genes[explained(found, levels.posterior)[row]]] += 1
    genes = np.flatnonzero(counts)
    genes = genes[np.argsort(-counts[genes], kind="stable")]
    return genes, counts[genes] / max(1, len(having))


def explained(found: Posterior, level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which posteriors of one tumour are above chance and the highest of their gene, shape (its alterations, genes).

    Where the evidence tells for and against, the highest is that of the alterations, and more has to speak for than
    against: of all genes most have no cause at all, and the leak is the likeliest of most.

    `level` is that of :class:`Levels`.
    """
    own = found.probability[:-1]
    if found.against is None:
        return np.asarray((own >= level[found.alterations, None]) & (own == found.probability.max(axis=0)))
    best = own == own.max(axis=0, initial=0)
    return np.asarray((own >= level[found.alterations, None]) & best & (own > found.against))


def posterior_counts(found: Posterior, counts: NDArray[np.int64]) -> None:
    """Add one tumour's posteriors to the counts of each alteration, shape (alterations, `BINS`)."""
    counts[found.alterations] += posterior_bins(found.probability[:-1])


def posterior_bins(probability: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of each row's posteriors fall in each of `BINS` bins, shape (rows, `BINS`)."""
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    rows = np.arange(len(bins))[:, None] * BINS
    return np.bincount((bins + rows).ravel(), minlength=len(bins) * BINS).reshape(-1, BINS)


def _targets(found: Posterior, level: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(explained(found, level).sum(axis=1))


def upper_quantile(counts: NDArray[np.int64], alpha: float) -> NDArray[np.int64]:
    """For each row the first bin at or above which at most the share alpha lies."""
    total = counts.sum(axis=1, keepdims=True)
    above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]  # at this bin or higher
    # One more than was seen, so that chance stays below alpha on average; beyond the highest where too few were seen.
    few = (above + 1 <= alpha * (total + 1)) | (above == 0)
    return np.asarray(np.where(few.any(axis=1), few.argmax(axis=1), counts.shape[1]))
