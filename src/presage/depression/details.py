"""The strips of one session beyond sound and turns: words, speech, pitch, energy and face, for its first minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError, Recording, UnusableRecording
from presage.depression.lanes import Spans, Words, face_lanes, melody
from presage.depression.media import RATE, blocks, frames, media_facts
from presage.depression.session import Session
from presage.depression.speech.word_times import alignable
from presage.depression.timeline import Lane
from presage.depression.transcript import PARTICIPANT, Transcript

# Frames of a video looked at each second: enough for a blink of a fifth of a second.
_FPS = 15.0
_HEIGHT = 360
# With a face in fewer of the frames than this, the picture says so.
_MOSTLY = 0.9


def details(
    session: Session, transcript: Transcript | None, seconds: float, *, sound: bool
) -> tuple[list[Lane], list[str]]:
    """Strips for the first `seconds` of a session, and what could not be drawn, in words.

    Parameters
    ----------
    session, transcript
        What is drawn; the transcript as it was read.
    seconds
        How much is looked at; memory grows with this and not with the recording.
    sound
        Whether the session has sound that can be used.
    """
    lanes: list[Lane] = []
    remarks: list[str] = []
    samples = np.zeros(0, dtype=np.float32)
    if sound and session.sound is not None:
        channel = session.sound.get("channel")
        samples = np.concatenate([samples, *until(blocks(session.sound.path, channel=channel), RATE, seconds)])
    if transcript is not None and len(samples) and _one_stretch(transcript, session, seconds):
        transcript = _with_words(transcript, samples, seconds, remarks)
    if transcript is not None and (transcript.end is not None or any(turn.words for turn in transcript)):
        lanes.append(Words(_with_words(transcript, samples, seconds, remarks)))
    if len(samples):
        lanes += _voice(samples, remarks)
    lanes += _face(session, seconds, remarks)
    return lanes, remarks


def _one_stretch(transcript: Transcript, session: Session, seconds: float) -> bool:
    """Whether the transcript is one stretch of speech without a time, all of which is heard: it can be aligned."""
    if transcript.end is not None or not alignable(transcript) or session.sound is None:
        return False
    return media_facts(session.sound.path).duration <= seconds


def until(parts: Iterable[NDArray[np.float32]], rate: int, seconds: float) -> Iterator[NDArray[np.float32]]:
    """Blocks of sound up to a time; nothing behind it is decoded."""
    left = round(rate * seconds)
    for part in parts:
        yield part[:left]
        left -= len(part)
        if left <= 0:
            return


def _with_words(transcript: Transcript, samples: NDArray[np.float32], seconds: float, remarks: list[str]) -> Transcript:
    """The turns that begin in time; the participant's words aligned with the sound where that can be done."""
    turns = tuple(turn for turn in transcript if turn.start is None or turn.start < seconds)
    shown = replace(transcript, turns=turns)
    if not len(samples) or all(turn.words for turn in shown):
        return shown
    from presage.depression.speech.alignment import with_words

    mine = [turn for turn in turns if turn.speaker == PARTICIPANT]
    try:
        aligned = iter(with_words(replace(shown, turns=tuple(mine)), samples))
    except InputError as error:
        remarks.append(f"words stand at the beginning of their turn: {error.what}")
        return shown
    return replace(shown, turns=tuple(next(aligned) if turn.speaker == PARTICIPANT else turn for turn in turns))


def _voice(samples: NDArray[np.float32], remarks: list[str]) -> list[Lane]:
    from presage.depression.prosody.frames import HOP, frames_of
    from presage.depression.speech.activity import pauses, speech_probability, stretches

    lanes: list[Lane] = []
    speech: NDArray[np.float64] | None = None
    try:
        speech = stretches(speech_probability([samples]))
        found = pauses(speech)
        told = f"\n{found.count} pauses, {found.share:.0%}" if found.count else ""
        lanes.append(Spans(f"speech{told}", speech))
        if not len(speech):
            remarks.append("no speech heard")
    except InputError as error:
        remarks.append(f"no pauses: {error.what}")
    peak = float(np.abs(samples - samples.mean()).max())
    size = 10 * RATE
    parts = [samples[start : start + size] for start in range(0, len(samples), size)]
    values = [block.values for block in frames_of(parts, RATE, peak)]
    return lanes + (list(melody(np.concatenate(values), HOP, speech)) if values else [])


def _face(session: Session, seconds: float, remarks: list[str]) -> list[Lane]:
    if session.face_track is None and session.video is None:
        return []
    from presage.depression.face.measures import NAMES, blinks

    try:
        if session.face_track is not None:
            times, values = _of_track(session.face_track, seconds)
        else:
            assert session.video is not None
            times, values = _of_video(session.video, seconds)
    except UnusableRecording as error:
        remarks.append(f"face not drawn: {error.reason}")
        return []
    except InputError as error:  # a network that is not there
        remarks.append(f"face not drawn: {error.what}{f' ({error.cure})' if error.cure else ''}")
        return []
    if not np.isfinite(values).any():
        remarks.append("no face seen")
        return []
    seen = np.isfinite(values[:, 0])
    if seen.mean() < _MOSTLY:
        remarks.append(f"face seen in {seen.mean():.0%} of the frames")
    named = {name: values[:, number] for number, name in enumerate(NAMES)}
    return list(face_lanes(times, named, blinks(named["eye_aperture"], times)))


def _of_track(recording: Recording, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from presage.depression.face.track_file import read_track

    times, values = read_track(recording.path)
    return times[times <= seconds], values[times <= seconds]


def _of_video(recording: Recording, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from presage.depression.face.track import FaceTracker

    tracker = FaceTracker()
    pictures = frames(recording.path, every=0.98 / _FPS, height=_HEIGHT)
    looks = list(tracker.follow(takewhile(lambda picture: picture[0] <= seconds, pictures)))
    return np.array([look.time for look in looks]), np.stack([look.values for look in looks])
