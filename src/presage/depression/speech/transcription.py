"""Transcripts of a cohort's recordings that have none, by speech recognition on this machine, as files beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError, Recording, UnusableRecording, storage
from presage.depression.media import blocks
from presage.depression.session import Session, sessions
from presage.depression.speech.activity import speech_probability, stretches
from presage.depression.speech.recognition import Recogniser, opened_recogniser
from presage.depression.speech.windows import sound_between
from presage.depression.transcript import PARTICIPANT, Turn
from presage.study.folder import folder_at

#: Folder of the transcripts, below the cohort's; what people said is theirs, so it is for its owner alone.
FOLDER = "transcripts"
_TABLE = "recordings.csv"
_OWN_CHANNEL = ("left", "right")
# Longest stretch that is recognised at once, seconds, and the sound kept before and after speech.
_LONGEST, _MARGIN = 30.0, 0.2


def transcribe_cohort(
    cohort: Cohort,
    *,
    model: str | None = None,
    language: str = "en",
    participant_alone: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> tuple[int, list[tuple[str, str]]]:
    """Write a transcript for each session with sound and without a transcript, and add it to ``recordings.csv``.

    Recognition does not tell speakers apart: every word counts as the participant's. So it is done only where a
    recording names the participant's channel, or somebody says that the participants are alone in all of them. What is
    there is not done again, so that a call that was interrupted goes on.

    Parameters
    ----------
    cohort
        Read from its folder.
    model, language
        See :func:`presage.depression.speech.recognition.recognise`.
    participant_alone
        Whether nobody but the participant speaks in the recordings.
    progress
        Called after each session of :func:`without_transcript`.

    Returns
    -------
    tuple
        How many transcripts were added, and (file, reason) of the recordings in which nothing could be recognised.

    Raises
    ------
    InputError
        If somebody else may be heard, no session lacks a transcript, or a model is missing.
    """
    todo = without_transcript(cohort)
    if not todo:
        told = cohort.flow.told()
        cure = "correct recordings.csv: take the row of a transcript that is lost out of it" if told else ""
        raise InputError(
            f"every session with sound has a transcript{told}", where=cohort.root, cure=cure or "nothing is to be done"
        )
    if storage.size_of(storage.join(cohort.root, _TABLE)) is None:
        raise InputError("rows are added to a table in CSV alone", where=cohort.root, cure=f"write it as {_TABLE}")
    # The mean of two channels holds everybody's words.
    mixed = [s.sound for s in todo if s.sound is not None and s.sound.get("channel").lower() not in _OWN_CHANNEL]
    if mixed and not participant_alone:
        raise InputError(
            f"{len(mixed)} recording(s) do not name the participant's channel, such as "
            f"{cohort.relative(mixed[0].path)}: the interviewer's words would be taken for the participant's",
            where=storage.join(cohort.root, _TABLE),
            cure="where the participant alone is heard say --participant-alone; else write left or right into channel",
        )
    folder = folder_at(cohort.root).child(FOLDER, private=True)
    rows: list[dict[str, str]] = []
    failed: list[tuple[str, str]] = []
    with opened_recogniser(model=model, language=language) as recogniser:
        for session in todo:
            sound = session.sound
            assert sound is not None
            name = _file_name(session, sound, model, language)
            try:
                if not folder.exists(name):
                    folder.write(name, _table(transcribed(sound, recogniser)).encode())
                rows.append(_row(session, f"{FOLDER}/{name}", language))
            except UnusableRecording as error:
                failed.append((cohort.relative(sound.path), f"{error.reason} ({error.what})"))
            progress()
    _add(storage.join(cohort.root, _TABLE), rows)
    return len(rows), failed


def without_transcript(cohort: Cohort) -> list[Session]:
    """Sessions with sound and without a transcript."""
    return [s for s in sessions(cohort) if s.sound is not None and s.transcript is None]


def transcribed(sound: Recording, recogniser: Recogniser) -> list[Turn]:
    """What is said in one recording: speech is found, cut at its pauses, and recognised piece by piece.

    Raises
    ------
    UnusableRecording
        If no speech is found in it, no word is recognised, or it cannot be decoded.
    """
    channel = sound.get("channel")
    speech = stretches(speech_probability(blocks(sound.path, channel=channel)))
    if not len(speech):
        raise UnusableRecording("no speech", "no speech was heard in the recording", where=sound.path)
    pieces = list(cut_at_pauses(speech))
    found: list[Turn] = []
    for (start, stop), part in zip(pieces, sound_between(sound.path, pieces, channel=channel), strict=True):
        for turn in recogniser(part):
            begin = start + (turn.start or 0.0)
            # Recognition rounds up; a turn ends before the next piece begins.
            end = min(start + (turn.stop if turn.stop is not None else stop - start), stop)
            if turn.text.strip() and begin < end:
                found.append(Turn(PARTICIPANT, turn.text.strip(), round(begin, 3), round(end, 3)))
    if not found:
        raise UnusableRecording("no word recognised", "speech was heard, and no word recognised", where=sound.path)
    return found


def cut_at_pauses(speech: NDArray[np.float64], longest: float = _LONGEST) -> Iterator[tuple[float, float]]:
    """Pieces of at most `longest` seconds that end in pauses; speech without a pause is cut where it must be.

    Parameters
    ----------
    speech
        Stretches of speech, shape (stretches, 2), seconds; of :func:`presage.depression.speech.activity.stretches`.
    """
    pieces: list[tuple[float, float]] = []
    start, stop = float(speech[0, 0]), float(speech[0, 0])
    for begin, end in speech.tolist():
        if end - start > longest and stop > start:
            pieces.append((start, stop))
            start = begin
        while end - start > longest:
            pieces.append((start, start + longest))
            start += longest
        stop = end
    if stop > start:
        pieces.append((start, stop))
    for number, (first, last) in enumerate(pieces):
        # A word at the edge needs room, and none may be heard twice: half of a short pause belongs to either side.
        before = first - pieces[number - 1][1] if number else 2 * first
        after = pieces[number + 1][0] - last if number + 1 < len(pieces) else math.inf
        yield first - min(_MARGIN, before / 2), last + min(_MARGIN, after / 2)


def _file_name(session: Session, sound: Recording, model: str | None, language: str) -> str:
    """A readable beginning, and a digest of all that decides what is in the file.

    The folder is private, as patient ids are in the names.
    """
    parts = [session.patient_id, session.visit, session.task, session.answer]
    text = "_".join(part for part in parts if part)
    readable = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text)
    about = [*parts, sound.path, storage.size_of(sound.path), sound.get("channel"), model, language]
    digest = hashlib.blake2b(json.dumps(about).encode(), digest_size=6).hexdigest()
    return f"{readable[:60]}-{digest}.csv"


def _table(turns: Sequence[Turn]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["start", "stop", "speaker", "text"])
    writer.writerows([turn.start, turn.stop, "Participant", turn.text] for turn in turns)
    return text.getvalue()


def _row(session: Session, path: str, language: str) -> dict[str, str]:
    about = {"task": session.task, "answer": session.answer, "language": language}
    return {"patient_id": session.patient_id, "visit": session.visit, "kind": "transcript", "path": path, **about}


def _add(path: str, rows: Sequence[dict[str, str]]) -> None:
    """The rows behind those of the table, in one step; its cells, their order and its separator stay as they are."""
    if not rows:
        return
    data = storage.read_bytes(path)
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    names = [name.strip() for name in table[0]]
    # The columns task, answer and language are for those who have any.
    more = [name for name in rows[0] if name not in names and any(row[name] for row in rows)]
    whole = [[*table[0], *more], *([*row, *("" for _ in more)] for row in table[1:])]
    whole += [[row.get(name, "") for name in (*names, *more)] for row in rows]
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\n").writerows(whole)
    storage.write_bytes(path, written.getvalue().encode())
