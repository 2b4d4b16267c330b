"""Expression matrices, their scale told and checked, and the genes whose expression changed in each tumour."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from presage.cohort import InputError
from presage.tumor.readers.barcodes import patient_of, plain_id, sample_type_of
from presage.tumor.readers.tables import read_table

Scale = Literal["log-ratio", "log-intensity", "counts", "intensity"]
# Nothing on a log2 scale is as large: 2 to the 30 reads of one gene.
_LOG_MOST = 30.0
# Consistent with a normal's standard deviation.
_MAD = 1.4826


@dataclass(frozen=True)
class Expression:
    """Expression of a cohort.

    Attributes
    ----------
    values
        Tumours x genes, float64.
    scale
        `log-ratio` (around nought, both signs), `log-intensity` (log2 of reads or signal), `counts` (whole reads) or
        `intensity` (TPM, RSEM and the like, not logged).
    """

    values: pd.DataFrame
    scale: Scale

    def logged(self) -> pd.DataFrame:
        """On a log2 scale; counts as log2 of counts per million + 1, intensities as log2 of themselves + 1."""
        if self.scale in ("log-ratio", "log-intensity"):
            return self.values
        values = self.values
        if self.scale == "counts":
            values = values.div(values.sum(axis=1).replace(0, np.nan), axis=0) * 1e6
        return values.transform(lambda column: np.log2(column + 1.0))


def read_expression(
    path: Path | str,
    *,
    scale: Scale | None = None,
    rows: Literal["tumours", "genes"] | None = None,
    genes: Collection[str] = (),
    first: int | None = None,
) -> Expression:
    """Read a matrix of expression with names in the first column and the header.

    Parameters
    ----------
    path
        csv or tsv, plain or gzipped.
    scale
        What it should be; refused where it looks like another. Without it the scale is what it looks like.
    rows
        What the rows are. Without it: the side that has TCGA barcodes, or symbols from `genes`, tells.
    genes
        Known symbols.
    first
        Read so many rows alone, for a look before the rest.

    Raises
    ------
    InputError
        When the orientation or the scale cannot be told or is another, a cell is no number, or a name is there twice.
    """
    where = Path(path).name
    table = read_table(path, index_col=0, header=0, nrows=first)
    if table.shape[1] == 0:
        raise InputError(
            "has one column", where=where, cure="Give tumours x genes or genes x tumours, with commas or tabs between."
        )
    if (rows or _rows(table, set(genes), where)) == "genes":
        table = table.T
    bad = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    values = table.apply(pd.to_numeric, errors="coerce") if bad else table
    holes = np.argwhere(values.isna().to_numpy())
    if len(holes):
        row, column = map(int, holes[0])
        held = table.iat[row, column]
        raise InputError(
            f"tumour {table.index[row]}, gene {table.columns[column]}: "
            f"{'empty' if pd.isna(held) else repr(str(held))}, a number was expected ({len(holes)} such cell(s))",
            where=where,
            cure="Impute or leave out these genes first; a hole is not a nought.",
        )
    values = values.astype(float)
    values.index = pd.Index([plain_id(str(name)) for name in values.index], name="tumour")
    values.columns = pd.Index([str(name) for name in values.columns])
    refuse_twice(values.index, values.columns, where)
    seen = looks_like(values.to_numpy())
    if scale is not None and scale != seen:
        raise InputError(
            f"was called {scale} and looks like {seen} (from {values.to_numpy().min():.3g} to "
            f"{values.to_numpy().max():.3g})",
            where=where,
            cure=f"Read it with scale={seen!r}, or take the matrix that was meant.",
        )
    return Expression(values, seen)


def refuse_twice(tumours: pd.Index, genes: pd.Index, where: str) -> None:
    """Refuse a matrix in which a tumour or a gene is there twice."""
    for what, index in (("tumour", tumours), ("gene", genes)):
        if index.duplicated().any():
            again = index[index.duplicated()][0]
            raise InputError(f"{what} {again!r} is there twice", where=where, cure="Average or drop one of them.")


def looks_like(values: np.ndarray) -> Scale:
    """The scale of a matrix from its signs, its largest value and whether it is whole numbers."""
    low, high = float(values.min()), float(values.max())
    if low < 0:
        return "log-ratio"
    if np.array_equal(values, np.rint(values)) and high > 1:
        return "counts"
    return "log-intensity" if high <= _LOG_MOST else "intensity"


def changed_genes(expression: Expression, normals: Expression | None = None, *, threshold: float = 3.0) -> pd.DataFrame:
    """1 where a tumour's expression of a gene lies far out, by z-score.

    Against normal samples the mean and standard deviation of the normals are the measure (their small number is allowed
    for: a t with its degrees of freedom, on the normal scale). Without them it is the
    cohort's own median and median absolute deviation (times 1.4826), which a tail of changed tumours does not move.

    Parameters
    ----------
    threshold
        |z| above which a gene counts as changed.

    Returns
    -------
    pandas.DataFrame
        int8, tumours x genes.

    Raises
    ------
    InputError
        When the scales differ or fewer than three normals are given.
    """
    return (z_scores(expression, normals).abs() > threshold).astype(np.int8)


def z_scores(expression: Expression, normals: Expression | None = None) -> pd.DataFrame:
    """The z-scores of :func:`changed_genes`; nought for a gene that does not vary."""
    values = expression.logged()
    if normals is None:
        centre = values.median()
        spread = (values - centre).abs().median() * _MAD
    else:
        if normals.scale != expression.scale:
            raise InputError(
                f"tumours are {expression.scale}, normals {normals.scale}",
                cure="Take both from one matrix or pipeline.",
            )
        if len(normals.values) < 3:
            raise InputError(f"{len(normals.values)} normal sample(s)", cure="A spread needs at least three.")
        other = normals.logged().reindex(columns=values.columns)
        missing = [name for name in values.columns if name not in normals.values.columns]
        if missing:
            raise InputError(
                f"{len(missing)} gene(s) are not in the normals, such as {missing[0]}", cure="Use common genes."
            )
        number = len(other)
        # A new tumour against a mean and a spread from few normals is a t, taken to the normal scale.
        centre, spread = other.mean(), other.std(ddof=1) * np.sqrt(1 + 1 / number)
        t = ((values - centre) / spread.where(spread > 0)).fillna(0.0)
        signs = np.sign(t.to_numpy())
        scores = signs * stats.norm.isf(stats.t.sf(np.abs(t.to_numpy()), number - 1))
        return pd.DataFrame(scores, index=t.index, columns=t.columns)
    return ((values - centre) / spread.where(spread > 0)).fillna(0.0)


def normal_scores(expression: Expression) -> pd.DataFrame:
    """Threshold-free: each gene's ranks over tumours as normal quantiles (Blom), tumours x genes."""
    ranks = expression.values.rank(axis=0)
    return pd.DataFrame(stats.norm.ppf((ranks - 0.375) / (len(ranks) + 0.25)), index=ranks.index, columns=ranks.columns)


