"""What SubRip and WebVTT have in common: cues with a time line and text below it."""

from __future__ import annotations

import re

from presage.cohort import UnusableRecording
from presage.depression.transcripts.utterances import Utterance, seconds

_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[^>]*>|\{\\[^}]*\}")
_PREFIX = re.compile(r"(?P<label>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*[:：]\s+(?P<text>.*)", re.DOTALL)


def parse_times(line: str, where: str, number: int) -> tuple[float, float]:
    """Start and stop of a line ``00:00:01,000 --> 00:00:02,500 ...``."""
    before, _, after = line.partition("-->")
    start = seconds(before, where, number)
    stop = seconds((after.split() or [""])[0], where, number)
    if start is None or stop is None:
        raise UnusableRecording(
            "time not understood", f"this cue lacks a start or a stop: {line!r}", where=f"{where}, line {number}"
        )
    return start, stop


def blocks_of(text: str) -> list[list[tuple[int, str]]]:
    """Groups of (line number, line) between blank lines."""
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            blocks[-1].append((number, line.strip()))
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def without_tags(text: str) -> str:
    """Text without styling tags."""
    return " ".join(_TAG.sub("", text).split())


def with_prefixes(cues: list[Utterance]) -> list[Utterance]:
    """Cues whose ``Name:`` became the label, where most cues begin with one (as meeting software writes them)."""
    matches = [None if cue.label else _PREFIX.fullmatch(cue.text) for cue in cues]
    if 2 * sum(match is not None for match in matches) <= len(cues):
        return cues
    return [
        cue if match is None else Utterance(cue.line, match["label"], match["text"], cue.start, cue.stop)
        for cue, match in zip(cues, matches, strict=True)
    ]


def none_found(kind: str, where: str) -> UnusableRecording:
    """The refusal of a file without any cue."""
    return UnusableRecording(
        "no turn in the transcript", f"no cue was found in this {kind} file", where=where, cure="export it again"
    )
