"""Changes that fall in one codon more often than chance lets them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from presage.tumor.selection.counts import Counts

Floats = NDArray[np.floating[Any]]
# Silent pairs below which the upper 95 % limit of their rate is taken in place of the rate.
_FEW_PAIRS = 10
# Weight per codon beyond which codons are alike.
_ALIKE = 1e6


def codon_weight(counts: Counts) -> float:
    """How alike codons are without selection: the Dirichlet weight per codon, learned from silent changes.

    Some codons mutate more than others (methylated CpG above all). Silent changes of two patients meet in a codon
    1 + 1/weight times as often as if codons were alike; where few such pairs can be expected, the upper 95 %
    Poisson limit of that ratio is used, so that a small cohort finds fewer hotspots, not more.
    """
    pairs, chance = counts.silent_pairs, counts.silent_chance
    if chance <= 0:
        return 1.0
    if pairs < _FEW_PAIRS:
        pairs = float(stats.chi2.ppf(0.95, 2 * (pairs + 1)) / 2)
    ratio = pairs / chance
    return float(np.clip(1.0 / (ratio - 1.0), 1e-3, _ALIKE)) if ratio > 1 else _ALIKE


def hotspots(counts: Counts, weight: float) -> tuple[Floats, Floats]:
    """P(peak > observed) and P(peak = observed) given how many changes a gene has; shape (genes,).

    The peak is the most patients in one codon; codons' counts are Dirichlet-multinomial. The chance that some codon
    reaches the peak is taken as if codons were independent; for one codon it is exact. A gene with fewer than two
    placed changes has no peak to test: probability 0 above and 1 at what was seen.
    """
    lengths = np.maximum(counts.genes.lengths, 2.0)
    reached = _reached(counts.placed, counts.peak, lengths, weight)
    above = _reached(counts.placed, counts.peak + 1, lengths, weight)
    informative = counts.placed >= 2
    above = np.where(informative, np.minimum(above, reached), 0.0)
    return above, np.where(informative, reached - above, 1.0)


def _reached(placed: NDArray[np.int64], peak: NDArray[np.int64], lengths: Floats, weight: float) -> Floats:
    """P(some codon has at least `peak` of `placed` changes)."""
    result = np.ones(len(placed))
    for gene in np.flatnonzero((placed >= 2) & (peak >= 2)):
        n, least = int(placed[gene]), int(peak[gene])
        if least > n:
            result[gene] = 0.0
            continue
        k = np.arange(least, n + 1)
        rest = weight * (lengths[gene] - 1.0)
        log_mass = (
            special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
            + special.betaln(k + weight, n - k + rest) - special.betaln(weight, rest)
        )  # fmt: skip
        one = float(np.exp(log_mass).sum())
        # With two changes the codons exclude each other, and the sum is exact.
        result[gene] = min(
            1.0, lengths[gene] * one if 2 * least > n else -np.expm1(lengths[gene] * np.log1p(-min(one, 1 - 1e-16)))
        )
    return result
