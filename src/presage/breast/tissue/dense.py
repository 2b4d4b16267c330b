"""Dense tissue: thickness made even, then what stands out over fat."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.tissue.grid import shrink

Mask = NDArray[np.uint8]
PERIPHERY_MM = 20.0
THRESHOLD = 0.12


def even_thickness(image: NDArray[np.float32], breast: Mask, spacing_mm: float) -> NDArray[np.float32]:
    """`image` with the thin margin of the compressed breast lifted to the level of its middle.

    The breast is of even thickness under the paddle and thins towards the skin. As in Snoeren and Karssemeijer (Thickness
    correction of mammographic images by means of a global parameter model, IEEE TMI 2004;23:799-806) the fall of the lower grey
    levels (fat) with the distance from the skin gives the thickness, which is added back.
    """
    step = max(1, round(1.6 / spacing_mm))
    coarse = cv2.GaussianBlur(shrink(image, step), (0, 0), 1.0)
    inside = (shrink(breast.astype(np.float32), step) > 0.5).astype(np.uint8)
    coarse_mm = spacing_mm * step
    # The chest wall is a cut, not skin: extend the mask over it before measuring distance.
    wide = cv2.copyMakeBorder(inside, 0, 0, 64, 0, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(wide, cv2.DIST_L2, 3)[:, 64:] * coarse_mm
    edges = np.arange(0.0, PERIPHERY_MM + 2, 2.0)
    profile = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        ring = coarse[(inside > 0) & (distance > low) & (distance <= high)]
        profile.append(float(np.percentile(ring, 40)) if len(ring) > 8 else np.nan)
    middle = coarse[(inside > 0) & (distance > PERIPHERY_MM)]
    level = float(np.percentile(middle, 30)) if len(middle) > 8 else float(np.percentile(coarse[inside > 0], 60))
    lift = np.maximum(0.0, level - np.nan_to_num(np.array(profile), nan=level))
    lift = np.maximum.accumulate(lift[::-1])[::-1]
    amount = np.interp(distance, np.append((edges[:-1] + edges[1:]) / 2, PERIPHERY_MM + 4), np.append(lift, 0.0))
    fine = cv2.resize(amount.astype(np.float32), (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(breast > 0, image + fine, 0).astype(np.float32)


def fat_level(even: NDArray[np.float32], breast: Mask) -> float:
    """Grey level of fat: a low percentile inside the breast."""
    return float(np.percentile(even[breast > 0], 15))


def dense_tissue(even: NDArray[np.float32], breast: Mask) -> Mask:
    """Where `even` stands out over fat by more than a set contrast, as a mask (0 or 1)."""
    return ((even > fat_level(even, breast) + THRESHOLD) & (breast > 0)).astype(np.uint8)
