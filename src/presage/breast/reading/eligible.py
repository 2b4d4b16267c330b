"""Whether a DICOM header describes a screening mammogram at all; one reason for each way in which it does not."""

from __future__ import annotations

from pydicom.dataset import Dataset

from presage.breast.mammogram import Origin
from presage.breast.reading.header import number, text, texts, whole
from presage.breast.reading.views import regions_shown
from presage.cohort import UnusableRecording

_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
_COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_TOMOSYNTHESIS = ("1.2.840.10008.5.1.4.1.1.13.1.3", "1.2.840.10008.5.1.4.1.1.13.1.4", "1.2.840.10008.5.1.4.1.1.13.1.5")
_BREAST_REGIONS = {"76752008", "T-04000"}
# Contact views magnify by up to about 1.1 (the breast lies above the detector), magnification stands by 1.5 and more.
_LARGEST_CONTACT_MAGNIFICATION = 1.25
_IMAGE_TYPES = {
    "SPECIMEN": "specimen image",
    "STEREO": "biopsy image",
    "BIOPSY": "biopsy image",
    "HIGH_ENERGY": "contrast-enhanced image",
    "RECOMBINED": "contrast-enhanced image",
    "SUBTRACTION": "contrast-enhanced image",
    "TOMO_PROJ": "tomosynthesis or multi-frame image",
    "LOCALIZER": "localizer image",
}


def refuse_ineligible(dataset: Dataset, stated_origin: str = "") -> None:
    """Refuse what is no whole-breast, two-dimensional, single-frame mammogram of a breast without an implant.

    Raises
    ------
    UnusableRecording
        With a reason of its own for each.
    """
    _refuse_other_modality(dataset)
    sop_class = text(dataset, "SOPClassUID")
    frames = whole(dataset, "NumberOfFrames", default=1)
    if sop_class in _TOMOSYNTHESIS or frames > 1:
        raise UnusableRecording(
            "tomosynthesis or multi-frame image",
            f"the file holds {frames} frames" if frames > 1 else "the file is a tomosynthesis object",
            cure="use the full-field (2-D) mammogram of the examination, or the 2-D image synthesized from the slices",
        )
    digitized = text(dataset, "ConversionType").upper() == "DF" or stated_origin == "film"
    if sop_class.startswith(_SECONDARY_CAPTURE) and not digitized:
        raise UnusableRecording(
            "secondary capture",
            "the image is a screen capture or conversion, whose grey scale is not known",
            cure="use the original image; for digitized film, say film in the column origin of recordings.csv",
        )
    for value in texts(dataset, "ImageType"):
        for mark, reason in _IMAGE_TYPES.items():
            if mark in value.upper():
                raise UnusableRecording(reason, f"Image Type (0008,0008) holds {value[:40]!r}")
    if text(dataset, "BreastImplantPresent").upper() == "YES":
        raise UnusableRecording("breast implant", "Breast Implant Present (0028,1300) is YES")
    if text(dataset, "PartialView").upper() == "YES":
        raise UnusableRecording(
            "partial view", "Partial View (0028,1350) is YES: the breast is spread over several images"
        )
    magnification = number(dataset, "EstimatedRadiographicMagnificationFactor", default=1.0)
    if magnification > _LARGEST_CONTACT_MAGNIFICATION:
        raise UnusableRecording(
            "magnification view",
            f"Estimated Radiographic Magnification Factor (0018,1114) is {magnification:g}",
        )


def _refuse_other_modality(dataset: Dataset) -> None:
    modality, part = text(dataset, "Modality").upper(), text(dataset, "BodyPartExamined").upper()
    of_breast = "BREAST" in part or "MAMM" in part
    regions = regions_shown(dataset)
    if modality != "MG" and not (modality in ("CR", "DX") and of_breast):
        raise UnusableRecording(
            "not a mammogram",
            f"Modality (0008,0060) is {modality[:16] or 'empty'} and Body Part Examined {part[:16] or 'empty'}",
        )
    if (part and not of_breast) or (regions and not regions & _BREAST_REGIONS):
        raise UnusableRecording(
            "not a mammogram", f"the image shows {part[:16] or ', '.join(sorted(regions))[:40]}, not a breast"
        )


def origin_of(dataset: Dataset, stated: str = "") -> Origin:
    """For presentation, for processing, or film; by Presentation Intent Type and SOP class, which must agree.

    Raises
    ------
    UnusableRecording
        "presentation intent contradicts itself".
    """
    intent = text(dataset, "PresentationIntentType").upper()
    sop_class = text(dataset, "SOPClassUID")
    by_class = {_PRESENTATION: "FOR PRESENTATION", _PROCESSING: "FOR PROCESSING"}.get(sop_class, "")
    if intent and by_class and intent != by_class:
        raise UnusableRecording(
            "presentation intent contradicts itself",
            f"Presentation Intent Type (0008,0068) says {intent[:20]}, the SOP class {by_class}",
            cure="export the image again from the archive",
        )
    if stated == "film" or text(dataset, "ConversionType").upper() == "DF":
        return "film"
    return "for-processing" if "FOR PROCESSING" in (intent, by_class) else "for-presentation"
