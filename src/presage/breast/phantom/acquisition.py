"""From tissue to a picture: attenuation, detector blur, quantum noise, processing for presentation, lead letters."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from presage.breast.phantom.fields import Plane
from presage.breast.phantom.shape import Breast
from presage.breast.phantom.vendors import Vendor

# Linear attenuation at 20 keV, 1/mm (Johns and Yaffe, Phys Med Biol 1987); muscle and skin attenuate as gland does.
FAT = 0.0456
GLAND = 0.0802
# Photons that reach a mm2 of the detector through air; behind 50 mm of breast about a tenth to a fiftieth is left.
PHOTONS_PER_MM2 = 5.0e5
# The detector's blur as a Gaussian, mm: modulation transfer 0.5 at about 2.7 cycles per mm, as amorphous selenium has.
BLUR_MM = 0.07
LETTER_MM = 9.0


def expose(breast: Breast, glandular: Plane, vendor: Vendor, generator: np.random.Generator) -> Plane:
    """Exposure relative to air at each pixel, shape (rows, columns), with detector blur and quantum noise."""
    inner = breast.thickness_mm - breast.skin_mm
    dense = np.maximum(glandular, breast.muscle)
    attenuation = inner * (np.float32(FAT) + np.float32(GLAND - FAT) * dense) + np.float32(GLAND) * breast.skin_mm
    exposure = cv2.GaussianBlur(np.exp(-attenuation), (0, 0), BLUR_MM / breast.spacing_mm)
    photons = np.float32(PHOTONS_PER_MM2 * breast.spacing_mm**2 * vendor.dose)
    # Counts are in the thousands per pixel, where Poisson noise is Gaussian.
    noise = generator.standard_normal(exposure.shape, dtype=np.float32)
    return np.asarray(np.maximum(exposure + noise * np.sqrt(exposure / photons), np.float32(1e-4)), dtype=np.float32)


def present(breast: Breast, exposure: Plane, vendor: Vendor) -> Plane:
    """The picture for presentation, in [0, 1], bright = dense: logarithm, edge partly evened out, soft shoulder."""
    full = np.float32(breast.thickness_mm.max())
    thickness = cv2.GaussianBlur(breast.thickness_mm, (0, 0), 1.5 / breast.spacing_mm)
    evened = np.float32(0.70 * FAT) * (full - thickness) - np.log(exposure) - np.float32(FAT) * full
    grey = vendor.brightness + np.float32(vendor.contrast / (GLAND - FAT)) / full * evened
    np.maximum(grey, 0, out=grey)
    squared = grey * grey
    grey /= np.sqrt(np.sqrt(1 + squared * squared))
    return np.asarray(grey, dtype=np.float32)


def on_detector(picture: Plane, shape: tuple[int, int], air: float) -> Plane:
    """The picture filled up with air to the full detector."""
    whole = np.full(shape, air, dtype=np.float32)
    whole[:, : picture.shape[1]] = picture
    return whole


def draw_letters(picture: Plane, text: str, level: float, spacing_mm: float, *, at_left: bool) -> None:
    """Lead letters ("R MLO") in the upper corner away from the chest wall, drawn into `picture`."""
    scale = LETTER_MM / spacing_mm / cv2.getTextSize("R", cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][1]
    thick = max(1, round(0.9 / spacing_mm))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    margin = round(6 / spacing_mm)
    left = margin if at_left else picture.shape[1] - margin - width
    cv2.putText(picture, text, (left, margin + height), cv2.FONT_HERSHEY_SIMPLEX, scale, level, thick, cv2.LINE_AA)


def quantise(picture: NDArray[np.floating], lowest: int, width: int) -> NDArray[np.uint16]:
    """Grey in [0, 1] as whole stored values from `lowest` to ``lowest + width - 1``."""
    return np.asarray(np.rint(lowest + np.clip(picture, 0, 1) * (width - 1)), dtype=np.uint16)
