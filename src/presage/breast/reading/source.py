"""Bytes of a file, local or at any fsspec address, with a cap before anything is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from presage.cohort import InputError, UnusableRecording, storage

# A tomosynthesis stack is a few hundred megabytes; one uncompressed mammogram is under 100.
MAX_FILE_BYTES = 1 << 30

# Rows x columns. The largest detectors and film scans (50 um, 24 x 30 cm) have about 30 million pixels.
MAX_PIXELS = 200_000_000


def open_source(path: str) -> BinaryIO:
    """Open a local path or fsspec address for reading.

    Raises
    ------
    UnusableRecording
        If there is no such file, or it cannot be opened.
    """
    try:
        return cast(BinaryIO, storage.open_file(path))
    except FileNotFoundError:
        raise UnusableRecording(
            "file missing", "there is no such file", where=path, cure="correct its path in recordings.csv"
        ) from None
    except Exception as error:  # every fsspec backend has its own exceptions
        raise UnusableRecording(
            "file cannot be opened",
            f"{type(error).__name__}: {error}",
            where=path,
            cure="check its path and permissions",
        ) from error


def read_all(path: str) -> bytes:
    """All bytes of a file of at most `MAX_FILE_BYTES`.

    Raises
    ------
    UnusableRecording
        If the file is missing, unreadable, empty or larger than that.
    """
    with open_source(path) as stream:
        try:
            data = stream.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise UnusableRecording("file cannot be opened", str(error), where=path) from error
    if not data:
        raise UnusableRecording("empty file", "the file has no bytes", where=path, cure="copy it again from its source")
    if len(data) > MAX_FILE_BYTES:
        raise UnusableRecording(
            "file too large", f"more than {MAX_FILE_BYTES >> 20} MiB: not one mammogram", where=path
        )
    return data


def check_size(rows: int, columns: int, path: str) -> None:
    """Refuse an image that has no pixels or too many to be a mammogram, before any is decoded."""
    if rows < 1 or columns < 1:
        raise UnusableRecording("no pixel data", f"the image is {rows} x {columns} pixels", where=path)
    if rows * columns > MAX_PIXELS:
        raise UnusableRecording(
            "absurd image size",
            f"the header says {rows} x {columns} pixels, more than {MAX_PIXELS // 1_000_000} million",
            where=path,
            cure="the file is damaged or is no mammogram; export it again",
        )


@contextmanager
def located(path: str) -> Iterator[None]:
    """Give every refusal its file, and turn whatever a damaged file provokes in a library into one."""
    try:
        yield
    except UnusableRecording as unusable:
        if unusable.where:
            raise
        raise UnusableRecording(unusable.reason, unusable.what, where=path, cure=unusable.cure) from unusable
    except InputError as error:
        if error.where:
            raise
        raise InputError(error.what, where=path, cure=error.cure) from error
    except Exception as error:
        raise UnusableRecording(
            "damaged file",
            f"its contents contradict each other ({type(error).__name__})",
            where=path,
            cure="copy it again from its source, or export it again",
        ) from error
