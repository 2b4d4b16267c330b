"""The glottal flow by inverse filtering, the instants of closure, and measures of the flow's cycles.

Sources. IAIF: P. Alku, Speech Communication 11 (1992), 109-118. Closures: T. Drugman and T. Dutoit, Interspeech 2009,
2891-2894 (SEDREAMS), without its later refinements. NAQ: P. Alku, T. Backstrom and E. Vilkman, J. Acoust. Soc. Am. 112
(2002), 701-710. QOQ: T. Hacki, Folia Phoniatrica 41 (1989), 43-48. H1-H2: I. Titze and J. Sundberg, J. Acoust. Soc. Am.
91 (1992), 2936-2946. PSP: P. Alku, H. Strik and E. Vilkman, Speech Communication 22 (1997), 67-79.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.depression.prosody.linear_prediction import filtered, predictor

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_TRACT, _GLOTTIS = 20, 4
_LEAK = 0.99
_SPECTRUM = 2048
_PARABOLA_BINS, _PARABOLA_SIZE, _PARABOLA_ERROR = 64, 2048, 0.01


def inverse_filtered(frames: Floats) -> tuple[Floats, Floats]:
    """Glottal flow and its derivative of frames of 16 kHz sound (IAIF).

    Parameters
    ----------
    frames
        Shape (frames, samples); closures are negative peaks. The first 20 samples are the past and are left out.

    Returns
    -------
    tuple
        Two arrays of shape (frames, samples - 20).
    """
    window = np.hanning(frames.shape[1])
    # Glottis and lips at first as one pole; then the tract without them; then the glottis better; then the tract again.
    tilt = predictor(frames * window, 1)
    flat = frames.copy()
    flat[:, 1:] += tilt[:, 1:2] * frames[:, :-1]
    first = _integrated(_same(predictor(flat * window, _TRACT), frames))
    source = predictor(first * window, _GLOTTIS)
    tract = predictor(_integrated(_same(source, frames)) * window, _TRACT)
    derivative = _same(tract, frames)
    return _integrated(derivative)[:, _TRACT:], derivative[:, _TRACT:]


def _same(weights: Floats, frames: Floats) -> Floats:
    order = weights.shape[1] - 1
    return filtered(weights, np.concatenate([np.zeros((len(frames), order)), frames], axis=1))


def _integrated(frames: Floats) -> Floats:
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -_LEAK], frames, axis=1))


def closures(sound: Floats, residual: Floats, period: float, start: int, stop: int) -> Whole:
    """Instants of glottal closure in a voiced stretch, samples.

    Parameters
    ----------
    sound, residual
        The whole sound and what linear prediction leaves of it; closures are negative peaks.
    period
        Median of the stretch, samples.
    start, stop
        Of the stretch, samples.
    """
    half = round(1.75 * period / 2)
    begin, end = max(0, start - half), min(len(sound), stop + half)
    smooth = np.convolve(sound[begin:end], np.blackman(2 * half + 1), mode="same")
    lower = (smooth[1:-1] < smooth[:-2]) & (smooth[1:-1] <= smooth[2:]) & (smooth[1:-1] < 0)
    minima = begin + 1 + np.flatnonzero(lower)
    minima = minima[(minima >= start) & (minima < stop)]
    if not len(minima):
        return minima
    # Where in a cycle closures are differs between voices: first wide, then around the median of what was found.
    offset = np.median(_lowest(residual, minima, round(-0.1 * period), round(0.6 * period)) - minima)
    found = _lowest(residual, minima, round(offset - 0.15 * period), round(offset + 0.15 * period))
    return np.unique(found)


def _lowest(signal: Floats, around: Whole, first: int, last: int) -> Whole:
    places = np.clip(around[:, None] + np.arange(first, max(first + 1, last + 1)), 0, len(signal) - 1)
    return np.asarray(places[np.arange(len(around)), signal[places].argmin(axis=1)])


def cycle_measures(flow: Floats, derivative: Floats, begins: Whole, ends: Whole) -> tuple[Floats, Floats, Floats]:
    """NAQ, QOQ and PSP of one cycle of each frame, each of shape (frames,).

    Parameters
    ----------
    flow, derivative
        Of :func:`inverse_filtered`.
    begins, ends
        Of the cycle, from one closure to the next, samples within the frame.
    """
    place = np.arange(flow.shape[1])
    rows = np.arange(len(flow))
    # A straight line through the flow at both closures, where there is none, is drift of the integration.
    start, stop = (flow[rows, np.minimum(when, flow.shape[1] - 1)] for when in (begins, ends))
    drift = (stop - start) / np.maximum(ends - begins, 1)
    flow = flow - start[:, None] - drift[:, None] * (place - begins[:, None])
    inside = (place >= begins[:, None]) & (place < ends[:, None])
    near = (place >= begins[:, None] + 2) & (place < ends[:, None] + 4)
    high = np.where(inside, flow, -np.inf).max(axis=1)
    low = np.where(inside, flow, np.inf).min(axis=1)
    height = np.maximum(high - low, 1e-12)
    # Without flow the inverse filter ripples: its lowest tenth, not its lowest sample, is no flow.
    closed = np.sort(np.where(inside, flow, np.inf), axis=1)[rows, (ends - begins) // 10]
    steepest = np.maximum(-np.where(near, derivative, np.inf).min(axis=1), 1e-12)
    length = np.maximum(ends - begins, 1)
    open_ = (inside & (flow > (low + height / 2)[:, None])).sum(axis=1)
    return height / (steepest * length), open_ / length, _parabola(flow - closed[:, None], inside, begins)


def harmonic_difference(derivative: Floats, f0: Floats, rate: int) -> Floats:
    """H1-H2, dB, shape (frames,): first over second harmonic of the flow's derivative (of the flow it is 6 dB more)."""
    from scipy.fft import rfft

    windowed = (derivative * np.hanning(derivative.shape[1])).astype(np.float32)
    height = np.abs(rfft(windowed, _SPECTRUM, axis=1))
    rows = np.arange(len(f0))
    places = (_between_bins(number * f0 * _SPECTRUM / rate) for number in (1, 2))
    first, second = (height[rows, low] * (1 - part) + height[rows, low + 1] * part for low, part in places)
    return np.asarray(20 * np.log10(np.maximum(first, 1e-12) / np.maximum(second, 1e-12)))


