"""The 74 voice measures of a recording as an encoder, and their functionals over what the participant says."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from presage.cohort import Recording
from presage.depression.media import RATE, blocks
from presage.depression.prosody.covarep import COLUMNS, HOP, OF_VOICE, PHASES, Voice, covarep_frames, polarity_of
from presage.depression.prosody.pitch import PitchSettings
from presage.study.encoder import Arrays, Encoder

Floats = NDArray[np.float64]

_BLOCK_SECONDS = 20.0
_SPREAD = tuple(name for name in COLUMNS if name in OF_VOICE or name == "creak")
_LOW, _HIGH = 0.2, 0.8
#: Names of :func:`functionals`, in order.
FUNCTIONALS = (
    *(f"{name} {what}" for name in COLUMNS for what in ("mean", "SD")),
    *(f"{name} {what}" for name in _SPREAD for what in ("20th percentile", "80th percentile")),
)
_NEEDS_VOICE = np.array([name in OF_VOICE or name in PHASES for name in COLUMNS])
_VUV = COLUMNS.index("vuv")


class CovarepFrames(Encoder):
    """Voice quality of the participant's sound after the manner of COVAREP, one frame every 10 ms.

    Arrays: ``frames`` (frames, 74) float32, columns :data:`presage.depression.prosody.covarep.COLUMNS`; 0 is what a
    frame has not. ``polarity`` (1,), 1 where the sound is as it was recorded, -1 where it was turned.

    Attributes
    ----------
    floor, ceiling
        Lowest and highest fundamental frequency looked for, Hz.
    """

    name: ClassVar[str] = "covarep-frames"
    version: ClassVar[int] = 2
    kind: ClassVar[str] = "audio"

    floor: Annotated[float, Field(ge=60, le=300)] = 75.0
    ceiling: Annotated[float, Field(ge=200, le=1000)] = 500.0

    def encode(self, recording: Recording) -> Arrays:
        """See the class.

        Raises
        ------
        UnusableRecording
            If the sound cannot be decoded.
        """
        channel = recording.get("channel")
        peak, polarity = polarity_of(blocks(recording.path, channel=channel), RATE)
        voice = Voice(RATE, peak, polarity, PitchSettings(floor=self.floor, ceiling=self.ceiling))
        sound = blocks(recording.path, channel=channel, seconds=_BLOCK_SECONDS)
        empty = np.zeros((0, len(COLUMNS)), dtype=np.float32)
        return {
            "frames": np.concatenate([empty, *covarep_frames(sound, voice)]),
            "polarity": np.array([polarity]),
        }


def frames_between(frames: NDArray[np.float32], start: float, stop: float) -> Floats:
    """The frames whose middle lies in a stretch (seconds), shape (frames, 74)."""
    first, last = (max(0, int(np.ceil(moment / HOP - 0.5))) for moment in (start, min(stop, len(frames) * HOP)))
    return frames[first : max(first, last)].astype(np.float64)


def averages(frames: Floats) -> Floats:
    """Mean of each column, shape (74,): what only a voice has over the frames that have it; NaN where none has."""
    return _known(frames)[0]


def functionals(frames: Floats) -> Floats:
    """One row for some frames, shape (168,), columns :data:`FUNCTIONALS`; NaN where nothing was voiced."""
    mean, counted = _known(frames)
    number = counted.sum(axis=0)
    away = np.where(counted, (frames - np.nan_to_num(mean)) ** 2, 0).sum(axis=0)
    deviation = np.where(number > 0, np.sqrt(away / np.maximum(number, 1)), np.nan)
    spread: list[float] = []
    for name in _SPREAD:
        column = COLUMNS.index(name)
        there = frames[counted[:, column], column]
        spread += np.quantile(there, [_LOW, _HIGH]).tolist() if len(there) else [np.nan, np.nan]
    return np.concatenate([np.stack([mean, deviation], axis=1).reshape(-1), spread])


def _known(frames: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Mean of each column, and which numbers count, shape (frames, 74)."""
    voiced = frames[:, _VUV] > 0
    counted = np.where(_NEEDS_VOICE, voiced[:, None] & (frames != 0), True)
    number = counted.sum(axis=0)
    total = np.where(counted, frames, 0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan), counted
