"""What is inside: glandular tissue, ducts and ligaments in fat, as the share of the path that is glandular.

Everything that the woman's texture latent decides is in :class:`Pattern`; her density decides one threshold. The latent
moves the tissue from lumpy to ropey: prominent ducts that run to the nipple (Wolfe, Am J Roentgenol 1976) and a steeper
power spectrum (Li et al., Proc SPIE 6144, 2006, doi 10.1117/12.654188: mean exponent 2.92 in carriers of BRCA1/2
mutations, 2.47 in women of low risk). How much each counts is made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from presage.breast.phantom.fields import Plane, around_nipple, band_noise, power_law_noise
from presage.breast.phantom.shape import Breast, Build

# Angles around the nipple are measured as arc at this radius; polar fields are drawn coarser, they are smooth along it.
REFERENCE_MM = 40.0
REACH_MM = 330.0
POLAR_COARSENESS = 2.0
# Periods (mm) and weights of the strands, and the width of a strand as a share of the noise's deviation.
STRANDS = ((13.0, 0.9), (24.0, 1.0))
STRAND_WIDTH = 0.36


@dataclass(frozen=True)
class Pattern:
    """The look of a woman's tissue, decided by her texture latent.

    Attributes
    ----------
    exponent
        Of the power spectrum of lumps and streaks.
    lumps, streaks
        Shares of tissue without direction and of tissue that runs to the nipple; their squares add up to a constant, so
        that neither the variance nor the density depends on them.
    strands
        Contrast of ducts and ligaments.
    """

    exponent: float
    lumps: float
    streaks: float
    strands: float

    @classmethod
    def of(cls, texture: float) -> Pattern:
        """The pattern of a texture latent (about standard normal)."""
        bounded = 2 * float(np.tanh(texture / 2))
        ropey = 0.72 + 0.30 * bounded
        return cls(
            exponent=2.9 + 0.28 * bounded,
            lumps=float(np.cos(ropey)),
            streaks=float(np.sin(ropey)),
            strands=float(np.exp(0.45 * bounded)),
        )


@dataclass(frozen=True)
class Tissue:
    """What is in a breast, arrays of shape (rows, columns).

    Attributes
    ----------
    glandular
        Share of the path that is glandular, 0 to 1.
    dense
        Where the tissue counts as dense.
    """

    glandular: Plane
    dense: NDArray[np.bool_]


def draw_tissue(
    breast: Breast, build: Build, percent_density: float, texture: float, generator: np.random.Generator
) -> Tissue:
    """One realisation of a woman's tissue in one view.

    Parameters
    ----------
    breast, build
        Where the tissue goes.
    percent_density
        Share of the breast's area (without muscle) that is dense, in (0, 1); met exactly.
    texture
        The latent.
    generator
        Source of randomness.
    """
    pattern = Pattern.of(texture)
    lumps = power_law_noise(generator, breast.mask.shape, breast.spacing_mm, pattern.exponent, knee_mm=45)
    streaks = _streaks(breast, pattern.exponent, generator)
    mixed = np.float32(pattern.lumps) * lumps + np.float32(pattern.streaks) * streaks
    above = _above_threshold(breast, build, mixed, percent_density)
    # A soft limiter: dense tissue has a plateau and no hard edge.
    gland = expit(above / np.float32(0.42))
    below_skin = 1 - np.exp(breast.depth_below_skin_mm / np.float32(-5))
    share = 0.05 + gland * (0.30 + 0.05 * mixed + 0.07 * np.clip(above, -2, 2))
    strands = _strands(breast, generator)
    share += below_skin * (0.04 * mixed + np.float32(0.075 * pattern.strands) * strands * (0.5 + 0.5 * gland))
    return Tissue(np.clip(share, 0, 1).astype(np.float32), (above > 0) & breast.mask)


def _polar(breast: Breast) -> tuple[tuple[int, int], float]:
    spacing = POLAR_COARSENESS * breast.spacing_mm
    return (round(2 * np.pi * REFERENCE_MM / spacing), round(REACH_MM / spacing)), spacing


def _streaks(breast: Breast, exponent: float, generator: np.random.Generator) -> Plane:
    shape, spacing = _polar(breast)
    drawn = power_law_noise(generator, shape, spacing, exponent, knee_mm=40, stretch=3.0)
    return around_nipple(drawn, breast.radius_mm, breast.angle, REFERENCE_MM, spacing)


def _strands(breast: Breast, generator: np.random.Generator) -> Plane:
    """Ducts and ligaments: thin ridges along the zero lines of smooth noise, gently bent, mean about 0."""
    shape, spacing = _polar(breast)
    rows, columns = breast.mask.shape
    few = power_law_noise(generator, (rows // 6 + 1, columns // 6 + 1), 6 * breast.spacing_mm, 4.5, knee_mm=60)
    bend = cv2.resize(few, (columns, rows), interpolation=cv2.INTER_CUBIC)
    radius, angle = breast.radius_mm + 4 * bend, breast.angle + np.float32(0.08) * bend
    ridges = np.zeros_like(bend)
    for period_mm, weight in STRANDS:
        noise = around_nipple(
            band_noise(generator, shape, spacing, period_mm, stretch=4.0), radius, angle, REFERENCE_MM, spacing
        )
        ridges += np.float32(weight) * np.exp(-((noise / np.float32(STRAND_WIDTH)) ** 2))
    return np.asarray(ridges - ridges[breast.mask & (breast.depth_below_skin_mm > 6)].mean(), dtype=np.float32)


def _above_threshold(breast: Breast, build: Build, mixed: Plane, percent_density: float) -> Plane:
    """How far each place is above the threshold that makes it dense.

    Gland is likely in a bell behind the nipple, and not under the skin or in the muscle.
    """
    behind = np.cos(breast.angle) * breast.radius_mm - np.float32(build.gland_depth * build.depth_mm)
    beside = np.sin(breast.angle) * breast.radius_mm - np.float32(build.gland_height * build.depth_mm)
    size = np.float32(build.gland_spread * build.depth_mm)
    likely = mixed - np.float32(1.1) * ((behind / (np.float32(1.15) * size)) ** 2 + (beside / size) ** 2)
    likely -= 3 * np.exp(breast.depth_below_skin_mm / np.float32(-4)) + 6 * breast.muscle
    counted = likely[breast.mask & (breast.muscle < 0.1)]
    return np.asarray(likely - np.float32(np.quantile(counted, 1 - percent_density)), dtype=np.float32)
