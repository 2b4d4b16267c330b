"""Fundamental frequency by autocorrelation.

Source: P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
sampled sound", Proc. Institute of Phonetic Sciences Amsterdam 17 (1993), 97-110. The autocorrelation of a windowed
frame is divided by that of the window; its peaks are candidates, among which the cheapest path through time is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PitchSettings:
    """Settings of the method, named as in the paper; the defaults are its own, for speech.

    Attributes
    ----------
    floor, ceiling
        Lowest and highest fundamental frequency, Hz.
    candidates
        Voiced candidates kept in each frame.
    silence, voicing
        Thresholds: amplitude below which a frame counts as silent (relative to `reference`), strength below which it is
        unvoiced.
    octave_cost, octave_jump_cost, change_cost
        Of low candidates; of a jump by an octave between frames; of a change between voiced and unvoiced.
    """

    floor: float = 75.0
    ceiling: float = 500.0
    candidates: int = 5
    silence: float = 0.03
    voicing: float = 0.45
    octave_cost: float = 0.01
    octave_jump_cost: float = 0.35
    change_cost: float = 0.14

    @property
    def window(self) -> float:
        """Seconds of sound that a frame needs: three of the longest periods."""
        return 3 / self.floor


@dataclass(frozen=True)
class Candidates:
    """Candidates of each frame, shape (frames, 1 + n); the first column is "unvoiced" (frequency 0).

    Attributes
    ----------
    frequency
        Hz.
    strength
        As in the paper's equations 23 and 24.
    correlation
        Height of the autocorrelation's peak, in [0, 1).
    """

    frequency: NDArray[np.float64]
    strength: NDArray[np.float64]
    correlation: NDArray[np.float64]


def candidates(frames: NDArray[np.float64], rate: int, settings: PitchSettings, reference: float) -> Candidates:
    """Candidates of frames of sound.

    Parameters
    ----------
    frames
        Shape (frames, samples), without their mean.
    rate
        Samples per second.
    reference
        Amplitude of the loudest frame of the recording.
    """
    length = frames.shape[1]
    window, own, size = _window(length)
    spectrum = np.fft.rfft(frames * window, size)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:, : length // 2]
    energy = correlation[:, :1]
    correlation = correlation / np.where(energy > 0, energy, 1) / own[: length // 2]
    first, last = max(1, int(rate / settings.ceiling)), min(length // 2 - 2, int(np.ceil(rate / settings.floor)))
    inner = correlation[:, first : last + 1]
    before, after = correlation[:, first - 1 : last], correlation[:, first + 1 : last + 2]
    peak = (inner > before) & (inner >= after) & (inner > 0.5 * settings.voicing)
    # A parabola through the three samples at the top (the paper interpolates with sinc functions).
    bend = 2 * inner - before - after
    shift = np.where(peak, 0.5 * (after - before) / np.where(bend > 0, bend, 1), 0)
    height = np.clip(inner + 0.25 * (after - before) * shift, 0, None)
    height = np.where(height > 1, 1 / np.maximum(height, 1), height)
    lag = np.arange(first, last + 1) + shift
    strength = np.where(peak, height - settings.octave_cost * np.log2(settings.floor * lag / rate), -np.inf)
    best = np.argsort(-strength, axis=1, kind="stable")[:, : settings.candidates]
    rows = np.arange(len(frames))[:, None]
    strength, voiced_lag, height = strength[rows, best], lag[rows, best], height[rows, best]
    there = np.isfinite(strength)
    loud = np.abs(frames).max(axis=1, initial=0) / max(reference, 1e-12)
    unvoiced = settings.voicing + np.clip(2 - (loud / settings.silence) * (1 + settings.voicing), 0, None)
    frequency = np.where(there, rate / np.where(there, voiced_lag, 1), 0)
    return Candidates(
        np.concatenate([np.zeros((len(frames), 1)), frequency], axis=1),
        np.concatenate([unvoiced[:, None], np.where(there, strength, -np.inf)], axis=1),
        np.concatenate([np.zeros((len(frames), 1)), np.where(there, height, 0)], axis=1),
    )


def best_path(found: Candidates, settings: PitchSettings, hop: float) -> NDArray[np.int64]:
    """The column of the candidate taken in each frame, shape (frames,): the path of the largest total strength."""
    frames, width = found.frequency.shape
    if frames == 0:
        return np.zeros(0, dtype=np.int64)
    # The paper's costs are for frames of 10 ms.
    jump, change = settings.octave_jump_cost * 0.01 / hop, settings.change_cost * 0.01 / hop
    voiced = found.frequency > 0
    octaves = np.log2(np.where(voiced, found.frequency, 1.0))
    total = found.strength[0].copy()
    back = np.zeros((frames, width), dtype=np.int64)
    for frame in range(1, frames):
        both = voiced[frame - 1][:, None] & voiced[frame][None, :]
        differs = voiced[frame - 1][:, None] != voiced[frame][None, :]
        cost = np.where(both, jump * np.abs(octaves[frame - 1][:, None] - octaves[frame][None, :]), change * differs)
        reached = total[:, None] - cost
        back[frame] = reached.argmax(axis=0)
        total = reached.max(axis=0) + found.strength[frame]
    path = np.zeros(frames, dtype=np.int64)
    path[-1] = int(total.argmax())
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def harmonics_to_noise(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Harmonics-to-noise ratio, dB, from the height of the autocorrelation's peak (equation 4)."""
    bounded = np.clip(correlation, 1e-6, 1 - 1e-6)
    return np.asarray(10 * np.log10(bounded / (1 - bounded)))


@lru_cache(maxsize=8)
def _window(length: int) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """A Hann window, its normalised autocorrelation, and the size of transforms that do not wrap."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)
    size = 1 << int(np.ceil(np.log2(1.5 * length)))
    spectrum = np.fft.rfft(window, size)
    own = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: length // 2]
    return window, own / own[0], size
