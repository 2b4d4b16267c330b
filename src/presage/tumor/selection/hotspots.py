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
_ALIKE = 1e3


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
    reaches the peak is exact for a peak of two and where only one codon can reach it; between, codons are taken as if
    they were independent. A gene with fewer than two
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
    asked = (placed >= 2) & (peak >= 2)
    two = asked & (peak == 2)
    result[two] = _some_pair(placed[two], lengths[two], weight)
    for gene in np.flatnonzero(asked & ~two):
        result[gene] = _some_codon(int(placed[gene]), int(peak[gene]), float(lengths[gene]), weight)
    return result


def _some_pair(placed: NDArray[np.int64], lengths: Floats, weight: float) -> Floats:
    """1 - P(all changes in different codons), exact: each change of the urn opens a codon that no earlier one has."""
    fits = placed <= lengths
    n = np.minimum(placed, lengths)
    distinct = (
        n * np.log(weight) + special.gammaln(lengths + 1) - special.gammaln(lengths - n + 1)
        - special.gammaln(weight * lengths + n) + special.gammaln(weight * lengths)
    )  # fmt: skip
    return np.where(fits, -np.expm1(np.minimum(distinct, 0.0)), 1.0)


def _some_codon(placed: int, least: int, length: float, weight: float) -> float:
    """Codons as if independent; exact where only one can have so many."""
    if least > placed:
        return 0.0
    k = np.arange(least, placed + 1)
    rest = weight * (length - 1.0)
    log_mass = (
        special.gammaln(placed + 1.0) - special.gammaln(k + 1.0) - special.gammaln(placed - k + 1.0)
        + special.betaln(k + weight, placed - k + rest) - special.betaln(weight, rest)
    )  # fmt: skip
    one = min(float(np.exp(log_mass).sum()), 1.0 - 1e-16)
    return min(1.0, length * one) if 2 * least > placed else float(-np.expm1(length * np.log1p(-one)))
