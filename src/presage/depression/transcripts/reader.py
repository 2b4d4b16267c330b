"""From a file to a transcript: decode, parse, check the times, tell the speakers apart."""

from __future__ import annotations

from presage.cohort import Recording, UnusableRecording, storage
from presage.depression.transcript import Transcript, Turn
from presage.depression.transcripts.daic import is_daic, parse_daic
from presage.depression.transcripts.encodings import decode
from presage.depression.transcripts.plain import parse_plain
from presage.depression.transcripts.speakers import EVERYBODY, speakers_of
from presage.depression.transcripts.srt import parse_srt
from presage.depression.transcripts.table import is_table, parse_table
from presage.depression.transcripts.utterances import Utterance
from presage.depression.transcripts.vtt import parse_vtt

# A day of talk is one megabyte.
MAX_BYTES = 64 << 20
# Captions are rounded; what is less does not overlap.
_OVERLAP_SECONDS = 0.05


def read_transcript(recording: Recording) -> Transcript:
    """The transcript of a recording of kind ``transcript``.

    The format is told by the file's ending (``.srt``, ``.vtt``, ``.tsv``, ``.csv``) and its first line; anything else
    is plain text. See :func:`presage.depression.transcripts.speakers.speakers_of` for who is who.

    Raises
    ------
    UnusableRecording
        If the file is missing, empty, no text, in no known format, or has times that run backwards.
    InputError
        If there are several speakers and nothing tells who is the participant.
    """
    path = recording.path
    text, encoding = decode(_bytes(path), path)
    alone = recording.get("participant_label") == EVERYBODY
    utterances = _parsed(text, path, alone)
    if not utterances:
        raise UnusableRecording("no turn in the transcript", "nobody says anything", where=path)
    _check_times(utterances, path)
    speakers = speakers_of(
        utterances,
        path,
        participant_label=recording.get("participant_label"),
        interviewer_label=recording.get("interviewer_label"),
    )
    turns = tuple(Turn(speakers[said.label], said.text, said.start, said.stop) for said in utterances)
    notes = _overlaps(turns)
    if encoding not in ("utf-8", "utf-16"):
        notes.insert(0, f"read as {encoding}, because it is not UTF-8")
    return Transcript(turns, recording.get("language"), encoding, tuple(notes))


def _bytes(path: str) -> bytes:
    try:
        size = storage.size_of(path)
        if size is not None and size > MAX_BYTES:
            raise UnusableRecording("file too large", f"{size >> 20} MiB is no transcript", where=path)
        return storage.read_bytes(path)
    except FileNotFoundError:
        raise UnusableRecording("file missing", "there is no such file", where=path) from None
    except OSError as error:
        raise UnusableRecording("file cannot be opened", str(error), where=path) from error


def _parsed(text: str, path: str, alone: bool) -> list[Utterance]:
    ending = path.rsplit(".", 1)[-1].lower()
    if ending == "vtt" or text.startswith("WEBVTT"):
        return parse_vtt(text, path)
    if ending == "srt":
        return parse_srt(text, path)
    if is_daic(text):
        return parse_daic(text, path)
    if ending in ("csv", "tsv", "tab") or is_table(text):
        return parse_table(text, path)
    return parse_plain(text, alone=alone)


def _check_times(utterances: list[Utterance], path: str) -> None:
    """Refuse times that cannot be; the line is named."""
    last = 0.0
    for said in utterances:
        where = f"{path}, line {said.line}"
        if said.start is not None and said.stop is not None and said.stop < said.start:
            what = f"it starts at {said.start:g} s and stops at {said.stop:g} s"
            raise UnusableRecording("turn stops before it starts", what, where=where)
        if said.start is None:
            continue
        if said.start < last:
            raise UnusableRecording(
                "times run backwards",
                f"this turn starts at {said.start:g} s, the one before it at {last:g} s",
                where=where,
                cure="sort the turns by their start; if they are, the times are wrong",
            )
        last = said.start


def _overlaps(turns: tuple[Turn, ...]) -> list[str]:
    """Notes on a speaker who talks over himself; two who talk at once are ordinary."""
    until: dict[str, float] = {}
    n = 0
    for turn in turns:
        if turn.start is None or turn.stop is None:
            continue
        n += turn.start < until.get(turn.speaker, 0.0) - _OVERLAP_SECONDS
        until[turn.speaker] = max(until.get(turn.speaker, 0.0), turn.stop)
    return [f"{n} turn(s) begin before the same speaker's last one stopped"] if n else []
