"""What every format's parser gives: the lines of a transcript before anybody knows who is who."""

from __future__ import annotations

import re
from dataclasses import dataclass

from presage.cohort import UnusableRecording

_SECONDS = re.compile(r"\d+(?:[.,]\d+)?")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")


@dataclass(frozen=True)
class Utterance:
    """One row, cue or line of a file.

    Attributes
    ----------
    line
        Of the file, from 1.
    label
        The file's own name of the speaker; empty where it gives none.
    text
        What was said.
    start, stop
        Seconds, or None.
    """

    line: int
    label: str
    text: str
    start: float | None = None
    stop: float | None = None


def seconds(text: str, where: str, line: int) -> float | None:
    """A time as seconds (``12.5``, ``12,5``) or clock (``1:02:03.5``, ``02:03,500``); None for an empty cell.

    Raises
    ------
    UnusableRecording
        For anything else.
    """
    text = text.strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return float(text.replace(",", "."))
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise UnusableRecording(
            "time not understood",
            f"{text!r} is no time",
            where=f"{where}, line {line}",
            cure="write seconds (12.5) or hours:minutes:seconds (0:00:12.5)",
        )
    hours, minutes, rest = clock.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes) + float(rest.replace(",", "."))
