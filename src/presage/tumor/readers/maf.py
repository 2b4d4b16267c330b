"""Somatic mutations of a cohort from a MAF file of any of the common dialects."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.readers.barcodes import patients
from presage.tumor.readers.build import Build, plain_chromosomes, refuse_beyond, refuse_misplaced, resolve
from presage.tumor.readers.columns import COLUMNS, locate, of_category, renamed
from presage.tumor.readers.effects import classes, codon, unknown
from presage.tumor.readers.symbols import mangled
from presage.tumor.readers.tables import packed

_NUMBERS = ("start", "end", "reference_reads", "variant_reads")
_ON_REQUEST = frozenset(column.name for column in COLUMNS if column.on_request)
# Bytes parsed at once: what stays in the cache of a core is parsed faster.
_BLOCK = 1 << 20
# Longer than any chromosome.
_LONGEST = 300_000_000
_TEXT_MISSING = ("", "NA", "NaN", ".", "nan")


@dataclass(frozen=True)
class Mutations:
    """The somatic mutations of a cohort.

    Attributes
    ----------
    table
        One row per call: `gene`, `sample`, `patient`, `effect` (as the file has it), `class`
        (:data:`~presage.tumor.readers.effects.EFFECTS`), `chromosome`, `start`, and, where the file has them, `end`,
        `variant_type`, `reference`, `allele`, `protein_change`, `codon`, `reference_reads`, `variant_reads`; on request
        `cds_change`, `transcript` and `context`.
    build
        Genome build of all positions.
    samples, patients
        Every sample and patient of the file, also those whose calls were all dropped.
    counts
        What was read and left out: phrase -> number of rows. Nothing is dropped that is not counted here.
    verified
        Whether the positions show that they are in the build, rather than only be said to be.
    """

    table: pd.DataFrame
    build: Build
    samples: tuple[str, ...]
    patients: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    verified: bool = True


def read_maf(
    path: Path | str,
    *,
    build: str | None = None,
    columns: Mapping[str, str] | None = None,
    patient_of: Mapping[str, str] | None = None,
    dates: Literal["refuse", "repair"] = "refuse",
    coding: bool = False,
) -> Mutations:
    """Read a MAF, plain or gzipped, with comment lines or without.

    Parameters
    ----------
    path
        Tab- or comma-separated; GDC, MC3, Firehose, cBioPortal and older TCGA column names are known.
    build
        "hg19" or "hg38" (GRCh37, GRCh38); needed where the file has no build column, and checked where it has one.
    columns
        Our name -> the file's own column, for other dialects.
    patient_of
        Sample -> patient. Without it a TCGA barcode gives its patient, and any other id is a patient.
    dates
        What is done with gene symbols that a spreadsheet made into dates: refuse the file with their rows named, or
        repair those whose gene is certain and drop and count the rest.
    coding
        Also read coding changes (HGVSc), transcripts and reference contexts, where the file has them.

    Returns
    -------
    Mutations

    Raises
    ------
    InputError
        When columns are missing, the build is not said, mixed or plainly another, a position is no number, a variant
        classification is unknown, a symbol is a date, or no row is left.
    """
    where = Path(path).name
    header, skip, separator = _header(Path(path))
    found = locate(header, where, columns)
    if not coding:
        found = {name: own for name, own in found.items() if name not in _ON_REQUEST}
    table = _read(Path(path), header, skip, separator, found)
    if table.empty:
        raise InputError("holds no mutation", where=where, cure="Give the file with its rows.")
    counts = {"rows read": len(table)}
    own = resolve(table.get("build"), build, where)
    _numbers(table, where, first_row=skip + 2)
    _refuse_empty(table, where, first_row=skip + 2)
    table["chromosome"] = plain_chromosomes(table["chromosome"])
    refuse_beyond(table["chromosome"], table["start"], own, where, skip + 2)
    shown = refuse_misplaced(table["gene"], table["chromosome"], table["start"], own, where)
    table = _undo_dates(table, dates, where, skip + 2, counts)
    strange = unknown(table["effect"])
    if strange:
        raise InputError(
            f"variant classification(s) that are not known: {', '.join(strange[:5])}",
            where=where,
            cure="They would be counted in no class. Give them their MAF names (Missense_Mutation, Silent ...).",
        )
    table["class"] = classes(table["effect"], table.get("variant_type"))
    if "protein_change" in table:
        table["codon"] = codon(table["protein_change"])
    of = patients(table["sample"].cat.categories, patient_of, where)
    table["patient"] = renamed(table["sample"], of)
    everyone = tuple(sorted(set(of.values())))
    samples = tuple(sorted(of))
    if "build" in table:
        del table["build"]
    return Mutations(_without_repeats(table, counts), own, samples, everyone, counts, shown)


def _header(path: Path) -> tuple[list[str], int, str]:
    """Column names, the number of lines before them, and the separator."""
    if not path.is_file():
        raise InputError("no such file", where=str(path), cure="Check the path.")
    try:
        with _open(path) as stream:
            for skip, line in enumerate(stream):
                if not line.startswith("#") and line.strip():
                    separator = "\t" if "\t" in line else ","
                    return [name.strip().strip('"') for name in line.rstrip("\r\n").split(separator)], skip, separator
    except (OSError, EOFError, zlib.error) as error:
        cure = "The file is cut short or damaged: fetch it again."
        raise InputError(f"cannot be read: {str(error).splitlines()[0]}", where=path.name, cure=cure) from None
    raise InputError("is empty", where=path.name, cure="Give a MAF with a header line.")


def _open(path: Path) -> IO[str]:
    if packed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace")
    return path.open(encoding="utf-8-sig", errors="replace")


def _read(path: Path, header: list[str], skip: int, separator: str, found: Mapping[str, str]) -> pd.DataFrame:
    """The named columns under our names; a number that is none leaves its column as text, which `_numbers` names."""
    try:
        return _parse(path, header, skip, separator, found, {"start": "int64"})
    except InputError:
        return _parse(path, header, skip, separator, found, dict.fromkeys(_NUMBERS, "string"))


def _parse(
    path: Path, header: list[str], skip: int, separator: str, found: Mapping[str, str], types: Mapping[str, str]
) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import csv

    word = pa.dictionary(pa.int32(), pa.string())
    numbers = {name: types.get(name, "float64") for name in _NUMBERS}
    kinds = {own: pa.type_for_alias(numbers[name]) if name in numbers else word for name, own in found.items()}
    problem: list[str] = []

    def spoiled(row: csv.InvalidRow) -> str:
        problem.append(f"a row with {row.actual_columns} fields, where the header has {row.expected_columns}")
        return "error"

    quote = '"' if separator == "," else False
    with pa.input_stream(str(path), compression="gzip" if packed(path) else None) as source:
        try:
            read = csv.read_csv(
                source,
                read_options=csv.ReadOptions(skip_rows=skip + 1, column_names=header, block_size=_BLOCK),
                parse_options=csv.ParseOptions(delimiter=separator, quote_char=quote, invalid_row_handler=spoiled),
                convert_options=csv.ConvertOptions(
                    include_columns=list(kinds), column_types=kinds, null_values=list(_TEXT_MISSING)
                ),
            )
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            what = problem[0] if problem else str(error).splitlines()[0]
            cure = "The file is cut short or damaged: fetch it again."
            raise InputError(f"cannot be read: {what}", where=path.name, cure=cure) from None
    names = {own: name for name, own in found.items()}
    read = read.rename_columns([names[own] for own in read.column_names])
    frame: pd.DataFrame = read.unify_dictionaries().to_pandas(split_blocks=True)
    return frame


def _numbers(table: pd.DataFrame, where: str, first_row: int) -> None:
    for name in _NUMBERS:
        if name not in table:
            continue
        text = table[name]
        values = text if pd.api.types.is_numeric_dtype(text) else pd.to_numeric(text, errors="coerce")
        bad = np.flatnonzero(values.isna().to_numpy() & (True if name == "start" else text.notna().to_numpy()))
        if bad.size:
            row = int(bad[0])
            raise InputError(
                f"row {row + first_row}: {name} is {text.iloc[row]!r}, a number was expected ({bad.size} such row(s))",
                where=where,
                cure="A missing position cannot be placed in a build; correct the row or take it out.",
            )
        table[name] = values


def _refuse_empty(table: pd.DataFrame, where: str, first_row: int) -> None:
    for name in ("gene", "sample", "effect"):
        words = table[name].astype("category")
        plain = {old: str(old).strip() for old in words.cat.categories}
        if any(old != new for old, new in plain.items()):
            # With blanks taken away two names may be one.
            table[name] = words = renamed(words, plain)
        bad = np.flatnonzero(of_category(words, [word in ("", "NA") for word in words.cat.categories], True))
        if bad.size:
            raise InputError(
                f"row {int(bad[0]) + first_row}: no {name} ({bad.size} such row(s))",
                where=where,
                cure="Fill or remove them.",
            )


def _undo_dates(
    table: pd.DataFrame, dates: Literal["refuse", "repair"], where: str, first_row: int, counts: dict[str, int]
) -> pd.DataFrame:
    found = mangled(list(table["gene"].cat.categories))
    hit = table["gene"].isin(list(found)).to_numpy()
    if not hit.any():
        return table
    if dates == "refuse":
        rows = np.flatnonzero(hit)
        told = "; ".join(
            f"row {row + first_row}: {table['gene'].iloc[row]} (likely {found[table['gene'].iloc[row]]})"
            for row in rows[:5]
        )
        raise InputError(
            f"{rows.size} gene symbol(s) that a spreadsheet turned into dates: {told}",
            where=where,
            cure="Use the file of before the spreadsheet, or read with --repair-dates (in Python dates='repair'); "
            "`?` fits no gene and is dropped then.",
        )
    lost = table["gene"].isin([symbol for symbol, gene in found.items() if gene == "?"]).to_numpy()
    counts["dates repaired to gene symbols"] = int((hit & ~lost).sum())
    counts["dropped: a date that fits no gene"] = int(lost.sum())
    kept = table[~lost].copy()
    kept["gene"] = kept["gene"].astype(object).replace({k: v for k, v in found.items() if v != "?"}).astype("category")
    return kept.reset_index(drop=True)


def _without_repeats(table: pd.DataFrame, counts: dict[str, int]) -> pd.DataFrame:
    """The same call of the same sample twice is one call: merged files have such rows."""
    keys = ["sample", "gene", "chromosome", "start", *(name for name in ("end", "allele") if name in table)]
    # One number for sample, gene and place (below 2^63 for 10^4 samples of 10^5 genes) tells nearly all rows apart.
    sample, gene = (table[name].cat.codes.to_numpy(np.int64) for name in ("sample", "gene"))
    number = (sample * len(table["gene"].cat.categories) + gene) * _LONGEST + table["start"].to_numpy(np.int64)
    alike = np.flatnonzero(pd.Series(number).duplicated(keep=False).to_numpy())
    some = table[keys].iloc[alike]
    codes = [some[name].cat.codes if some[name].dtype == "category" else some[name] for name in keys]
    repeated = np.zeros(len(table), dtype=bool)
    repeated[alike] = pd.concat(codes, axis=1, keys=keys).duplicated().to_numpy()
    if repeated.any():
        counts["dropped: the same call of the same sample again"] = int(repeated.sum())
        table = table[~repeated].reset_index(drop=True)
    return table
