"""Tables as people really save them: CSV with a byte-order mark, semicolons or Windows line ends, or Parquet.

Every cell is read as text first, so that an id such as ``007`` stays what it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

import pandas as pd

from presage.cohort import storage
from presage.cohort.errors import InputError

# What people write into an empty cell. "none" is not here: it is a level of many covariates.
EMPTY = frozenset({"", "na", "n/a", "nan", "null"})
# Before the numbers 007 and 1e5 are numbers they may be codes.
_CODE = re.compile(r"[+-]?0\d")
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?")
_NEAR = 0.8


def read_table(folder: str, name: str) -> tuple[pd.DataFrame, str]:
    """The table `name` (.csv or .parquet) of a cohort folder, all cells text or missing, and its file name.

    The index holds the line of each row in the file (CSV: the header is line 1), for messages.

    Raises
    ------
    InputError
        If there is no such file or two, it is not readable as a table, or rows and header do not match.
    """
    found = [f"{name}{ending}" for ending in (".csv", ".parquet") if _is_there(folder, f"{name}{ending}")]
    if len(found) != 1:
        problem = f"there is no {name}.csv or {name}.parquet" if not found else f"there are both {' and '.join(found)}"
        raise InputError(
            problem,
            where=folder,
            cure=f"a cohort folder holds one table {name}.csv (or .parquet) with one row per {name.removesuffix('s')}",
        )
    data = storage.read_bytes(storage.join(folder, found[0]))
    table = _parse_parquet(data, found[0]) if found[0].endswith(".parquet") else parse_csv(data, found[0])
    return table, found[0]


def parse_csv(data: bytes, where: str) -> pd.DataFrame:
    """A CSV file's bytes as a table of text; see :func:`read_table`."""
    text = _decode(data, where)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise InputError("the table is empty", where=where, cure="the first line holds the names of the columns")
    separator = max(",;\t", key=lines[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = [cell.strip() for cell in next(reader)]
    _check_header(header, where)
    rows, numbers = [], []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise InputError(
                    f"this row has {len(row)} cells, the header has {len(header)}",
                    where=f"{where}, line {reader.line_num}",
                    cure='put text that holds the separator into double quotes: "like, this"',
                )
            rows.append([cell.strip() for cell in row])
            numbers.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"this is not a CSV table: {error}", where=f"{where}, line {reader.line_num}") from error
    table = pd.DataFrame(rows, columns=header, index=pd.Index(numbers, dtype="int64"), dtype=object)
    if separator == ";":
        # A spreadsheet that separates by semicolons does so because it writes 1,5 for 1.5.
        for column in table.columns:
            filled = [cell for cell in table[column] if cell]
            if any("," in cell for cell in filled) and all(_DECIMAL_COMMA.fullmatch(cell) for cell in filled):
                table[column] = table[column].str.replace(",", ".")
    return blank_to_missing(table)


def blank_to_missing(table: pd.DataFrame) -> pd.DataFrame:
    """Empty cells, and what people write for them, as None."""
    return table.map(lambda cell: None if cell is None or str(cell).lower() in EMPTY else cell)


def typed(table: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    """Columns of numbers as numbers, the others (and those named in `text`) as text.

    A column is a number only if every filled cell is one and none is written like a code (``007``).
    """
    columns = {}
    for name in table.columns:
        column = table[name]
        filled = column.dropna()
        numbers = pd.to_numeric(filled, errors="coerce")
        is_code = filled.map(lambda cell: bool(_CODE.match(cell))).any()
        plain = len(filled) > 0 and name not in text and not is_code and bool(numbers.notna().all())
        columns[name] = pd.to_numeric(column) if plain else column
    return pd.DataFrame(columns, index=table.index)


def check_ids(table: pd.DataFrame, where: str) -> None:
    """Refuse empty ids, and ids that a spreadsheet has turned into numbers like 1.2E+11."""
    ids = table["patient_id"]
    if ids.isna().any():
        raise InputError(
            f"{int(ids.isna().sum())} row(s) have no patient_id: lines {some(table.index[ids.isna()])}",
            where=where,
            cure="fill the ids in, or delete the rows",
        )
    mangled = ids[ids.map(lambda cell: bool(_EXPONENT.fullmatch(cell)))]
    if len(mangled):
        raise InputError(
            f"a spreadsheet has rounded these patient ids, and different patients may now share one: {some(mangled)}",
            where=where,
            cure="export the table again with the column patient_id formatted as text",
        )


def check_near_names(columns: Iterable[str], known: Collection[str], required: Collection[str], where: str) -> None:
    """Refuse a column that is nearly a known name which is missing, and a required name that is not there.

    A column read under the wrong name would be ignored in silence; ``matchset`` instead of ``match_set`` would leak.
    """
    present = [str(column) for column in columns]
    missing = [name for name in known if name not in present]
    plain = {_plain(name): name for name in missing}
    for column in present:
        if column in known:
            continue
        near = plain.get(_plain(column)) or next(iter(get_close_matches(column.lower(), missing, 1, _NEAR)), None)
        if near:
            raise InputError(
                f"there is a column {column!r} and none {near!r}: did you mean {near!r}?",
                where=where,
                cure=f"rename the column to {near!r}; if it holds something else, give it a name further from {near!r}",
            )
    absent = [name for name in required if name not in present]
    if absent:
        raise InputError(
            f"there is no column {', '.join(map(repr, absent))}; the columns are {', '.join(present)}",
            where=where,
            cure="add the column",
        )


def some(items: Iterable[object], limit: int = 8) -> str:
    """The first few of `items` in words, and how many more there are."""
    every = [str(item) for item in items]
    return ", ".join(every[:limit]) + (f" and {len(every) - limit} more" if len(every) > limit else "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_there(folder: str, name: str) -> bool:
    return storage.size_of(storage.join(folder, name)) is not None


def _check_header(header: list[str], where: str) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated or "" in header:
        problem = f"the column {repeated[0]!r} is there twice" if repeated and repeated[0] else "a column has no name"
        raise InputError(problem, where=f"{where}, line 1", cure="give every column a name of its own")


def _decode(data: bytes, where: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            "the text is not UTF-8", where=f"{where}, line {line}", cure="save the table as 'CSV UTF-8'"
        ) from error
    if "\0" in text:
        raise InputError("this is not a text file", where=where, cure="save the table as 'CSV UTF-8' or Parquet")
    return text


def _parse_parquet(data: bytes, where: str) -> pd.DataFrame:
    try:
        table = pd.read_parquet(io.BytesIO(data))
    except ImportError as error:
        raise InputError("Parquet needs pyarrow", where=where, cure="pip install 'presage[parquet]'") from error
    except (OSError, ValueError) as error:
        raise InputError(f"this is not a Parquet table: {error}", where=where) from error
    if table.index.name is not None:
        table = table.reset_index()
    _check_header([str(column) for column in table.columns], where)
    table = table.reset_index(drop=True).rename(columns=str)
    table.index = table.index + 1
    return blank_to_missing(table.apply(_as_text))


def _as_text(column: pd.Series) -> pd.Series:
    """A typed column as the text that a CSV file would hold; whole floats lose their ``.0`` (ids get one)."""

    def cell(value: object) -> str | None:
        if value is None or value is pd.NaT or value is pd.NA or value != value:
            return None
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        return repr(float(value)) if isinstance(value, float) else str(value).strip()

    return pd.Series([cell(value) for value in column.astype(object)], index=column.index, dtype=object)
