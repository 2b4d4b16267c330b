"""SubRip (``.srt``): a number, a time line, and text."""

from __future__ import annotations

from presage.cohort import UnusableRecording
from presage.depression.transcripts.captions import blocks_of, none_found, parse_times, with_prefixes, without_tags
from presage.depression.transcripts.utterances import Utterance


def parse_srt(text: str, where: str) -> list[Utterance]:
    """The cues of a SubRip file. Raises UnusableRecording for a block without a time line."""
    cues = []
    for block in blocks_of(text):
        timed = next((index for index, (_, line) in enumerate(block[:2]) if "-->" in line), None)
        if timed is None:
            raise UnusableRecording(
                "time not understood",
                f"no time line (00:00:01,000 --> 00:00:02,000) at {block[0][1]!r}",
                where=f"{where}, line {block[0][0]}",
            )
        number, line = block[timed]
        start, stop = parse_times(line, where, number)
        said = without_tags(" ".join(line for _, line in block[timed + 1 :]))
        if said:
            cues.append(Utterance(number, "", said, start, stop))
    if not cues:
        raise none_found("SubRip", where)
    return with_prefixes(cues)
