"""Explanation maps: from contributions of the places of a feature map to heat over the mammogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presage.breast.encoders import to_bytes
from presage.breast.inputs import Framed
from presage.cohort import Recording
from presage.study.marker import Explanation


def upsampled(contributions: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float64]:
    """A coarse map of contributions spread smoothly over an image of `shape`."""
    import cv2

    fine = cv2.resize(contributions.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return fine.astype(np.float64)


def shown_together(
    recordings: Sequence[Recording],
    framed: Sequence[Framed],
    contributions: Sequence[Sequence[NDArray[np.floating]]],
    caption: str,
) -> list[Explanation]:
    """One explanation for each recording, all on one scale, so that the views of a patient can be compared.

    Parameters
    ----------
    contributions
        For each recording one or more maps (from different layers), in units of the score per place.
    """
    heats = []
    for picture, maps in zip(framed, contributions, strict=True):
        shape = picture.image.shape
        # Contributions become densities, so that layers of different coarseness add up.
        total = np.zeros(shape)
        for layer in maps:
            total += upsampled(layer, (shape[0], shape[1])) * (layer.size / total.size)
        heats.append(np.where(picture.region > 0, total, 0.0))
    largest = max(float(np.abs(heat).max()) for heat in heats) or 1.0
    return [
        Explanation(recording, to_bytes(picture.image), (heat / largest).astype(np.float32), caption)
        for recording, picture, heat in zip(recordings, framed, heats, strict=True)
    ]
