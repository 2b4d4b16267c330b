"""Which encoding a text file has, and its text."""

from __future__ import annotations

import codecs
import re

from presage.cohort import UnusableRecording

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
# What remains after UTF-8 is either Chinese, where high bytes come in pairs, or accents, which mostly stand alone.
_PAIRED = 0.9
# A page break or an end-of-file mark of old systems is text; much else of its kind is a picture or a program.
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f-\x9f]")
_CONTROL_SHARE = 0.01


def decode(data: bytes, where: str) -> tuple[str, str]:
    """Text of a file and the name of its encoding: ``utf-8``, ``utf-16``, ``gb18030``, ``cp1252`` or ``latin-1``.

    Raises
    ------
    UnusableRecording
        If the file is empty or is no text.
    """
    text, encoding = _decoded(data, where)
    text = text.replace("\ufeff", "")
    if not text.strip():
        raise UnusableRecording("empty file", "the file holds no text", where=where, cure="copy it again")
    if "\0" in text or len(_CONTROLS.findall(text)) > _CONTROL_SHARE * len(text):
        raise UnusableRecording(
            "not a text file", "the file holds bytes that no text has", where=where, cure="export it again as UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _decoded(data: bytes, where: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding.removesuffix("-sig")
            except UnicodeDecodeError as error:
                raise UnusableRecording(
                    "not a text file", f"the file says {encoding} and is not: {error}", where=where
                ) from error
    runs = _HIGH_RUNS.findall(data)
    paired = sum(len(run) % 2 == 0 for run in runs) >= _PAIRED * len(runs)
    for encoding in ("utf-8", *(("gb18030",) if paired else ()), "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"
