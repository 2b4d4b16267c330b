"""The kinds ``transcript``, ``audio`` and ``video`` of recordings, as the shared packages see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording, UnusableRecording
from presage.depression.channels import inspect_sound
from presage.depression.media import RATE, MediaFacts, blocks, check_covers, frames, media_facts
from presage.depression.transcript import Transcript
from presage.depression.transcripts.reader import read_transcript

# What was asked: the name of a task, and the tone of the question that was answered.
ANSWERS = ("positive", "neutral", "negative")
#: Of a picture over time.
CAPTION = "Seconds from the beginning. A gap in a line: nothing known there (no voice, no face)."
_ABOUT = ("task", "answer", "language")


@dataclass(frozen=True)
class Media:
    """A recording with sound, pictures or both; nothing is decoded until it is asked for.

    Attributes
    ----------
    path
        Local path or fsspec address.
    facts
        What the header says.
    channel
        The participant's channel: ``left``, ``right``, ``mix`` or empty.
    """

    path: str
    facts: MediaFacts
    channel: str = ""

    def blocks(self, rate: int = RATE, seconds: float = 10.0) -> Iterator[NDArray[np.float32]]:
        """The participant's channel, block by block; see :func:`presage.depression.media.blocks`."""
        return blocks(self.path, rate=rate, channel=self.channel, seconds=seconds)

    def frames(self, every: float = 0.0, height: int = 0) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """The pictures; see :func:`presage.depression.media.frames`."""
        return frames(self.path, every=every, height=height)

    def check_covers(self, transcript: Transcript) -> None:
        """Refuse the recording (UnusableRecording) where it ends before its transcript does."""
        check_covers(transcript, self.facts, self.path)


class TranscriptKind:
    """The kind ``transcript``."""

    name = "transcript"
    #: What its picture shows.
    caption = CAPTION
    required: Mapping[str, Sequence[str]] = {}
    optional: Sequence[str] = (*_ABOUT, "participant_label", "interviewer_label")

    def inspect(self, recording: Recording) -> None:
        """Read it: transcripts are small."""
        self.read(recording)

    def read(self, recording: Recording) -> Transcript:
        """The transcript, every speaker's turns; ``participant()`` gives what a marker should see."""
        _check_answer(recording)
        return read_transcript(recording)

    def takes_along(self, refused: Recording, other: Recording) -> str:
        """Why the sound of a session cannot be used without its transcript: the interviewer in it would be heard.

        It can where the participant has a channel of their own, or the recording is one answer.
        """
        if other.kind != "audio" or other.get("channel").lower() in ("left", "right") or other.get("answer"):
            return ""
        if other.get("task") != refused.get("task") or refused.get("answer"):
            return ""
        return "without the transcript that says whose voice is whose"

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """Who speaks when, a strip per transcript."""
        from presage.depression.overview import overview

        return overview(cohort, self.name, out, limit=limit)


class AudioKind:
    """The kind ``audio``."""

    name = "audio"
    #: What its picture shows.
    caption = CAPTION
    required: Mapping[str, Sequence[str]] = {}
    #: Its picture shows these kinds of the same visit too.
    shows: Sequence[str] = ("transcript", "face-track")
    optional: Sequence[str] = (*_ABOUT, "channel")

    def inspect(self, recording: Recording) -> None:
        """Say whether the sound can be used, decoding a few seconds of it."""
        _check_answer(recording)
        inspect_sound(recording.path, _channel(recording))

    def read(self, recording: Recording) -> Media:
        """The sound, decoded block by block when it is asked for."""
        _check_answer(recording)
        facts = media_facts(recording.path)
        if not facts.channels:
            raise UnusableRecording("no sound", "the file has no sound", where=recording.path)
        return Media(recording.path, facts, _channel(recording))

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """The envelope of each recording, with who speaks when where there is a transcript."""
        from presage.depression.overview import overview

        return overview(cohort, self.name, out, limit=limit)


class VideoKind:
    """The kind ``video``; its sound serves as audio where there is any."""

    name = "video"
    #: What its picture shows.
    caption = CAPTION
    required: Mapping[str, Sequence[str]] = {}
    #: Its picture shows these kinds of the same visit too.
    shows: Sequence[str] = ("transcript", "audio", "face-track")
    optional: Sequence[str] = (*_ABOUT, "channel")

    def inspect(self, recording: Recording) -> None:
        """Say whether the first picture can be decoded, and the sound be used where there is any."""
        media = self.read(recording)
        if next(media.frames(height=64), None) is None:
            raise UnusableRecording("no pictures", "no picture could be decoded", where=recording.path)
        if media.facts.channels:
            inspect_sound(recording.path, media.channel)

    def read(self, recording: Recording) -> Media:
        """Pictures and sound, decoded when they are asked for."""
        _check_answer(recording)
        facts = media_facts(recording.path)
        if not facts.width:
            raise UnusableRecording("no pictures", "the file has no pictures", where=recording.path)
        return Media(recording.path, facts, _channel(recording))

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """The envelope of each recording, with who speaks when where there is a transcript."""
        from presage.depression.overview import overview

        return overview(cohort, self.name, out, limit=limit)


def _check_answer(recording: Recording) -> None:
    answer = recording.get("answer")
    if answer and answer not in ANSWERS:
        raise UnusableRecording(f"answer not {' or '.join(ANSWERS)}", f"answer is {answer!r}", where=recording.path)


def _channel(recording: Recording) -> str:
    channel = recording.get("channel").lower()
    if channel not in ("", "left", "right", "mix"):
        raise UnusableRecording(
            "channel not left, right or mix",
            f"channel is {channel!r}",
            where=recording.path,
            cure="name the participant's channel, or leave the cell empty",
        )
    return channel
