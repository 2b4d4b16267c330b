"""The breast outline: where the breast is, without labels, tape, film edges and padding."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import blurred, disk, shrink
from presage.cohort import UnusableRecording

Mask = NDArray[np.uint8]

# The outline is found at this spacing and then followed on the working grid.
COARSE_MM = 1.6
# Strips of tape and film edges are narrower than this; the breast is not.
NARROWEST_MM = 4.8
# How far above the background the skin line is, as a fraction of the way to bright tissue.
SKIN_FRACTION = 0.07
# Labels and blank film are this bright.
LABEL_LEVEL = 0.8
# and have at least this share of background around them; bright tissue has none.
LABEL_IN_DARK = 0.1
LARGEST_LABEL_CM2 = 60.0
# What runs on to the lower end of the film and is narrower than this is belly.
BELLY_MM = 22.0
SMALLEST_BREAST_CM2 = 12.0
# Breasts are nearly convex (0.85 to 1 in 162 films); a hand with its fingers spread is not (below 0.7).
LEAST_SOLIDITY = 0.75


@dataclass(frozen=True)
class Outline:
    """Where the breast is, the pectoral muscle included.

    Attributes
    ----------
    mask
        Breast (1) and the rest (0), shape of the image.
    skin_mm
        Distance to the skin inside the mask, millimetres, on a grid `step` times coarser; 0 outside. Where the film
        cuts the breast there is no skin.
    step
        How much coarser.
    flags
        What a person should look at.
    """

    mask: Mask
    skin_mm: NDArray[np.float32]
    step: int
    flags: tuple[str, ...] = ()


def breast_outline(image: NDArray[np.float32], spacing_mm: float) -> Outline:
    """Find the breast.

    The background is the darkest peak of the histogram; what lies above it, is wider than a strip of tape and touches
    the chest-wall side is the breast.

    Raises
    ------
    UnusableRecording
        ``no breast found``: black, uniform, or nothing of the size, shape and place of a breast.
    """
    step = max(1, round(COARSE_MM / spacing_mm))
    plain = shrink(image, step)
    coarse = blurred(plain, 0.8)
    coarse_mm = spacing_mm * step
    level = skin_level(coarse)
    frame = film_frame(plain)
    bright = _without_labels(plain, (coarse > level).astype(np.uint8), frame, coarse_mm)
    body, flags = _body(bright, frame, coarse_mm)
    body = _without_belly(body, frame, coarse_mm)
    mask = _followed(image, body, level, spacing_mm)
    inside = (shrink(mask.astype(np.float32), step) > 0.5).astype(np.uint8)
    return Outline(mask, skin_distance(inside, frame, coarse_mm), step, flags)


def _followed(image: NDArray[np.float32], body: Mask, level: float, spacing_mm: float) -> Mask:
    """The coarse `body` with its edge laid along the skin level of the fine image, in a band of one coarse pixel."""
    band = 100 * _dilated(body) + 100 * _eroded(body)
    band = np.asarray(cv2.resize(band, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR))
    bright = cv2.threshold(blurred(image, 0.8 / spacing_mm), level, 200, cv2.THRESH_BINARY)[1].astype(np.uint8)
    fine = cv2.threshold(cv2.max(cv2.min(band, bright), _above(band, 150)), 50, 1, cv2.THRESH_BINARY)[1]
    return _largest_filled(np.asarray(cv2.morphologyEx(fine, cv2.MORPH_OPEN, disk(1.2 / spacing_mm)), dtype=np.uint8))


def _above(band: Mask, level: int) -> Mask:
    return np.asarray(cv2.threshold(band, level, 200, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def skin_distance(mask: Mask, frame: tuple[int, int, int, int], spacing_mm: float) -> NDArray[np.float32]:
    """Distance to the skin inside `mask`, millimetres; the breast runs on where the film's `frame` cuts it."""
    top, bottom, left, right = frame
    reach = round(60 / spacing_mm)
    wide = cv2.copyMakeBorder(mask[top:bottom, left:right], reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(wide, cv2.DIST_L2, 5) * spacing_mm
    out = np.zeros(mask.shape, dtype=np.float32)
    out[top:bottom, left:right] = distance[reach:-reach, reach:-reach]
    return out


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
    rows = np.flatnonzero(exposed.mean(axis=1) > 0.08)
    columns = np.flatnonzero(exposed.mean(axis=0) > 0.08)
    if not len(rows) or not len(columns):
        return 0, image.shape[0], 0, image.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _dilated(mask: Mask) -> Mask:
    return np.asarray(cv2.dilate(mask, disk(1)), dtype=np.uint8)


def _eroded(mask: Mask) -> Mask:
    return np.asarray(cv2.erode(mask, disk(1)), dtype=np.uint8)


def _without_labels(
    image: NDArray[np.float32], bright: Mask, frame: tuple[int, int, int, int], spacing_mm: float
) -> Mask:
    """`bright` less blocks that are very bright and border on background: dense tissue always has skin around it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((image >= LABEL_LEVEL).astype(np.uint8))
    film = np.zeros(image.shape, dtype=bool)
    film[frame[0] : frame[1], frame[2] : frame[3]] = True
    out = bright
    for index in range(1, count):
        area = stats[index, cv2.CC_STAT_AREA] * spacing_mm**2
        at_wall = stats[index, cv2.CC_STAT_LEFT] <= frame[2] + 6 / spacing_mm
        if area < 15 or area > 100 * LARGEST_LABEL_CM2 or at_wall:
            continue
        block = (labels == index).astype(np.uint8)
        near = cv2.dilate(block, disk(3.2 / spacing_mm))
        ring = (cv2.dilate(near, disk(3.2 / spacing_mm)) > 0) & (near == 0) & film
        if not ring.any() or (bright[ring] == 0).mean() > LABEL_IN_DARK:
            out = np.where(near > 0, 0, out).astype(np.uint8)
    return out


def _body(bright: Mask, frame: tuple[int, int, int, int], spacing_mm: float) -> tuple[Mask, tuple[str, ...]]:
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
    if _solidity(body) < LEAST_SOLIDITY:
        raise UnusableRecording(
            "no breast found",
            "the bright shape has deep gaps, as of fingers: it is no breast",
            cure="leave this file out of recordings.csv",
        )
    if not _cut_at_wall(body, round(5 / spacing_mm)):
        raise UnusableRecording(
            "no breast found",
            "the straight edge of the breast (chest wall) is not on the side that laterality tells",
            cure="check laterality in recordings.csv or in the file",
        )
    return body, ("breast fills the film",) if share > 0.92 else ()


def _cut_at_wall(mask: Mask, depth: int) -> bool:
    """Whether the shape is taller near its left end, where film or detector cut it, than near its right end."""
    columns = np.flatnonzero(mask.any(axis=0))
    near = mask[:, columns[0] : columns[0] + depth].sum(axis=0).max()
    far = mask[:, max(0, columns[-1] - depth + 1) : columns[-1] + 1].sum(axis=0).max()
    return bool(near > far)


def _solidity(mask: Mask) -> float:
    """Area of the shape over that of its convex hull."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(contours, key=cv2.contourArea)
    return float(cv2.contourArea(largest) / max(1.0, cv2.contourArea(cv2.convexHull(largest))))


def _opened(mask: Mask, frame: tuple[int, int, int, int], radius: float) -> Mask:
    """Opening by a disk, in which the breast may run on beyond the film's upper and lower edges.

    Not beyond the chest-wall side: folds of the belly are narrow strips along it.
    """
    reach = round(radius) + 1
    inside = mask[frame[0] : frame[1], frame[2] : frame[3]]
    wide = cv2.copyMakeBorder(inside, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    wide[:reach, :] = wide[2 * reach : 2 * reach + 1, :]
    wide[-reach:, :] = wide[-2 * reach - 1 : -2 * reach, :]
    opened = cv2.morphologyEx(wide, cv2.MORPH_OPEN, disk(radius))
    out = np.zeros_like(mask)
    out[frame[0] : frame[1], frame[2] : frame[3]] = opened[reach:-reach, reach:-reach]
    # The corners that the disk rounds off where the film cuts the breast.
    wall = mask[:, frame[2] : frame[2] + reach] & (out[:, frame[2] + reach : frame[2] + reach + 1] > 0)
    out[:, frame[2] : frame[2] + reach] |= wall.astype(np.uint8)
    return out


def _without_belly(body: Mask, frame: tuple[int, int, int, int], spacing_mm: float) -> Mask:
    """`body` less the strip of belly along the chest wall, from the fold under the breast to the film's end."""
    widths = body.sum(axis=1)
    if not widths[frame[1] - 3]:
        return body
    widest = int(widths.argmax())
    narrow = np.flatnonzero(widths[widest : frame[1]] * spacing_mm < BELLY_MM)
    if not len(narrow):
        return body
    out = body.copy()
    out[widest + narrow[0] :] = 0
    return out


def _largest_filled(mask: Mask) -> Mask:
    """The largest component of `mask` with its holes filled."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    out = np.zeros_like(mask)
    if contours:
        largest = max(contours, key=cv2.contourArea)
        cv2.drawContours(out, [largest], -1, 1, cv2.FILLED)
    return out
