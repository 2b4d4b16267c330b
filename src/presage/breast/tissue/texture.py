"""Texture of the breast: bands, ridges, co-occurrence, spectrum, roughness, clumping."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import blurred, shrink

Floats = NDArray[np.float32]
Inside = NDArray[np.bool_]

#: Scales of the band-pass and ridge filters, millimetres.
BANDS_MM = (0.6, 1.2, 2.4, 4.8, 9.6)
RIDGES_MM = (1.2, 2.4)
#: Ridges stronger than this (grey levels per ridge width) count as strands.
STRAND = 0.02
#: Distances of co-occurring pixels, millimetres, and grey classes of their table.
PAIRS_MM = (1.6, 6.4)
GREY_CLASSES = 24
#: Spatial frequencies over which the power law is fitted, cycles per millimetre.
SPECTRUM_PER_MM = (0.08, 0.6)
SPECTRUM_SIDE_MM = 51.2


def band_measures(even: Floats, core: Inside, spacing_mm: float) -> dict[str, float]:
    """Strength and asymmetry of differences of Gaussians: structure of each size, bright against dark."""
    out = {}
    finer = blurred(even, BANDS_MM[0] / spacing_mm / 2)
    for size in BANDS_MM:
        coarser = blurred(even, size / spacing_mm)
        band = (finer - coarser)[core]
        band -= band.mean()
        spread = float(band.std())
        out[f"band_{size:g}mm"] = float(np.log(spread + 1e-4))
        out[f"band_skew_{size:g}mm"] = float((band * band * band).mean() / (spread + 1e-4) ** 3)
        finer = coarser
    return out


def ridge_measures(even: Floats, core: Inside, spacing_mm: float) -> dict[str, float]:
    """Strength of bright ridges (ducts, septa, vessels) and the part of the breast they fill, at two widths.

    A ridge is where the smaller eigenvalue of the Hessian is strongly negative.
    """
    out = {}
    for width in RIDGES_MM:
        sigma = width / spacing_mm
        smooth = blurred(even, sigma) * np.float32(sigma**2)
        across = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, ksize=3) / 4
        down = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, ksize=3) / 4
        mixed = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3) / 4
        root = np.sqrt(((across - down) / 2) ** 2 + mixed**2)
        ridge = np.maximum(0.0, root - (across + down) / 2)[core]
        # Root mean square: the flanks of dark lines are weak ridges, and a plain mean would count them in full.
        out[f"ridge_{width:g}mm"] = float(np.sqrt((ridge * ridge).mean()))
        out[f"ridge_share_{width:g}mm"] = float((ridge > STRAND).mean())
    return out


def pair_measures(even: Floats, core: Inside, spacing_mm: float) -> dict[str, float]:
    """Haralick's contrast, homogeneity, energy and correlation of grey-level pairs, over four directions.

    Haralick RM, Shanmugam K, Dinstein I. Textural features for image classification. IEEE Trans SMC 1973;3:610-621.
    Grey classes are fixed fractions of the scale, so that exposures compare.
    """
    levels = np.clip(even * GREY_CLASSES, 0, GREY_CLASSES - 1).astype(np.uint16)
    # Pixels outside get a class of their own, which is cut off the table: cheaper than masking every shift.
    levels[~core] = GREY_CLASSES
    size = GREY_CLASSES + 1
    out = {}
    for distance in PAIRS_MM:
        step = max(1, round(distance / spacing_mm))
        table = np.zeros((GREY_CLASSES, GREY_CLASSES))
        for rows, columns in ((0, step), (step, 0), (step, step), (step, -step)):
            first, second = _shifted(levels, rows, columns)
            counts = np.bincount((first * size + second).ravel(), minlength=size**2)
            table += counts.reshape(size, size)[:-1, :-1]
        for name, value in _haralick(table + table.T).items():
            out[f"pairs_{name}_{distance:g}mm"] = value
    return out


def _shifted(array: NDArray[Any], rows: int, columns: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Views of `array` whose equal places are (rows, columns) apart; rows >= 0."""
    height, width = array.shape
    if columns >= 0:
        return array[: height - rows, : width - columns], array[rows:, columns:]
    return array[: height - rows, -columns:], array[rows:, : width + columns]


