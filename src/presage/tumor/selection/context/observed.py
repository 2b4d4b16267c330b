"""The context of every silent, missense and truncating single-base change of a cohort, and how it was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers.columns import of_category
from presage.tumor.readers.maf import Mutations
from presage.tumor.selection.context.changes import (
    BASES,
    CLASSES,
    CONTEXTS,
    DIGIT,
    FOLDED,
    NO_BASE,
    OPPOSITE,
    class_of,
    context_of,
)
from presage.tumor.selection.context.coding import CodingSequences, bare
from presage.tumor.selection.context.genome import Genome
from presage.tumor.selection.genes import Genes

Integers = NDArray[np.integer[Any]]
Source = Literal["HGVSc", "genome", "context column"]
#: Share of single-base changes that may disagree with the reference before it is held to be another one.
MOST = 0.5
#: Changes with a context below which rates by context are not computed.
LEAST_PLACED = 100
_CODING = r"^(?:(?P<transcript>[^:]+):)?c\.(?P<position>[0-9]{1,7})(?P<base>[ACGT])>(?P<becomes>[ACGT])$"


@dataclass(frozen=True)
class Observed:
    """Single-base changes with their contexts, each patient's once.

    Attributes
    ----------
    counts
        Shape (genes, 3 classes, 192 contexts); folded where not `stranded`.
    stranded
        Whether contexts are on the strand of the gene.
    source
        Where contexts come from.
    placed
        Number of changes with a context.
    left
        Why the others have none: phrase -> number.
    """

    counts: NDArray[np.int32]
    stranded: bool
    source: Source
    placed: int
    left: dict[str, int]

    def told(self) -> str:
        """What was found, in a sentence."""
        way = "on the strand of the gene" if self.stranded else "without the strand of the gene"
        left = "; ".join(f"{phrase}: {number}" for phrase, number in self.left.items() if number)
        return f"Contexts by {self.source}, {way}: {self.placed} single-base changes" + (f" ({left})." if left else ".")


def observe(
    mutations: Mutations, genes: Genes, sequences: CodingSequences, genome: Path | str | Genome | None = None
) -> Observed:
    """Find the contexts of a cohort's changes.

    By a genome where one is given; else by coding changes (`c.742C>T`) where they were read and the sequences name
    their transcripts; else by a column of contexts.

    Parameters
    ----------
    genes, sequences
        In the same order.
    genome
        FASTA with its index in the build of the mutations.

    Raises
    ------
    InputError
        When there is no way, most changes disagree with the reference, or fewer than :data:`LEAST_PLACED` have a
        context.
    """
    table, gene = _single_bases(mutations, genes)
    if genome is not None:
        reference = genome if isinstance(genome, Genome) else Genome(genome)
        around = reference.around(table["chromosome"], table["start"])
        return _by_neighbours(table, gene, around, sequences, "genome", reference.path.name)
    if "cds_change" in table and table["cds_change"].notna().any():
        return _by_coding_change(table, gene, sequences)
    if "context" in table and table["context"].notna().any():
        return _by_neighbours(table, gene, _middle(table["context"]), sequences, "context column", "")
    raise InputError(
        "there is no way to know the contexts of the mutations: no coding changes (HGVSc) and no column of contexts",
        cure="Read the MAF with coding=True if it has them, give an indexed genome, or leave the sequences out.",
    )


def _single_bases(mutations: Mutations, genes: Genes) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Calls of tested genes that change one base of the coding sequence, each patient's once, and their genes."""
    table = mutations.table
    symbols = table["gene"].astype("category")
    place = np.array([genes.alias.get(str(symbol), -1) for symbol in symbols.cat.categories], dtype=np.int64)
    gene = place[symbols.cat.codes.to_numpy()]
    kept = table["class"].isin(CLASSES).to_numpy() & (gene >= 0)
    if {"reference", "allele"} <= set(table):
        kept &= (_letter(table["reference"]) != NO_BASE) & (_letter(table["allele"]) != NO_BASE)
    keys = [name for name in ("patient", "chromosome", "start", "allele", "gene") if name in table]
    kept &= ~table.duplicated(keys).to_numpy()
    return table[kept].reset_index(drop=True), gene[kept]


