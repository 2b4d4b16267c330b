"""WebVTT (``.vtt``), with voice tags ``<v Name>`` as meeting software writes them."""

from __future__ import annotations

import html
import re

from presage.cohort import UnusableRecording
from presage.depression.transcripts.captions import blocks_of, none_found, parse_times, with_prefixes, without_tags
from presage.depression.transcripts.utterances import Utterance

_VOICE = re.compile(r"<v(?:\.[^\s>]+)*\s+([^>]+)>")
_NOT_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT")


def parse_vtt(text: str, where: str) -> list[Utterance]:
    """The cues of a WebVTT file; a cue with several voices is several utterances at the cue's times.

    Raises
    ------
    UnusableRecording
        If the first line is not ``WEBVTT``, or there is no cue.
    """
    if not text.startswith("WEBVTT"):
        raise UnusableRecording(
            "header missing", "a WebVTT file begins with the line WEBVTT", where=where, cure="export it again"
        )
    cues: list[Utterance] = []
    for block in blocks_of(text):
        timed = next((index for index, (_, line) in enumerate(block[:2]) if "-->" in line), None)
        if timed is None:
            if block[0][1].split()[0] in _NOT_CUES:
                continue
            raise UnusableRecording(
                "time not understood", f"no time line at {block[0][1]!r}", where=f"{where}, line {block[0][0]}"
            )
        number, line = block[timed]
        start, stop = parse_times(line, where, number)
        payload = " ".join(line for _, line in block[timed + 1 :])
        # [text before the first tag, name, text, name, text, ...]
        parts = _VOICE.split(payload)
        for name, said in [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]:
            said = html.unescape(without_tags(said))
            if said:
                cues.append(Utterance(number, html.unescape(name).strip(), said, start, stop))
    if not cues:
        raise none_found("WebVTT", where)
    return with_prefixes(cues)
