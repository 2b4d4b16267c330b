"""Names of eGeMAPSv02's 25 descriptors and 88 functionals, and which of them need a voice, a pause, 60 ms of sound."""

from __future__ import annotations

import numpy as np

_STATISTICS = ("amean", "stddevNorm")
_RISES: tuple[str, ...] = ("percentile20.0", "percentile50.0", "percentile80.0", "pctlrange0-2")
_RISES += ("meanRisingSlope", "stddevRisingSlope", "meanFallingSlope", "stddevFallingSlope")
_FORMANTS = tuple(
    f"F{number}{what}" for number in (1, 2, 3) for what in ("frequency", "bandwidth", "amplitudeLogRelF0")
)
_PERIODIC = ("jitterLocal", "shimmerLocaldB", "HNRdBACF", "logRelF0-H1-H2", "logRelF0-H1-A3")
_CEPSTRAL = ("mfcc1", "mfcc2", "mfcc3", "mfcc4")
#: The 25 low-level descriptors, as openSMILE names them.
DESCRIPTORS = (
    *(f"{name}_sma3" for name in ("Loudness", "alphaRatio", "hammarbergIndex", "slope0-500", "slope500-1500")),
    *(f"{name}_sma3" for name in ("spectralFlux", *_CEPSTRAL)),
    *(f"{name}_sma3nz" for name in ("F0semitoneFrom27.5Hz", *_PERIODIC, *_FORMANTS)),
)
_SPECTRAL: tuple[str, ...] = ("alphaRatioV", "hammarbergIndexV", "slopeV0-500", "slopeV500-1500", "spectralFluxV")
_SPECTRAL += ("mfcc1V", "mfcc2V", "mfcc3V", "mfcc4V")
_UNVOICED = ("alphaRatioUV", "hammarbergIndexUV", "slopeUV0-500", "slopeUV500-1500", "spectralFluxUV")
_LENGTHS = ("MeanVoicedSegmentLengthSec", "StddevVoicedSegmentLengthSec")
_GAPS = ("MeanUnvoicedSegmentLength", "StddevUnvoicedSegmentLength")
#: The 88 functionals, as openSMILE names them.
FUNCTIONALS = (
    *(f"F0semitoneFrom27.5Hz_sma3nz_{what}" for what in (*_STATISTICS, *_RISES)),
    *(f"loudness_sma3_{what}" for what in (*_STATISTICS, *_RISES)),
    *(f"{name}_sma3_{what}" for name in ("spectralFlux", *_CEPSTRAL) for what in _STATISTICS),
    *(f"{name}_sma3nz_{what}" for name in (*_PERIODIC, *_FORMANTS) for what in _STATISTICS),
    *(f"{name}_sma3nz_{what}" for name in _SPECTRAL for what in _STATISTICS),
    *(f"{name}_sma3nz_amean" for name in _UNVOICED),
    *("loudnessPeaksPerSec", "VoicedSegmentsPerSec", *_LENGTHS, *_GAPS, "equivalentSoundLevel_dBp"),
)
#: Column of the fundamental frequency among the descriptors.
PITCH = DESCRIPTORS.index("F0semitoneFrom27.5Hz_sma3nz")
#: Descriptors that openSMILE writes as 0 without voice: it leaves zeros out of their means itself.
OF_VOICE = np.array([name.endswith("nz") for name in DESCRIPTORS])
#: Functionals that need a voice.
VOICED = np.array([("nz_" in name and name.split("_")[0] not in _UNVOICED) or name in _LENGTHS for name in FUNCTIONALS])
#: Functionals that need frames without voice.
NOT_VOICED = np.array([name.split("_")[0] in _UNVOICED or name in _GAPS for name in FUNCTIONALS])
# Descriptors of 60 ms of sound; the others see 20 ms. openSMILE names a frame by its beginning.
_WIDE = np.array(
    [name.startswith(("F0", *_PERIODIC)) or "amplitudeLogRelF0" in name for name in DESCRIPTORS], dtype=bool
)
#: Seconds from the beginning of a frame to the middle of what each descriptor sees, shape (25,).
MIDDLES = np.where(_WIDE, 0.03, 0.01)
