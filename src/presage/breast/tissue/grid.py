"""The working grid: one mammogram resampled to a known spacing, without its padding."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.cohort import UnusableRecording

# Two processes already share the machine in a study, and the threads of one image gain nothing at this size.
cv2.setNumThreads(1)

#: Largest side of the working grid, in pixels: beyond it the spacing cannot be true of a mammogram.
LARGEST_SIDE = 2048
SMALLEST_SIDE = 64


def resample(pixels: NDArray[np.float32], spacing_mm: float, wanted_mm: float) -> NDArray[np.float32]:
    """`pixels` on a grid of `wanted_mm`: area average when it shrinks, linear when it grows.

    Parameters
    ----------
    pixels
        Shape (rows, columns), float.
    spacing_mm, wanted_mm
        Millimetres per pixel before and after.

    Raises
    ------
    UnusableRecording
        If the image is not a plane of finite numbers, or its size in millimetres is not that of a mammogram.
    """
    if pixels.ndim != 2:
        raise UnusableRecording("not a plain image", f"expected (rows, columns), found shape {pixels.shape}")
    if not (np.isfinite(spacing_mm) and spacing_mm > 0 and np.isfinite(wanted_mm) and wanted_mm > 0):
        raise UnusableRecording("no pixel spacing", f"pixel spacing {spacing_mm} mm is not a length")
    factor = spacing_mm / wanted_mm
    rows, columns = (max(1, round(side * factor)) for side in pixels.shape)
    if max(rows, columns) > LARGEST_SIDE or min(rows, columns) < SMALLEST_SIDE:
        raise UnusableRecording(
            "size is not that of a mammogram",
            f"{pixels.shape[0]} x {pixels.shape[1]} pixels of {spacing_mm:g} mm are "
            f"{pixels.shape[0] * spacing_mm:.0f} x {pixels.shape[1] * spacing_mm:.0f} mm",
            cure="check the pixel spacing in recordings.csv (spacing_mm) or in the file",
        )
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(pixels, dtype=np.float32), (columns, rows), interpolation=how)
    if not np.isfinite(small).all():
        raise UnusableRecording("not finite", "the image holds NaN or infinity")
    return np.clip(small, 0.0, 1.0)


def shrink(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """`image` at 1/`factor` of its size (area average)."""
    rows, columns = (max(1, round(side / factor)) for side in image.shape)
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32)


def enlarged(image: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A coarse `image` at the size of a finer grid (linear)."""
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """`image` smoothed by a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def disk(radius: float) -> NDArray[np.uint8]:
    """A disk-shaped structuring element of `radius` pixels."""
    reach = max(1, round(radius))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), dtype=np.uint8)
