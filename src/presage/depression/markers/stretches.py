"""Where the participant speaks: stretches of a session with their words, and what voice and face do in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.encoder import by_frame
from presage.depression.face.measures import MOVING, NAMES, expressivity
from presage.depression.prosody.encoder import functionals
from presage.depression.prosody.frames import COLUMNS, HOP
from presage.depression.scripts import UNSPACED, main_script
from presage.depression.transcript import PARTICIPANT, Transcript, Word

Floats = NDArray[np.float64]

#: Seconds of a stretch where there is no transcript.
PIECE = 10.0
# A longer silence says no more: the interviewer speaks, or the recording was stopped.
_LONGEST_PAUSE = 5.0
_WHERE_VOICED = ("hnr", "formant_1", "formant_2", "formant_3")
_ALWAYS = ("voicing", "energy", "tilt", *(name for name in COLUMNS if name.startswith("mfcc")))
_COLUMN = {name: number for number, name in enumerate(COLUMNS)}
_MOVING = [NAMES.index(name) for name in MOVING]


@dataclass(frozen=True)
class Stretch:
    """A turn of the participant, or a piece of a recording without a transcript.

    Attributes
    ----------
    words
        As written; one empty word where nobody knows what was said.
    intervals
        Start and stop of each word, seconds, shape (words, 2); NaN where nobody knows.
    start, stop
        Of the whole, seconds; NaN where nobody knows.
    """

    words: tuple[str, ...]
    intervals: Floats
    start: float
    stop: float


def stretches(transcript: Transcript | None, duration: float, aligned: Sequence[tuple[Word, ...]]) -> list[Stretch]:
    """The participant's turns with their times.

    Parameters
    ----------
    transcript
        Of everybody; None where there is none: the recording is then cut into pieces of ten seconds.
    duration
        Of sound or pictures, seconds; 0 where there are none.
    aligned
        Words with times of each of the participant's turns, from an aligner; may be empty.
    """
    if transcript is None:
        starts = np.arange(0.0, max(duration - PIECE / 2, HOP), PIECE)
        return [_without_words(start, start + PIECE) for start in starts.tolist()]
    mine = [turn for turn in transcript if turn.speaker == PARTICIPANT]
    # One untimed turn of somebody who speaks alone is the whole recording; of several nobody knows where they are.
    whole = len(mine) == 1 and set(transcript.speakers) == {PARTICIPANT}
    found = []
    for number, turn in enumerate(mine):
        given = turn.words or (aligned[number] if number < len(aligned) else ())
        words = tuple(word.text for word in given) or written_words(turn.text)
        if not words:
            continue
        start, stop = turn.start, turn.stop
        if start is None or stop is None:
            start, stop = (0.0, duration) if whole and duration else (np.nan, np.nan)
        times = np.tile([start, stop], (len(words), 1))
        if given:
            ends = [*(word.start for word in given[1:]), stop]
            times = np.array([(w.start, end if w.stop is None else w.stop) for w, end in zip(given, ends, strict=True)])
        found.append(Stretch(words, times, float(start), float(stop)))
    return found


def written_words(text: str) -> tuple[str, ...]:
    """Words; characters where the script does not part words."""
    return tuple(text.replace(" ", "")) if main_script(text) in UNSPACED else tuple(text.split())


def _without_words(start: float, stop: float) -> Stretch:
    return Stretch(("",), np.array([[start, stop]]), start, stop)


def pause_before(found: Sequence[Stretch], number: int) -> float:
    """Seconds since the participant's last stretch stopped, at most five; NaN where nobody knows."""
    if number == 0 or found[number].words == ("",):
        return float("nan")
    return float(np.clip(found[number].start - found[number - 1].stop, 0, _LONGEST_PAUSE))


def voice_of_stretch(arrays: Mapping[str, NDArray[Any]], stretch: Stretch, pause: float) -> Floats:
    """Functionals of the voice, seconds per word and the pause before, shape (49,); NaN where missing."""
    pace = (stretch.stop - stretch.start) / len(stretch.words) if stretch.words != ("",) else np.nan
    if not np.isfinite(stretch.start):
        return np.full(len(functionals({"frames": arrays["frames"][:0], "runs": arrays["runs"][:0]})) + 2, np.nan)
    return np.append(functionals(arrays, stretch.start, stretch.stop), [pace, pause])


def voice_of_words(arrays: Mapping[str, NDArray[Any]], stretch: Stretch) -> Floats:
    """Voice over each word, shape (words, 23): pitch, share of frames with voice, quality, energy, spectrum, length.

    What only a voice has is averaged over frames with voice; NaN where there are none.
    """
    frames = arrays["frames"].astype(np.float64)
    middles = np.asarray((np.arange(len(frames)) + 0.5) * HOP, dtype=np.float64)
    rows = []
    for start, stop in stretch.intervals:
        part = frames[_between(start, stop, middles)]
        rows.append(_voice_of(part, stop - start))
    return np.array(rows)


def _voice_of(frames: Floats, seconds: float) -> Floats:
    if not len(frames):
        return np.full(3 + len(_WHERE_VOICED) + len(_ALWAYS), np.nan)
    pitch = frames[:, _COLUMN["f0"]]
    voiced = pitch > 0
    row = [float(12 * np.log2(pitch[voiced] / 100).mean()) if voiced.any() else np.nan, float(voiced.mean())]
    for name in _WHERE_VOICED:
        there = frames[voiced, _COLUMN[name]]
        there = there[there != 0]
        row.append(float(there.mean()) if len(there) else np.nan)
    return np.array([*row, *(float(frames[:, _COLUMN[name]].mean()) for name in _ALWAYS), float(np.log(seconds))])


def face_frames(arrays: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """Times, shape (frames,), and measures with expressivity, shape (frames, 15); NaN without a face."""
    values = by_frame(arrays)
    return arrays["times"], np.column_stack([values, expressivity(values[:, _MOVING])])


def face_of_stretch(times: Floats, values: Floats, stretch: Stretch) -> Floats:
    """Mean and spread of each measure over the frames with a face, shape (30,); NaN without any."""
    here = values[_between(stretch.start, stretch.stop, times)]
    here = here[np.isfinite(here[:, 0])]
    if not len(here):
        return np.full(2 * values.shape[1], np.nan)
    return np.concatenate([here.mean(axis=0), here.std(axis=0)])


def face_of_words(times: Floats, values: Floats, stretch: Stretch) -> Floats:
    """Mean of each measure over the frames with a face during each word, shape (words, 15); NaN without any."""
    rows = np.full((len(stretch.words), values.shape[1]), np.nan)
    for row, (start, stop) in enumerate(stretch.intervals):
        here = values[_between(start, stop, times)]
        here = here[np.isfinite(here[:, 0])]
        if len(here):
            rows[row] = here.mean(axis=0)
    return rows


def _between(start: float, stop: float, times: Floats) -> NDArray[np.bool_]:
    return np.asarray((times >= start) & (times < stop))
