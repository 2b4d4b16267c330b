"""Frame-level prosody of a stream of sound, in blocks, so that three hours need no more memory than a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.depression.prosody.cycles import amplitudes_of, cycle_marks, local_jitter, local_shimmer
from presage.depression.prosody.pitch import PitchSettings, best_path, candidates, harmonics_to_noise
from presage.depression.prosody.spectrum import COEFFICIENTS, cepstrum, energy, formants, power, tilt

#: Columns of the frames, in order. What a frame has not (F0 without voice) is 0, which is no possible value of it.
COLUMNS = (
    "f0",
    "voicing",
    "hnr",
    "energy",
    "tilt",
    "formant_1",
    "formant_2",
    "formant_3",
    *(f"mfcc_{number}" for number in range(COEFFICIENTS)),
)
#: Unit of the first columns; the coefficients have none.
UNITS = ("Hz", "correlation", "dB", "dB", "dB", "Hz", "Hz", "Hz")
HOP = 0.01
# Spectra are those of the middle of the frame: the window that F0 needs smears them.
_SPECTRAL = 0.025


@dataclass(frozen=True)
class Block:
    """Frames of one stretch of sound.

    Attributes
    ----------
    values
        Shape (frames, 21), columns :data:`COLUMNS`; frame k is centred (k + 1/2) hops after the block's beginning.
    runs
        Voiced stretches with at least three cycles, shape (runs, 4): begin and end in seconds of the recording, local
        jitter and local shimmer (fractions).
    """

    values: NDArray[np.float32]
    runs: NDArray[np.float64]


def frames_of(
    blocks: Iterable[NDArray[np.float32]], rate: int, peak: float, settings: PitchSettings | None = None
) -> Iterator[Block]:
    """Prosody block by block.

    Parameters
    ----------
    blocks
        The sound, full scale 1; every block but the last has the same length, a whole number of hops.
    rate
        Samples per second.
    peak
        Largest amplitude of the whole recording: what counts as silent is relative to it.
    """
    settings = settings or PitchSettings()
    hop = round(HOP * rate)
    margin = int(np.ceil((settings.window / 2) * rate / hop)) * hop
    before = np.zeros(margin)
    current: NDArray[np.float64] | None = None
    began = 0
    for block in blocks:
        following = block.astype(np.float64)
        if current is not None:
            yield _block(before, current, following[:margin], rate, hop, settings, peak, began)
            before = np.concatenate([before, current])[-margin:]
            began += len(current)
        current = following
    if current is not None and len(current) >= hop:
        yield _block(before, current, np.zeros(0), rate, hop, settings, peak, began)


def _block(
    before: NDArray[np.float64],
    here: NDArray[np.float64],
    after: NDArray[np.float64],
    rate: int,
    hop: int,
    settings: PitchSettings,
    peak: float,
    began: int,
) -> Block:
    margin = len(before)
    count = len(here) // hop
    sound = np.concatenate([before, here, after, np.zeros(margin - min(margin, len(after)))])
    starts = margin + hop // 2 + hop * np.arange(count)  # centres of the frames
    wide = _cut(sound, starts, round(settings.window * rate))
    narrow = _cut(sound, starts, round(_SPECTRAL * rate))
    wide = wide - wide.mean(axis=1, keepdims=True)
    found = candidates(wide, rate, settings, peak)
    path = best_path(found, settings, HOP)
    rows = np.arange(count)
    f0, correlation = found.frequency[rows, path], found.correlation[rows, path]
    voiced = f0 > 0
    spectrum = power(narrow)
    values = np.zeros((count, len(COLUMNS)))
    values[:, 0] = f0
    values[:, 1] = np.where(voiced, correlation, 0)
    values[voiced, 2] = harmonics_to_noise(correlation[voiced])
    values[:, 3] = energy(narrow)
    values[:, 4] = tilt(spectrum, rate)
    values[voiced, 5:8] = np.nan_to_num(formants(narrow[voiced], rate))
    values[:, 8:] = cepstrum(spectrum, rate)
    return Block(values.astype(np.float32), _runs(sound, margin, f0, rate, hop, began))


def _runs(
    sound: NDArray[np.float64], margin: int, f0: NDArray[np.float64], rate: int, hop: int, began: int
) -> NDArray[np.float64]:
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (f0 > 0).astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        start, stop = margin + first * hop, margin + last * hop
        marks = cycle_marks(sound, rate, start, stop, rate / float(np.median(f0[first:last])))
        periods = np.diff(marks)
        jitter, shimmer = (
            local_jitter(periods),
            local_shimmer(amplitudes_of(sound, marks)) if len(marks) > 2 else np.nan,
        )
        if np.isfinite(jitter) and np.isfinite(shimmer):
            found.append([(began + first * hop) / rate, (began + last * hop) / rate, jitter, shimmer])
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def _cut(sound: NDArray[np.float64], centres: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Stretches of `length` samples around the centres, shape (frames, length)."""
    if not len(centres):
        return np.zeros((0, length))
    windows = np.lib.stride_tricks.sliding_window_view(sound, length)
    return np.asarray(windows[centres - length // 2])
