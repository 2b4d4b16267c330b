"""Transcripts of a cohort's recordings that have none, by speech recognition on this machine, as files beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError, Recording, UnusableRecording, storage
from presage.cohort.tables import read_table
from presage.depression.media import blocks
from presage.depression.session import Session, sessions
from presage.depression.speech.activity import speech_probability, stretches
from presage.depression.speech.recognition import recognise
from presage.depression.speech.windows import sound_between
from presage.depression.transcript import PARTICIPANT, Turn
from presage.study.folder import folder_at

#: Folder of the transcripts, below the cohort's; what people said is theirs, so it is for its owner alone.
FOLDER = "transcripts"
# Longest stretch that is recognised at once, seconds, and the sound kept before and after speech.
_LONGEST, _MARGIN = 30.0, 0.2

Recogniser = Callable[[NDArray[np.float32]], Sequence[Turn]]


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
        raise InputError("every session with sound has a transcript", where=cohort.root, cure="nothing is to be done")
    mixed = [session.sound for session in todo if session.sound is not None and not session.sound.get("channel")]
    if mixed and not participant_alone:
        raise InputError(
            f"{len(mixed)} recording(s) do not name the participant's channel, such as "
            f"{cohort.relative(mixed[0].path)}: the interviewer's words would be taken for the participant's",
            where=storage.join(cohort.root, "recordings.csv"),
            cure="where the participant alone is heard say --participant-alone; else write left or right into channel",
        )
    folder = folder_at(cohort.root).child(FOLDER, private=True)
    rows: list[dict[str, str]] = []
    failed: list[tuple[str, str]] = []
    for session in todo:
        sound = session.sound
        assert sound is not None
        name = _file_name(session)
        try:
            if not folder.exists(name):
                turns = transcribed(sound, lambda part: recognise(part, model=model, language=language).turns)
                folder.write(name, _table(turns).encode())
            rows.append(_row(session, f"{FOLDER}/{name}", language))
        except UnusableRecording as error:
            failed.append((cohort.relative(sound.path), f"{error.reason} ({error.what})"))
        progress()
    _add(cohort.root, rows)
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
    start, stop = float(speech[0, 0]), float(speech[0, 0])
    for begin, end in speech.tolist():
        if end - start > longest and stop > start:
            yield _padded(start, stop)
            start = begin
        while end - start > longest:
            yield start, start + longest
            start += longest
        stop = end
    if stop > start:
        yield _padded(start, stop)


def _padded(start: float, stop: float) -> tuple[float, float]:
    return max(0.0, start - _MARGIN), stop + _MARGIN


def _file_name(session: Session) -> str:
    """Named by what tells sessions apart; the folder is private, as patient ids are in it."""
    parts = (session.patient_id, session.visit, session.task, session.answer)
    text = "_".join(part for part in parts if part)
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text) + ".csv"


def _table(turns: Sequence[Turn]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["start", "stop", "speaker", "text"])
    writer.writerows([turn.start, turn.stop, "Participant", turn.text] for turn in turns)
    return text.getvalue()


def _row(session: Session, path: str, language: str) -> dict[str, str]:
    about = {"task": session.task, "answer": session.answer, "language": language}
    return {"patient_id": session.patient_id, "visit": session.visit, "kind": "transcript", "path": path, **about}


def _add(root: str, rows: Sequence[dict[str, str]]) -> None:
    """The rows behind those of the table of recordings, in one step; what stands in it stays as it is."""
    if not rows:
        return
    table, name = read_table(root, "recordings")
    # The columns task and answer are for those who have any.
    added = pd.DataFrame(rows).replace("", None).dropna(axis=1, how="all")
    whole = pd.concat([table, added], ignore_index=True).fillna("")
    if name.endswith(".parquet"):
        data = io.BytesIO()
        whole.to_parquet(data, index=False)
        storage.write_bytes(storage.join(root, name), data.getvalue())
    else:
        storage.write_bytes(storage.join(root, name), whole.to_csv(index=False, lineterminator="\n").encode())
