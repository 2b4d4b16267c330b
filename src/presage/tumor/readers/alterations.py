"""Matrices of alterations: tumours in rows, genes or events in columns, 0 or 1 in the cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.readers.barcodes import plain_id
from presage.tumor.readers.maf import Mutations
from presage.tumor.readers.tables import read_table


def read_alterations(path: Path | str, *, first: int | None = None) -> pd.DataFrame:
    """Read a 0/1 matrix, with tumour ids in the first column or without.

    Parameters
    ----------
    path
        csv or tsv, plain or gzipped.
    first
        Read so many rows alone, for a look before the rest.

    Returns
    -------
    pandas.DataFrame
        int8, tumours x events; tumours are called `tumour 1` ... where the file has no ids.

    Raises
    ------
    InputError
        When a cell is neither 0 nor 1 (row and column named), or an id or an event is there twice.
    """
    where = Path(path).name
    table = read_table(path, dtype=str, keep_default_na=False, nrows=first)
    names = read_table(path, nrows=1, header=None, dtype=str, keep_default_na=False).iloc[0]
    leading = table.iloc[:, 0].str.strip()
    has_ids = bool(~leading.isin(["0", "1"]).all()) if len(leading) else False
    events = [str(name).strip() for name in names[1 if has_ids else 0 :]]
    if not len(events):
        raise InputError("has ids and no event", where=where, cure="Give a column of 0 and 1 for each gene or event.")
    ids = [plain_id(name) for name in leading] if has_ids else [f"tumour {number + 1}" for number in range(len(table))]
    for what, found in (("tumour", ids), ("event", events)):
        again = pd.Series(found)[pd.Series(found).duplicated()]
        if len(again):
            raise InputError(f"{what} {again.iloc[0]!r} is there twice", where=where, cure="Keep one of them.")
    cells = table.iloc[:, 1 if has_ids else 0 :].map(str.strip)
    bad = np.argwhere(~cells.isin(["0", "1"]).to_numpy())
    if len(bad):
        row, column = map(int, bad[0])
        raise InputError(
            f"row {row + 2}, {events[column]}: {cells.iat[row, column]!r} ({len(bad)} such cell(s)); 0 or 1 was "
            f"expected",
            where=where,
            cure="Say what is altered first; a missing value is not an absent alteration.",
        )
    return pd.DataFrame(cells.to_numpy().astype(np.int8), index=pd.Index(ids, name="tumour"), columns=events)


def altered_genes(mutations: Mutations) -> pd.DataFrame:
    """Patients x genes, 1 where a patient has a protein-changing mutation of the gene; every patient has a row."""
    table = mutations.table[mutations.table["class"].isin(["missense", "truncating", "indel"])]
    pairs = table[["patient", "gene"]].astype(str).drop_duplicates()
    matrix = pd.crosstab(pairs["patient"], pairs["gene"]).astype(np.int8)
    return matrix.reindex(list(mutations.patients), fill_value=0).rename_axis("patient")
