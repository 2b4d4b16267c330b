"""How likely a voice creaks, from pulses that stand apart and look alike.

Source: C. Ishi, K. Sakakibara, H. Ishiguro and N. Hagita, "A method for automatic detection of vocal fry", IEEE
Transactions on Audio, Speech and Language Processing 16 (2008), 47-56: three of the measures that T. Drugman, J. Kane
and C. Gobl, Computer Speech and Language 28 (2014), 1233-1253 feed to a network. Here no network was trained: the
measures' published thresholds are softened, and their product is no calibrated probability.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# Published thresholds: rise of the power at a pulse (dB), periodicity within a frame, likeness of neighbours.
_RISE, _PERIODICITY, _LIKENESS = 7.0, 0.5, 0.5
_SOFT_RISE, _SOFT = 1.0, 0.08
_BAND = (100.0, 1500.0)
_STEP, _POWER = 0.002, 0.004
_FRAME, _LONGEST_LAG = 0.032, 0.015
# Pulses of one creak are at most so far apart.
_APART = 0.1


def creak(sound: Floats, centres: Whole, rate: int, floor: float) -> Floats:
    """A number from 0 to 1 for each frame, shape (frames,).

    Parameters
    ----------
    sound
        The whole sound.
    centres
        Middles of the frames, samples.
    floor
        Amplitude below which nothing is a pulse.
    """
    from scipy.signal import fftconvolve

    band = fftconvolve(sound, _filter(rate), mode="same")
    pulses, rise = _pulses(band, rate, floor)
    found = np.zeros(len(centres))
    if len(pulses) < 2:
        return found
    apart = _soft(rise, _RISE, _SOFT_RISE)
    free = _soft(-_periodicity(band, pulses, rate), -_PERIODICITY, _SOFT)
    single = apart * free
    alike = _soft(_likeness(band, pulses, rate), _LIKENESS, _SOFT) * (np.diff(pulses) <= _APART * rate)
    both = np.minimum(single[:-1], single[1:]) * alike
    place = np.searchsorted(pulses, centres)
    between = (place > 0) & (place < len(pulses))
    found[between] = both[place[between] - 1]
    return found


def _soft(value: Floats, threshold: float, width: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip((value - threshold) / width, -50, 50))))


def _pulses(band: Floats, rate: int, floor: float) -> tuple[Whole, Floats]:
    """Samples of peaks of the power over 4 ms, and by how much (dB) it rises to them and falls after them."""
    step, width = round(_STEP * rate), round(_POWER * rate)
    total = np.concatenate([[0.0], np.cumsum(band**2)])
    starts = np.arange(0, len(band) - width, step)
    mean = (total[starts + width] - total[starts]) / width
    level = 10 * np.log10(np.maximum(mean, 1e-12))
    reach = 5  # 10 ms to either side
    if len(level) < 2 * reach + 1:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(level, 2 * reach + 1)
    top = windows[:, reach]
    peak = (top >= windows.max(axis=1)) & (top > 20 * np.log10(max(floor, 1e-6)))
    rise = top - np.maximum(windows[:, :reach].min(axis=1), windows[:, reach + 1 :].min(axis=1))
    places = starts[np.flatnonzero(peak) + reach] + width // 2
    return places, np.asarray(rise[peak])


def _periodicity(band: Floats, pulses: Whole, rate: int) -> Floats:
    """Highest autocorrelation within 32 ms around each pulse at lags up to 15 ms, beyond the first dip."""
    length, longest = round(_FRAME * rate), round(_LONGEST_LAG * rate)
    frames = _around(band, pulses, length) * np.hanning(length)
    size = 1 << int(np.ceil(np.log2(length + longest)))
    spectrum = np.fft.rfft(frames, size)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:, :longest]
    window = np.fft.rfft(np.hanning(length), size)
    own = np.fft.irfft(window.real**2 + window.imag**2, size)[:longest]
    correlation = correlation / np.maximum(correlation[:, :1], 1e-12) / (own / own[0])
    # Before 2.5 ms is the pulse itself and its first resonance.
    return np.asarray(correlation[:, round(0.0025 * rate) :].max(axis=1))


def _likeness(band: Floats, pulses: Whole, rate: int) -> Floats:
    """Highest correlation of each pulse with the next one, moved by at most 2 ms, shape (pulses - 1,)."""
    length, shift = round(0.010 * rate), round(0.002 * rate)
    here = _around(band, pulses[:-1], length)
    there = _around(band, pulses[1:], length + 2 * shift)
    windows = np.lib.stride_tricks.sliding_window_view(there, length, axis=1)[:, ::2]
    product = np.einsum("nwl,nl->nw", windows, here)
    scale = np.sqrt((windows**2).sum(axis=2) * (here**2).sum(axis=1, keepdims=True))
    return np.asarray((product / np.maximum(scale, 1e-12)).max(axis=1))


def _around(signal: Floats, places: Whole, length: int) -> Floats:
    padded = np.concatenate([np.zeros(length), signal, np.zeros(length)])
    return np.asarray(padded[(places + length - length // 2)[:, None] + np.arange(length)])


@lru_cache(maxsize=2)
def _filter(rate: int) -> Floats:
    from scipy.signal import firwin

    return np.asarray(firwin(2 * round(0.02 * rate) + 1, _BAND, pass_zero=False, fs=rate))
