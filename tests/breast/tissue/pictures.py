"""Drawn mammograms of which the truth is known: ellipse of fat, disk of gland, triangle of muscle, labels and tape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.mammogram import Mammogram, View

FAT, GLAND, MUSCLE = 0.45, 0.75, 0.8


@dataclass(frozen=True)
class Drawn:
    """A drawn mammogram and its true masks, on its own grid."""

    mammogram: Mammogram
    breast: NDArray[np.bool_]
    muscle: NDArray[np.bool_]
    gland: NDArray[np.bool_]


@lru_cache(maxsize=32)
def draw(
    *,
    view: View = "MLO",
    gland_mm: float = 24.0,
    spacing_mm: float = 0.2,
    shape: tuple[int, int] = (1000, 800),
    background: float = 0.0,
    padding: int = 0,
    label_gap_mm: float | None = None,
    tape: bool = False,
    noise: float = 0.01,
    seed: int = 7,
) -> Drawn:
    """A breast 120 mm high and 70 mm deep at the chest wall (left), thinning towards the skin over 20 mm.

    `padding` columns of zeros lie left of the film; a label lies `label_gap_mm` right of the breast's upper edge.
    """
    rows, columns = (np.arange(side) * spacing_mm for side in shape)
    down, right = np.meshgrid(rows, columns, indexing="ij")
    centre = 100.0
    inside = ((down - centre) / 80) ** 2 + (right / 75) ** 2
    breast = inside < 1
    if view == "MLO":
        # The breast runs on to the upper end of the film, with the muscle in its corner.
        breast |= (down < centre) & (right < 75 - 0.30 * (centre - down))
    depth = cv2.distanceTransform(
        cv2.copyMakeBorder(breast.astype(np.uint8), 300, 0, 300, 0, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5
    )[300:, 300:]
    thickness = np.clip(depth * spacing_mm / 20, 0.25, 1)
    image = np.where(breast, FAT * thickness, background)
    gland = breast & (np.hypot(down - centre - 10, right - 35) < gland_mm)
    image[gland] += (GLAND - FAT) * 1.0
    muscle = np.zeros(shape, dtype=bool)
    if view == "MLO":
        muscle = breast & (right < 42 * (1 - down / 90))
        image[muscle] = MUSCLE
    if label_gap_mm is not None:
        edge = int(np.flatnonzero(breast[round(20 / spacing_mm)])[-1])
        left = edge + round(label_gap_mm / spacing_mm)
        image[round(8 / spacing_mm) : round(30 / spacing_mm), left : left + round(15 / spacing_mm)] = 0.95
    if tape:
        image[: round(3 / spacing_mm)] = 0.4
    image += noise * np.random.default_rng(seed).standard_normal(shape)
    image = np.clip(cv2.GaussianBlur(image, (0, 0), 0.4 / spacing_mm), 0, 1).astype(np.float32)
    planes = [np.pad(plane, ((0, 0), (padding, 0))) for plane in (image, breast, muscle, gland)]
    mammogram = Mammogram(np.ascontiguousarray(planes[0]), spacing_mm, "L", view, "film")
    return Drawn(mammogram, *(plane.astype(bool) for plane in planes[1:]))


def overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Dice overlap of a mask on the working grid with a true mask on a finer one."""
    small = cv2.resize(true.astype(np.float32), found.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    return float(2 * (found & small).sum() / (found.sum() + small.sum()))


def hand() -> Mammogram:
    """A hand with its fingers spread, wrist at the left edge."""
    image = np.zeros((1000, 800), dtype=np.float32)
    cv2.rectangle(image, (0, 400), (200, 600), 0.6, -1)
    cv2.ellipse(image, (260, 500), (130, 140), 0, 0, 360, 0.6, -1)
    for angle, length in ((-70, 300), (-30, 400), (-8, 440), (12, 410), (35, 340)):
        tip = (int(300 + length * np.cos(np.radians(angle))), int(500 + length * np.sin(np.radians(angle))))
        cv2.line(image, (300, 500), tip, 0.7, 50)
    return Mammogram(cv2.GaussianBlur(image, (0, 0), 3), 0.2, "L", "CC", "for-presentation")
