"""Jitter and shimmer: how much one glottal cycle differs from the next.

Definitions (local jitter, local shimmer, and which pairs of periods count): P. Boersma, "Should jitter be measured by
peak picking or by waveform matching?", Folia Phoniatrica et Logopaedica 61 (2009), 305-308. Cycles are found by
waveform matching: each is the stretch that correlates best with the one before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Neighbouring periods that differ by more are no cycles of one voice.
_LARGEST_RATIO = 1.3
_SEARCH = 0.2


def cycle_marks(
    samples: NDArray[np.float64], rate: int, start: float, stop: float, period: float
) -> NDArray[np.float64]:
    """Where cycles begin in a voiced stretch, in samples (fractional).

    Parameters
    ----------
    samples
        The sound.
    start, stop
        Of the voiced stretch, samples.
    period
        Median period of the stretch, samples.
    """
    first, last = int(start), int(stop)
    length = max(2, round(period))
    if last - first < 3 * length:
        return np.zeros(0)
    # From the highest peak of the first cycle on.
    mark = float(first + int(np.argmax(samples[first : first + length])))
    marks = [mark]
    half = max(1, round(_SEARCH * period))
    while True:
        here = round(mark)
        reference = samples[max(0, here - length // 2) : here - length // 2 + length]
        lags = np.arange(length - half, length + half + 1)
        begin = here - length // 2 + lags[0]
        end = here - length // 2 + lags[-1] + length
        if here - length // 2 < 0 or end > min(last + length // 2, len(samples)) or here + length > last:
            break
        windows = np.lib.stride_tricks.sliding_window_view(samples[begin:end], length)
        scale = np.sqrt((windows * windows).sum(axis=1)) * (np.sqrt((reference * reference).sum()) or 1.0)
        match = windows @ reference / np.where(scale > 0, scale, 1)
        top = int(match.argmax())
        shift = 0.0
        if 0 < top < len(match) - 1:
            low, middle, high = match[top - 1 : top + 2]
            bend = 2 * middle - low - high
            shift = 0.5 * (high - low) / bend if bend > 0 else 0.0
        mark = here + float(lags[top]) + shift
        marks.append(mark)
    return np.array(marks)


def local_jitter(periods: NDArray[np.float64]) -> float:
    """Mean absolute difference of neighbouring periods over the mean period; NaN without two."""
    if len(periods) < 2:
        return float("nan")
    ratio = np.maximum(periods[1:], periods[:-1]) / np.minimum(periods[1:], periods[:-1])
    fit = ratio <= _LARGEST_RATIO
    return float(np.abs(np.diff(periods))[fit].mean() / periods.mean()) if fit.any() else float("nan")


def local_shimmer(amplitudes: NDArray[np.float64]) -> float:
    """Mean absolute difference of neighbouring peak amplitudes over the mean amplitude; NaN without two."""
    if len(amplitudes) < 2 or amplitudes.mean() <= 0:
        return float("nan")
    return float(np.abs(np.diff(amplitudes)).mean() / amplitudes.mean())


def amplitudes_of(samples: NDArray[np.float64], marks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference between the highest and the lowest sample of each cycle."""
    found = []
    for begin, end in zip(marks[:-1].astype(int), marks[1:].astype(int), strict=True):
        cycle = samples[begin : max(begin + 1, end)]
        found.append(float(cycle.max() - cycle.min()))
    return np.array(found)
