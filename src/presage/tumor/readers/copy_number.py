"""Copy number: segments made into gains and losses of genes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.readers.barcodes import plain_id
from presage.tumor.readers.build import Build, plain_chromosomes, refuse_beyond, resolve
from presage.tumor.readers.columns import plain
from presage.tumor.readers.maf import Mutations
from presage.tumor.readers.tables import read_table

_COLUMNS = {
    "sample": ("sample", "id", "tumor_sample_barcode", "gdc_aliquot"),
    "chromosome": ("chromosome", "chrom", "chr"),
    "start": ("start", "start_bp", "loc_start", "start_position"),
    "end": ("end", "end_bp", "loc_end", "end_position"),
    "mean": ("seg_mean", "segment_mean", "seg_cn", "mean", "log2", "log2ratio", "copy_number"),
}
#: log2 ratios of a gain and a loss, and of an amplification and a deep loss (GISTIC's usual 0.1 and 0.9 serve
#: its own units).
LOW, HIGH = 0.3, 1.0


@dataclass(frozen=True)
class Segments:
    """Copy-number segments.

    Attributes
    ----------
    table
        `sample`, `chromosome`, `start`, `end`, `mean` (log2 of copies over two).
    build
        Genome build of the positions.
    without_mean
        Segments of the file that have no mean (too few markers), which are left out.
    """

    table: pd.DataFrame
    build: Build
    without_mean: int = 0


def read_segments(path: Path | str, *, build: str) -> Segments:
    """Read segments of any number of samples.

    Parameters
    ----------
    path
        csv or tsv, plain or gzipped, with sample, chromosome, start, end and mean.
    build
        Segment files do not say it.

    Raises
    ------
    InputError
        When a column is missing, a segment is no segment or lies behind its chromosome, or the means are
        absolute copies (none below nought, around two), which must be said rather than guessed.
    """
    where = Path(path).name
    table = read_table(path, dtype={0: str})
    by_plain = {plain(str(name)): name for name in table.columns}
    own = {
        name: next((by_plain[also] for also in aliases if also in by_plain), None) for name, aliases in _COLUMNS.items()
    }
    missing = [name for name, column in own.items() if column is None]
    if missing:
        raise InputError(
            f"no column for {', '.join(missing)}", where=where, cure=f"It has {', '.join(map(str, table.columns))}."
        )
    table = table.rename(columns={column: name for name, column in own.items()})[list(own)]
    for name in ("start", "end", "mean"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    hollow = table["mean"].isna()
    bad = np.flatnonzero((table[["start", "end"]].isna().any(axis=1) | (table["end"] < table["start"])).to_numpy())
    if bad.size:
        raise InputError(
            f"row {int(bad[0]) + 2} is no segment ({bad.size} such)", where=where, cure="Correct or remove them."
        )
    table = table[~hollow].reset_index(drop=True)
    if table.empty:
        raise InputError("has no segment with a mean", where=where, cure="Give log2 ratios.")
    which = resolve(None, build, where)
    table["chromosome"] = plain_chromosomes(table["chromosome"])
    refuse_beyond(table["chromosome"], table["end"], which, where)
    if table["mean"].min() >= 0 and table["mean"].median() > 1:
        raise InputError(
            f"means from {table['mean'].min():.3g} around {table['mean'].median():.3g} are copies, not log2 ratios",
            where=where,
            cure="Write log2(copies / 2).",
        )
    table["sample"] = [plain_id(str(name)) for name in table["sample"]]
    return Segments(table, which, int(hollow.sum()))


def gene_positions(mutations: Mutations) -> pd.DataFrame:
    """Where genes lie, as far as a cohort's own calls show it: first to last call of each gene.

    A table of whole genes is better where there is one (`gene`, `chromosome`, `start`, `end` of the same build).
    """
    table = mutations.table
    spans = (
        table.astype({"gene": str, "chromosome": str})
        .groupby(["gene", "chromosome"])["start"]
        .agg(["min", "max", "size"])
    )
    spans = spans.reset_index().sort_values("size", ascending=False, kind="stable").drop_duplicates("gene")
    renamed = (
        spans.rename(columns={"min": "start", "max": "end"}).drop(columns="size").sort_values("gene", ignore_index=True)
    )
    renamed.attrs["build"] = mutations.build
    return renamed


def gene_copies(segments: Segments, positions: pd.DataFrame, build: Build) -> pd.DataFrame:
    """log2 ratio of each gene in each sample: the mean of the segments over it, weighed by their overlap.

    Parameters
    ----------
    positions
        `gene`, `chromosome`, `start`, `end`.
    build
        Build of the positions.

    Returns
    -------
    pandas.DataFrame
        Samples x genes; NaN where no segment covers a gene.

    Raises
    ------
    InputError
        When segments and genes are in different builds.
    """
    if build != segments.build:
        raise InputError(f"segments are in {segments.build}, genes in {build}", cure="Lift one of them over.")
    samples = sorted(segments.table["sample"].unique())
    row_of = {name: row for row, name in enumerate(samples)}
    total = np.zeros((len(samples), len(positions)))
    weight = np.zeros_like(total)
    by_chromosome = dict(tuple(segments.table.groupby(segments.table["chromosome"].astype(str))))
    chromosomes = positions["chromosome"].astype(str).to_numpy()
    starts, ends = positions["start"].to_numpy(float), positions["end"].to_numpy(float)
    for chromosome, table in by_chromosome.items():
        genes = np.flatnonzero(chromosomes == chromosome)
        order = genes[np.argsort(starts[genes])]
        longest = float((ends[genes] - starts[genes]).max()) if len(genes) else 0.0
        for sample, start, end, mean in table[["sample", "start", "end", "mean"]].itertuples(index=False):
            low, high = np.searchsorted(starts[order], (start - longest, end + 1))
            near = order[low:high]
            overlap = np.minimum(ends[near], end) - np.maximum(starts[near], start) + 1
            over = np.maximum(overlap, 0.0)
            total[row_of[sample], near] += over * mean
            weight[row_of[sample], near] += over
    with np.errstate(invalid="ignore"):
        values = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)
    return pd.DataFrame(values, index=pd.Index(samples, name="sample"), columns=positions["gene"].to_numpy())


def gains_and_losses(copies: pd.DataFrame, *, low: float = LOW, high: float = HIGH) -> pd.DataFrame:
    """-2 deep loss, -1 loss, 0, 1 gain, 2 amplification, by log2 ratio; 0 where a gene is not covered."""
    values = copies.fillna(0.0)
    steps = (values > low).astype(np.int8) + (values > high) - (values < -low).astype(np.int8) - (values < -high)
    return steps.astype(np.int8)
