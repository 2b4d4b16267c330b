"""From the tissue of a mammogram to what a network sees: a frame of fixed physical size and scale.

Nothing is stretched: texture carries the risk, and a stretched breast has another texture. The frame begins at the
chest wall and is centred on the breast from head to foot; what is larger is cropped, what is smaller is padded with
black.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Recording, UnusableRecording

if TYPE_CHECKING:
    from presage.breast.tissue import Tissue

Region = Literal["whole-breast", "dense-tissue"]

#: Tissue is always found on this grid, whatever the network's own scale.
TISSUE_SPACING_MM = 0.4
# Grey levels at these percentiles inside the breast become black and white: films and detectors differ in their scales.
_BLACK_PERCENT, _WHITE_PERCENT = 1.0, 99.5


@dataclass(frozen=True)
class Framed:
    """One mammogram as a network sees it.

    Attributes
    ----------
    image
        Grey levels in [0, 1], float32, shape (rows, columns), 0 outside the region.
    region
        How much of each pixel belongs to the region, float32 in [0, 1], same shape.
    """

    image: NDArray[np.float32]
    region: NDArray[np.float32]


def framed_recording(recording: Recording, region: Region, size: tuple[int, int], spacing_mm: float) -> Framed:
    """Read, segment and frame one recording; see :func:`frame`."""
    from presage.breast.reading.reader import read_mammogram
    from presage.breast.tissue import segment
    from presage.breast.tissue.grid import resample

    try:
        mammogram = read_mammogram(recording)
        tissue = segment(mammogram, spacing_mm=TISSUE_SPACING_MM)
        # A frame finer than the tissue's grid shows what the file holds, not a magnified copy of the grid.
        fine = spacing_mm < TISSUE_SPACING_MM
        pixels = resample(mammogram.pixels, mammogram.spacing_mm, spacing_mm) if fine else None
        return frame(tissue, region, size, spacing_mm, pixels=pixels)
    except UnusableRecording as unusable:
        if unusable.where:
            raise
        raise UnusableRecording(unusable.reason, unusable.what, where=recording.path, cure=unusable.cure) from unusable


def frame(
    tissue: Tissue,
    region: Region,
    size: tuple[int, int],
    spacing_mm: float,
    *,
    pixels: NDArray[np.float32] | None = None,
) -> Framed:
    """The frame of `size` pixels of `spacing_mm` around the breast.

    Parameters
    ----------
    tissue
        As from :func:`presage.breast.segment`.
    region
        ``whole-breast`` (without the pectoral muscle) or ``dense-tissue``: everything else is set to 0, in place.
    size
        Rows and columns.
    spacing_mm
        Edge of a pixel of the frame.
    pixels
        Grey levels of the whole mammogram on a grid of `spacing_mm`; the tissue's own image, resampled, where None.

    Raises
    ------
    UnusableRecording
        If the region is empty, or the breast has a single grey level.
    """
    shown = tissue.breast if region == "whole-breast" else tissue.dense
    if not tissue.breast.any() or not shown.any():
        raise UnusableRecording(
            f"no {region.replace('-', ' ')} found",
            f"the {region} input is empty after segmentation",
            cure="look at the outlines with `presage show`, or use the input whole-breast",
        )
    black, white = _grey_limits(tissue.image, tissue.breast)
    breast, coverage = tissue.breast, shown.astype(np.float32)
    if pixels is not None:
        breast = _resized(breast.astype(np.float32), pixels.shape) > 0.5
        coverage = (_resized(coverage, pixels.shape) > 0.5).astype(np.float32)
        image = _stretched(pixels, black, white) * coverage
    else:
        image = _stretched(tissue.image, black, white) * coverage
        if spacing_mm != tissue.spacing_mm:
            factor = tissue.spacing_mm / spacing_mm
            shape = tuple(max(1, round(side * factor)) for side in image.shape)
            image, coverage = _resized(image, shape), _resized(coverage, shape)
            breast = _resized(breast.astype(np.float32), shape) > 0.5
    rows = np.flatnonzero(breast.any(axis=1))
    columns = np.flatnonzero(breast.any(axis=0))
    top = (int(rows[0]) + int(rows[-1]) + 1) // 2 - size[0] // 2
    left = int(columns[0])
    framed = Framed(_cut(image, top, left, size), _cut(coverage, top, left, size))
    if not framed.region.any():
        raise UnusableRecording(f"no {region.replace('-', ' ')} found", f"the {region} lies outside the frame")
    return framed


def _grey_limits(image: NDArray[np.float32], breast: NDArray[np.bool_]) -> tuple[np.float32, np.float32]:
    # Every second pixel each way is enough for a percentile.
    inside = image[::2, ::2][breast[::2, ::2]]
    black, white = np.percentile(inside if len(inside) else image[breast], (_BLACK_PERCENT, _WHITE_PERCENT))
    if white - black < 1e-3:
        raise UnusableRecording("no contrast", "the breast has a single grey level")
    return np.float32(black), np.float32(white)


def _stretched(image: NDArray[np.float32], black: np.float32, white: np.float32) -> NDArray[np.float32]:
    return np.asarray(np.clip((image - black) / (white - black), 0, 1), dtype=np.float32)


def _resized(plane: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    how = cv2.INTER_AREA if shape[0] < plane.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (shape[1], shape[0]), interpolation=how), dtype=np.float32)


def _cut(plane: NDArray[np.float32], top: int, left: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """The window of `size` whose corner is at (top, left), black where it leaves the plane."""
    window = np.zeros(size, dtype=np.float32)
    first, last = max(0, top), min(plane.shape[0], top + size[0])
    end = min(plane.shape[1], left + size[1])
    window[first - top : last - top, : end - left] = plane[first:last, left:end]
    return window


def shrunk_to(region: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float64]:
    """`region` averaged onto a coarser grid of `shape`, as weights that add up to 1."""
    import cv2

    small = cv2.resize(region, (shape[1], shape[0]), interpolation=cv2.INTER_AREA).astype(np.float64)
    return np.asarray(small / small.sum())
