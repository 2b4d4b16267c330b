"""The columns of a mutation table and the names under which MAF dialects give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError


@dataclass(frozen=True)
class Column:
    """One column: our name, the dialects' names (lower case, dots and blanks as `_`), and whether it must be there.

    One `on_request` is read only where it was asked for: its texts are long and nearly all different.
    """

    name: str
    also: tuple[str, ...]
    required: bool = False
    on_request: bool = False


# GDC, MC3, Firehose, cBioPortal and the older TCGA dialect in that order where they differ.
COLUMNS = (
    Column("gene", ("hugo_symbol", "gene", "gene_symbol", "symbol"), required=True),
    Column("sample", ("tumor_sample_barcode", "tumor_sample", "sample_id", "sample", "sampleid"), required=True),
    Column("effect", ("variant_classification", "mutation_type", "effect"), required=True),
    Column("chromosome", ("chromosome", "chrom", "chr"), required=True),
    Column("start", ("start_position", "start_pos", "start", "pos", "position"), required=True),
    Column("end", ("end_position", "end_pos", "end", "stop")),
    Column("variant_type", ("variant_type", "type")),
    Column("reference", ("reference_allele", "ref_allele", "ref")),
    Column("allele", ("tumor_seq_allele2", "tumor_allele", "variant_allele", "var_allele", "alt", "allele")),
    Column(
        "protein_change",
        ("hgvsp_short", "protein_change", "amino_acid_change", "aachange", "aa_change", "hgvsp", "i_protein_change"),
    ),
    Column("build", ("ncbi_build", "genome_build", "build", "assembly")),
    Column("reference_reads", ("t_ref_count", "i_t_ref_count")),
    Column("variant_reads", ("t_alt_count", "i_t_alt_count")),
    Column("cds_change", ("hgvsc", "cdna_change", "coding_change"), on_request=True),
    Column("transcript", ("transcript_id", "annotation_transcript", "i_transcript_name", "feature"), on_request=True),
    Column("context", ("context", "ref_context", "reference_context"), on_request=True),
)


def plain(name: str) -> str:
    """A column name as it is compared: lower case, `.` and blanks as `_`, without a byte-order mark or quotes."""
    return name.strip().strip('\ufeff"').lower().replace(".", "_").replace(" ", "_")


def locate(header: Sequence[str], where: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which column of the file holds what.

    Parameters
    ----------
    header
        The file's column names.
    where
        The file, for the error.
    given
        Our name -> the file's own name, for a dialect that is not known.

    Returns
    -------
    dict
        Our name -> the file's name, for the columns that are there.

    Raises
    ------
    InputError
        When a required column is missing, a given one is not in the file, or two columns of the file would be the same.
    """
    by_plain: dict[str, str] = {}
    for name in header:
        by_plain.setdefault(plain(name), name)
    found: dict[str, str] = {}
    for column in COLUMNS:
        own = (given or {}).get(column.name)
        if own is not None and own not in header:
            raise InputError(f"no column {own!r} for {column.name!r}", where=where, cure=f"It has: {_some(header)}.")
        match = own or next((by_plain[alias] for alias in column.also if alias in by_plain), None)
        if match is not None:
            found[column.name] = match
    missing = [column for column in COLUMNS if column.required and column.name not in found]
    if missing:
        wanted = "; ".join(f"{column.name} (such as {', '.join(column.also[:3])})" for column in missing)
        raise InputError(
            f"is no mutation table that can be read: no column for {wanted}",
            where=where,
            cure=f"It has: {_some(header)}. Rename the column (in Python: columns={{'gene': '...'}}).",
        )
    return found


def of_category(words: pd.Series, values: Sequence[Any], missing: Any) -> NDArray[Any]:
    """A value for each row from one for each category: what a category means is worked out once, not for every row.

    Parameters
    ----------
    words
        Categorical.
    values
        One for each of its categories.
    missing
        That of rows without a category.
    """
    found: NDArray[Any] = np.array([*values, missing])[words.cat.codes.to_numpy()]
    return found


def renamed(words: pd.Series, names: Mapping[Any, str]) -> pd.Series:
    """The rows under other names, several categories of which may become one; categories that occur, sorted."""
    codes = words.cat.codes.to_numpy()
    old = words.cat.categories
    used = np.bincount(codes[codes >= 0], minlength=len(old)) > 0
    fresh = sorted({names[name] for name, occurs in zip(old, used, strict=True) if occurs})
    place = {name: number for number, name in enumerate(fresh)}
    moved = of_category(words, [place.get(names[name], -1) for name in old], -1)
    return pd.Series(pd.Categorical.from_codes(moved, categories=pd.Index(fresh, dtype=object)), index=words.index)  # type: ignore[arg-type]


def _some(header: Sequence[str]) -> str:
    return ", ".join(header[:20]) + (f" and {len(header) - 20} more" if len(header) > 20 else "")
