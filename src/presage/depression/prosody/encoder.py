"""Prosody of a recording as an encoder, and its functionals over an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from presage.cohort import Recording
from presage.depression.media import RATE, blocks
from presage.depression.prosody.frames import COLUMNS, HOP, frames_of
from presage.depression.prosody.pitch import PitchSettings
from presage.study.encoder import Arrays, Encoder

_BLOCK_SECONDS = 10.0
_VOICED = ("hnr", "formant_1", "formant_2", "formant_3")
_ALWAYS = ("energy", "tilt", *(name for name in COLUMNS if name.startswith("mfcc")))
#: Names of :func:`functionals`, in order.
FUNCTIONALS = (
    "f0 median (semitones above 100 Hz)",
    "f0 SD (semitones)",
    "f0 range, 10th to 90th percentile (semitones)",
    "f0 slope, mean absolute (semitones/s)",
    "share of frames with voice",
    "voiced stretches per second",
    "voiced stretch, mean (s)",
    "jitter",
    "shimmer",
    *(f"{name} {what}" for name in _VOICED for what in ("mean", "SD")),
    *(f"{name} {what}" for name in _ALWAYS for what in ("mean", "SD")),
)


class ProsodyFrames(Encoder):
    """Frame-level prosody of the participant's sound, one frame every 10 ms.

    Arrays: ``frames`` (frames, 21) float32, columns :data:`presage.depression.prosody.frames.COLUMNS`; ``runs`` (runs,
    4), voiced stretches: begin, end (seconds), local jitter, local shimmer.

    Attributes
    ----------
    floor, ceiling
        Lowest and highest fundamental frequency looked for, Hz.
    """

    name: ClassVar[str] = "prosody-frames"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "audio"

    floor: Annotated[float, Field(ge=40, le=300)] = 75.0
    ceiling: Annotated[float, Field(ge=200, le=1000)] = 500.0

    def encode(self, recording: Recording) -> Arrays:
        """See the class.

        Raises
        ------
        UnusableRecording
            If the sound cannot be decoded.
        """
        channel = recording.get("channel")
        peak = max(
            (float(np.abs(part - part.mean()).max()) for part in blocks(recording.path, channel=channel)), default=0.0
        )
        sound = blocks(recording.path, channel=channel, seconds=_BLOCK_SECONDS)
        found = list(frames_of(sound, RATE, peak, PitchSettings(floor=self.floor, ceiling=self.ceiling)))
        empty = np.zeros((0, len(COLUMNS)), dtype=np.float32)
        return {
            "frames": np.concatenate([empty, *(block.values for block in found)]),
            "runs": np.concatenate([np.zeros((0, 4)), *(block.runs for block in found)]),
        }


def functionals(arrays: Mapping[str, NDArray[Any]], start: float = 0.0, stop: float = np.inf) -> NDArray[np.float64]:
    """One row for a stretch of a recording, shape (47,), columns :data:`FUNCTIONALS`; NaN where nothing was voiced.

    Parameters
    ----------
    arrays
        Of :class:`ProsodyFrames`.
    start, stop
        Seconds.
    """
    first = max(0, int(np.ceil(start / HOP - 0.5)))
    last = len(arrays["frames"]) if np.isinf(stop) else max(first, int(np.ceil(stop / HOP - 0.5)))
    frames = arrays["frames"][first:last].astype(np.float64)
    if not len(frames):
        return np.full(len(FUNCTIONALS), np.nan)
    columns = {name: frames[:, number] for number, name in enumerate(COLUMNS)}
    voiced = columns["f0"] > 0
    pitch = 12 * np.log2(np.where(voiced, columns["f0"], 100) / 100)
    runs = arrays["runs"]
    runs = runs[(runs[:, 0] >= start) & (runs[:, 1] <= stop)]
    length = runs[:, 1] - runs[:, 0]
    low, high = np.quantile(pitch[voiced], [0.1, 0.9]) if voiced.any() else (np.nan, np.nan)
    together = voiced[1:] & voiced[:-1]
    starts = int((voiced[1:] & ~voiced[:-1]).sum() + voiced[0])
    nothing = float("nan")
    row = [
        float(np.median(pitch[voiced])) if voiced.any() else nothing,
        float(pitch[voiced].std()) if voiced.any() else nothing,
        float(high - low),
        float(np.abs(np.diff(pitch))[together].mean() / HOP) if together.any() else nothing,
        float(voiced.mean()),
        starts / (len(frames) * HOP),
        float(voiced.sum()) * HOP / starts if starts else nothing,
        float(np.average(runs[:, 2], weights=length)) if len(runs) else nothing,
        float(np.average(runs[:, 3], weights=length)) if len(runs) else nothing,
    ]
    for name in _VOICED:
        there = columns[name][voiced & (columns[name] != 0)]
        row += [float(there.mean()), float(there.std())] if len(there) else [nothing, nothing]
    for name in _ALWAYS:
        row += [float(columns[name].mean()), float(columns[name].std())]
    return np.array(row)
