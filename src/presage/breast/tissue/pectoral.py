"""The pectoral muscle of a mediolateral-oblique view: a straight line first, then a path that follows the edge.

The straight line is the Hough idea of Karssemeijer (Automated classification of parenchymal patterns in mammograms,
Phys Med Biol 1998;43:365-378): the muscle is a bright triangle in the upper chest-wall corner. The path is the cheapest
one through the edge map beside that line, found by dynamic programming.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import blurred, shrink
from presage.breast.tissue.outline import Outline

Mask = NDArray[np.uint8]

COARSE_MM = 1.6
# Half the width of the strips compared on both sides of a candidate line.
SIDE_MM = 4.0
# Where a candidate line may meet the top of the breast (from the chest wall) and the chest wall (from the top).
TOP_MM = (10.0, 125.0)
DOWN_MM = (35.0, 230.0)
# Slope of the edge: columns lost per row.
SLOPES = (0.12, 1.3)
# A contrast across the line below this, in grey levels, is no muscle.
LEAST_CONTRAST = 0.022
# How far the path may leave the line.
WANDER_MM = 12.0
# A triangle larger than this part of breast and muscle together is not the muscle.
INNER_PARTS = (0.3, 0.5, 0.7, 0.85)
LARGEST_SHARE = 0.5
# Closer to the skin than this, the fall of grey level is the breast's own edge.
SKIN_MM = 9.0


def pectoral_muscle(image: NDArray[np.float32], outline: Outline, spacing_mm: float) -> tuple[Mask, tuple[str, ...]]:
    """The muscle as a mask (0 or 1) inside the outline, and quality flags ("pectoral line not found")."""
    coarse = blurred(shrink(image, outline.step), 1.0)
    coarse_mm = spacing_mm * outline.step
    origin = corner((outline.skin_mm > 0).astype(np.uint8))
    line = best_line(coarse, outline.skin_mm, origin, coarse_mm)
    if line is None:
        return np.zeros_like(outline.mask), ("pectoral line not found",)
    edge = follow_edge(coarse, line, origin, coarse_mm)
    return _within(edge, origin, outline), ()


def corner(breast: Mask) -> tuple[int, int]:
    """First row of the breast at the chest wall, and the column of the chest wall itself."""
    columns = np.flatnonzero(breast.sum(axis=0) > 0.25 * breast.sum(axis=0).max())
    wall = int(columns[0])
    rows = np.flatnonzero(breast[:, wall : wall + 4].any(axis=1))
    return int(rows[0]), wall


def best_line(
    image: NDArray[np.float32], skin_mm: NDArray[np.float32], origin: tuple[int, int], spacing_mm: float
) -> tuple[float, float] | None:
    """Width at the top and length down the wall, in pixels, of the best bright corner triangle; None without one."""
    widths = np.arange(TOP_MM[0], TOP_MM[1], 6.0) / spacing_mm
    lengths = np.arange(DOWN_MM[0], DOWN_MM[1], 10.0) / spacing_mm
    width, length = (grid.ravel() for grid in np.meshgrid(widths, lengths))
    scores, width, length = _scored(image, skin_mm, origin, spacing_mm, width, length)
    if not len(scores) or not np.isfinite(scores.max()):
        return None
    # The neighbours of the best few, on a finer grid of lines.
    best = np.argsort(scores, kind="stable")[::-1][:4]
    best = best[np.isfinite(scores[best])]
    wider, longer = np.meshgrid(np.arange(-4.0, 5.0, 2.0) / spacing_mm, np.arange(-6.0, 7.0, 3.0) / spacing_mm)
    width = (width[best][:, None] + wider.ravel()).ravel()
    length = (length[best][:, None] + longer.ravel()).ravel()
    scores, width, length = _scored(image, skin_mm, origin, spacing_mm, width, length)
    chosen = int(np.argmax(scores))
    return float(width[chosen]), float(length[chosen])


def _scored(
    image: NDArray[np.float32],
    skin_mm: NDArray[np.float32],
    origin: tuple[int, int],
    spacing_mm: float,
    width: NDArray[np.float64],
    length: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """How well each line that can be a muscle's edge parts bright from dark (-inf: not at all), and those lines."""
    top, wall = origin
    fits = (width >= TOP_MM[0] / spacing_mm) & (length >= DOWN_MM[0] / spacing_mm)
    fits &= (width > SLOPES[0] * length) & (width < SLOPES[1] * length)
    fits &= 0.5 * width * length < LARGEST_SHARE * (skin_mm > 0).sum()
    width, length = width[fits], length[fits]
    along = np.linspace(0.03, 0.92, 36)
    rows = top + length[:, None] * along
    columns = wall + width[:, None] * (1 - along)
    # Unit normal pointing away from the muscle: right and down.
    norm = np.hypot(width, length)
    down, right = (width / norm)[:, None], (length / norm)[:, None]
    side = SIDE_MM / spacing_mm
    place, there = _places(image.shape, rows - side * down, columns - side * right, wall)
    inner, present = image.ravel()[place], there & (skin_mm.ravel()[place] > 0)
    place, there = _places(image.shape, rows + side * down, columns + side * right, wall)
    outer, deep = image.ravel()[place], there & (skin_mm.ravel()[place] > SKIN_MM)
    valid = present & deep
    seen = np.maximum(valid.sum(axis=1), 1)
    # What lies outside the breast counts as no contrast: a true edge runs through the breast from end to end.
    step = np.where(valid, np.clip(inner - outer, -0.12, 0.12), 0)
    contrast, agreeing = step.mean(axis=1), (step > 0.01).mean(axis=1)
    outside = np.where(valid, outer, 0).sum(axis=1) / seen
    # Muscle is bright all the way to the corner; a triangle with fat in it is not the muscle.
    darkest = np.full(len(width), np.inf)
    few = along[::3]
    for part in INNER_PARTS:
        place, _ = _places(
            image.shape, top + length[:, None] * part * few, wall + width[:, None] * part * (1 - few), wall
        )
        darkest = np.minimum(darkest, image.ravel()[place].mean(axis=1))
    body = np.clip((darkest - outside) / 0.10, 0, 1)
    score = contrast * agreeing * body * np.sqrt(np.minimum(1.0, norm * spacing_mm / 150))
    poor = (valid.mean(axis=1) < 0.45) | (contrast < LEAST_CONTRAST) | (agreeing < 0.5) | (body <= 0)
    return np.where(poor, -np.inf, score), width, length


