"""What is inside: glandular tissue, ducts and ligaments in fat, as the share of the path that is glandular."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from presage.breast.phantom.fields import Plane, around_nipple, band_noise, power_law_noise
from presage.breast.phantom.shape import Breast, Build


@dataclass(frozen=True)
class Tissue:
    """Share of the path through the breast that is glandular, shape (rows, columns), and where it counts as dense."""

    glandular: Plane
    dense: NDArray[np.bool_]


def draw_tissue(
    breast: Breast, build: Build, percent_density: float, texture: float, generator: np.random.Generator
) -> Tissue:
    shape, spacing = breast.mask.shape, breast.spacing_mm
    exponent = 3.0 + 0.25 * float(np.tanh(texture / 2)) * 2
    ropes = float(np.exp(0.5 * texture - 0.125))
    blobs = power_law_noise(generator, shape, spacing, exponent, knee_mm=45)
    polar_spacing = 2 * spacing
    polar_shape = (round(40 * 2 * np.pi / polar_spacing), round(330 / polar_spacing))
    fan = around_nipple(
        power_law_noise(generator, polar_shape, polar_spacing, exponent, knee_mm=40, stretch=3.0),
        breast.radius_mm,
        breast.angle,
        40.0,
        polar_spacing,
    )
    coarse = (shape[0] // 6 + 1, shape[1] // 6 + 1)
    bend = cv2.resize(
        power_law_noise(generator, coarse, 6 * spacing, 4.5, knee_mm=60), shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    strands = np.zeros(shape, np.float32)
    for scale, weight in ((13.0, 0.9), (24.0, 1.0)):
        noise = band_noise(generator, polar_shape, polar_spacing, scale, stretch=4.0)
        laid = around_nipple(
            noise, breast.radius_mm + 4 * bend, breast.angle + np.float32(0.08) * bend, 40.0, polar_spacing
        )
        strands += np.float32(weight) * np.exp(-((laid / np.float32(0.36)) ** 2))
    interior = breast.mask & (breast.depth_below_skin_mm > 6)
    strands -= np.float32(0.8) * strands[interior].mean()
    # Where gland is likely: a bell behind the nipple, none right under the skin, none in the muscle.
    x, y = np.cos(breast.angle) * breast.radius_mm, np.sin(breast.angle) * breast.radius_mm
    size = build.gland_spread * build.depth_mm
    bell = ((x - build.gland_depth * build.depth_mm) / (1.15 * size)) ** 2 + (
        (y - build.gland_height * build.depth_mm) / size
    ) ** 2
    likely = 0.75 * blobs + 0.6 * fan - np.float32(1.1) * np.asarray(bell, np.float32)
    likely -= 3 * np.exp(-breast.depth_below_skin_mm / np.float32(4.0)) + 6 * breast.muscle
    where = likely[breast.mask & (breast.muscle < 0.2)]
    threshold = np.quantile(where[::7], 1 - percent_density)
    depth = likely - np.float32(threshold)
    gland = expit(depth / np.float32(0.42))
    under_skin = 1 - np.exp(-breast.depth_below_skin_mm / np.float32(5))
    share = 0.05 + gland * (0.30 + 0.05 * fan + 0.07 * np.clip(depth, -2, 2))
    share += np.float32(0.075) * ropes * strands * (0.5 + 0.5 * gland) * under_skin
    share += np.float32(0.025) * (blobs + fan) * under_skin
    return Tissue(np.clip(share, 0, 1).astype(np.float32), (gland > 0.5) & breast.mask)
