"""Linear prediction of many frames at once.

Autocorrelation method: J. Markel and A. Gray, Linear Prediction of Speech (1976).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_QUIET = 1e-12
# White noise 90 dB below the signal: sound without a high band (8 kHz, telephone) has a solution, too.
_NOISE = 1e-9
_AT_ONCE = 32


def predictor(frames: Floats, order: int) -> Floats:
    """Inverse filters 1 + a1 z^-1 + ..., shape (frames, order + 1); of silence 1, 0, 0 ..."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(frames.shape[1] + order + 1, real=True)
    spectrum = rfft(frames, size, axis=1)
    correlation = irfft(spectrum.real**2 + spectrum.imag**2, size, axis=1)[:, : order + 1]
    level = np.maximum(correlation[:, :1], _QUIET)
    correlation = correlation / level
    correlation[:, 0] = 1 + _NOISE
    weights = np.zeros((len(frames), order + 1))
    weights[:, 0] = 1
    error = correlation[:, 0].copy()
    for step in range(1, order + 1):  # Levinson and Durbin, all frames abreast
        ahead = (weights[:, :step] * correlation[:, step:0:-1]).sum(axis=1)
        reflection = -ahead / error
        weights[:, 1 : step + 1] += reflection[:, None] * weights[:, step - 1 :: -1][:, :step]
        error *= np.maximum(1 - reflection**2, 1e-6)
    return weights


def filtered(weights: Floats, frames: Floats) -> Floats:
    """Frames through filters of their own; the first `order` samples of each are its past, and are left out."""
    order = weights.shape[1] - 1
    length = frames.shape[1] - order
    # Half the width is twice the speed; nothing is lost that a 16-bit recording has.
    narrow, weights = frames.astype(np.float32), weights.astype(np.float32)
    found = np.empty((len(frames), length))
    # A few frames at a time stay in the processor's cache.
    for first in range(0, len(frames), _AT_ONCE):
        rows, own = narrow[first : first + _AT_ONCE], weights[first : first + _AT_ONCE, :, None]
        part = own[:, 0] * rows[:, order:]
        for tap in range(1, order + 1):
            part += own[:, tap] * rows[:, order - tap : order - tap + length]
        found[first : first + _AT_ONCE] = part
    return found


def residual(sound: Floats, hop: int, order: int, emphasis: float = 0.0) -> Floats:
    """What linear prediction leaves of a sound (a whole number of hops), of the same shape.

    Filters of Hann-windowed frames of two hops; what they leave is cross-faded from hop to hop. They are made of the
    sound through 1 - `emphasis` z^-1: what falls with the frequency like a voice's source is then left in.
    """
    count = len(sound) // hop
    padded = np.concatenate([np.zeros(hop + order), sound, np.zeros(2 * hop)])
    starts = hop * np.arange(count + 1)
    spans = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop + order)[starts]
    seen = spans - emphasis * np.concatenate([spans[:, :1], spans[:, :-1]], axis=1)
    weights = predictor(seen * np.hanning(2 * hop + order), order)
    fade = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))
    left = filtered(weights, spans) * fade
    return np.asarray((left[:-1, hop:] + left[1:, :hop]).reshape(-1))
