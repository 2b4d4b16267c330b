"""A made-up face: measures frame by frame, stiller the higher the sign."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.measures import MOVING, NAMES

FPS = 10.0
# A neutral face, in the order of the measures.
_NEUTRAL = dict.fromkeys(NAMES, 0.0) | {"eye_aperture": 0.30, "brow_inner": 0.27, "brow_outer": 0.16, "brow_gap": 0.32}
_NEUTRAL |= {"mouth_width": 0.55, "mouth_corners": -0.02, "mouth_open": 0.02, "lip_upper": 0.18, "chin": 0.40}


def face_track(
    sign: float, seconds: float, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (frames,) in seconds and measures (frames, 14); NaN in the few frames in which no face was seen."""
    bounded = float(np.clip(sign, -2.5, 2.5))
    count = max(2, round(seconds * FPS))
    times = np.arange(count) / FPS
    values = np.tile(np.array([_NEUTRAL[name] for name in NAMES]), (count, 1))
    values += generator.normal(scale=0.004, size=values.shape)
    # Expressions: smooth bumps, about one every two seconds, smaller and rarer the higher the sign.
    for _ in range(generator.poisson(seconds / 2 * np.exp(-0.20 * bounded))):
        middle, width = generator.uniform(0, seconds), generator.uniform(0.3, 1.0)
        bump = np.exp(-0.5 * ((times - middle) / width) ** 2) * 0.05 * np.exp(-0.35 * bounded)
        for name in MOVING:
            values[:, NAMES.index(name)] += bump * generator.normal()
        values[:, NAMES.index("mouth_corners")] += bump * 0.6  # more smiles than frowns
        values[:, NAMES.index("mouth_width")] += bump * 0.6
    for name, scale in (("yaw", 4.0), ("pitch", 3.0), ("roll", 2.0)):
        steps = generator.normal(scale=scale * np.exp(-0.2 * bounded), size=count)
        values[:, NAMES.index(name)] += np.convolve(steps, np.ones(8) / 8, mode="same")
    values[:, NAMES.index("pitch")] -= 2.0 * bounded  # a lowered head
    for middle in generator.uniform(0, seconds, generator.poisson(seconds * 0.3)):
        frame = min(count - 1, int(middle * FPS))
        values[frame, NAMES.index("eye_aperture")] = 0.05
    values[generator.random(count) < 0.02] = np.nan
    return times, values
