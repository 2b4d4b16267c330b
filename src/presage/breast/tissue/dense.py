"""Dense tissue: thickness made even, then what stands out over fat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import blurred, enlarged, shrink
from presage.breast.tissue.outline import Outline

Mask = NDArray[np.uint8]
Floats = NDArray[np.float64]
#: Depth to which the compressed breast thins towards the skin.
PERIPHERY_MM = 30.0
#: Contrast over fat from which tissue is dense. On film, grey is proportional to optical density: 0.16 of a scale of
#: 3.2 is 0.5, which at a film gradient near 3 and 20 keV (attenuation of fat 0.46, of gland 0.80 per cm) is about
#: 1.1 cm of gland.
DENSE_CONTRAST = 0.16
#: Fat is never brighter than this: in a wholly dense breast the darkest tissue is gland as well.
BRIGHTEST_FAT = 0.60


def even_thickness(
    image: NDArray[np.float32], breast: Mask, outline: Outline, spacing_mm: float
) -> NDArray[np.float32]:
    """`image` with the thin margin of the compressed breast lifted to the level of its middle; 0 outside `breast`.

    The breast is of even thickness under the paddle and thins towards the skin. Following the idea of Snoeren and
    Karssemeijer (IEEE Trans Med Imaging 2004;23:799-806), the fall of the lower grey levels (fat) with the distance
    from the skin tells how much was lost, and that is added back.
    """
    coarse = blurred(shrink(image, outline.step), 1.0)
    inside = shrink(breast.astype(np.float32), outline.step) > 0.5
    depth, grey = outline.skin_mm[inside], coarse[inside]
    edges = np.arange(0.0, PERIPHERY_MM + 2, 2.0)
    profile = _ring_medians(depth, grey, edges)
    middle = grey[depth > PERIPHERY_MM]
    level = float(np.percentile(middle, 30)) if len(middle) > 50 else float(np.percentile(grey, 60))
    # What is restored is fat: in a dense breast the middle is gland, and the margin must not be lifted to that.
    level = min(level, BRIGHTEST_FAT)
    lift = np.maximum(0.0, level - np.nan_to_num(profile, nan=level))
    # Thickness only grows with depth: the lift never rises again further in.
    lift = np.minimum.accumulate(lift)
    at = np.append((edges[:-1] + edges[1:]) / 2, PERIPHERY_MM + 4)
    amount = np.interp(outline.skin_mm, at, np.append(lift, 0.0)).astype(np.float32)
    fine = enlarged(amount, image.shape)
    return np.where(breast > 0, image + fine, 0).astype(np.float32)


def _ring_medians(depth: NDArray[np.float32], grey: NDArray[np.float32], edges: NDArray[np.float64]) -> Floats:
    """Median grey level between successive depths, to 1/1024; NaN where there are fewer than nine pixels."""
    levels = 1024
    ring = np.ceil(depth / (edges[1] - edges[0])).astype(np.intp) - 1
    within = (ring >= 0) & (ring < len(edges) - 1)
    code = ring[within] * levels + np.minimum(grey[within] * levels, levels - 1).astype(np.intp)
    counts = np.bincount(code, minlength=(len(edges) - 1) * levels).reshape(-1, levels)
    total = counts.sum(axis=1)
    middle = (np.cumsum(counts, axis=1) >= total[:, None] / 2).argmax(axis=1)
    return np.where(total > 8, (middle + 0.5) / levels, np.nan)


def fat_level(even: NDArray[np.float32], breast: Mask) -> float:
    """Grey level of fat: the darker sixth of the breast, but no brighter than fat can be."""
    return min(BRIGHTEST_FAT, float(np.percentile(even[::2, ::2][breast[::2, ::2] > 0], 15)))


def dense_tissue(even: NDArray[np.float32], breast: Mask, fat: float, contrast: float = DENSE_CONTRAST) -> Mask:
    """Where `even` stands out over `fat` by more than `contrast`, as a mask (0 or 1)."""
    return ((even > fat + contrast) & (breast > 0)).astype(np.uint8)
