"""Values of a DICOM header as text and numbers, with the tag named where one cannot be understood."""

from __future__ import annotations

import math
import struct
from typing import Any

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset

from presage.cohort import UnusableRecording


def tag_name(keyword: str) -> str:
    """``Rows (0028,0010)`` for ``Rows``."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception as error:  # pydicom converts on access and each conversion has its own errors
        raise _damaged(keyword, f"cannot be read ({type(error).__name__})") from error


def _damaged(keyword: str, what: str) -> UnusableRecording:
    return UnusableRecording(
        "damaged DICOM header", f"{tag_name(keyword)} {what}", cure="export the image again from its archive"
    )


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """The values of an element as stripped text; an empty list where it is absent."""
    value = _value(dataset, keyword)
    if value is None:
        return []
    items = [value] if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else list(value)
    return [
        item.decode("latin-1").strip() if isinstance(item, bytes) else str(item).strip("\x00 \t\r\n") for item in items
    ]


def text(dataset: Dataset, keyword: str) -> str:
    """The first value of an element as stripped text, empty where it is absent."""
    return next(iter(texts(dataset, keyword)), "")


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The values of an element as finite numbers; an empty list where it is absent.

    Raises
    ------
    UnusableRecording
        If one is no number ("damaged DICOM header", with the tag).
    """
    value = _value(dataset, keyword)
    if isinstance(value, bytes):
        # Implicit VR leaves "US or SS" open: the bytes are 16-bit words.
        return [float(word) for (word,) in struct.iter_unpack("<H", value[: len(value) // 2 * 2])]
    found = []
    for item in texts(dataset, keyword):
        if not item:
            continue
        try:
            value = float(item)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise _damaged(keyword, f"is {item[:40]!r}, not a number")
        found.append(value)
    return found


def number(dataset: Dataset, keyword: str, *, default: float | None = None) -> float:
    """The first value of an element as a number; `default` where it is absent, refused where there is none."""
    found = numbers(dataset, keyword)
    if found:
        return found[0]
    if default is None:
        raise _damaged(keyword, "is missing")
    return default


def whole(dataset: Dataset, keyword: str, *, default: int | None = None) -> int:
    """As :func:`number`, refused where it is not a whole number."""
    value = number(dataset, keyword, default=default)
    if value != int(value):
        raise _damaged(keyword, f"is {value!r}, not a whole number")
    return int(value)


def sequence(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; an empty list where it is absent or is no sequence."""
    value = _value(dataset, keyword)
    if value is None or isinstance(value, str | bytes):
        return []
    try:
        return [item for item in value if isinstance(item, Dataset)]
    except TypeError:
        return []


def codes(dataset: Dataset, keyword: str) -> list[tuple[str, str]]:
    """(scheme, value) of each item of a code sequence, upper case."""
    return [
        (text(item, "CodingSchemeDesignator").upper(), text(item, "CodeValue").upper())
        for item in sequence(dataset, keyword)
    ]
