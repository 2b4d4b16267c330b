"""A copy of a mammogram that keeps its pixels and what is needed to read them, and nothing of the person."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from presage.breast.importers.pseudonyms import Pseudonyms
from presage.breast.reading.facts import Facts

# What the reader looks at, and who made the machine. Everything else stays behind: an allow-list cannot forget a tag.
_KEPT = (
    "SOPClassUID",
    "ImageType",
    "Modality",
    "ConversionType",
    "PresentationIntentType",
    "Manufacturer",
    "ManufacturerModelName",
    "BodyPartExamined",
    "PatientOrientation",
    "BreastImplantPresent",
    "PartialView",
    "EstimatedRadiographicMagnificationFactor",
    "ImagerPixelSpacing",
    "PixelSpacing",
    "PixelSpacingCalibrationType",
    "NominalScannedPixelSpacing",
    "DetectorElementSpacing",
    "DetectorBinning",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "RescaleIntercept",
    "RescaleSlope",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PresentationLUTShape",
    "PixelData",
)
_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRBigEndian)


def deidentified(dataset: Dataset, facts: Facts, pseudonym: str, pseudonyms: Pseudonyms) -> bytes:
    """The bytes of a DICOM file with the same pixels, read to the same array, without identity and dates.

    Parameters
    ----------
    dataset
        The whole original.
    facts
        What it shows: laterality and view are written anew from them.
    pseudonym
        Stands for patient id and name.
    pseudonyms
        Gives new UIDs, so that images of one study stay together.
    """
    copy = Dataset()
    for keyword in _KEPT:
        if keyword in dataset:
            copy[keyword] = dataset[keyword]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(copy, keyword, pseudonyms.uid(str(dataset.get(keyword, ""))))
    copy.PatientID = copy.PatientName = pseudonym
    copy.PatientIdentityRemoved, copy.DeidentificationMethod = "YES", "allow-list of tags; ids and UIDs by keyed hash"
    copy.ImageLaterality, copy.ViewPosition = facts.laterality, facts.view
    value, meaning = _CODES[facts.view]
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = value, "SCT", meaning
    copy.ViewCodeSequence = [view]
    _keep_tables(dataset, copy)
    explanations = _normal_or_other(dataset.get("WindowCenterWidthExplanation"))
    if explanations:
        copy.WindowCenterWidthExplanation = explanations
    return _written(dataset, copy)


def _keep_tables(dataset: Dataset, copy: Dataset) -> None:
    """Lookup tables with their numbers alone; explanations are free text and are cut to NORMAL or OTHER."""
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        items = []
        for item in dataset.get(keyword) or []:
            kept = Dataset()
            for name in ("LUTDescriptor", "LUTData"):
                if name in item:
                    kept[name] = item[name]
            explanation = _normal_or_other(item.get("LUTExplanation"))
            if explanation:
                kept.LUTExplanation = explanation[0]
            items.append(kept)
        if items:
            setattr(copy, keyword, items)


def _normal_or_other(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else list(value) if value else []  # type: ignore[call-overload]
    return ["NORMAL" if "NORMAL" in str(text).upper() else "OTHER" for text in values]


def _written(original: Dataset, copy: Dataset) -> bytes:
    syntax = original.file_meta.TransferSyntaxUID
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax in _UNCOMPRESSED else syntax
    if syntax == ExplicitVRBigEndian:
        _to_little_endian(copy)
    if meta.TransferSyntaxUID.is_encapsulated:
        copy["PixelData"].VR = "OB"
        copy["PixelData"].is_undefined_length = True
    else:
        copy["PixelData"].VR = "OW" if copy.BitsAllocated == 16 else "OB"
    buffer = io.BytesIO()
    target = FileDataset(buffer, copy, file_meta=meta, preamble=b"\0" * 128)
    dcmwrite(buffer, target, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return buffer.getvalue()


def _to_little_endian(copy: Dataset) -> None:
    """Swap the bytes of 16-bit words, which big-endian files keep as they came."""
    import numpy as np

    words = [copy["PixelData"]] if copy.BitsAllocated == 16 or copy["PixelData"].VR == "OW" else []
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        words += [item["LUTData"] for item in copy.get(keyword) or [] if isinstance(item.get("LUTData"), bytes)]
    for element in words:
        element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