def _letter(column: pd.Series) -> NDArray[np.uint8]:
    """A base as 0 to 3, anything else as no base."""
    words = column.astype("category")
    of = [DIGIT[ord(str(word))] if len(str(word)) == 1 and ord(str(word)) < 256 else NO_BASE
          for word in words.cat.categories]  # fmt: skip
    found: NDArray[np.uint8] = np.array([*of, NO_BASE], dtype=np.uint8)[words.cat.codes.to_numpy()]
    return found


def _classes(table: pd.DataFrame) -> NDArray[np.int64]:
    names = table["class"].astype("category")
    return of_category(names, [CLASSES.index(name) if name in CLASSES else -1 for name in names.cat.categories], -1)


def _by_coding_change(table: pd.DataFrame, gene: NDArray[np.int64], sequences: CodingSequences) -> Observed:
    changes = coding_changes(table["cds_change"])
    coding = (changes["position"].to_numpy() > 0) & (changes["base"] != changes["becomes"]).to_numpy()
    transcripts = _transcripts(table, changes)
    named = np.array(sequences.transcripts, dtype=object)[gene]
    other = coding & (transcripts != "") & (named != "") & (transcripts != named)
    position = changes["position"].to_numpy(np.int64) - 1
    length = np.diff(sequences.starts)[gene]
    behind = coding & ~other & (position >= length)
    at = np.where(coding & ~other & ~behind, sequences.starts[gene] + position, 0)
    base, becomes = changes["base"].to_numpy(np.int64), changes["becomes"].to_numpy(np.int64)
    wrong = coding & ~other & ~behind & (sequences.bases[at] != base)
    disagree = other | behind | wrong

    def example(row: int) -> str:
        said = f"{table['gene'].iloc[row]} {table['cds_change'].iloc[row]}"
        if other[row]:
            return f"{said} is of {transcripts[row]}, the sequence of {named[row]}"
        if behind[row]:
            return f"{said} is behind the end, {length[row]}"
        return f"{said} where the sequence has {BASES[sequences.bases[at[row]]]}"

    _refuse_most(disagree, coding, "coding sequences", example)
    edge = (position == 0) | (position == length - 1)
    good = coding & ~disagree & ~edge
    at, place, rows = at[good], position[good] % 3, gene[good]
    bases = sequences.bases.astype(np.int64)
    start = at - place
    codon = 16 * bases[start] + 4 * bases[start + 1] + bases[start + 2]
    context = context_of(bases[at - 1], bases[at], bases[at + 1], becomes[good])
    what = class_of(codon, place, becomes[good], position[good] < 3)
    left = {
        "no coding position, as at splice sites": int((~coding).sum()),
        "of another transcript": int(other.sum()),
        "position behind the end": int(behind.sum()),
        "another base in the sequence": int(wrong.sum()),
        "first or last base": int((coding & ~disagree & edge).sum()),
        "with context, called another class in the file": int((what != _classes(table)[good]).sum()),
    }
    return _observed(rows, what, context, len(sequences.symbols), True, "HGVSc", left)


def coding_changes(column: pd.Series) -> pd.DataFrame:
    """Transcript prefix, position (0 where there is none), base and what it becomes (0 to 3) of coding changes."""
    import pyarrow as pa
    from pyarrow import compute

    words = column.astype("category")
    texts = pa.array(words.cat.categories.astype(str), type=pa.string())
    parts = compute.extract_regex(texts, pattern=_CODING)
    found = {
        name: compute.struct_field(parts, name).to_pandas() for name in ("transcript", "position", "base", "becomes")
    }
    numbers = pd.DataFrame({"transcript": found["transcript"].fillna("").astype(object)})
    numbers["position"] = pd.to_numeric(found["position"]).fillna(0).astype(np.int64)
    for name in ("base", "becomes"):
        numbers[name] = found[name].map({"A": 0, "C": 1, "G": 2, "T": 3}).fillna(0).astype(np.int64)
    nothing = pd.DataFrame({"transcript": [""], "position": [0], "base": [0], "becomes": [0]})
    return pd.concat([numbers, nothing], ignore_index=True).iloc[words.cat.codes.to_numpy()].reset_index(drop=True)


