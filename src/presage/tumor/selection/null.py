"""Cohorts without selection, drawn from a fitted background: what the p-values are checked on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.tumor.selection.background import Background
from presage.tumor.selection.counts import Counts, Integers


def draw_null(counts: Counts, background: Background, weight: float, *, seed: int) -> Counts:
    """Mutations of every gene drawn anew from the background, as counts of patients.

    Each gene gets a rate from the gamma around its length and covariates, a second factor for the substitution classes,
    its silent and protein-changing counts as Poisson numbers, and codons from the Dirichlet-multinomial.

    Parameters
    ----------
    weight
        Of a codon, see :func:`~presage.tumor.selection.hotspots.codon_weight`.
    """
    rng = np.random.default_rng(seed)
    size = len(counts.genes.names)
    rate = rng.gamma(background.shape, 1.0 / background.shape, size)
    silent = rng.poisson(background.silent * rate)
    # What a class has per silent change, without what this cohort's own silent changes said of the gene.
    factor = (background.shape + counts.silent) / (background.shape + background.silent) if background.learned else 1.0
    spread = background.spread
    own = rng.gamma(1.0 / spread, spread, size) if spread > 0 else np.ones(size)
    missense, truncating = (
        rng.poisson(background.expected[name] / factor * rate * own) for name in ("missense", "truncating")
    )
    slip = rng.gamma(background.indel_shape, 1.0 / background.indel_shape, size)
    indel = rng.poisson(background.expected["indel"] * slip)
    placed, peak, codon, _ = _place(missense, counts.genes.lengths, weight, rng)
    silent_placed, _, _, pairs = _place(silent, counts.genes.lengths, weight, rng)
    chance = float((silent_placed * (silent_placed - 1) / 2 / counts.genes.lengths).sum())
    return replace(
        counts, silent=silent, missense=missense, truncating=truncating, indel=indel,
        changed=missense + truncating + indel,
        placed=placed, peak=peak, peak_codon=codon, silent_pairs=pairs, silent_chance=chance,
    )  # fmt: skip


def _place(
    changes: Integers, lengths: NDArray[np.floating[Any]], weight: float, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers, float]:
    """Codons by Polya's urn: a change joins an earlier one with chance k / (weight * length + k), k changes so far."""
    peak, codon = np.minimum(changes, 1), np.zeros_like(changes)
    pairs = 0.0
    for gene in np.flatnonzero(changes):
        at: dict[int, int] = {}
        order: list[int] = []
        for earlier in range(int(changes[gene])):
            joins = rng.random() * (weight * lengths[gene] + earlier) < earlier
            place = order[int(rng.integers(earlier))] if joins else int(rng.integers(int(lengths[gene]))) + 1
            pairs += at.get(place, 0)
            at[place] = at.get(place, 0) + 1
            order.append(place)
        codon[gene], peak[gene] = max(at.items(), key=lambda item: (item[1], -item[0]))
    return changes, peak, codon, pairs
