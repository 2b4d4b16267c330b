"""From a mammogram to its tissue: outline, pectoral muscle, dense tissue, areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.breast.mammogram import Mammogram
from presage.breast.tissue.dense import dense_tissue, even_thickness, fat_level
from presage.breast.tissue.grid import enlarged, resample
from presage.breast.tissue.outline import breast_outline
from presage.breast.tissue.pectoral import pectoral_muscle

#: Raise it whenever equal images give other masks or measures: whatever is cached and rests on tissue carries it.
TISSUE_VERSION = 2


@dataclass(frozen=True)
class Tissue:
    """The tissue of one mammogram on a working grid; all arrays have the shape (rows, columns), chest wall left.

    Attributes
    ----------
    image
        Grey levels, float32 in [0, 1]; everything outside the breast and the pectoral muscle is 0.
    even
        The same inside the breast with the thin margin lifted to the level of the middle, float32; 0 elsewhere.
    breast
        The breast without the pectoral muscle, bool.
    pectoral
        The pectoral muscle, bool; empty in CC views and where its line was not found.
    dense
        Dense (fibroglandular) tissue, bool, part of `breast`.
    skin_mm
        Distance to the skin inside breast and muscle, millimetres, float32; where the film cuts the breast there is
        no skin.
    fat
        Grey level taken for fat in `even`.
    breast_area_cm2, dense_area_cm2
        Areas in square centimetres.
    percent_density
        100 x dense area / breast area.
    spacing_mm
        Edge of a pixel of the working grid.
    flags
        What a person should look at, e.g. ``pectoral line not found``.
    """

    image: NDArray[np.float32]
    even: NDArray[np.float32]
    breast: NDArray[np.bool_]
    pectoral: NDArray[np.bool_]
    dense: NDArray[np.bool_]
    skin_mm: NDArray[np.float32]
    fat: float
    breast_area_cm2: float
    dense_area_cm2: float
    percent_density: float
    spacing_mm: float
    flags: tuple[str, ...] = ()


def segment(mammogram: Mammogram, *, spacing_mm: float = 0.4) -> Tissue:
    """Outline, pectoral muscle and dense tissue of one mammogram.

    Parameters
    ----------
    mammogram
        Film or digital, CC or MLO, chest wall left.
    spacing_mm
        Pixel edge of the working grid.

    Raises
    ------
    UnusableRecording
        ``no breast found`` where the image is black, uniform or shows nothing of the size and place of a breast.
    """
    image = resample(mammogram.pixels, mammogram.spacing_mm, spacing_mm)
    outline = breast_outline(image, spacing_mm)
    whole = outline.mask
    if mammogram.view == "MLO":
        muscle, found = pectoral_muscle(image, outline, spacing_mm)
    else:
        muscle, found = np.zeros_like(whole), ()
    breast = whole & (1 - muscle)
    even = even_thickness(image, breast, outline, spacing_mm)
    fat = fat_level(even, breast)
    dense = dense_tissue(even, breast, fat)
    pixel_cm2 = (spacing_mm / 10) ** 2
    breast_area, dense_area = float(breast.sum()) * pixel_cm2, float(dense.sum()) * pixel_cm2
    return Tissue(
        image=np.where(whole > 0, image, 0).astype(np.float32),
        even=even,
        breast=breast.astype(bool),
        pectoral=muscle.astype(bool),
        dense=dense.astype(bool),
        skin_mm=enlarged(outline.skin_mm, image.shape),
        fat=fat,
        breast_area_cm2=breast_area,
        dense_area_cm2=dense_area,
        percent_density=100 * dense_area / breast_area,
        spacing_mm=spacing_mm,
        flags=outline.flags + found,
    )
