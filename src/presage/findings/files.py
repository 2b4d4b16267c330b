"""From a file to a frame of text (separators, encodings, files that are something else), and from text to a file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pandas as pd

from presage.findings.table import TableError

_SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def write_whole(path: Path, text: str) -> Path:
    """Write a file in one step: a kill leaves the old file or the new one, and a full disk no half of one."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        error.filename = error.filename or str(path)  # a write that fails does not say where
        raise
    return path


def is_address(place: Path | str) -> bool:
    """Whether `place` is an fsspec address such as ``s3://bucket/run``, and not a path of this machine."""
    return isinstance(place, str) and "://" in place and not place.startswith("file://")


def read_address(address: str) -> bytes | None:
    """The file at an address, or None where there is none.

    Raises
    ------
    TableError
        If the store cannot be reached, or its package is not installed.
    """
    import fsspec

    try:
        files, inner = fsspec.core.url_to_fs(address, use_listings_cache=False)
        return bytes(files.cat_file(inner))
    except FileNotFoundError:
        return None
    except Exception as error:  # every store has errors of its own
        raise TableError(f"{address} cannot be read: {error or type(error).__name__}") from error


def write_address(address: str, text: str) -> str:
    """Write a file to a store in one request.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    import fsspec

    try:
        files, inner = fsspec.core.url_to_fs(address, use_listings_cache=False)
        files.pipe_file(inner, text.encode("utf-8"))
    except Exception as error:
        raise TableError(f"{address} cannot be written: {error or type(error).__name__}") from error
    return address


def read_frame(path: Path, *, separator: str | None = None, decimal: str = ".") -> pd.DataFrame:
    """Every cell as text (missing: NA), with column names stripped of blanks.

    Raises
    ------
    TableError
        No file, an empty one, a spreadsheet, ragged rows, unnamed or repeated columns, no row below the heading.
    """
    if decimal not in (".", ","):
        raise TableError(f"the decimal sign must be a point or a comma, not {decimal!r}")
    if not path.exists():
        raise TableError(f"there is no file {path}; check the name and the folder")
    if path.is_dir():
        raise TableError(f"{path} is a folder; give the file with the table of scores")
    frame = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _text(path, separator)
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    _check_names(frame, path)
    if frame.empty:
        raise TableError(f"{path.name} has a heading but no rows: was the export finished?")
    return frame


def _parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except ImportError as missing:
        raise TableError(
            f"{path.name} is Parquet, which needs a library: pip install 'presage[parquet]', or save the table as CSV"
        ) from missing
    except (OSError, ValueError) as error:
        raise TableError(f"{path.name} is not a readable Parquet file ({error}); save the table as CSV") from error
    # Floats keep all their digits on the way through text.
    text: pd.DataFrame = frame.map(lambda value: repr(value) if isinstance(value, float) else value).astype("string")
    return text.set_axis(range(1, len(text) + 1))


def _text(path: Path, separator: str | None) -> pd.DataFrame:
    content = path.read_bytes()
    if path.suffix.lower() in _SPREADSHEETS or content[:4] == b"PK\x03\x04" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise TableError(
            f"{path.name} is a spreadsheet; open it, choose File > Save as, type CSV (UTF-8), and give that file"
        )
    text = _decode(content, path).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise TableError(f"{path.name} is empty")
    lines = text.split("\n")
    # Excel writes its separator into a first line of its own.
    if lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        separator, text = separator or lines[0].strip()[4], "\n".join(lines[1:])
    heading = next(line for line in text.split("\n") if line.strip())
    return _rows(text, separator or _separator(heading), path)


def _rows(text: str, separator: str, path: Path) -> pd.DataFrame:
    """Rows of cells, each with the row number that a spreadsheet shows."""
    cells: list[list[str]] = []
    numbers: list[int] = []
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True), start=1):
        if any(cell.strip() for cell in row):
            cells.append([cell.strip() for cell in row])
            numbers.append(number)
    heading, *rest = cells
    # A spreadsheet pads its rows with empty cells.
    width = max(index for index, name in enumerate(heading) if name) + 1
    for number, row in zip(numbers[1:], rest, strict=True):
        if len(row) < width or any(row[width:]):
            raise TableError(
                f"{path.name}, row {number} has {len(row)} cells, but the heading has {width}. Does a cell contain the "
                f"separator ({_SEPARATORS.get(separator, separator)}) without quotes, or are decimals written with a "
                "comma?"
            )
    return pd.DataFrame(
        [row[:width] for row in rest], columns=heading[:width], index=numbers[1:], dtype="string"
    ).replace("", pd.NA)


def _decode(content: bytes, path: Path) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16")
    if b"\x00" in content[:4096]:
        raise TableError(f"{path.name} is not a text file; save the table as CSV (UTF-8) and give that file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Windows programs write; every byte has a meaning in it, so that a name with an umlaut does not stop us.
        return content.decode("cp1252", errors="replace")


def _separator(heading: str) -> str:
    counts = {sign: heading.count(sign) for sign in _SEPARATORS}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ","


def _check_names(frame: pd.DataFrame, path: Path) -> None:
    names = list(frame.columns)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"{path.name} has two columns called {repeated[0]!r}; rename one of them")
