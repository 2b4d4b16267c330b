"""Explanation maps: from contributions of the places of a feature map to heat over the mammogram."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def occlusion(
    score_of: Callable[[NDArray[np.float32]], float], framed: Framed, *, parts: tuple[int, int] = (8, 6)
) -> NDArray[np.float64]:
    """How much the score falls when a part of the image is hidden, shape `parts`; 0 where there is nothing to hide.

    A part is hidden by the region's mean grey level, which leaves the outline alone and takes the texture away.
    """
    rows = np.linspace(0, framed.image.shape[0], parts[0] + 1).astype(int)
    columns = np.linspace(0, framed.image.shape[1], parts[1] + 1).astype(int)
    inside = framed.region > 0
    mean = framed.image[inside].mean()
    whole = score_of(framed.image)
    falls = np.zeros(parts)
    for row in range(parts[0]):
        for column in range(parts[1]):
            window = np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            if inside[window].any():
                hidden = framed.image.copy()
                hidden[window] = np.where(inside[window], mean, hidden[window])
                falls[row, column] = whole - score_of(hidden)
    return falls


def agreement(contributions: NDArray[np.floating], falls: NDArray[np.float64]) -> float:
    """Spearman's correlation of a map of contributions with an occlusion map over the parts that could be hidden."""
    import cv2
    from scipy.stats import spearmanr

    size = (falls.shape[1], falls.shape[0])
    coarse = cv2.resize(contributions.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    shown = falls != 0
    if shown.sum() < 3:
        return 0.0
    return float(np.nan_to_num(spearmanr(coarse[shown], falls[shown]).statistic))