def _transcripts(table: pd.DataFrame, changes: pd.DataFrame) -> NDArray[np.object_]:
    """The transcript of every change without its version, from its column or from before the colon; empty if unsaid."""
    own = changes["transcript"].to_numpy(object)
    if "transcript" in table:
        words = table["transcript"].astype("category")
        named = np.array([*(bare(str(word)) for word in words.cat.categories), ""], dtype=object)
        own = np.where(own == "", named[words.cat.codes.to_numpy()], own)
    prefixed = pd.Series(own).astype("category")
    return np.array([bare(str(word)) for word in prefixed.cat.categories], dtype=object)[prefixed.cat.codes.to_numpy()]


def _middle(column: pd.Series) -> NDArray[np.uint8]:
    """The three bases in the middle of contexts of odd length (11 in GDC files, 21 in Firehose's), shape (n, 3)."""
    words = column.astype("category")
    found = np.full((len(words.cat.categories) + 1, 3), NO_BASE, dtype=np.uint8)
    for number, word in enumerate(words.cat.categories):
        text = str(word).strip()
        if len(text) >= 3 and len(text) % 2 and text.isascii():
            half = len(text) // 2
            found[number] = DIGIT[np.frombuffer(text[half - 1 : half + 2].encode(), np.uint8)]
    return found[words.cat.codes.to_numpy()]


def _by_neighbours(
    table: pd.DataFrame,
    gene: NDArray[np.int64],
    around: NDArray[np.uint8],
    sequences: CodingSequences,
    source: Source,
    where: str,
) -> Observed:
    """From the bases on the forward strand; turned to that of the gene where the sequences say it for all."""
    if not {"reference", "allele"} <= set(table):
        raise InputError(
            "the mutations have no alleles", where=where, cure="Contexts need the reference and the allele."
        )
    base, becomes = _letter(table["reference"]).astype(np.int64), _letter(table["allele"]).astype(np.int64)
    known = (around != NO_BASE).all(axis=1)
    wrong = known & (around[:, 1] != base)

    def example(row: int) -> str:
        place = f"{table['gene'].iloc[row]} {table['chromosome'].iloc[row]}:{table['start'].iloc[row]}"
        return f"{place} is {BASES[around[row, 1]]}, the mutations have {table['reference'].iloc[row]}"

    _refuse_most(wrong, known, where or "column of contexts", example)
    effects = table["effect"].astype("category")
    splice = of_category(effects, ["splice" in str(name).lower() for name in effects.cat.categories], False)
    same = base == becomes
    good = known & ~wrong & ~splice & ~same
    part = around[good].astype(np.int64)
    context = context_of(part[:, 0], part[:, 1], part[:, 2], becomes[good])
    strands = sequences.strands[gene[good]]
    stranded = bool(len(strands)) and bool((strands != 0).all())
    turned = np.where(strands < 0, OPPOSITE[context], context) if stranded else FOLDED[context]
    left = {
        "no bases there": int((~known).sum()),
        "another base in the reference": int(wrong.sum()),
        "splice sites": int((known & ~wrong & splice).sum()),
    }
    rows = gene[good]
    return _observed(rows, _classes(table)[good], turned, len(sequences.symbols), stranded, source, left)


def _observed(
    gene: Integers, what: Integers, context: Integers, size: int, stranded: bool, source: Source, left: dict[str, int]
) -> Observed:
    if len(gene) < LEAST_PLACED:
        told = "; ".join(f"{phrase}: {number}" for phrase, number in left.items() if number)
        raise InputError(
            f"{len(gene)} single-base changes have a context, {LEAST_PLACED} are needed ({told})",
            cure="Leave the sequences out: expectations then follow protein length.",
        )
    cell = (np.asarray(gene, np.int64) * len(CLASSES) + what) * CONTEXTS + context
    counts = np.bincount(cell, minlength=size * len(CLASSES) * CONTEXTS).astype(np.int32)
    return Observed(counts.reshape(size, len(CLASSES), CONTEXTS), stranded, source, len(gene), left)


def _refuse_most(bad: NDArray[np.bool_], all_: NDArray[np.bool_], where: str, example: Callable[[int], str]) -> None:
    if bad.sum() <= MOST * max(int(all_.sum()), 1):
        return
    told = "; ".join(example(int(row)) for row in np.flatnonzero(bad)[:3])
    cure = "It is of another genome build or other transcripts: give the one that the mutations were annotated with."
    what = f"{int(bad.sum())} of {int(all_.sum())} single-base changes do not fit the reference ({told})"
    raise InputError(what, where=where, cure=cure)