def is_normal(name: str) -> bool:
    """Whether an id is a normal sample's by TCGA sample type (10 to 14)."""
    return (sample_type_of(name) or "01").startswith("1")


def split_normals(expression: Expression) -> tuple[Expression, Expression | None]:
    """Tumours, and the normal samples among them by TCGA sample type (10 to 14), None where there is none."""
    normal = np.array([is_normal(name) for name in expression.values.index])
    tumours = Expression(expression.values[~normal], expression.scale)
    return tumours, Expression(expression.values[normal], expression.scale) if normal.any() else None


def _rows(table: pd.DataFrame, genes: set[str], where: str) -> Literal["tumours", "genes"]:
    def barcodes(names: pd.Index) -> float:
        return float(np.mean([patient_of(str(name)).startswith("TCGA-") for name in names]))

    down, across = barcodes(table.index), barcodes(table.columns)
    if max(down, across) > 0.5:
        return "tumours" if down > across else "genes"
    known_down = sum(str(name) in genes for name in table.index)
    known_across = sum(str(name) in genes for name in table.columns)
    if known_down == known_across:
        raise InputError(
            f"rows such as {str(table.index[0])!r} and columns such as {str(table.columns[0])!r}: which are the "
            f"tumours?",
            where=where,
            cure="Say it: --rows tumours or --rows genes (in Python rows='tumours' or rows='genes').",
        )
    return "genes" if known_down > known_across else "tumours"
