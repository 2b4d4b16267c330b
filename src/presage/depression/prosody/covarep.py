"""Voice quality of a stream of sound, in blocks: 74 measures of each frame, chosen as COVAREP's are.

COVAREP (G. Degottex et al., ICASSP 2014, 960-964) is a collection for Matlab. This is no translation of it: each
measure is written from its paper, simpler in places (docs/reference/speech-and-face.md), and its numbers are not
COVAREP's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from presage.depression.prosody.creak import creak
from presage.depression.prosody.glottal import closures, cycle_measures, harmonic_difference, inverse_filtered
from presage.depression.prosody.harmonics import (
    DEVIATIONS,
    MEANS,
    distortion,
    distortion_over_time,
    harmonics,
    shape_parameter,
    surplus_phase,
)
from presage.depression.prosody.linear_prediction import residual
from presage.depression.prosody.mel_cepstrum import ORDER, mel_cepstrum
from presage.depression.prosody.pieces import with_margins
from presage.depression.prosody.pitch import PitchSettings, best_path, candidates
from presage.depression.prosody.wavelets import dispersion, peak_slopes

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

#: What only a voice has: 0 in frames without.
OF_VOICE = ("f0", "naq", "qoq", "h1_h2", "psp", "mdq", "peak_slope", "rd", "rd_confidence")
PHASES = (
    *(f"hmpdm_{number}" for number in range(MEANS)),
    *(f"hmpdd_{number}" for number in range(DEVIATIONS)),
)
#: Columns of the frames, in order.
COLUMNS = (
    *("f0", "vuv", "naq", "qoq", "h1_h2", "psp", "mdq", "peak_slope", "rd", "rd_confidence", "creak"),
    *(f"mcep_{number}" for number in range(ORDER + 1)),
    *PHASES,
)
HOP = 0.01
_COLUMN = {name: number for number, name in enumerate(COLUMNS)}
_MARGIN = 0.5
_FLOW = 0.032
_TRACT = 20
_LOWEST = 60.0
_QUIET = 1e-14


@dataclass(frozen=True)
class Voice:
    """How the sound of a recording is looked at.

    Attributes
    ----------
    rate
        Samples per second: 16,000.
    peak
        Largest amplitude of the whole recording.
    polarity
        1 where closures are negative peaks, else -1.
    pitch
        Range and settings of the fundamental frequency.
    """

    rate: int
    peak: float
    polarity: int = 1
    pitch: PitchSettings = field(default_factory=PitchSettings)


def covarep_frames(blocks: Iterable[NDArray[np.float32]], voice: Voice) -> Iterator[NDArray[np.float32]]:
    """Frames of a sound block by block, shape (frames, 74), columns :data:`COLUMNS`.

    Frame k is centred (k + 1/2) hops after the beginning. What a frame has not (a voice's measures without voice) is 0.

    Parameters
    ----------
    blocks
        The sound, full scale 1; every block but the last has the same length, a whole number of hops.
    """
    hop = round(HOP * voice.rate)
    for sound, before, _, last in with_margins(blocks, round(_MARGIN * voice.rate)):
        after = 0 if last else round(_MARGIN * voice.rate)
        count = (len(sound) - before - after) // hop
        if count:
            yield _frames(sound.astype(np.float64), voice, hop)[before // hop : before // hop + count].astype(
                np.float32
            )


def _frames(sound: Floats, voice: Voice, hop: int) -> Floats:
    rate = voice.rate
    count = len(sound) // hop
    pad = round(0.04 * rate)
    sound = np.concatenate([np.zeros(pad), sound[: count * hop], np.zeros(pad)])
    centres = pad + hop // 2 + hop * np.arange(count)
    wide = _cut(sound, centres, 2 * round(voice.pitch.window * rate / 2))
    wide = wide - wide.mean(axis=1, keepdims=True)
    found = candidates(wide, rate, voice.pitch, voice.peak)
    f0 = found.frequency[np.arange(count), best_path(found, voice.pitch, HOP)]
    values = np.zeros((count, len(COLUMNS)))
    values[:, _COLUMN["f0"]] = f0
    values[:, _COLUMN["vuv"]] = f0 > 0
    values[:, _COLUMN["creak"]] = creak(sound, centres, rate, 0.03 * voice.peak)
    first = _COLUMN["mcep_0"]
    values[:, first : first + ORDER + 1] = mel_cepstrum(wide, f0, rate)
    voiced = f0 > 0
    if voiced.any():
        _of_voice(values, sound * voice.polarity, wide * voice.polarity, centres, f0, rate, hop)
    return values


def _of_voice(values: Floats, sound: Floats, wide: Floats, centres: Whole, f0: Floats, rate: int, hop: int) -> None:
    """Fill in what only frames with voice have."""
    voiced = f0 > 0
    hertz = f0[voiced]
    length = round(_FLOW * rate)
    values[voiced, _COLUMN["peak_slope"]] = peak_slopes(sound, centres[voiced] - length // 2, length)
    change = distortion(surplus_phase(harmonics(wide[voiced], hertz, rate), hertz, rate))
    rd, confidence = shape_parameter(change, hertz, rate)
    values[voiced, _COLUMN["rd"]], values[voiced, _COLUMN["rd_confidence"]] = rd, confidence
    phases = np.concatenate(distortion_over_time(change, hertz, voiced, rate), axis=1)
    values[voiced, _COLUMN["hmpdm_0"] :] = phases
    sound = _without_rumble(sound, rate)
    frames = _cut(sound, centres[voiced], length + 2 * _TRACT)[:, _TRACT:]
    flow, derivative = inverse_filtered(frames)
    values[voiced, _COLUMN["h1_h2"]] = harmonic_difference(derivative, hertz, rate)
    # In a plain residual little is left of the slow part of the pulse, which tells breath.
    excitation = residual(sound, hop, _TRACT, emphasis=0.97)
    marks, periods = _marks(sound, excitation, centres, f0, rate, hop)
    if len(marks) < 2:
        return
    dispersed = dispersion(excitation, marks, periods)
    # The cycle that a frame's middle lies in, where it is one of this voice.
    place = np.clip(np.searchsorted(marks, centres[voiced], side="right") - 1, 0, len(marks) - 2)
    ratio = np.diff(marks)[place] * hertz / rate
    whole = (ratio > 0.67) & (ratio < 1.5) & (marks[place] <= centres[voiced]) & (marks[place + 1] > centres[voiced])
    rows = np.flatnonzero(voiced)[whole]
    start = centres[voiced][whole] - (length + 2 * _TRACT) // 2 + 2 * _TRACT
    begins, ends = marks[place[whole]] - start, marks[place[whole] + 1] - start
    naq, qoq, psp = cycle_measures(flow[whole], derivative[whole], begins, ends)
    for name, column in (("naq", naq), ("qoq", qoq), ("psp", psp), ("mdq", dispersed[place[whole]])):
        values[rows, _COLUMN[name]] = column


def _marks(sound: Floats, excitation: Floats, centres: Whole, f0: Floats, rate: int, hop: int) -> tuple[Whole, Floats]:
    """Closures of all voiced stretches, and the period (samples) of the stretch of each."""
    found, periods = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (f0 > 0).astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        period = rate / float(np.median(f0[first:last]))
        begin, end = int(centres[first]) - hop // 2, int(centres[last - 1]) + hop // 2
        found.append(closures(sound, excitation, period, max(0, begin - round(period)), end + round(period)))
        periods.append(np.full(len(found[-1]), period))
    marks, keep = np.unique(np.concatenate(found), return_index=True)
    return marks, np.concatenate(periods)[keep]


def polarity_of(blocks: Iterable[NDArray[np.float32]], rate: int) -> tuple[float, int]:
    """Largest amplitude of a sound without its mean, and its polarity.

    The derivative of the flow has its sharp peaks at closures: its skewness, mean over the louder frames, tells their
    sign (after T. Drugman, "Residual excitation skewness for automatic speech polarity detection", IEEE Signal
    Processing Letters 20 (2013), 387-390, which compares the skewness of two signals).
    """
    hop = round(HOP * rate)
    peak = skewness = 0.0
    for block in blocks:
        peak = max(peak, float(np.abs(block - block.mean()).max()))
        # Two seconds of ten tell as much: the sign is one of the whole recording.
        part = block[: min(len(block) // (2 * hop) * 2 * hop, 200 * hop)].astype(np.float64)
        if len(part) < 10 * hop:
            continue
        frames = residual(_without_rumble(part, rate), hop, _TRACT, emphasis=0.97).reshape(-1, 2 * hop)
        frames = frames - frames.mean(axis=1, keepdims=True)
        power = (frames**2).mean(axis=1)
        loud = (power >= np.quantile(power, 0.6)) & (power > _QUIET)
        skewness += float(((frames[loud] ** 3).mean(axis=1) / power[loud] ** 1.5).sum())
    return peak, 1 if skewness <= 0 else -1


def _without_rumble(sound: Floats, rate: int) -> Floats:
    """Without what is below 60 Hz: the integration of the flow would follow it. The phase stays."""
    from scipy.signal import fftconvolve, firwin

    return np.asarray(fftconvolve(sound, firwin(1025, _LOWEST, pass_zero=False, fs=rate), mode="same"))


def _cut(sound: Floats, centres: Whole, length: int) -> Floats:
    """Stretches of `length` samples around the centres, shape (frames, length)."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, length)
    return np.asarray(windows[centres - length // 2])