def _between_bins(place: Floats) -> tuple[Whole, Floats]:
    low = place.astype(np.int64)
    return low, place - low


def _parabola(flow: Floats, inside: NDArray[np.bool_], begins: Whole) -> Floats:
    """PSP: how fast the spectrum of the cycle falls, over how fast that of a constant flow of its length does."""
    longest = max(1, int(inside.sum(axis=1).max(initial=1)))
    places = np.minimum(begins[:, None] + np.arange(longest), flow.shape[1] - 1)
    rows = np.arange(len(flow))[:, None]
    within = inside[rows, places] & (np.arange(longest) < inside.sum(axis=1)[:, None])
    cycle = np.where(within, flow[rows, places], 0)
    turn = np.exp(-2j * np.pi * np.outer(np.arange(longest), np.arange(_PARABOLA_BINS)) / _PARABOLA_SIZE)
    return _curvature(np.abs(cycle @ turn)) / _curvature(np.abs(within.astype(float) @ turn))


def _curvature(magnitude: Floats) -> Floats:
    """Of the parabola a k^2 + b through the longest beginning of each spectrum (dB) that it fits, shape (frames,)."""
    level = 20 * np.log10(np.maximum(magnitude, 1e-12) / np.maximum(magnitude[:, :1], 1e-12))
    square = np.arange(magnitude.shape[1], dtype=np.float64) ** 2
    count = np.arange(1, magnitude.shape[1] + 1)
    s2, s4 = square.cumsum(), (square**2).cumsum()
    sy, s2y, syy = level.cumsum(axis=1), (level * square).cumsum(axis=1), (level**2).cumsum(axis=1)
    bend = (count * s2y - s2 * sy) / np.maximum(count * s4 - s2**2, 1e-9)
    base = (sy - bend * s2) / count
    left = syy - bend * s2y - base * sy
    fits = (left <= _PARABOLA_ERROR * np.maximum(syy, 1e-12)) & (count >= 3)
    # The first length that does not fit ends it: later ones fit by chance.
    last = np.where((~fits[:, 3:]).any(axis=1), (~fits[:, 3:]).argmax(axis=1) + 2, magnitude.shape[1] - 1)
    return np.asarray(np.minimum(bend[np.arange(len(level)), last], -1e-9))
