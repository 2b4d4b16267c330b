"""One way to read a table: its separator told by the header, and a file that is no table refused with its name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO, Any

import pandas as pd

from presage.cohort import InputError

_DAMAGED = "The file is cut short or damaged: fetch it again."
_NO_TEXT = "Give a plain or gzipped table of text in UTF-8; from a spreadsheet, save it as csv first."


def read_table(path: Path | str, **options: Any) -> pd.DataFrame:
    """Read a table with commas, tabs or semicolons, plain or gzipped.

    Parameters
    ----------
    path
        The separator is that of the header line; a table whose header has none has one column.
    options
        Of :func:`pandas.read_csv`; `sep` says the separator and nothing is told from the header then.

    Raises
    ------
    InputError
        When there is no such file, it is empty, has a header alone, is cut short, is no text, or a row has more
        fields than the header.
    """
    path = Path(path)
    header = header_line(path, str(options.get("comment") or ""))
    known = {"sep": separator_of(header), "compression": "gzip" if packed(path) else None}
    try:
        # Numbers are read to the last digit, whatever the engine.
        table: pd.DataFrame = pd.read_csv(
            path, **{**known, "low_memory": False, "float_precision": "round_trip", **options}
        )
    except UnicodeDecodeError:
        raise InputError("is no text that can be read", where=path.name, cure=_NO_TEXT) from None
    except pd.errors.EmptyDataError:
        raise InputError("is empty", where=path.name, cure="Give a table with a header line.") from None
    except (OSError, EOFError, zlib.error, pd.errors.ParserError) as error:
        raise InputError(f"cannot be read: {_first(error)}", where=path.name, cure=_DAMAGED) from None
    except ValueError as error:
        raise InputError(f"cannot be read: {_first(error)}", where=path.name, cure="Correct the table.") from None
    if not len(table) and options.get("nrows") != 0:
        raise InputError("has a header and no row", where=path.name, cure="Give the table with its rows.")
    return table


def read_lines(path: Path | str) -> list[str]:
    """The lines of a text file, plain or gzipped.

    Raises
    ------
    InputError
        When there is no such file, it is empty, cut short or no text.
    """
    path = Path(path)
    header_line(path)
    try:
        with _open(path) as stream:
            return stream.read().splitlines()
    except UnicodeDecodeError:
        raise InputError("is no text that can be read", where=path.name, cure=_NO_TEXT) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {_first(error)}", where=path.name, cure=_DAMAGED) from None


def header_line(path: Path, comment: str = "") -> str:
    """The first line that is neither blank nor a comment.

    Raises
    ------
    InputError
        When there is none, or the file is not there, cut short or no text.
    """
    if not path.is_file():
        raise InputError("no such file", where=str(path), cure="Check the path.")
    try:
        with _open(path) as stream:
            for line in stream:
                if "\0" in line:
                    raise InputError("is no text that can be read", where=path.name, cure=_NO_TEXT)
                if line.strip() and not (comment and line.startswith(comment)):
                    return line.rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError("is no text that can be read", where=path.name, cure=_NO_TEXT) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {_first(error)}", where=path.name, cure=_DAMAGED) from None
    raise InputError("is empty", where=path.name, cure="Give a table with a header line.")


def separator_of(header: str) -> str:
    """Tab where the header has one outside quotes, else the more frequent of comma and semicolon."""
    bare = "".join(header.split('"')[::2])
    if "\t" in bare:
        return "\t"
    return ";" if bare.count(";") > bare.count(",") else ","


def packed(path: Path) -> bool:
    """Whether a file is gzipped, whatever it is called."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _open(path: Path) -> IO[str]:
    if packed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
