"""Altered genes as every method ranks them: explained expression, selection, and the standards that they must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.drivers import Calls
from presage.tumor.gathering import Tumours
from presage.tumor.readers import Mutations
from presage.tumor.reading import KINDS
from presage.tumor.selection import (
    CodingSequences,
    Genes,
    Genome,
    by_length,
    randomised,
    read_coding_sequences,
    select_genes,
    transcripts_of,
)

# P-values that a QQ plot needs; all small ones are kept, of the others every so many.
_SURE = 0.01
#: False discovery rate below which the cohort is said to select for a gene.
SELECTED = 0.1


@dataclass(frozen=True)
class Ranks:
    """Of each gene by symbol.

    Attributes
    ----------
    table
        Index: symbol; `rank_calls`, `rank_frequency`, and where they are known `rank_selection`, `q`, `rank_length`.
    document
        The test of selection: what a QQ plot needs, limits, or why there is none.
    """

    table: pd.DataFrame
    document: dict[str, Any] = field(default_factory=dict)

    def of(self, gene: str) -> dict[str, Any]:
        """Ranks of one gene; None where a method does not know it."""
        row = self.table.loc[gene]
        found: dict[str, Any] = {}
        for name in ("rank_calls", "rank_frequency", "rank_selection", "rank_length"):
            known = name in row and pd.notna(row[name])
            found[name] = int(row[name]) if known else None
        found["q"] = float(row["q"]) if "q" in row and pd.notna(row["q"]) else None
        return found


@dataclass(frozen=True)
class Reference:
    """What expectations by context need.

    Attributes
    ----------
    sequences
        Of the genes.
    genome
        For the contexts of mutations whose file has no coding changes; None where it has.
    """

    sequences: CodingSequences
    genome: Genome | None = None


def read_reference(mutations: Mutations | None, sequences: Path | None, genome: Path | None) -> Reference | None:
    """Read coding sequences, of the transcripts that the mutations name where they do; None where none are given.

    Raises
    ------
    InputError
        When the files are bad, a genome comes without coding sequences, or sequences without mutations.
    """
    if sequences is None:
        if genome is not None:
            raise InputError("a genome alone does not say what genes are", cure="Add --coding-sequences CDS.fa.gz.")
        return None
    if mutations is None:
        raise InputError("coding sequences are of no use without mutations", cure="Give --maf, or leave them out.")
    chosen = read_coding_sequences(sequences, transcripts=transcripts_of(mutations))
    return Reference(chosen, None if genome is None else Genome(genome))


def rank_genes(tumours: Tumours, calls: Calls | None, genes: Genes | None, reference: Reference | None = None) -> Ranks:
    """Rank the altered genes of a cohort.

    Parameters
    ----------
    calls
        None without expression.
    genes
        Protein lengths; without them or a `reference` selection and the length-adjusted frequency are not known, and
        said not to be.
    reference
        Coding sequences, for expectations by context.
    """
    names = list(tumours.altered.columns)
    called = np.zeros(len(names), dtype=np.int64)
    if calls is not None:
        called = np.bincount(calls.alteration[calls.driver], minlength=len(names))
    table = pd.DataFrame({"called": called, "altered": tumours.altered.sum().to_numpy()}, index=names)
    table["rank_calls"] = table["called"].where(table["called"] > 0).rank(ascending=False, method="min")
    table["rank_frequency"] = table["altered"].rank(ascending=False, method="min")
    why = _why_not(tumours, genes, reference)
    if why:
        return Ranks(table, {"not_computed": why})
    assert tumours.mutations is not None
    try:
        selection = select_genes(
            tumours.mutations,
            genes,
            sequences=None if reference is None else reference.sequences,
            genome=None if reference is None else reference.genome,
        )
    except InputError as error:
        return Ranks(table, {"not_computed": error.what})
    tested = selection.table.set_index("gene")
    table["q"] = tested["q"].reindex(names)
    table["rank_selection"] = tested["p"].rank(method="min").reindex(names)
    length = by_length(selection.counts).set_index("gene")
    table["rank_length"] = length["p"].rank(method="min").reindex(names)
    # Of a gene that only copy number changes, mutations say nothing.
    mutated = np.maximum.reduce([part.to_numpy() for kind, part in tumours.kinds.items() if kind in KINDS[:3]])
    table.loc[~mutated.any(axis=0), ["q", "rank_selection", "rank_length"]] = np.nan
    uniform = randomised(selection.counts)["all"]
    by_name = dict(zip(selection.counts.genes.names, uniform.tolist(), strict=True))
    document = {
        "tested": len(uniform),
        "selected": selection.selected(SELECTED),
        "p": [float(f"{p:.4g}") for p in sorted(uniform.tolist())],
        "named": [(float(f"{by_name[gene]:.4g}"), gene) for gene in tested.index[:12] if by_name[gene] < _SURE],
        "limits": list(selection.limits),
        "patients": selection.counts.patients,
        "by_context": selection.context is not None,
    }
    return Ranks(table, document)


def _why_not(tumours: Tumours, genes: Genes | None, reference: Reference | None) -> str:
    if tumours.mutations is None:
        return "a table of 0 and 1 has no silent mutations, from which the background rate is learned"
    if genes is None and reference is None:
        return "no table of protein lengths was given (--gene-lengths), and no --coding-sequences"
    return ""
