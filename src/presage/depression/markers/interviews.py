"""From the recordings of a cohort to what the networks take: the participant's answers, word by word or as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording
from presage.depression.face.encoder import FaceTrack
from presage.depression.face.track_file import FaceTrackFile
from presage.depression.markers.stretches import (
    Stretch,
    face_frames,
    face_of_stretch,
    face_of_words,
    stretches,
)
from presage.depression.markers.voices import FeatureSet, SpokenVoice, spoken_voice, voice_encoder
from presage.depression.networks.data import Person, Utterance, windows
from presage.depression.scripts import UNSPACED, main_script
from presage.depression.session import Session, sessions
from presage.depression.speech.word_times import WordTimes, alignable, with_transcript, words_of_turns
from presage.depression.transcript import Transcript
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder
from presage.study.marker import Resources

Floats = NDArray[np.float64]

#: The modalities beside the words.
AUDIO, FACE = "audio", "face"


@dataclass(frozen=True)
class Answer:
    """What the participant says in one turn, as it was recorded.

    Attributes
    ----------
    words
        As written; empty words where nobody knows.
    modalities
        By modality a vector for each word, shape (words, size), NaN where a number is missing.
    start, stop
        Of the turn, seconds; NaN where nobody knows.
    """

    words: tuple[str, ...]
    modalities: Mapping[str, Floats]
    start: float = float("nan")
    stop: float = float("nan")

    @property
    def text(self) -> str:
        """The words as they are written."""
        return ("" if main_script("".join(self.words)) in UNSPACED else " ").join(self.words)


@dataclass(frozen=True)
class Interviews:
    """How recordings become answers.

    Attributes
    ----------
    sentences
        One vector of voice and of face for each turn, and not for each word.
    modalities
        Which of ``audio`` and ``face`` are read.
    alone
        A modality that is used without any words: turns are then told by their times alone.
    align
        Whether words without times are aligned with their sound, where their language is known to the aligner.
    fps
        Frames per second of a video that are looked at, at most.
    feature_set
        Which acoustic features are taken of the voice.
    """

    sentences: bool = True
    modalities: tuple[str, ...] = (AUDIO, FACE)
    alone: bool = False
    align: bool = True
    fps: float = 30.0
    feature_set: FeatureSet = "own"

    def encoders(self) -> list[Encoder]:
        """What is encoded of the recordings before anything is fitted."""
        voice = voice_encoder(self.feature_set, words=not self.sentences)
        found = [voice] if AUDIO in self.modalities else []
        return [*found, FaceTrack(fps=self.fps), FaceTrackFile()] if FACE in self.modalities else found

    def persons(self, cohort: Cohort, resources: Resources) -> tuple[list[list[Answer]], list[str]]:
        """Answers of each patient of the cohort, and the texts of their transcripts."""
        found: dict[str, list[Answer]] = {patient: [] for patient in cohort.patient_ids}
        texts: list[str] = []
        for session in sessions(cohort):
            transcript = read_transcript(session.transcript) if session.transcript is not None else None
            if transcript is not None:
                texts.append(transcript.participant().text)
            found[session.patient_id] += self._answers(session, transcript, resources)
        return list(found.values()), texts

    def _answers(self, session: Session, transcript: Transcript | None, resources: Resources) -> list[Answer]:
        voice = None
        if session.audio is not None and AUDIO in self.modalities:
            voice = spoken_voice(self.feature_set, session.audio, resources, words=not self.sentences)
        track = self._encoded(FaceTrackFile(), session.face_track, FACE, resources)
        if track is None:
            track = self._encoded(FaceTrack(fps=self.fps), session.video, FACE, resources)
        face = face_frames(track) if track is not None else None
        ends = [voice.duration] if voice is not None else []
        ends += [float(face[0][-1])] if face is not None and len(face[0]) else []
        cut = stretches(transcript, max(ends, default=0.0), self._aligned(session, transcript, resources))
        if transcript is None and not ends:
            return []
        found = (self._answer(cut, number, voice, face) for number in range(len(cut)))
        return [answer for answer in found if answer.words]

    def _answer(
        self, cut: list[Stretch], number: int, voice: SpokenVoice | None, face: tuple[Floats, Floats] | None
    ) -> Answer:
        stretch = cut[number]
        rows: dict[str, Floats] = {}
        if self.sentences:
            if voice is not None:
                rows[AUDIO] = voice.of_stretch(cut, number)[None]
            if face is not None:
                rows[FACE] = face_of_stretch(*face, stretch)[None]
        else:
            if voice is not None:
                rows[AUDIO] = voice.of_words(stretch)
            if face is not None:
                rows[FACE] = face_of_words(*face, stretch)
        words = stretch.words
        if self.alone:
            words = ("",) * len(next(iter(rows.values()), ()))
        elif self.sentences:
            rows = {name: np.repeat(row, len(words), axis=0) for name, row in rows.items()}
        return Answer(words, rows, stretch.start, stretch.stop)

    def _aligned(self, session: Session, transcript: Transcript | None, resources: Resources) -> list[Any]:
        if self.sentences or not self.align or transcript is None or session.audio is None:
            return []
        mine = transcript.participant()
        if not alignable(transcript) or all(turn.words for turn in mine):
            return []
        assert session.transcript is not None
        digest = resources.cache.content(session.transcript.path)
        both = with_transcript(session.audio, session.transcript, digest)
        return list(words_of_turns(mine, resources.encoded(WordTimes(), [both])[0]))

    def _encoded(self, encoder: Encoder, recording: Recording | None, name: str, resources: Resources) -> Arrays | None:
        if recording is None or name not in self.modalities:
            return None
        return resources.encoded(encoder, [recording])[0]


@dataclass(frozen=True)
class Filling:
    """What stands for a number that is missing within a vector: its mean over the training patients.

    Attributes
    ----------
    means
        By modality, shape (size,).
    """

    means: dict[str, Floats]

    @classmethod
    def of(cls, persons: Iterable[Sequence[Answer]]) -> Filling:
        """Means over all words that have the number; 0 where nobody has it."""
        sums: dict[str, Floats] = {}
        counts: dict[str, Floats] = {}
        for answer in (answer for person in persons for answer in person):
            for name, value in answer.modalities.items():
                known = np.isfinite(value)
                sums[name] = sums.get(name, 0.0) + np.where(known, value, 0).sum(axis=0)
                counts[name] = counts.get(name, 0.0) + known.sum(axis=0)
        return cls({name: sums[name] / np.maximum(counts[name], 1) for name in sorted(sums)})

    def apply(self, persons: Iterable[Sequence[Answer]], longest: int) -> list[Person]:
        """What the networks take; answers of more than `longest` words become several.

        A vector without any number is masked, and so is a modality that no training patient had. A person without any
        answer is one whose every modality is missing.
        """
        nothing = Utterance(("",))
        return [[part for answer in person for part in self._parts(answer, longest)] or [nothing] for person in persons]

    def parts(self, person: Sequence[Answer], longest: int) -> list[int]:
        """How many answers of a network each answer of one person becomes in :meth:`apply`."""
        return [len(self._parts(answer, longest)) for answer in person]

    def _parts(self, answer: Answer, longest: int) -> list[Utterance]:
        filled: dict[str, NDArray[np.float32]] = {}
        present: dict[str, NDArray[np.bool_]] = {}
        for name, mean in self.means.items():
            if name in answer.modalities:
                value = answer.modalities[name]
                known = np.isfinite(value)
                filled[name] = np.where(known, value, mean).astype(np.float32)
                present[name] = np.asarray(known.any(axis=1))
        return windows(Utterance(answer.words, filled, present), longest)
