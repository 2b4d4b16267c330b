"""The breast outline: where the breast is, without labels, tape, film edges and padding."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import disk, grow, shrink
from presage.cohort import UnusableRecording

Mask = NDArray[np.uint8]

# The outline is found at this spacing and then followed on the working grid.
COARSE_MM = 1.6
# Strips of tape and film edges are narrower than this; the breast is not.
NARROWEST_MM = 4.8
# How far above the background the skin line is, as a fraction of the way to bright tissue.
SKIN_FRACTION = 0.07
# Grey levels at which film is blank or a label is burnt in.
SATURATED = 0.975
SMALLEST_BREAST_CM2 = 12.0


def breast_outline(image: NDArray[np.float32], spacing_mm: float) -> tuple[Mask, tuple[str, ...]]:
    """Breast with the pectoral muscle, as a mask (0 or 1) of the shape of `image`, and quality flags.

    The background is the darkest peak of the histogram; what lies above it, is wider than a strip of tape and touches the
    chest-wall side is the breast.

    Raises
    ------
    UnusableRecording
        ``no breast found``: black, uniform, or nothing of the size and place of a breast.
    """
    step = max(1, round(COARSE_MM / spacing_mm))
    coarse = cv2.GaussianBlur(shrink(image, step), (0, 0), 0.8)
    coarse_mm = spacing_mm * image.shape[0] / coarse.shape[0]
    level = skin_level(coarse)
    bright = _without_labels(coarse, (coarse > level).astype(np.uint8), coarse_mm)
    frame = film_frame(coarse)
    body, flags = _body(bright, coarse, frame, coarse_mm)
    fine = (cv2.GaussianBlur(image, (0, 0), 0.8 / spacing_mm) > level).astype(np.uint8)
    near = grow(cv2.dilate(body, disk(1)), image.shape)
    fine &= near
    core = grow(cv2.erode(body, disk(1)), image.shape)
    fine |= core
    fine = cv2.morphologyEx(fine, cv2.MORPH_OPEN, disk(1.2 / spacing_mm))
    return _largest_filled(fine), flags


def skin_level(image: NDArray[np.float32]) -> float:
    """Grey level that parts background from skin.

    Raises
    ------
    UnusableRecording
        If the image has no two levels to part.
    """
    levels = (image * 255).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256).astype(np.float64)
    if np.percentile(levels, 99) - levels.min() < 10:
        raise UnusableRecording(
            "no breast found", "the image is black or uniform", cure="leave this file out of recordings.csv"
        )
    split, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    split = max(4.0, split)
    # Exact zeros are padding added after the exposure, unless they are all the background there is.
    dark = counts[: int(split) + 1].copy()
    dark[0] = 0
    smooth = np.convolve(dark, np.ones(3), "same")
    peak = int(smooth.argmax())
    background = peak / 255 if smooth[peak] > 0.02 * counts.sum() and peak < 0.6 * split else 0.0
    tissue = levels[levels > split]
    high = float(np.median(tissue)) / 255
    return background + max(0.02, SKIN_FRACTION * (high - background))


def film_frame(image: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Rows and columns (first, last + 1) outside which there is nothing but black padding."""
    exposed = image > 1.5 / 255
    rows = np.flatnonzero(exposed.mean(axis=1) > 0.02)
    columns = np.flatnonzero(exposed.mean(axis=0) > 0.02)
    if not len(rows) or not len(columns):
        return 0, image.shape[0], 0, image.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _without_labels(image: NDArray[np.float32], bright: Mask, spacing_mm: float) -> Mask:
    """`bright` less burnt-in blocks (labels, blank film) that border on background: dense tissue never does."""
    burnt = (image >= SATURATED).astype(np.uint8)
    if not burnt.any():
        return bright
    count, labels, stats, _ = cv2.connectedComponentsWithStats(burnt)
    for index in range(1, count):
        if stats[index, cv2.CC_STAT_AREA] * spacing_mm**2 < 20:
            continue
        block = (labels == index).astype(np.uint8)
        wide = cv2.dilate(block, disk(2.5 / spacing_mm))
        ring = (wide > 0) & (cv2.dilate(block, disk(1)) == 0)
        if not ring.any() or (bright[ring] == 0).mean() > 0.3:
            bright = np.where(wide > 0, 0, bright).astype(np.uint8)
    return bright


def _body(
    bright: Mask, image: NDArray[np.float32], frame: tuple[int, int, int, int], spacing_mm: float
) -> tuple[Mask, tuple[str, ...]]:
    """The component of `bright` that is the breast, strips removed and holes filled."""
    opened = _opened(bright, frame, NARROWEST_MM / spacing_mm)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    reach = frame[2] + 12 / spacing_mm
    best, best_area = 0, SMALLEST_BREAST_CM2 * 100 / spacing_mm**2
    for index in range(1, count):
        left, area = stats[index, cv2.CC_STAT_LEFT], stats[index, cv2.CC_STAT_AREA]
        if left <= reach and area > best_area:
            best, best_area = index, area
    if not best:
        raise UnusableRecording(
            "no breast found",
            f"nothing larger than {SMALLEST_BREAST_CM2:g} cm2 touches the chest-wall side",
            cure="check laterality and orientation, or leave this file out of recordings.csv",
        )
    body = _largest_filled((labels == best).astype(np.uint8))
    share = body.sum() / max(1, (frame[1] - frame[0]) * (frame[3] - frame[2]))
    if share > 0.97:
        raise UnusableRecording("no breast found", "the whole image is bright: no background around a breast")
    flags = ("breast fills the film",) if share > 0.85 else ()
    return body, flags


def _opened(mask: Mask, frame: tuple[int, int, int, int], radius: float) -> Mask:
    """Opening by a disk, in which the breast may run on beyond the film's edges but strips along them may not."""
    reach = round(radius) + 1
    inside = mask[frame[0] : frame[1], frame[2] : frame[3]]
    # Only the chest-wall side is extended: there the film cuts the breast.
    wide = cv2.copyMakeBorder(inside, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    wide[:, :reach] = wide[:, reach : reach + 1]
    wide[:reach, :] = wide[2 * reach : 2 * reach + 1, :]
    wide[-reach:, :] = wide[-2 * reach - 1 : -2 * reach, :]
    opened = cv2.morphologyEx(wide, cv2.MORPH_OPEN, disk(radius))
    out = np.zeros_like(mask)
    out[frame[0] : frame[1], frame[2] : frame[3]] = opened[reach:-reach, reach:-reach]
    return out


def _largest_filled(mask: Mask) -> Mask:
    """The largest component of `mask` with its holes filled."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    out = np.zeros_like(mask)
    if contours:
        largest = max(contours, key=cv2.contourArea)
        cv2.drawContours(out, [largest], -1, 1, cv2.FILLED)
    return out
