"""Mel-cepstral coefficients of a smooth spectral envelope.

Sources: envelope: a window of three periods and a lifter that smooths over one fundamental frequency, as in CheapTrick
(M. Morise, Speech Communication 67 (2015), 1-7), without its correction of the lifted spectrum; mel scale: the all-pass
transform (K. Tokuda et al., ICSLP 1994, 1043-1046) with 0.42, for 16 kHz.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER = 24
_WARP = 0.42
_SIZE = 1024
# Of the cepstrum, 16 ms: the lifter has faded by then.
_KEPT = 256
_QUIET = np.float32(1e-10)
# Frames without voice are smoothed as if it had this fundamental frequency.
_UNVOICED = 160.0


def mel_cepstrum(frames: Floats, f0: Floats, rate: int) -> Floats:
    """Coefficients 0 to 24 of each frame, natural logarithm of amplitude, shape (frames, 25).

    Parameters
    ----------
    frames
        Shape (frames, samples), at most 1024 samples.
    f0
        Hz, 0 without voice, shape (frames,).
    """
    from scipy.fft import irfft, rfft

    hertz = np.where(f0 > 0, f0, _UNVOICED)[:, None]
    away = np.arange(frames.shape[1], dtype=np.float32) - frames.shape[1] / 2 + np.float32(0.5)
    turn = away * (2 * np.pi / (3 * rate / hertz)).astype(np.float32)
    window = np.where(np.abs(turn) <= np.pi, 0.5 + 0.5 * np.cos(turn), 0)
    # Power of a window is 1: a noise has the same level whatever its window.
    window /= np.sqrt((window**2).sum(axis=1, keepdims=True))
    spectrum = rfft(frames.astype(np.float32) * window, _SIZE, axis=1)
    level = np.float32(0.5) * np.log(np.maximum(spectrum.real**2 + spectrum.imag**2, _QUIET))
    cepstrum = irfft(level, _SIZE, axis=1)[:, :_KEPT]
    quefrency = np.arange(_KEPT) / rate
    cepstrum *= np.sinc(hertz * quefrency)
    cepstrum[:, 1:] *= 2
    return np.asarray(cepstrum @ _warped())


@lru_cache(maxsize=1)
def _warped() -> Floats:
    """From a cepstrum to a mel-cepstrum, shape (cepstrum, 25): cosines over the warped frequencies, projected."""
    count = 4096
    omega = np.pi * (np.arange(count) + 0.5) / count
    warped = omega + 2 * np.arctan(_WARP * np.sin(omega) / (1 - _WARP * np.cos(omega)))
    # d warped / d omega, so that the projection is over even steps of the warped frequency.
    step = (1 - _WARP**2) / (1 + _WARP**2 - 2 * _WARP * np.cos(omega))
    basis = np.cos(np.outer(warped, np.arange(ORDER + 1))) * step[:, None] / count
    basis[:, 1:] *= 2
    return np.asarray(np.cos(np.outer(np.arange(_KEPT), omega)) @ basis)
