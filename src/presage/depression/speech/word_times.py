"""When each word of a transcript is said in its recording, as an encoder: alignment is slow, and done once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from presage.cohort import Recording
from presage.depression.speech.alignment import LANGUAGES, words_in_file
from presage.depression.speech.pronunciation import spoken
from presage.depression.transcript import Transcript, Word
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder

# What the recording's attributes carry of its transcript; the cache's key covers them.
_PATH, _DIGEST, _MARK = "transcript", "transcript_sha256", "transcript_"
_OF_TRANSCRIPT = ("participant_label", "interviewer_label", "language")


class WordTimes(Encoder):
    """Forced alignment of the participant's turns with their sound.

    It reads two files. :func:`with_transcript` puts the second one, with the digest of its bytes, into the attributes
    of the first, which are part of the key of a cache.

    Arrays: ``turn`` (words,), the participant's turn, from 0; ``times`` (words, 2), start and stop in seconds. A turn
    that does not fit its sound has no words.
    """

    name: ClassVar[str] = "word-times"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "audio"

    def encode(self, recording: Recording) -> Arrays:
        """See the class. Raises UnusableRecording where one of the files cannot be read."""
        aligned = words_in_file(_transcript(recording), recording.path, channel=recording.get("channel"))
        found = [(number, word.start, word.stop) for number, turn in enumerate(aligned) for word in turn.words]
        return {
            "turn": np.array([number for number, _, _ in found], dtype=np.int64),
            "times": np.array([(start, stop) for _, start, stop in found], dtype=np.float64).reshape(-1, 2),
        }


def with_transcript(sound: Recording, transcript: Recording, digest: str) -> Recording:
    """The sound with its transcript in its attributes; `digest` is the SHA-256 of the transcript's bytes."""
    about = {_MARK + name: transcript.get(name) for name in _OF_TRANSCRIPT if transcript.get(name)}
    attributes = {**sound.attributes, **about, _PATH: transcript.path, _DIGEST: digest}
    return Recording(sound.patient_id, sound.visit, sound.kind, sound.path, attributes)


def alignable(transcript: Transcript) -> bool:
    """Whether the aligner knows the language and each turn says where it is, or the whole sound is one turn."""
    known = transcript.language.split("-")[0].lower() in LANGUAGES
    return known and (transcript.timed or len(transcript) == 1)


def words_of_turns(participant: Transcript, arrays: Arrays) -> list[tuple[Word, ...]]:
    """Words with times of each of the participant's turns; none where a turn was not aligned."""
    return [
        _words(turn.text, arrays["times"][arrays["turn"] == number].tolist()) for number, turn in enumerate(participant)
    ]


def _words(text: str, times: Sequence[Sequence[float]]) -> tuple[Word, ...]:
    written = [word for word in text.split() if spoken(word)]
    if len(written) != len(times):
        return ()
    return tuple(Word(word, start, stop) for word, (start, stop) in zip(written, times, strict=True))


def _transcript(recording: Recording) -> Transcript:
    attributes = {name: recording.get(_MARK + name) for name in _OF_TRANSCRIPT if recording.get(_MARK + name)}
    path = recording.get(_PATH)
    return read_transcript(
        Recording(recording.patient_id, recording.visit, "transcript", path, attributes)
    ).participant()
