"""Plain text: one speaker, or lines that begin with ``Name:``. Plain text has no times, and none are made up."""

from __future__ import annotations

import re

from presage.depression.transcripts.utterances import Utterance

# A name of at most three words before a colon (also the full-width one); longer beginnings are sentences.
_PREFIX = re.compile(r"\s*(?P<label>[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2})\s*[:：]\s*(?P<text>.*)")
# One colon in running text is punctuation; speakers take turns.
_MIN_PREFIXED = 2


def parse_plain(text: str, *, alone: bool = False) -> list[Utterance]:
    """Lines of plain text.

    Parameters
    ----------
    text
        Of the file.
    alone
        Whether one person alone speaks, so that ``Name:`` is part of what was said.

    Notes
    -----
    Where at least two lines, and the first of all, begin with ``Name:``, every such line begins a turn and the lines
    after it belong to it; otherwise the whole file is one speaker's, one paragraph one utterance.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    matches = [_PREFIX.fullmatch(line) for _, line in lines]
    if alone or matches[0] is None or sum(match is not None for match in matches) < _MIN_PREFIXED:
        return [Utterance(number, "", line) for number, line in lines]
    found: list[Utterance] = []
    for (number, line), match in zip(lines, matches, strict=True):
        if match is not None:
            found.append(Utterance(number, match["label"], match["text"]))
        else:
            last = found[-1]
            found[-1] = Utterance(last.line, last.label, f"{last.text} {line}".strip())
    return [utterance for utterance in found if utterance.text]
