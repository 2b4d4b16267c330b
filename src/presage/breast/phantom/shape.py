"""The compressed breast: outline, nipple, thickness, skin and pectoral muscle, in CC and MLO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

View = Literal["CC", "MLO"]
Plane = NDArray[np.float32]

SKIN_MM = 1.2
MARGIN_MM = 14.0  # air kept in front of the nipple; the rest of the detector is filled when the picture is written
SMALL_DETECTOR_MM = (240.0, 180.0)
LARGE_DETECTOR_MM = (290.0, 240.0)


@dataclass(frozen=True)
class Build:
    """What both views of a woman's breast share.

    Attributes
    ----------
    depth_mm
        Chest wall to nipple in CC.
    thickness_mm
        Compressed thickness.
    roundness
        Exponent of the outline (2 = ellipse).
    gland_height, gland_depth
        Where the gland sits: offset from the nipple's level and distance behind the nipple, as shares of depth.
    gland_spread
        Size of the glandular region as a share of depth.
    """

    depth_mm: float
    thickness_mm: float
    roundness: float
    gland_height: float
    gland_depth: float
    gland_spread: float

    @classmethod
    def draw(cls, generator: np.random.Generator) -> Build:
        """A woman's breast: depth 88 +- 16 mm, thickness rising with size."""
        depth = float(np.clip(generator.normal(88, 16), 52, 132))
        return cls(
            depth_mm=depth,
            thickness_mm=float(np.clip(24 + 0.36 * depth + generator.normal(0, 6), 28, 85)),
            roundness=float(generator.uniform(1.9, 2.3)),
            gland_height=float(generator.normal(-0.06, 0.05)),
            gland_depth=float(generator.normal(0.46, 0.05)),
            gland_spread=float(np.clip(generator.normal(0.44, 0.05), 0.3, 0.6)),
        )


@dataclass(frozen=True)
class Breast:
    """A breast on the detector, chest wall left, head up. Arrays have shape (rows, columns).

    Attributes
    ----------
    mask
        Where there is breast.
    thickness_mm, skin_mm
        Path through all tissue, and through skin alone.
    muscle
        Share of the path that is pectoral muscle, 0 to 1 (all zero in CC).
    radius_mm, angle
        Distance and direction from the nipple.
    depth_below_skin_mm
        Distance to the outline.
    nipple_mm
        (x, y) of the nipple.
    """

    mask: NDArray[np.bool_]
    thickness_mm: Plane
    skin_mm: Plane
    muscle: Plane
    radius_mm: Plane
    angle: Plane
    depth_below_skin_mm: Plane
    nipple_mm: tuple[float, float]
    spacing_mm: float


def detector_shape(build: Build, spacing_mm: float) -> tuple[int, int]:
    """Rows and columns of the picture: the small detector, or the large one where the breast asks for it."""
    size = LARGE_DETECTOR_MM if build.depth_mm > 98 else SMALL_DETECTOR_MM
    return round(size[0] / spacing_mm), round(size[1] / spacing_mm)


def place_breast(build: Build, view: View, spacing_mm: float, generator: np.random.Generator) -> Breast:
    """The breast as it lies on the detector for one view."""
    rows, columns = detector_shape(build, spacing_mm)
    height = rows * spacing_mm
    depth = build.depth_mm * float(generator.normal(1.0 if view == "CC" else 1.04, 0.03))
    columns = min(columns, round((depth + MARGIN_MM) / spacing_mm))
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    x, y = (x + np.float32(0.5)) * np.float32(spacing_mm), (y + np.float32(0.5)) * np.float32(spacing_mm)
    if view == "CC":
        nipple_y = height * float(generator.normal(0.5, 0.02))
        up = down = min(depth * float(generator.normal(1.06, 0.05)), 0.47 * height)
        tilt, power = float(generator.normal(0, 0.05)), build.roundness
        power_up = power
    else:
        nipple_y = height * float(generator.normal(0.60, 0.025))
        up, down = (
            nipple_y / float(generator.uniform(0.74, 0.88)),
            min(depth * float(generator.normal(0.86, 0.05)), (height - nipple_y) * 0.97 + 0.1 * depth),
        )
        tilt, power = float(generator.normal(0.10, 0.04)), build.roundness
        power_up = power * 0.8
    base_y = nipple_y - tilt * depth
    level = y - np.float32(base_y) - np.float32(tilt) * x
    # Slow waves keep the outline from being a textbook curve.
    level += np.float32(generator.normal(0, 1.2)) * np.sin(x / np.float32(19)) + np.float32(1.5) * np.cos(
        x / np.float32(31) + np.float32(generator.uniform(0, 6))
    )
    above = np.maximum(-level / np.float32(up), 0) ** np.float32(power_up)
    below = np.maximum(level / np.float32(down), 0) ** np.float32(power)
    mask = above + below + (x / np.float32(depth)) ** 2 < 1
    nipple = (depth, nipple_y)
    across, along = y - np.float32(nipple[1]), x - np.float32(nipple[0])
    radius = np.hypot(across, along)
    stick_out = np.float32(generator.uniform(0.5, 4.5))
    mask |= (across / np.float32(5.0)) ** 2 + ((along + 4) / (stick_out + 4)) ** 2 < 1
    edge = cv2.distanceTransform(np.pad(mask, ((1, 1), (1, 0)), mode="edge").astype(np.uint8), cv2.DIST_L2, 5)
    edge = edge[1:-1, 1:] * np.float32(spacing_mm)
    thickness = _rounded(edge, build.thickness_mm)
    skin = thickness - _rounded(edge - np.float32(SKIN_MM), build.thickness_mm - 2 * SKIN_MM)
    muscle = _pectoral(x, y, nipple_y, depth, generator) if view == "MLO" else np.zeros_like(x)
    # Angle 0 points straight back to the chest wall, so the jump at pi lies outside the breast.
    angle = np.arctan2(across, -along)
    return Breast(mask, thickness, skin, muscle * mask, radius, angle, edge, nipple, spacing_mm)


def _rounded(edge_mm: Plane, thickness_mm: float) -> Plane:
    """Thickness of a slab with a round edge: the free edge bulges out between the plates."""
    reach = np.float32(0.45 * thickness_mm)
    inward = np.clip(edge_mm / reach, 0, 1)
    return np.asarray(np.float32(thickness_mm) * np.sqrt(inward * (2 - inward)), dtype=np.float32)


def _pectoral(x: Plane, y: Plane, nipple_y: float, depth_mm: float, generator: np.random.Generator) -> Plane:
    """A wedge from the upper chest wall with a slightly convex edge, thickest at the back."""
    top = 0.5 * depth_mm * float(generator.uniform(0.6, 1.25))
    bottom = nipple_y * float(generator.uniform(0.6, 0.98))
    level = np.clip(y / np.float32(bottom), 0, 1)
    border = np.float32(top) * (1 - level) * (1 + np.float32(generator.uniform(0.05, 0.5)) * level)
    inside = border - x
    soft = 1 / (1 + np.exp(-np.clip(inside / np.float32(0.8), -30, 30)))
    share = np.float32(0.30) + np.float32(0.16) * np.clip(inside / np.float32(35), 0, 1)
    return np.asarray(soft * share * (y < bottom), dtype=np.float32)