def _places(
    shape: tuple[int, ...], rows: NDArray[np.float64], columns: NDArray[np.float64], wall: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Flat indices of the pixels nearest to the places given, moved to the image's edge, and which need no moving."""
    i, j = (rows + 0.5).astype(np.intp), (columns + 0.5).astype(np.intp)
    there = (i < shape[0]) & (j >= wall) & (j < shape[1])
    np.clip(i, 0, shape[0] - 1, out=i)
    np.clip(j, wall, shape[1] - 1, out=j)
    return i * shape[1] + j, there


def follow_edge(
    image: NDArray[np.float32], line: tuple[float, float], origin: tuple[int, int], spacing_mm: float
) -> NDArray[np.float64]:
    """Column of the muscle's edge, measured from the wall, for each row from `origin` down, in pixels.

    The path stays near the line, prefers strong falls of grey level to the right and leaves the line by at most a
    pixel a row.
    """
    top, wall = origin
    width, length = line
    rows = np.arange(top, min(image.shape[0], int(np.ceil(top + length)) + 1))
    wander = round(WANDER_MM / spacing_mm)
    offsets = np.arange(-wander, wander + 1)
    straight = width * (1 - (rows - top) / length)
    reach = max(1, round(2.0 / spacing_mm))
    padded = np.pad(image, ((0, 0), (0, 4 * reach)), mode="edge")
    columns = np.rint(wall + straight[:, None] + offsets).astype(np.intp)
    limit = padded.shape[1] - 1
    inner = padded[rows[:, None], np.clip(columns - reach, wall, limit)]
    outer = padded[rows[:, None], np.clip(columns + reach, wall, limit)]
    gain = np.clip(inner - outer, 0, 0.10) / 0.10 - 0.35 * (offsets / wander) ** 2
    return np.maximum(0.0, straight + _cheapest_path(-gain, offsets))


def _cheapest_path(cost: NDArray[np.float64], offsets: NDArray[np.int_]) -> NDArray[np.float64]:
    """Offset per row on the path of least cost whose offset changes by at most one a row."""
    rows, options = cost.shape
    total = cost[0].copy()
    came = np.zeros((rows, options), dtype=np.intp)
    index = np.arange(options)
    for row in range(1, rows):
        ways = np.full((3, options), np.inf)
        ways[0, 1:] = total[:-1] + 0.05
        ways[1] = total
        ways[2, :-1] = total[1:] + 0.05
        choice = ways.argmin(axis=0)
        came[row] = index + choice - 1
        total = ways[choice, index] + cost[row]
    path = np.empty(rows, dtype=np.intp)
    path[-1] = int(total.argmin())
    for row in range(rows - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return offsets[path].astype(np.float64)


def _within(edge: NDArray[np.float64], origin: tuple[int, int], outline: Outline) -> Mask:
    """The part of the outline between the chest wall and the edge, on the fine grid."""
    top, wall = origin
    smooth = cv2.GaussianBlur(edge.astype(np.float32)[:, None], (1, 5), 0, sigmaY=1.2)[:, 0]
    position = (np.arange(outline.mask.shape[0]) + 0.5) / outline.step - 0.5
    limit = np.interp(position, top + np.arange(len(smooth)), smooth, right=-1e9)
    reach = (wall + limit + 0.5) * outline.step
    columns = np.arange(max(0, min(outline.mask.shape[1], int(np.ceil(reach.max())))))
    out = np.zeros_like(outline.mask)
    out[:, : len(columns)] = (columns < reach[:, None]) & (outline.mask[:, : len(columns)] > 0)
    return out
