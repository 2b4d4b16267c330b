"""Transcripts of the Distress Analysis Interview Corpus (Gratch et al., LREC 2014): tab-separated, Ellie asks."""

from __future__ import annotations

import re
from dataclasses import replace

from presage.depression.transcripts.table import parse_table
from presage.depression.transcripts.utterances import Utterance

_HEADER = ["start_time", "stop_time", "speaker", "value"]
# Some prompts are written as the name of the prompt and, in brackets, what she says.
_PROMPT = re.compile(r"\w+ \((.+)\)")
_MARK = re.compile(r"[<\[]sync(?:h|ing|hing)?[>\]]", re.IGNORECASE)


def is_daic(text: str) -> bool:
    """Whether the first line is the header of a transcript of that corpus."""
    return text.split("\n", 1)[0].split("\t") == _HEADER


def parse_daic(text: str, where: str) -> list[Utterance]:
    """Rows of a transcript; synchronisation marks are dropped, and of a prompt what was said is kept."""
    found = []
    for row in parse_table(text, where):
        said = _MARK.sub("", row.text).strip()
        prompt = _PROMPT.fullmatch(said) if row.label == "Ellie" else None
        if said:
            found.append(replace(row, text=prompt[1] if prompt else said))
    return found
