"""What is expected of each gene from its own sequence: rates by context times the changes it has room for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers.maf import Mutations
from presage.tumor.selection.background import fit_background
from presage.tumor.selection.combined import class_tests
from presage.tumor.selection.context.changes import CLASSES
from presage.tumor.selection.context.coding import CodingSequences
from presage.tumor.selection.context.genome import Genome
from presage.tumor.selection.context.observed import Observed, observe
from presage.tumor.selection.context.opportunities import opportunities
from presage.tumor.selection.context.rates import ContextRates, fit_rates
from presage.tumor.selection.counts import Counts
from presage.tumor.selection.genes import Genes

Floats = NDArray[np.floating[Any]]
# A gene whose class has so small a p-value is not background; no gene list is used for it.
_TRIM = 1e-3
_ROUNDS = 3


@dataclass(frozen=True)
class Context:
    """How the expectations came about.

    Attributes
    ----------
    rates
        By context.
    observed
        The changes they were fitted on, and how these were placed.
    sequences
        The transcripts, one for each tested gene and in its order.
    left_out
        Genes with an excess, which the rates were fitted without.
    """

    rates: ContextRates
    observed: Observed
    sequences: CodingSequences
    left_out: tuple[str, ...]

    def told(self) -> tuple[str, ...]:
        """What was read, placed and fitted, in sentences."""
        return self.sequences.told(), self.observed.told(), self.rates.told()


def with_sequences(genes: Genes | None, sequences: CodingSequences) -> tuple[Genes, CodingSequences, tuple[str, ...]]:
    """Genes that have a sequence, their sequences in the same order, and the genes that have none.

    Raises
    ------
    InputError
        When none has one.
    """
    if genes is None:
        genes = sequences.genes()
    place: dict[int, int] = {}
    for number, symbol in enumerate(sequences.symbols):
        index = genes.alias.get(symbol)
        if index is not None and (index not in place or sequences.codons[number] > sequences.codons[place[index]]):
            place[index] = number
    if not place:
        example = f"{genes.names[0]!r} against {sequences.symbols[0]!r}"
        raise InputError(f"none of the genes has a coding sequence ({example})", cure="Use HUGO symbols in both.")
    without = tuple(name for index, name in enumerate(genes.names) if index not in place)
    kept = sorted(place)
    chosen = genes.panel([genes.names[index] for index in kept]) if without else genes
    return chosen, sequences.take([place[index] for index in kept]), without


def expect(
    mutations: Mutations,
    counts: Counts,
    sequences: CodingSequences,
    *,
    genome: Path | str | Genome | None = None,
    covariates: Floats | None = None,
) -> tuple[Counts, Context]:
    """Counts with what each gene's sequence lets expect in the place of its length.

    Genes with an excess of missense or truncating changes are left out of the rates, which are then fitted anew: one
    hotspot that half of a cohort has would be the rate of its context.

    Parameters
    ----------
    counts, sequences
        Over the same genes in the same order.
    """
    room = opportunities(sequences)
    seen = observe(mutations, counts.genes, sequences, genome)
    inside = np.ones(len(counts.silent), dtype=bool)
    for _ in range(_ROUNDS):
        rates = fit_rates(room[inside].sum(axis=0), seen.counts[inside].sum(axis=0), stranded=seen.stranded)
        expected = room.astype(np.float32) @ rates.rates.astype(np.float32)
        site = {name: np.maximum(expected[:, place].astype(float), 1e-9) for place, name in enumerate(CLASSES)}
        found = replace(counts, sites=site)
        tests = class_tests(found, fit_background(found, covariates))
        fitted, inside = inside, np.minimum(tests["missense"][0], tests["truncating"][0]) > _TRIM
        if (fitted == inside).all():
            break
    left = tuple(name for name, kept in zip(counts.genes.names, fitted, strict=True) if not kept)
    return found, Context(rates, seen, sequences, left)
