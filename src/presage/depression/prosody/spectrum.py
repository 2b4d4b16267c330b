"""Energy, spectral tilt, formants and cepstral coefficients of frames of sound."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Number of mel-frequency cepstral coefficients, the first (overall level) included.
COEFFICIENTS = 13
_MELS = 40
_QUIET = 1e-10
_FORMANT_RATE = 10_000


def power(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power spectrum of Hann-windowed frames, shape (frames, bins)."""
    size = 1 << int(np.ceil(np.log2(frames.shape[1])))
    spectrum = np.fft.rfft(frames * np.hanning(frames.shape[1]), size)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def energy(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square of each frame, dB of full scale."""
    return np.asarray(10 * np.log10(np.maximum((frames**2).mean(axis=1), _QUIET)))


def tilt(spectrum: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Alpha ratio, dB: energy of 1 to 5 kHz over that of 50 Hz to 1 kHz (as in the Geneva acoustic parameter set)."""
    hertz = np.linspace(0, rate / 2, spectrum.shape[1])
    low = spectrum[:, (hertz >= 50) & (hertz < 1000)].sum(axis=1)
    high = spectrum[:, (hertz >= 1000) & (hertz <= 5000)].sum(axis=1)
    return np.asarray(10 * np.log10(np.maximum(high, _QUIET) / np.maximum(low, _QUIET)))


def cepstrum(spectrum: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Mel-frequency cepstral coefficients, shape (frames, 13): librosa's filters, natural log, orthonormal DCT."""
    from scipy.fft import dct

    bands = np.log(np.maximum(spectrum @ _mels(rate, spectrum.shape[1]).T, _QUIET))
    return np.asarray(dct(bands, type=2, norm="ortho", axis=1)[:, :COEFFICIENTS])


def formants(frames: NDArray[np.float64], rate: int, count: int = 3) -> NDArray[np.float64]:
    """Frequencies of the lowest resonances, Hz, shape (frames, count); NaN where there are fewer.

    Linear prediction of order 10 on sound of 10 kHz (autocorrelation method; Markel and Gray, Linear Prediction of
    Speech, 1976), roots with a bandwidth below 500 Hz between 90 Hz and 4.9 kHz. Coarse for high voices.
    """
    found = np.full((len(frames), count), np.nan)
    if not len(frames):
        return found
    from scipy.signal import resample_poly

    common = np.gcd(_FORMANT_RATE, rate)
    slow = resample_poly(frames, _FORMANT_RATE // common, rate // common, axis=1)
    slow = np.diff(slow, axis=1, prepend=0) + 0.03 * slow  # pre-emphasis, 1 - 0.97 z^-1
    slow = slow * np.hamming(slow.shape[1])
    order = 10
    size = 1 << int(np.ceil(np.log2(2 * slow.shape[1])))
    transformed = np.fft.rfft(slow, size)
    correlation = np.fft.irfft(transformed.real**2 + transformed.imag**2, size)[:, : order + 1]
    level = correlation[:, 0]
    usable = np.flatnonzero(level > _QUIET)
    if not len(usable):
        return found
    kept = correlation[usable] / level[usable, None]
    lags = np.abs(np.arange(order)[:, None] - np.arange(order)[None, :])
    system = kept[:, lags] + 1e-9 * np.eye(order)
    weights = np.linalg.solve(system, kept[:, 1:, None])[..., 0]
    companion = np.zeros((len(usable), order, order))
    companion[:, 0] = weights
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    roots = np.linalg.eigvals(companion)
    hertz = np.angle(roots) * _FORMANT_RATE / (2 * np.pi)
    bandwidth = -np.log(np.maximum(np.abs(roots), 1e-12)) * _FORMANT_RATE / np.pi
    fit = (hertz > 90) & (hertz < 4900) & (bandwidth < 500)
    ordered = np.sort(np.where(fit, hertz, np.inf), axis=1)[:, :count]
    found[usable] = np.where(np.isfinite(ordered), ordered, np.nan)
    return found


@lru_cache(maxsize=4)
def _mels(rate: int, bins: int) -> NDArray[np.float64]:
    from librosa.filters import mel

    return np.asarray(mel(sr=rate, n_fft=2 * (bins - 1), n_mels=_MELS, fmax=min(8000, rate / 2)), dtype=np.float64)
