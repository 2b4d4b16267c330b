"""Coding sequences from FASTA: one intact transcript for each gene, and what was refused and why."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers import Mutations
from presage.tumor.selection.context.changes import AMINO_ACID, DIGIT, NO_BASE, START, STOP
from presage.tumor.selection.genes import Genes, genes_of

#: Why a transcript is refused; in this order where several hold.
REASONS = ("no gene symbol", "unknown bases", "length is no multiple of 3", "no start codon", "a stop codon inside")
_ENSEMBL = re.compile(r"\bgene_symbol:(\S+)")
_PLACE = re.compile(r"\b(?:chromosome|scaffold|primary_assembly):[^:\s]+:([^:\s]+):\d+:\d+:(-?1)\b")
_NCBI = re.compile(r"\[(gene|protein_id|transcript_id|location)=([^\]]+)\]")
_GENCODE_CODING = re.compile(r"^CDS:(\d+)-(\d+)$")
# Ids that are no symbols.
_ACCESSION = re.compile(r"^(?:ENS[A-Z]*[TGP]\d|[NX][MPR]_\d|CCDS\d|lcl\||gi\|)")
_STANDARD = frozenset([*(str(number) for number in range(1, 23)), "X", "Y", "MT"])
# Letters of amino acids that no code of nucleotides has, and the share of them that makes a protein.
_PROTEIN = np.isin(np.arange(256), np.frombuffer(b"EFILPQZefilpqz", np.uint8))
_PROTEIN_SHARE = 0.05


class _Header(NamedTuple):
    symbol: str
    transcript: str
    strand: int
    standard: bool
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class CodingSequences:
    """One coding sequence for each gene.

    Attributes
    ----------
    symbols, transcripts
        Of each gene; the transcript without its version, empty where the file does not say it.
    strands
        1 or -1 against the genome, 0 where the file does not say it; shape (genes,).
    bases
        All sequences behind each other as 0 to 3 (A, C, G, T), uint8.
    starts
        Where each begins, and the end of the last; shape (genes + 1,).
    read
        Transcripts in the file.
    refused
        Reason -> transcripts.
    examples
        Reason -> the first of them.
    lost
        Symbols none of whose transcripts is intact.
    """

    symbols: tuple[str, ...]
    transcripts: tuple[str, ...]
    strands: NDArray[np.int8]
    bases: NDArray[np.uint8]
    starts: NDArray[np.int64]
    read: int
    refused: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()

    @property
    def codons(self) -> NDArray[np.int64]:
        """Codons of each gene, the stop among them, shape (genes,)."""
        return np.diff(self.starts) // 3

    def genes(self) -> Genes:
        """The genes with the lengths of their proteins, for a cohort without a table of them."""
        return genes_of(self.symbols, np.maximum(self.codons - 1, 1).astype(float).tolist())

    def take(self, places: Sequence[int] | NDArray[np.integer[Any]]) -> CodingSequences:
        """Some of the genes, in the order of `places`."""
        index = np.asarray(places, np.int64)
        parts = [self.bases[self.starts[i] : self.starts[i + 1]] for i in index]
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return CodingSequences(
            tuple(self.symbols[i] for i in index),
            tuple(self.transcripts[i] for i in index),
            self.strands[index],
            np.concatenate(parts) if parts else self.bases[:0],
            starts, self.read, self.refused, self.examples, self.lost,
        )  # fmt: skip

    def told(self) -> str:
        """What was read and refused, in a sentence."""
        left = "; ".join(f"{reason}: {number} ({self.examples[reason]})" for reason, number in self.refused.items())
        kept = f"{len(self.symbols)} genes have a coding sequence, of {self.read} transcripts read"
        return f"{kept}; refused were: {left}." if left else f"{kept}."


def read_coding_sequences(path: Path | str, *, transcripts: Iterable[str] = ()) -> CodingSequences:
    """Read coding sequences and choose one transcript for each gene.

    Parameters
    ----------
    path
        FASTA, plain or gzipped: Ensembl's `cds.all` (`gene_symbol:`), NCBI's `cds_from_genomic` (`[gene=]`),
        GENCODE's `pc_transcripts` (`CDS:from-to` is cut out), or `>SYMBOL`, also `>SYMBOL TRANSCRIPT`.
    transcripts
        Those to be preferred, as with :func:`transcripts_of`; versions do not matter. Otherwise, and among several, the
        one on a chromosome rather than an alternative scaffold, with a stop codon at its end, and then the longest.

    Returns
    -------
    CodingSequences
        Transcripts that are not intact (:data:`REASONS`) are refused and counted.

    Raises
    ------
    InputError
        When the file is no FASTA, holds proteins, is damaged, or no gene is left.
    """
    where = Path(path).name
    wanted = {bare(name) for name in transcripts}
    refused: Counter[str] = Counter()
    examples: dict[str, str] = {}
    best: dict[str, tuple[tuple[bool, bool, bool, int], _Header, NDArray[np.integer[Any]]]] = {}
    seen: set[str] = set()
    number = 0
    for line, body in _records(Path(path)):
        number += 1
        header = _parse(line)
        letters = np.frombuffer(body, np.uint8)
        _refuse_protein(letters, line, where)
        bases: NDArray[np.integer[Any]] = DIGIT[letters]
        if header.span is not None:
            bases = bases[header.span[0] - 1 : header.span[1]]
        reason = _why_not(header, bases)
        if header.symbol:
            seen.add(header.symbol)
        if reason:
            refused[reason] += 1
            examples.setdefault(reason, header.transcript or header.symbol or line[:40])
            continue
        stops = AMINO_ACID[16 * bases[-3] + 4 * bases[-2] + bases[-1]] == STOP
        rank = (header.transcript in wanted, header.standard, bool(stops), len(bases))
        if header.symbol not in best or rank > best[header.symbol][0]:
            best[header.symbol] = (rank, header, bases)
    if not number:
        raise InputError("holds no sequence", where=where, cure="Give coding sequences as FASTA.")
    if not best:
        told = "; ".join(f"{reason}: {refused[reason]} ({examples[reason]})" for reason in REASONS if refused[reason])
        cure = "Give coding sequences (CDS), not whole transcripts or genes, with symbols in their headers."
        raise InputError(
            f"none of its {number} sequences is an intact coding sequence ({told})", where=where, cure=cure
        )
    symbols = sorted(best)
    parts = [best[symbol][2] for symbol in symbols]
    return CodingSequences(
        symbols=tuple(symbols),
        transcripts=tuple(best[symbol][1].transcript for symbol in symbols),
        strands=np.array([best[symbol][1].strand for symbol in symbols], dtype=np.int8),
        bases=np.concatenate(parts).astype(np.uint8),
        starts=np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        read=number,
        refused={reason: refused[reason] for reason in REASONS if refused[reason]},
        examples=examples,
        lost=tuple(sorted(seen - set(best))),
    )


def refuse_no_sequences(path: Path | str) -> None:
    """Refuse, by its first record alone, a file that is no FASTA, holds proteins or nothing."""
    for line, body in _records(Path(path)):
        return _refuse_protein(np.frombuffer(body, np.uint8), line, Path(path).name)
    raise InputError("holds no sequence", where=Path(path).name, cure="Give coding sequences as FASTA.")


def transcripts_of(mutations: Mutations) -> list[str]:
    """The transcript of each gene that most calls of a cohort are annotated with; empty where none is named."""
    if "transcript" not in mutations.table:
        return []
    table = mutations.table.loc[mutations.table["transcript"].notna(), ["gene", "transcript"]].astype(str)
    counts = table.value_counts().reset_index(name="calls")
    return list(
        counts.sort_values(["calls", "transcript"], ascending=[False, True]).drop_duplicates("gene")["transcript"]
    )


def bare(name: object) -> str:
    """An id without its version."""
    head, dot, version = str(name).strip().rpartition(".")
    return head if dot and version.isdigit() else str(name).strip()


def _records(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.is_file():
        raise InputError("no such file", where=str(path), cure="Check the path.")
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as source:
            rest = b""
            first = True
            while chunk := source.read(1 << 24):
                if first and not chunk.lstrip().startswith((b">", b";")):
                    raise InputError("is no FASTA (it does not begin with `>`)", where=path.name, cure="Give FASTA.")
                first = False
                *whole, rest = (rest + chunk).split(b"\n>")
                for record in whole:
                    yield _cut(record)
            if rest.strip():
                yield _cut(rest)
    except (OSError, EOFError, zlib.error) as error:
        cure = "The file is cut short or damaged: fetch it again."
        raise InputError(f"cannot be read: {error}", where=path.name, cure=cure) from None


def _cut(record: bytes) -> tuple[str, bytes]:
    line, _, body = record.partition(b"\n")
    return line.decode("utf-8", "replace").lstrip("> \r\n").strip(), body.translate(None, b"\n\r \t")


def _parse(line: str) -> _Header:
    word, _, rest = line.partition(" ")
    if found := dict(_NCBI.findall(line)):
        strand = (-1 if "complement" in found["location"] else 1) if "location" in found else 0
        name = found.get("transcript_id", found.get("protein_id", ""))
        return _Header(found.get("gene", ""), bare(name), strand, "NT_" not in word and "NW_" not in word)
    if symbol := _ENSEMBL.search(line):
        place = _PLACE.search(line)
        strand = int(place[2]) if place else 0
        return _Header(symbol[1], bare(word), strand, place is None or place[1].removeprefix("chr") in _STANDARD)
    if len(fields := word.split("|")) > 6:
        spans = [match for match in map(_GENCODE_CODING.match, fields) if match]
        span = (int(spans[0][1]), int(spans[0][2])) if spans else None
        return _Header(fields[5], bare(fields[0]), 0, True, span)
    if _ACCESSION.match(word):
        return _Header("", bare(word), 0, True)
    second = rest.split()[0] if rest.split() else ""
    return _Header(word, bare(second) if _ACCESSION.match(second) else "", 0, True)


def _why_not(header: _Header, bases: NDArray[np.integer[Any]]) -> str:
    if not header.symbol:
        return REASONS[0]
    if not len(bases) or bases.max() == NO_BASE:
        return REASONS[1]
    if len(bases) % 3 or len(bases) < 6:
        return REASONS[2]
    codons = 16 * bases[::3] + 4 * bases[1::3] + bases[2::3]
    if codons[0] != START:
        return REASONS[3]
    return REASONS[4] if (AMINO_ACID[codons[:-1]] == STOP).any() else ""


def _refuse_protein(letters: NDArray[np.uint8], line: str, where: str) -> None:
    if len(letters) >= 20 and _PROTEIN[letters].mean() > _PROTEIN_SHARE:
        raise InputError(
            f"holds proteins, not coding sequences (`{line[:40]}`)", where=where, cure="Give the CDS as nucleotides."
        )
