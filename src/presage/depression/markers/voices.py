"""Which acoustic features a marker takes of the participant's voice: Presage's own, eGeMAPSv02 or after COVAREP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Recording
from presage.depression.markers.stretches import Stretch, pause_before, stretches, voice_of_stretch, voice_of_words
from presage.depression.prosody import covarep_encoder, egemaps
from presage.depression.prosody.covarep import COLUMNS
from presage.depression.prosody.egemaps_names import FUNCTIONALS as FUNCTIONALS_OF_EGEMAPS
from presage.depression.prosody.encoder import FUNCTIONALS, ProsodyFrames, functionals
from presage.depression.prosody.frames import HOP
from presage.depression.session import Session
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder
from presage.study.marker import Resources

Floats = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

#: ``own``: Presage's 21 columns and 47 functionals. ``egemaps``: openSMILE's eGeMAPSv02, research licence. ``covarep``:
#: 74 columns of voice quality.
FeatureSet = Literal["own", "egemaps", "covarep"]


class SpokenVoice(ABC):
    """What is known of the voice in one recording."""

    @property
    @abstractmethod
    def duration(self) -> float:
        """Seconds."""

    @abstractmethod
    def of_stretch(self, cut: Sequence[Stretch], number: int) -> Floats:
        """One vector for a stretch; NaN where missing."""

    @abstractmethod
    def of_words(self, stretch: Stretch) -> Floats:
        """A vector for each word of a stretch, shape (words, size); NaN where missing."""


@dataclass(frozen=True)
class _Own(SpokenVoice):
    arrays: Arrays

    @property
    def duration(self) -> float:
        return len(self.arrays["frames"]) * HOP

    def of_stretch(self, cut: Sequence[Stretch], number: int) -> Floats:
        return voice_of_stretch(self.arrays, cut[number], pause_before(cut, number))

    def of_words(self, stretch: Stretch) -> Floats:
        return voice_of_words(self.arrays, stretch)


@dataclass(frozen=True)
class _Covarep(SpokenVoice):
    arrays: Arrays

    @property
    def duration(self) -> float:
        return len(self.arrays["frames"]) * HOP

    def of_stretch(self, cut: Sequence[Stretch], number: int) -> Floats:
        stretch = cut[number]
        known = np.isfinite(stretch.start)
        start, stop = (stretch.start, stretch.stop) if known else (0.0, 0.0)
        frames = covarep_encoder.frames_between(self.arrays["frames"], start, stop)
        row = covarep_encoder.functionals(frames) if len(frames) else _nothing(len(covarep_encoder.FUNCTIONALS))
        return np.append(row, _manner(cut, number))

    def of_words(self, stretch: Stretch) -> Floats:
        return np.stack([self._of_word(float(start), float(stop)) for start, stop in stretch.intervals])

    def _of_word(self, start: float, stop: float) -> Floats:
        frames = covarep_encoder.frames_between(self.arrays["frames"], *((start, stop) if start < stop else (0.0, 0.0)))
        if not len(frames):
            return _nothing(len(COLUMNS) + 1)
        return np.append(covarep_encoder.averages(frames), np.log(stop - start))


@dataclass(frozen=True)
class _Egemaps(SpokenVoice):
    """Functionals of turns are computed when the turns are known: `turned` gives those of some spans."""

    arrays: Arrays
    turned: Callable[[Spans], Floats]

    @property
    def duration(self) -> float:
        return float(self.arrays["duration"][0])

    def of_stretch(self, cut: Sequence[Stretch], number: int) -> Floats:
        # Of all turns at once: the recording is decoded once, and the rest comes from the cache.
        timed = [place for place, stretch in enumerate(cut) if np.isfinite(stretch.start)]
        row = _nothing(len(FUNCTIONALS_OF_EGEMAPS))
        if number in timed:
            row = self.turned(tuple((cut[place].start, cut[place].stop) for place in timed))[timed.index(number)]
        return np.append(row, _manner(cut, number))

    def of_words(self, stretch: Stretch) -> Floats:
        return np.stack([self._of_word(float(start), float(stop)) for start, stop in stretch.intervals])

    def _of_word(self, start: float, stop: float) -> Floats:
        row = egemaps.descriptors_between(self.arrays, start, stop)
        return np.append(row, np.log(stop - start) if start < stop and np.isfinite(row).any() else np.nan)


def voice_encoder(
    feature_set: FeatureSet, *, words: bool = False, floor: float = 75.0, ceiling: float = 500.0
) -> Encoder:
    """What is encoded of every recording before anything is fitted.

    Parameters
    ----------
    words
        Whether vectors of words are wanted, and not only of turns.
    floor, ceiling
        Lowest and highest fundamental frequency looked for, Hz; openSMILE has limits of its own.
    """
    if feature_set == "egemaps":
        return egemaps.EgemapsFrames() if words else egemaps.EgemapsTurns()
    if feature_set == "covarep":
        return covarep_encoder.CovarepFrames(floor=floor, ceiling=ceiling)
    return ProsodyFrames(floor=floor, ceiling=ceiling)


def spoken_voice(
    feature_set: FeatureSet, recording: Recording, resources: Resources, *, words: bool = False
) -> SpokenVoice:
    """The voice in a recording, from the cache where it is there."""
    arrays = resources.encoded(voice_encoder(feature_set, words=words), [recording])[0]
    if feature_set == "own":
        return _Own(arrays)
    if feature_set == "covarep":
        return _Covarep(arrays)
    return _Egemaps(arrays, lru_cache(maxsize=1)(lambda spans: egemaps_of(recording, spans, resources)))


def egemaps_of(recording: Recording, spans: Spans, resources: Resources) -> Floats:
    """Functionals of some spans of a recording (seconds), shape (spans, 88)."""
    (arrays,) = resources.encoded(egemaps.EgemapsTurns(), [egemaps.with_turns(recording, spans)])
    return egemaps.turn_rows(arrays)


def spoken_spans(session: Session) -> list[tuple[float, float]]:
    """When the participant speaks, as the transcript says; empty where it does not say, and all of the sound counts."""
    if session.transcript is None:
        return []
    cut = stretches(read_transcript(session.transcript), 0.0, [])
    return [(stretch.start, stretch.stop) for stretch in cut if np.isfinite(stretch.start)]


def names_of_recording(feature_set: FeatureSet) -> tuple[str, ...]:
    """Names of the columns of :func:`row_of_recording`."""
    if feature_set == "egemaps":
        return FUNCTIONALS_OF_EGEMAPS
    return covarep_encoder.FUNCTIONALS if feature_set == "covarep" else FUNCTIONALS


def row_of_recording(feature_set: FeatureSet, encoder: Encoder, session: Session, resources: Resources) -> Floats:
    """Functionals of what the participant says in a session with sound, shape (columns,); NaN where missing.

    Where the transcript says when the participant speaks, of those turns alone: an interviewer in the same recording is
    not heard. Of eGeMAPSv02 the mean of the turns' functionals, weighted by their length; of the others functionals of
    all frames of the turns.
    """
    assert session.audio is not None
    spans = spoken_spans(session)
    if feature_set == "own":
        work = partial(_own_functionals, spans=spans)
        return resources.derived(encoder, [session.audio], f"functionals of {spans}", work)[0]
    if feature_set == "egemaps":
        if not spans:
            return np.asarray(egemaps.turn_rows(resources.encoded(encoder, [session.audio])[0])[0])
        rows = egemaps_of(session.audio, spans, resources)
        weights = np.where(np.isfinite(rows), np.array([[max(stop - start, 0)] for start, stop in spans]), 0)
        total = weights.sum(axis=0)
        mean = (np.nan_to_num(rows) * weights).sum(axis=0) / np.maximum(total, 1e-9)
        return np.asarray(np.where(total > 0, mean, np.nan))
    frames = resources.encoded(encoder, [session.audio])[0]["frames"]
    parts = [covarep_encoder.frames_between(frames, start, stop) for start, stop in spans or [(0.0, np.inf)]]
    spoken = np.concatenate(parts)
    return covarep_encoder.functionals(spoken) if len(spoken) else _nothing(len(covarep_encoder.FUNCTIONALS))


def _own_functionals(arrays: Arrays, _: Recording, spans: Sequence[tuple[float, float]]) -> Floats:
    """Functionals of the frames of some turns together, shape (47,); of all frames without any turn."""
    if not spans:
        return functionals(arrays)
    frames, runs = arrays["frames"], arrays["runs"]
    # Frames whose centres lie in a turn, as in a stretch of the recording.
    ends = [(max(0, int(np.ceil(start / HOP - 0.5))), int(np.ceil(stop / HOP - 0.5))) for start, stop in spans]
    inside = np.zeros(len(runs), dtype=bool)
    for start, stop in spans:
        inside |= (runs[:, 0] >= start) & (runs[:, 1] <= stop)
    spoken = np.concatenate([frames[:0], *(frames[first:last] for first, last in ends)])
    return functionals({"frames": spoken, "runs": runs[inside]})


def note_whole_sound(heard: Sequence[Session], resources: Resources) -> None:
    """Tell the reader of the findings where an interviewer may be heard: sound without turns beside some with turns."""
    timed = [bool(spoken_spans(session)) for session in heard]
    if any(timed) and not all(timed):
        resources.note(
            "Some recordings have no transcript with times of turns: all of their sound counts as the participant's, "
            "an interviewer in it included."
        )


def note_licence(feature_set: FeatureSet, resources: Resources) -> None:
    """Tell the reader of the findings under which licence the features are."""
    if feature_set == "egemaps":
        resources.note(egemaps.LICENCE)


def packages_of(feature_set: FeatureSet) -> tuple[str, ...]:
    """Packages beside those of the own features, whose versions change the numbers.

    Raises
    ------
    InputError
        If it is not installed.
    """
    if feature_set != "egemaps":
        return ()
    egemaps.opensmile_version()
    return ("opensmile",)


def _manner(cut: Sequence[Stretch], number: int) -> list[float]:
    """Seconds per word and the pause before, as with the own features."""
    stretch = cut[number]
    pace = (stretch.stop - stretch.start) / len(stretch.words) if stretch.words != ("",) else np.nan
    return [float(pace), pause_before(cut, number)]


def _nothing(size: int) -> Floats:
    return np.full(size, np.nan)
