"""Harmonics of voiced frames, and what their phases tell: the glottal pulse's shape, and how it changes.

Sources: Rd by phase minimisation: G. Degottex, A. Roebel, X. Rodet, IEEE Transactions on Audio, Speech and Language
Processing 19 (2011), 1080-1090. Phase distortion, its mean and deviation (HMPD): G. Degottex and D. Erro, EURASIP
Journal on Audio, Speech, and Music Processing 2014:38. Phase of a smallest-phase filter from its amplitudes: A.
Oppenheim and R. Schafer, Discrete-Time Signal Processing (1989), chapter 10.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from presage.depression.prosody.lf import RD_RANGE, pulse

Floats = NDArray[np.float64]

#: Sizes of the two phase vectors.
MEANS, DEVIATIONS = 25, 13
_SIZE = 2048
_ENVELOPE = 512
_RD_STEP, _RD_HARMONICS, _RD_HIGHEST = 0.05, 16, 3000.0
_F0_STEP = 0.03
_PERIODS = 3


def harmonics(frames: Floats, f0: Floats, rate: int) -> NDArray[np.complex128]:
    """Complex amplitudes at 0, 1, 2 ... times the fundamental frequency, seen from the frames' middles.

    Parameters
    ----------
    frames
        Shape (frames, samples), even; a Blackman window of three periods is laid over the middle.
    f0
        Hz, shape (frames,).

    Returns
    -------
    numpy.ndarray
        Shape (frames, harmonics); beyond half the sampling rate the last one below it is repeated.
    """
    from scipy.fft import rfft

    count, length = frames.shape
    away = np.arange(length, dtype=np.float32) - length // 2
    turn = away * (2 * np.pi / (_PERIODS * rate / f0)).astype(np.float32)[:, None]
    cosine = np.cos(turn)
    # cos(2 x) = 2 cos(x)^2 - 1
    window = np.where(np.abs(turn) <= np.float32(np.pi), 0.34 + 0.5 * cosine + 0.16 * cosine * cosine, 0)
    cut = frames.astype(np.float32) * window / np.maximum(window.sum(axis=1, keepdims=True), 1)
    padded = np.zeros((count, _SIZE), dtype=np.float32)
    padded[:, : length // 2] = cut[:, length // 2 :]
    padded[:, -(length // 2) :] = cut[:, : length // 2]
    spectrum = rfft(padded, axis=1)
    # The window is centred: between bins the phase changes slowly, and a straight line follows it.
    return np.asarray(_between(spectrum, _numbers(f0, rate) * f0[:, None] * _SIZE / rate), dtype=np.complex128)


def surplus_phase(found: NDArray[np.complex128], f0: Floats, rate: int) -> Floats:
    """Phase of each harmonic beyond that of the smallest-phase filter with these amplitudes, radians."""
    from scipy.fft import irfft, rfft

    level = np.log(np.maximum(np.abs(found), 1e-12))
    level[:, 0] = level[:, 1]  # nothing is known at 0 Hz
    bins = np.arange(_ENVELOPE // 2 + 1) * rate / _ENVELOPE
    envelope = _between(level, np.minimum(bins / f0[:, None], _numbers(f0, rate).max(axis=1)[:, None]))
    cepstrum = irfft(envelope, _ENVELOPE, axis=1)
    fold = np.zeros(_ENVELOPE)
    fold[1 : _ENVELOPE // 2] = 2
    smallest = rfft(cepstrum * fold, axis=1).imag
    return np.asarray(np.angle(found) - _between(smallest, _numbers(f0, rate) * f0[:, None] * _ENVELOPE / rate))


def distortion(phase: Floats) -> Floats:
    """Phase distortion of neighbouring harmonics, shape (frames, harmonics - 2): a shift in time leaves it as it is."""
    return np.asarray(phase[:, 2:] - phase[:, 1:-1] - phase[:, 1:2])


def shape_parameter(change: Floats, f0: Floats, rate: int) -> tuple[Floats, Floats]:
    """Rd of the pulse whose phase distortion is nearest, and how near it is (1: the same, 0: anything), (frames,) each.

    Compared are harmonics up to 3 kHz, 16 at most; Rd in steps of 0.05, a parabola between them.
    """
    grid, models = _models(rate)
    number = np.clip(np.round(np.log(f0 / 50) / _F0_STEP).astype(int), 0, len(models) - 1)
    width = min(models.shape[2], change.shape[1])
    used = (np.arange(2, width + 2) * f0[:, None] <= _RD_HIGHEST).astype(np.float64)
    used[:, :3] = 1
    weights = used / used.sum(axis=1, keepdims=True)
    likeness = np.empty((len(f0), len(grid)))
    for group in np.unique(number):  # frames of like pitch share the pulses
        rows = number == group
        turned = weights[rows] * np.exp(1j * change[rows, :width])
        likeness[rows] = (turned @ np.exp(-1j * models[group, :, :width]).T).real
    best = likeness.argmax(axis=1)
    inner = np.clip(best, 1, len(grid) - 2)
    low, middle, high = (likeness[np.arange(len(f0)), inner + step] for step in (-1, 0, 1))
    bend = 2 * middle - low - high
    shift = np.where((best == inner) & (bend > 0), 0.5 * (high - low) / np.where(bend > 0, bend, 1), 0)
    return grid[best] + _RD_STEP * shift, np.clip(likeness.max(axis=1, initial=0), 0, 1)


def distortion_over_time(change: Floats, f0: Floats, voiced: NDArray[np.bool_], rate: int) -> tuple[Floats, Floats]:
    """Mean and deviation of the phase distortion over seven frames at mel-spaced frequencies.

    Parameters
    ----------
    change
        Of the voiced frames, :func:`distortion`.
    f0
        Of the voiced frames, Hz.
    voiced
        Of all frames.

    Returns
    -------
    tuple
        Of the voiced frames: mean (radians), shape (frames, 25); 13 cepstral coefficients of the deviation.
    """
    from scipy.fft import dct

    top = 2595 * np.log10(1 + rate / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, MEANS) / 2595) - 1)
    place = np.clip(np.round(hertz / f0[:, None]).astype(int) - 1, 0, _last(f0, rate)[:, None] - 2)
    turned = np.zeros((len(voiced) + 6, MEANS), dtype=np.complex128)
    turned[3:-3][voiced] = np.exp(1j * np.take_along_axis(change, place, axis=1))
    there = np.concatenate([np.zeros(3), voiced, np.zeros(3)])
    windows = np.lib.stride_tricks.sliding_window_view(turned, 7, axis=0).sum(axis=-1)[voiced]
    number = np.lib.stride_tricks.sliding_window_view(there, 7).sum(axis=-1)[voiced]
    mean = windows / np.maximum(number, 1)[:, None]
    deviation = np.sqrt(-2 * np.log(np.clip(np.abs(mean), 1e-3, 1 - 1e-6)))
    return np.angle(mean), np.asarray(dct(np.log(deviation), type=2, norm="ortho", axis=1)[:, :DEVIATIONS])


def _last(f0: Floats, rate: int) -> NDArray[np.int64]:
    """The highest harmonic below half the sampling rate."""
    return np.asarray(np.ceil(rate / 2 / f0) - 1, dtype=np.int64)


def _numbers(f0: Floats, rate: int) -> Floats:
    """0, 1, 2 ... for each frame, held at its highest harmonic, shape (frames, harmonics)."""
    last = _last(f0, rate)
    return np.minimum(np.arange(int(last.max(initial=2)) + 1), last[:, None]).astype(np.float64)


def _between(rows: NDArray[np.inexact], place: Floats) -> NDArray[np.inexact]:
    """Values of each row at fractional places, along straight lines."""
    low = np.clip(place.astype(np.int64), 0, rows.shape[1] - 2)
    part = place - low
    return np.asarray(
        np.take_along_axis(rows, low, axis=1) * (1 - part) + np.take_along_axis(rows, low + 1, axis=1) * part
    )


@lru_cache(maxsize=2)
def _models(rate: int) -> tuple[Floats, Floats]:
    """Values of Rd, and phase distortion by F0 (from 50 Hz, steps of 3 %), Rd and harmonic."""
    grid = np.arange(RD_RANGE[0], RD_RANGE[1] + 1e-9, _RD_STEP)
    pulses = [pulse(round(float(rd), 4)) for rd in grid]
    found = []
    for f0 in 50 * np.exp(_F0_STEP * np.arange(round(np.log(1000 / 50) / _F0_STEP) + 1)):
        same = np.full(len(grid), f0)
        number = np.maximum(_numbers(same, rate), 1)
        spectra = np.stack([one.spectrum(row) for one, row in zip(pulses, number, strict=True)])
        change = distortion(surplus_phase(spectra, same, rate))[:, :_RD_HARMONICS]
        found.append(np.pad(change, ((0, 0), (0, _RD_HARMONICS - change.shape[1])), mode="edge"))
    return grid, np.stack(found)
