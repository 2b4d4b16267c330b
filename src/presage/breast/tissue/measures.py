"""Named, interpretable measures of the tissue of one mammogram."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.segmentation import Tissue
from presage.breast.tissue.texture import (
    band_measures,
    lacunarity,
    pair_measures,
    ridge_measures,
    roughness_dimension,
    spectrum_exponent,
)

Floats = NDArray[np.float32]

#: Names of the measures, in the order of every vector of them.
MEASURE_NAMES = (
    "percent_density",
    "breast_area_cm2",
    "dense_area_cm2",
    "percent_density_0.08",
    "percent_density_0.12",
    "percent_density_0.2",
    "percent_density_0.25",
    "percent_density_0.3",
    "dense_thickness",
    "lacunarity_5mm",
    "lacunarity_15mm",
    "largest_dense_share",
    "grey_5",
    "grey_25",
    "grey_50",
    "grey_75",
    "grey_90",
    "grey_97",
    "grey_spread",
    "grey_skew",
    "grey_kurtosis",
    "grey_entropy",
    "fat_level",
    "median_over_muscle",
    "bright_over_muscle",
    "muscle_area_share",
    "dense_nearness",
    "zone_0mm",
    "zone_25mm",
    "zone_50mm",
    "zone_75mm",
    "band_0.6mm",
    "band_skew_0.6mm",
    "band_1.2mm",
    "band_skew_1.2mm",
    "band_2.4mm",
    "band_skew_2.4mm",
    "band_4.8mm",
    "band_skew_4.8mm",
    "band_9.6mm",
    "band_skew_9.6mm",
    "ridge_1.2mm",
    "ridge_share_1.2mm",
    "ridge_2.4mm",
    "ridge_share_2.4mm",
    "pairs_contrast_1.6mm",
    "pairs_homogeneity_1.6mm",
    "pairs_energy_1.6mm",
    "pairs_correlation_1.6mm",
    "pairs_contrast_6.4mm",
    "pairs_homogeneity_6.4mm",
    "pairs_energy_6.4mm",
    "pairs_correlation_6.4mm",
    "spectrum_beta",
    "roughness_dimension",
)

#: Contrasts over fat at which density is measured beside the usual one.
CONTRASTS = (0.08, 0.12, 0.20, 0.25, 0.30)
QUANTILES = (5, 25, 50, 75, 90, 97)
# Texture is taken this far inside the skin, where the correction of thickness is sure.
CORE_MM = 8.0
# and this far from the muscle and from where the film cuts the breast.
EDGE_MM = 4.0
# Distances from the nipple that part the breast into zones.
ZONES_MM = (0.0, 25.0, 50.0, 75.0)


def measures(tissue: Tissue) -> dict[str, float]:
    """Measures by name, always the same names in the same order (:data:`MEASURE_NAMES`), all finite.

    Grey levels are those of ``tissue.even`` (0 to 1), lengths millimetres, areas square centimetres, shares 0 to 1;
    ``percent_density`` and its variants at other contrasts are per cent.
    """
    tissue = _cropped(tissue)
    depth = cv2.distanceTransform(tissue.breast.astype(np.uint8), cv2.DIST_L2, 3) * tissue.spacing_mm
    core = (tissue.skin_mm > CORE_MM) & (depth > EDGE_MM)
    if core.sum() < 400:
        core = tissue.breast
    filled = _filled(tissue)
    out = {
        **_density(tissue),
        **_grey(tissue),
        **_muscle(tissue),
        **_places(tissue),
        **band_measures(filled, core, tissue.spacing_mm),
        **ridge_measures(filled, core, tissue.spacing_mm),
        **pair_measures(filled, core, tissue.spacing_mm),
        "spectrum_beta": spectrum_exponent(filled, np.asarray(depth, dtype=np.float32), tissue.spacing_mm),
        "roughness_dimension": roughness_dimension(filled, core, tissue.spacing_mm),
    }
    return {name: float(out[name]) for name in MEASURE_NAMES}


def _cropped(tissue: Tissue) -> Tissue:
    """The rectangle of breast and muscle, with a border of one pixel where there is room."""
    whole = tissue.breast | tissue.pectoral
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    box = np.s_[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]
    planes = {name: getattr(tissue, name)[box] for name in ("image", "even", "breast", "pectoral", "dense", "skin_mm")}
    return replace(tissue, **planes)


def _filled(tissue: Tissue) -> Floats:
    """Even grey levels with the outside filled by the median, so that filters see no edge at the skin."""
    inside = tissue.even[tissue.breast]
    return np.where(tissue.breast, tissue.even, np.float32(np.median(inside))).astype(np.float32)


def _density(tissue: Tissue) -> dict[str, float]:
    """Percent density at several contrasts, areas, and how the dense tissue clumps."""
    inside = tissue.even[tissue.breast]
    out = {
        "percent_density": tissue.percent_density,
        "breast_area_cm2": tissue.breast_area_cm2,
        "dense_area_cm2": tissue.dense_area_cm2,
    }
    for contrast in CONTRASTS:
        out[f"percent_density_{contrast:g}"] = 100 * float((inside > tissue.fat + contrast).mean())
    dense, breast = tissue.dense.astype(np.uint8), tissue.breast.astype(np.uint8)
    above = np.maximum(0.0, inside - tissue.fat)
    out["dense_thickness"] = float(above.mean())
    out["lacunarity_5mm"] = lacunarity(dense, breast, tissue.spacing_mm, 5.0)
    out["lacunarity_15mm"] = lacunarity(dense, breast, tissue.spacing_mm, 15.0)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dense)
    areas = stats[1:, cv2.CC_STAT_AREA]
    out["largest_dense_share"] = float(areas.max() / areas.sum()) if len(areas) else 0.0
    return out


def _grey(tissue: Tissue) -> dict[str, float]:
    """Distribution of grey levels inside the breast."""
    inside = tissue.even[tissue.breast].astype(np.float64)
    spread = float(inside.std()) + 1e-6
    central = inside - inside.mean()
    square = central * central
    histogram, _ = np.histogram(inside, bins=64, range=(0, 1.2))
    share = histogram[histogram > 0] / histogram.sum()
    out = {f"grey_{q}": float(value) for q, value in zip(QUANTILES, np.percentile(inside, QUANTILES), strict=True)}
    out |= {
        "grey_spread": spread,
        "grey_skew": float((square * central).mean() / spread**3),
        "grey_kurtosis": float((square * square).mean() / spread**4),
        "grey_entropy": float(-(share * np.log2(share)).sum()),
        "fat_level": tissue.fat,
    }
    return out


def _muscle(tissue: Tissue) -> dict[str, float]:
    """Breast against the pectoral muscle, whose attenuation is that of gland; 0 where there is no muscle to compare."""
    if tissue.pectoral.sum() * tissue.spacing_mm**2 < 100:
        return {"median_over_muscle": 0.0, "bright_over_muscle": 0.0, "muscle_area_share": 0.0}
    muscle = float(np.median(tissue.image[tissue.pectoral]))
    inside = tissue.even[tissue.breast]
    area = float(tissue.pectoral.sum()) / max(1, int(tissue.breast.sum()))
    return {
        "median_over_muscle": float(np.median(inside)) - muscle,
        "bright_over_muscle": float(np.percentile(inside, 90)) - muscle,
        "muscle_area_share": area,
    }


def nipple(tissue: Tissue) -> tuple[float, float]:
    """Row and column of the point of the breast furthest from the chest wall, averaged over the outermost 2 mm."""
    columns = np.flatnonzero(tissue.breast.any(axis=0))
    reach = max(1, round(2 / tissue.spacing_mm))
    tip = tissue.breast[:, columns[-1] - reach + 1 : columns[-1] + 1]
    return float(np.flatnonzero(tip.any(axis=1)).mean()), float(columns[-1])


def _places(tissue: Tissue) -> dict[str, float]:
    """Where dense tissue lies: its distance from the nipple against the breast's, and grey levels by zone."""
    row, column = nipple(tissue)
    rows = (np.arange(tissue.breast.shape[0]) - row) * tissue.spacing_mm
    columns = (np.arange(tissue.breast.shape[1]) - column) * tissue.spacing_mm
    away = np.sqrt(rows[:, None] ** 2 + columns**2)
    everywhere, weight = away[tissue.breast], np.maximum(0, tissue.even[tissue.breast] - tissue.fat)
    mean_away = float(everywhere.mean())
    total = float(weight.sum()) + 1e-6
    out = {"dense_nearness": float((weight * everywhere).sum()) / total / mean_away if total > 1e-3 else 1.0}
    zone = np.digitize(everywhere, ZONES_MM) - 1
    counts = np.bincount(zone, minlength=len(ZONES_MM))
    sums = np.bincount(zone, weights=weight, minlength=len(ZONES_MM))
    for index, start in enumerate(ZONES_MM):
        # A breast too small to reach a zone has the mean of the whole there.
        out[f"zone_{start:g}mm"] = float(sums[index] / counts[index]) if counts[index] > 50 else float(weight.mean())
    return out
