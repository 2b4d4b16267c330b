"""A phantom (made-up) genome and cohorts on it, whose mutation rates by context and whose drivers are known.

Genes differ in length, in G + C and in how many CpG they have, so that two genes of one length have room for very
different numbers of mutations. What a background that knows only length makes of this can be seen, and what a
context-aware one makes of it can be checked.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.tumor.selection.context.changes import (
    AMINO_ACID,
    BASES,
    CLASSES,
    CONTEXTS,
    FOLDED,
    STOP,
    bases_of,
    class_of,
    context_of,
)

Floats = NDArray[np.floating[Any]]
_NAMES = ("Silent", "Missense_Mutation", "Nonsense_Mutation")
_STOPS = ((3, 0, 0), (3, 0, 2), (3, 2, 0))
_LINE = 60
# Bases of no gene before, between and behind the genes of a chromosome.
_GAP = 200


@dataclass(frozen=True)
class PhantomGenome:
    """Genes with their coding sequences and places.

    Attributes
    ----------
    symbols, transcripts
        Of each gene.
    sequences
        Bases 0 to 3 of each gene from start to stop codon.
    strands
        1 or -1, shape (genes,).
    chromosome, start
        Where each lies (one exon), 1-based, shape (genes,).
    chromosomes
        Name -> bases.
    """

    symbols: tuple[str, ...]
    transcripts: tuple[str, ...]
    sequences: tuple[NDArray[np.uint8], ...]
    strands: NDArray[np.int64]
    chromosome: tuple[str, ...]
    start: NDArray[np.int64]
    chromosomes: Mapping[str, NDArray[np.uint8]]

    def write_coding(self, path: Path) -> Path:
        """As Ensembl writes coding sequences; gzipped where the name says so."""
        lines = []
        for gene, symbol in enumerate(self.symbols):
            end = self.start[gene] + len(self.sequences[gene]) - 1
            place = f"chromosome:PHANTOM:{self.chromosome[gene]}:{self.start[gene]}:{end}:{self.strands[gene]}"
            lines.append(f">{self.transcripts[gene]}.1 cds {place} gene:PHG{gene:05d}.1 gene_symbol:{symbol}")
            lines += _folded(self.sequences[gene])
        text = "\n".join(lines) + "\n"
        if path.suffix == ".gz":
            with gzip.open(path, "wt") as stream:
                stream.write(text)
        else:
            path.write_text(text)
        return path

    def write_genome(self, path: Path) -> Path:
        """The chromosomes as FASTA, and the index beside it."""
        index, offset = [], 0
        with path.open("w", newline="\n") as stream:
            for name, bases in self.chromosomes.items():
                head = f">{name} PHANTOM\n"
                text = "\n".join(_folded(bases)) + "\n"
                index.append(f"{name}\t{len(bases)}\t{offset + len(head)}\t{_LINE}\t{_LINE + 1}")
                stream.write(head + text)
                offset += len(head) + len(text)
        Path(f"{path}.fai").write_text("\n".join(index) + "\n")
        return path


def draw_genome(genes: int = 800, *, seed: int = 0, codons: float = 400.0) -> PhantomGenome:
    """Draw genes.

    Parameters
    ----------
    codons
        Median length of the genes.
    """
    rng = np.random.default_rng(seed)
    sequences = _sequences(np.clip(rng.lognormal(np.log(codons), 0.7, genes), 60, 4000).astype(np.int64), rng)
    strands = rng.choice([-1, 1], genes)
    names = [str(number) for number in range(1, 5)]
    chromosome = tuple(names[gene % len(names)] for gene in range(genes))
    parts: dict[str, list[NDArray[np.uint8]]] = {name: [_gap(rng)] for name in names}
    start = np.zeros(genes, dtype=np.int64)
    for gene, sequence in enumerate(sequences):
        own = parts[chromosome[gene]]
        start[gene] = sum(len(part) for part in own) + 1
        own += [sequence if strands[gene] > 0 else (3 - sequence)[::-1], _gap(rng)]
    return PhantomGenome(
        symbols=tuple(f"PHG{gene:04d}" for gene in range(genes)),
        transcripts=tuple(f"ENST9{gene:010d}" for gene in range(genes)),
        sequences=sequences,
        strands=strands,
        chromosome=chromosome,
        start=start,
        chromosomes={name: np.concatenate(own) for name, own in parts.items()},
    )


def draw_rates(*, cpg: float = 12.0, apobec: float = 6.0, strand: float = 1.0, seed: int = 0) -> Floats:
    """Relative rates of the 192 contexts: C>T at CpG, C>T and C>G behind T and before A or T, and noise of each.

    Parameters
    ----------
    cpg, apobec
        How many times as often as elsewhere.
    strand
        How many times as often a change has its pyrimidine on the strand of the gene as on the other.
    """
    before, base, behind, becomes = bases_of(FOLDED)
    rates = np.exp(np.random.default_rng(seed).normal(0.0, 0.3, CONTEXTS))[FOLDED]
    rates = rates * np.where((base == 1) & (behind == 2) & (becomes == 3), cpg, 1.0)
    at_t = (base == 1) & (before == 3) & ((behind == 0) | (behind == 3)) & (becomes >= 2)
    rates = rates * np.where(at_t, apobec, 1.0)
    own = bases_of(np.arange(CONTEXTS))[1]
    return np.asarray(rates * np.where((own == 1) | (own == 3), strand, 1.0))


def draw_mutations(
    genome: PhantomGenome,
    rates: Floats,
    *,
    mutations: int,
    patients: int = 200,
    shape: float = 5.0,
    drivers: Mapping[str, tuple[str, int]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """A cohort in the columns of a MAF.

    Parameters
    ----------
    mutations
        Expected number of single-base changes without selection; half as many indels as truncating ones come on top.
    shape
        Of the gamma by which genes' rates vary beyond their sequence.
    drivers
        Symbol -> class and number of patients in whom selection has put a change of this class, at any of its places.
    """
    rng = np.random.default_rng(seed)
    every = [_changes(sequence) for sequence in genome.sequences]
    weights = [rates[np.maximum(part["context"], 0)] * (part["context"] >= 0) for part in every]
    own = rng.gamma(shape, 1.0 / shape, len(every)) * np.array([weight.sum() for weight in weights])
    numbers = rng.poisson(own / own.sum() * mutations)
    rows = []
    for gene, number in enumerate(numbers):
        chosen = rng.choice(len(weights[gene]), number, p=weights[gene] / weights[gene].sum())
        rows += [_row(genome, gene, every[gene], int(one), int(rng.integers(patients))) for one in chosen]
    for symbol, (what, number) in (drivers or {}).items():
        gene = genome.symbols.index(symbol)
        weight = weights[gene] * (every[gene]["class"] == CLASSES.index(what))
        chosen = rng.choice(len(weight), number, p=weight / weight.sum())
        who = rng.choice(patients, number, replace=False)
        rows += [_row(genome, gene, every[gene], int(one), int(p)) for one, p in zip(chosen, who, strict=True)]
    lengths = np.array([len(sequence) for sequence in genome.sequences], float)
    for gene in rng.choice(len(every), max(mutations // 40, 1), p=lengths / lengths.sum()):
        at = int(rng.integers(3, lengths[gene] - 3))
        row = _row(genome, int(gene), every[gene], 9, int(rng.integers(patients)))
        row |= {"Variant_Classification": "Frame_Shift_Del", "Variant_Type": "DEL", "Tumor_Seq_Allele2": "-"}
        row |= {"HGVSc": f"c.{at}del", "HGVSp_Short": f"p.X{at // 3 + 1}fs"}
        rows.append(row)
    return pd.DataFrame(rows)


def _sequences(codons: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.uint8], ...]:
    """Markov chains of a G + C content of their own, CpG thinned or enriched, without stop codons inside.

    How common CpG are differs between the three places of a codon, too: a gene can be rich in the CpG of arginine and
    poor in those that end a codon, whose C > T is silent.
    """
    genes, longest = len(codons), 3 * int(codons.max())
    content = rng.uniform(0.3, 0.7, genes)
    single = np.stack([1 - content, content, content, 1 - content], axis=1) / 2
    step = np.broadcast_to(single[:, None, None, :], (genes, 3, 4, 4)).copy()
    step[:, :, 1, 2] *= rng.lognormal(-1.0, 1.0, (genes, 1)) * rng.lognormal(0.0, 0.7, (genes, 3))
    edges = np.cumsum(step / step.sum(axis=3, keepdims=True), axis=3)[..., :3]
    found = np.zeros((genes, longest), dtype=np.uint8)
    found[:, :3] = (0, 3, 2)
    row = np.arange(genes)
    for place in range(3, longest):
        found[:, place] = (rng.random(genes)[:, None] > edges[row, place % 3, found[:, place - 1]]).sum(axis=1)
        if place % 3 == 2:
            codon = found[:, place - 2].astype(np.int64) * 16 + found[:, place - 1] * 4 + found[:, place]
            found[AMINO_ACID[codon] == STOP, place] = 1
    stops = np.array(_STOPS, dtype=np.uint8)[rng.integers(3, size=genes)]
    return tuple(np.concatenate([found[gene, : 3 * codons[gene] - 3], stops[gene]]) for gene in range(genes))


def _gap(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 4, _GAP).astype(np.uint8)


def _folded(bases: NDArray[np.uint8]) -> list[str]:
    text = np.frombuffer(BASES.encode(), np.uint8)[bases].tobytes().decode()
    return [text[at : at + _LINE] for at in range(0, len(text), _LINE)]


def _changes(sequence: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Every change of a sequence: position, what it becomes, class, context (-1 at the two ends)."""
    bases = sequence.astype(np.int64)
    at = np.repeat(np.arange(len(bases)), 3)
    becomes = np.tile(np.arange(3), len(bases))
    becomes = becomes + (becomes >= bases[at])
    inner = (at > 0) & (at < len(bases) - 1)
    context = np.full(len(at), -1)
    context[inner] = context_of(bases[at[inner] - 1], bases[at[inner]], bases[at[inner] + 1], becomes[inner])
    start = at - at % 3
    codon = 16 * bases[start] + 4 * bases[start + 1] + bases[start + 2]
    return {"at": at, "becomes": becomes, "class": class_of(codon, at % 3, becomes, at < 3), "context": context}


