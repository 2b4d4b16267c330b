"""The genes that are tested: names, protein lengths, and covariates of their mutation rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers.tables import read_table

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Genes:
    """Genes with their lengths.

    Attributes
    ----------
    names
        One name per gene; of two symbols of one protein the first in the alphabet unless a cohort's own is preferred.
    lengths
        Residues of the longest protein, shape (genes,).
    alias
        Any symbol of the table -> the index of its gene.
    """

    names: tuple[str, ...]
    lengths: Floats
    alias: Mapping[str, int]

    def named_as(self, symbols: Iterable[str]) -> Genes:
        """The same genes, called by the symbols that a cohort uses where there are two."""
        names = list(self.names)
        for symbol in symbols:
            if symbol in self.alias:
                names[self.alias[symbol]] = symbol
        return Genes(tuple(names), self.lengths, self.alias)

    def panel(self, symbols: Sequence[str]) -> Genes:
        """The genes of a panel alone.

        Raises
        ------
        InputError
            When a symbol of the panel has no length: its gene would silently go untested.
        """
        missing = [symbol for symbol in symbols if symbol not in self.alias]
        if missing:
            raise InputError(
                f"{len(missing)} gene(s) of the panel have no protein length: {', '.join(missing[:5])}",
                cure="Add their lengths to the table, or take them out of the panel.",
            )
        kept = sorted({self.alias[symbol] for symbol in symbols})
        place = {old: new for new, old in enumerate(kept)}
        alias = {symbol: place[index] for symbol, index in self.alias.items() if index in place}
        return Genes(tuple(self.names[index] for index in kept), self.lengths[kept], alias).named_as(symbols)


def read_genes(path: Path | str) -> Genes:
    """Read a table of protein lengths (`Hugo_Symbol`, `aa.length`, and `protein.ID` where there is one).

    Two symbols of one protein (FAM5C and BRINP3) are one gene: counted twice it would be tested twice.
    """
    table = read_table(path)
    where = Path(path).name
    columns = {name.lower().replace("_", ".").replace(" ", "."): name for name in table.columns}
    try:
        symbol = next(columns[name] for name in ("hugo.symbol", "gene", "symbol") if name in columns)
        length = next(columns[name] for name in ("aa.length", "length", "protein.length") if name in columns)
    except StopIteration:
        cure = f"Name them Hugo_Symbol and aa.length; it has {', '.join(map(str, table.columns))}."
        raise InputError("has no column of gene symbols or of protein lengths", where=where, cure=cure) from None
    protein = table[columns["protein.id"]] if "protein.id" in columns else table[symbol]
    return genes_of(
        list(table[symbol].astype(str)),
        list(pd.to_numeric(table[length], errors="coerce")),
        list(protein.astype(str)),
        where,
    )


def genes_of(
    symbols: Sequence[str], lengths: Sequence[float], proteins: Sequence[str] | None = None, where: str = ""
) -> Genes:
    """Genes from columns: symbols, residues, and ids by which two symbols are known as one protein."""
    same = list(symbols) if proteins is None else list(proteins)
    frame = pd.DataFrame({"symbol": list(symbols), "length": np.asarray(lengths, float), "protein": same})
    bad = frame[~(frame["length"] > 0)]
    if len(bad):
        raise InputError(
            f"{bad['symbol'].iloc[0]} has length {bad['length'].iloc[0]}", where=where, cure="Give residues > 0."
        )
    frame = frame.sort_values("symbol", kind="stable")
    # Symbols with several transcripts are joined first, then symbols with one protein.
    of: dict[str, int] = {}
    first_of: dict[str, int] = {}
    names: list[str] = []
    longest: list[float] = []
    for symbol, length, protein in frame.itertuples(index=False):
        index = of.get(symbol, first_of.get(protein))
        if index is None:
            index = len(names)
            names.append(symbol)
            longest.append(length)
        of[symbol] = index
        first_of.setdefault(protein, index)
        longest[index] = max(longest[index], length)
    return Genes(tuple(names), np.asarray(longest), of)


def read_covariates(path: Path | str, genes: Genes) -> tuple[Floats, tuple[str, ...]]:
    """Covariates of the mutation rate, one row per gene with its symbol in the first column.

    Returns
    -------
    values
        Shape (genes, covariates), standardised; genes that the file lacks have the mean.
    missing
        The genes that the file lacks.

    Raises
    ------
    InputError
        When the first column holds no symbols: rows in an unstated order cannot be told apart.
    """
    table = read_table(path)
    where = Path(path).name
    if pd.api.types.is_numeric_dtype(table.iloc[:, 0]):
        raise InputError(
            f"{len(table)} rows of {table.shape[1]} covariates without gene symbols",
            where=where,
            cure="Write the table with the symbols in its first column (R: row.names=TRUE); their order cannot "
            "be guessed.",
        )
    index = [genes.alias.get(symbol) for symbol in table.iloc[:, 0].astype(str)]
    known = np.array([place is not None for place in index])
    values = table.iloc[:, 1:].to_numpy(float)[known]
    if not known.any():
        example = f"{table.iloc[0, 0]!r} against {genes.names[0]!r}"
        raise InputError(f"none of its symbols is a known gene ({example})", where=where, cure="Use HUGO symbols.")
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    filled = np.zeros((len(genes.names), values.shape[1]))
    places = np.array([place for place in index if place is not None])
    filled[places] = values
    missing = np.setdiff1d(np.arange(len(genes.names)), places)
    return filled, tuple(genes.names[place] for place in missing)