def _haralick(table: NDArray[np.float64]) -> dict[str, float]:
    """Measures of a symmetric table of grey-level pairs."""
    share = table / max(1.0, table.sum())
    grey = np.arange(len(share))
    apart = grey[:, None] - grey
    marginal = share.sum(axis=1)
    mean = float(marginal @ grey)
    variance = float(marginal @ (grey - mean) ** 2)
    covariance = float((share * np.outer(grey - mean, grey - mean)).sum())
    return {
        "contrast": float((share * apart**2).sum()),
        "homogeneity": float((share / (1 + apart**2)).sum()),
        "energy": float((share**2).sum()),
        "correlation": covariance / (variance + 1e-6),
    }


def spectrum_exponent(even: Floats, depth_mm: Floats, spacing_mm: float) -> float:
    """Exponent beta of the power spectrum, power ~ 1 / frequency^beta, in a square in the middle of the breast.

    About 3 in mammograms: Burgess AE, Jacobson FL, Judy PF. Human observer detection experiments with mammograms and
    power-law noise. Med Phys 2001;28:419-437. The square lies where the breast is deepest; a Hann window keeps its
    edges out of the spectrum.
    """
    side = min(round(SPECTRUM_SIDE_MM / spacing_mm), *even.shape)
    row, column = np.unravel_index(int(depth_mm.argmax()), depth_mm.shape)
    top = int(np.clip(row - side // 2, 0, even.shape[0] - side))
    left = int(np.clip(column - side // 2, 0, even.shape[1] - side))
    patch = even[top : top + side, left : left + side].astype(np.float64)
    window = np.outer(np.hanning(side), np.hanning(side))
    patch = (patch - (patch * window).sum() / window.sum()) * window
    power = np.abs(np.fft.rfft2(patch)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side, spacing_mm)[:, None], np.fft.rfftfreq(side, spacing_mm))
    edges = np.geomspace(*SPECTRUM_PER_MM, 13)
    ring = np.digitize(frequency.ravel(), edges)
    count = np.bincount(ring, minlength=14)[1:13]
    total = np.bincount(ring, weights=power.ravel(), minlength=14)[1:13]
    seen = (count > 0) & (total > 0)
    if seen.sum() < 4:
        return 0.0
    middle = np.sqrt(edges[:-1] * edges[1:])
    slope, _ = np.polyfit(np.log(middle[seen]), np.log(total[seen] / count[seen]), 1)
    return float(-slope)


def roughness_dimension(even: Floats, core: Inside, spacing_mm: float) -> float:
    """Fractal dimension of the grey-level surface (2 smooth, 3 rough) from its variogram over 0.8 to 6.4 mm.

    For a fractional Brownian surface the mean squared difference grows as distance^(2H), and the dimension is 3 - H.
    """
    lags = np.unique(np.maximum(1, np.rint(np.array([0.8, 1.6, 3.2, 6.4]) / spacing_mm)).astype(int))
    spread = []
    for lag in lags:
        total, count = 0.0, 0
        for rows, columns in ((0, lag), (lag, 0)):
            here, there = _shifted(core, rows, columns)
            both = here & there
            first, second = _shifted(even, rows, columns)
            total += float(((first[both] - second[both]) ** 2).sum())
            count += int(both.sum())
        spread.append(total / max(1, count))
    if len(lags) < 2 or min(spread) <= 0:
        return 2.0
    slope, _ = np.polyfit(np.log(lags), np.log(spread), 1)
    return float(3 - slope / 2)


def lacunarity(dense: NDArray[np.uint8], breast: NDArray[np.uint8], spacing_mm: float, box_mm: float) -> float:
    """Clumping of dense tissue: second moment over squared mean of its share in boxes of `box_mm` inside the breast.

    1 where it is spread evenly. Allain C, Cloitre M. Characterizing the lacunarity of random and deterministic fractal
    sets. Phys Rev A 1991;44:3552-3558. The logarithm is given, 0 where there is no dense tissue.
    """
    side = max(2, round(box_mm / spacing_mm))
    whole = shrink(breast.astype(np.float32), side)
    share = shrink(dense.astype(np.float32), side)[whole > 0.8] / whole[whole > 0.8]
    if not len(share) or share.mean() <= 0:
        return 0.0
    return float(np.log((share**2).mean() / share.mean() ** 2))