def _row(
    genome: PhantomGenome, gene: int, changes: Mapping[str, NDArray[np.int64]], one: int, patient: int
) -> dict[str, object]:
    at, becomes = int(changes["at"][one]), int(changes["becomes"][one])
    sequence = genome.sequences[gene]
    base = int(sequence[at])
    forward = genome.strands[gene] > 0
    position = int(genome.start[gene]) + (at if forward else len(sequence) - 1 - at)
    names = [BASES[base], BASES[becomes]] if forward else [BASES[3 - base], BASES[3 - becomes]]
    return {
        "Hugo_Symbol": genome.symbols[gene],
        "NCBI_Build": "GRCh38",
        "Chromosome": genome.chromosome[gene],
        "Start_Position": position,
        "End_Position": position,
        "Variant_Classification": _NAMES[int(changes["class"][one])],
        "Variant_Type": "SNP",
        "Reference_Allele": names[0],
        "Tumor_Seq_Allele2": names[1],
        "Tumor_Sample_Barcode": f"PHANTOM-{patient:04d}",
        "HGVSc": f"c.{at + 1}{BASES[base]}>{BASES[becomes]}",
        "HGVSp_Short": f"p.X{at // 3 + 1}Z",
        "Transcript_ID": genome.transcripts[gene],
    }
