"""One mammogram in the only form the rest of the field sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Laterality = Literal["L", "R"]
View = Literal["CC", "MLO"]
Origin = Literal["for-presentation", "for-processing", "film"]


@dataclass(frozen=True)
class Mammogram:
    """A mammogram oriented and in known units.

    Attributes
    ----------
    pixels
        Grey levels, shape (rows, columns), float32 in [0, 1], bright = dense tissue (as MONOCHROME2 shows it); chest
        wall at the left edge, head up. The same file bytes give the same array on every machine.
    spacing_mm
        Edge of a (square) pixel in the breast or detector plane, millimetres.
    laterality, view
        Which breast, which projection.
    origin
        Digital for-presentation, digital for-processing (converted here to a presentation-like scale), or scanned film.
    flipped
        Whether the file's columns were mirrored to bring the chest wall left.
    """

    pixels: NDArray[np.float32]
    spacing_mm: float
    laterality: Laterality
    view: View
    origin: Origin
    flipped: bool = False
