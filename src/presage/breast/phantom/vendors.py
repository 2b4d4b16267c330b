"""Made-up makers: how each exposes, processes and stores its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Manufacturer's Model Name of every made-up picture: what is imported from such files is known for a phantom.
MODEL = "Presage phantom"


@dataclass(frozen=True)
class Vendor:
    """How a made-up maker exposes, processes and stores its pictures.

    Attributes
    ----------
    name
        As in the DICOM tag Manufacturer.
    photometric
        ``MONOCHROME1`` or ``MONOCHROME2``.
    window
        Lower end and width of the window in stored values, or None where a VOI LUT sequence is stored instead.
    brightness, contrast
        Grey of pure fat, and gain, in the picture for presentation.
    dose
        Factor on the number of photons.
    """

    name: str
    photometric: Literal["MONOCHROME1", "MONOCHROME2"]
    window: tuple[int, int] | None
    brightness: float
    contrast: float
    dose: float


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor("PHANTOM A", "MONOCHROME2", (0, 4096), 0.26, 1.25, 1.0),
        Vendor("PHANTOM B", "MONOCHROME1", (300, 3400), 0.28, 1.20, 1.3),
        Vendor("PHANTOM C", "MONOCHROME2", None, 0.25, 1.28, 0.8),
    )
}
