"""The size of a pixel in millimetres, from the tags of any vendor."""

from __future__ import annotations

from pydicom.dataset import Dataset

from presage.breast.reading.header import number, numbers, text
from presage.cohort import UnusableRecording

SMALLEST_MM, LARGEST_MM = 0.01, 1.0


def spacing_of(dataset: Dataset, stated: float | None = None) -> float:
    """Edge of a pixel, mm, in the plane of the breast where the header lets it be known, else of the detector.

    In this order: Pixel Spacing (0028,0030) when it is calibrated or differs from the detector's; Imager Pixel Spacing
    (0018,1164) divided by the Estimated Radiographic Magnification Factor (0018,1114); Pixel Spacing as it is; Nominal
    Scanned Pixel Spacing (0018,2010) of digitized film; Detector Element Spacing (0018,7022) divided likewise;
    `stated`, the cohort's own column.

    Raises
    ------
    UnusableRecording
        "no pixel spacing", "absurd pixel spacing" (outside 0.01 to 1 mm), "pixels not square", or "pixel spacing
        contradicts itself" when `stated` and the header differ by more than a tenth.
    """
    pixel, imager = numbers(dataset, "PixelSpacing"), numbers(dataset, "ImagerPixelSpacing")
    magnification = max(1.0, number(dataset, "EstimatedRadiographicMagnificationFactor", default=1.0))
    calibrated = text(dataset, "PixelSpacingCalibrationType").upper() in ("GEOMETRY", "FIDUCIAL")
    if pixel and (calibrated or (imager and pixel != imager)):
        found, where = pixel, "Pixel Spacing (0028,0030)"
    elif imager:
        found, where = [value / magnification for value in imager], "Imager Pixel Spacing (0018,1164)"
    elif pixel:
        found, where = pixel, "Pixel Spacing (0028,0030)"
    elif scanned := numbers(dataset, "NominalScannedPixelSpacing"):
        found, where = scanned, "Nominal Scanned Pixel Spacing (0018,2010)"
    elif element := numbers(dataset, "DetectorElementSpacing"):
        binning = numbers(dataset, "DetectorBinning") or [1.0]
        found, where = [value * binning[0] / magnification for value in element], "Detector Element Spacing (0018,7022)"
    elif stated is not None:
        return stated
    else:
        raise UnusableRecording(
            "no pixel spacing",
            "no tag says how large a pixel is, and areas in cm2 depend on it",
            cure="give the size of a pixel in millimetres in the column spacing_mm of recordings.csv",
        )
    return _checked(found, where, stated)


def _checked(found: list[float], where: str, stated: float | None) -> float:
    if not all(SMALLEST_MM <= value <= LARGEST_MM for value in found):
        raise UnusableRecording(
            "absurd pixel spacing",
            f"{where} is {found[:2]} mm; mammograms have {SMALLEST_MM} to {LARGEST_MM:g} mm per pixel",
            cure="correct the header, or export the image again",
        )
    if max(found[:2]) > 1.01 * min(found[:2]):
        raise UnusableRecording("pixels not square", f"{where} is {found[:2]} mm")
    if stated is not None and not 0.9 < stated / found[0] < 1.1:
        raise UnusableRecording(
            "pixel spacing contradicts itself",
            f"{where} says {found[0]:g} mm, recordings.csv {stated:g}",
            cure="leave spacing_mm empty for DICOM files whose header is right",
        )
    return found[0]
