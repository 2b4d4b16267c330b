"""Maxima dispersion quotient and peak slope: a sound seen through wavelets an octave apart.

Sources: J. Kane and C. Gobl, "Wavelet maxima dispersion for breathy to tense voice discrimination", IEEE Transactions
on Audio, Speech and Language Processing 21 (2013), 1170-1179; the same, "Identifying regions of non-modal phonation
using features of the wavelet transform", Interspeech 2011, 177-180.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_DISPERSION_SCALES = range(6)
_SLOPE_SCALES = range(7)
_SEARCH = 0.25


def octaves(sound: Floats, scales: Sequence[int]) -> Floats:
    """The sound through -cos(2 pi f t) exp(-t^2 / 2 tau^2), shape (scales, samples).

    f is half the sampling rate over 2^scale, tau = 1 / 2f. Each has gain 1 at f; the papers' have not, which changes
    the slope by a constant.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(sound) + 1024, real=True)
    spectrum = rfft(sound.astype(np.float32), size)
    share = np.linspace(0, 1, len(spectrum), dtype=np.float32)  # of half the sampling rate
    found = np.empty((len(scales), len(sound)))
    for row, scale in enumerate(scales):
        centre = 2.0**-scale
        width = np.pi / 2  # 2 pi f tau / 2: the transform of the Gaussian, in units of f
        gain = np.exp(-0.5 * (2 * width * (share / centre - 1)) ** 2) + np.exp(
            -0.5 * (2 * width * (share / centre + 1)) ** 2
        )
        found[row] = irfft(-gain * spectrum, size)[: len(sound)]
    return found


def peak_slopes(sound: Floats, starts: Whole, length: int) -> Floats:
    """Slope of a line through log10 of each octave's largest amplitude in a frame, per octave, shape (frames,)."""
    found = np.abs(octaves(sound, _SLOPE_SCALES))
    top = np.stack([_largest(row, starts, length) for row in found], axis=1)
    octave = -np.array(_SLOPE_SCALES, dtype=np.float64)
    away = octave - octave.mean()
    return np.asarray((np.log10(np.maximum(top, 1e-9)) @ away) / (away**2).sum())


def dispersion(residual: Floats, closures: Whole, periods: Floats) -> Floats:
    """MDQ of each closure, shape (closures,): mean distance of the octaves' maxima from it, in periods."""
    if not len(closures):
        return np.zeros(0)
    through = octaves(residual, _DISPERSION_SCALES)
    reach = int(np.ceil(_SEARCH * periods.max()))
    steps = np.arange(-reach, reach + 1)
    places = np.clip(closures[:, None] + steps, 0, len(residual) - 1)
    far = np.abs(steps) > _SEARCH * periods[:, None]
    distances = [np.abs(steps[np.where(far, -np.inf, row[places]).argmax(axis=1)]) for row in through]
    return np.asarray(np.mean(distances, axis=0) / periods)


def _largest(signal: Floats, starts: Whole, length: int) -> Floats:
    """Largest value of each frame; of whole parts of 5 ms, as frames overlap."""
    part = 80
    tops = signal[: len(signal) // part * part].reshape(-1, part).max(axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(tops, length // part).max(axis=1)
    return np.asarray(windows[np.minimum(starts // part, len(windows) - 1)])
