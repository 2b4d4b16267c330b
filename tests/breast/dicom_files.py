"""Small valid mammography DICOM files for the tests, written with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from presage.cohort import Recording

PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
VIEW_CODES = {"CC": ("399162004", "R-10242"), "MLO": ("399368009", "R-10226"), "ML": ("399260004", "R-10224")}


def breast_values(rows: int = 160, columns: int = 128, *, bits: int = 12, laterality: str = "L") -> NDArray[np.uint16]:
    """A half-ellipse with a rim and smooth texture on black, bright = dense, unsigned values of `bits` bits."""
    y, x = np.mgrid[0:rows, 0:columns].astype(float)
    radius = np.hypot((y - rows / 2) / (0.42 * rows), x / (0.72 * columns))
    texture = 0.5 + 0.2 * np.sin(x / 7.0) * np.cos(y / 9.0) + 0.15 * np.cos((x + 2 * y) / 23.0)
    image = np.where(radius < 1.0, np.minimum(1.0, (1.0 - radius) * 6.0) * texture, 0.0)
    values = np.rint(image * ((1 << bits) - 1)).astype(np.uint16)
    return values if laterality == "L" else np.ascontiguousarray(values[:, ::-1])


def code(value: str, scheme: str = "SCT", meaning: str = "") -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning or value
    return item


def mammogram_dataset(
    values: NDArray[Any] | None = None, *, laterality: str = "L", view: str = "CC", bits: int = 12, **elements: Any
) -> FileDataset:
    """A For Presentation mammogram (Explicit VR Little Endian); `elements` overrides by keyword, None removes."""
    if values is None:
        values = breast_values(bits=bits, laterality=laterality)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = PRESENTATION, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PresentationIntentType, dataset.BodyPartExamined = "MG", "FOR PRESENTATION", "BREAST"
    dataset.PatientID, dataset.PatientName = "P-1", "Doe^Jane"
    dataset.PatientBirthDate, dataset.PatientSex = "19600102", "F"
    dataset.StudyDate, dataset.Manufacturer = "20150304", "Test Maker"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.ImageLaterality, dataset.ViewPosition = laterality, view
    view_item = code(VIEW_CODES[view][0] if view in VIEW_CODES else "399162004")
    view_item.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view_item]
    dataset.PatientOrientation = (
        (["A", "R"] if laterality == "L" else ["P", "L"])
        if view == "CC"
        else (["A", "F"] if laterality == "L" else ["P", "F"])
    )
    dataset.ImagerPixelSpacing = [0.1, 0.1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated = 8 * values.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW" if values.dtype.itemsize == 2 else "OB"
    for keyword, value in elements.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset: FileDataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a dataset of uncompressed pixels in one of the uncompressed or deflated transfer syntaxes."""
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian and dataset.BitsAllocated == 16:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    little, implicit = syntax != ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
    # Conversion to big endian is done by force only, and without file meta checks.
    force = {"enforce_file_format": True} if little else {"force_encoding": True}
    if not little:
        dataset.file_meta.FileMetaInformationVersion, dataset.file_meta.FileMetaInformationGroupLength = b"\0\1", 0
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, **force)
    return path


def compress(dataset: FileDataset, syntax: str) -> FileDataset:
    """Compress in place: RLE, JPEG-LS and JPEG 2000 by pydicom's encoders, JPEG lossless by GDCM."""
    from pydicom.uid import JPEGLossless, JPEGLosslessSV1

    if syntax not in (JPEGLossless, JPEGLosslessSV1):
        dataset.compress(syntax, generate_instance_uid=False)
        return dataset
    return _gdcm_compressed(dataset, syntax)


def _gdcm_compressed(dataset: FileDataset, syntax: str) -> FileDataset:
    import io
    import tempfile

    import gdcm
    from pydicom import dcmread

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.dcm", Path(folder) / "target.dcm"
        save(dataset, source)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, _GDCM_NAMES[syntax])))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(target))
        assert writer.Write()
        return dcmread(io.BytesIO(target.read_bytes()))


_GDCM_NAMES = {
    "1.2.840.10008.1.2.4.57": "JPEGLosslessProcess14",
    "1.2.840.10008.1.2.4.70": "JPEGLosslessProcess14_1",
    "1.2.840.10008.1.2.4.50": "JPEGBaselineProcess1",
    "1.2.840.10008.1.2.4.51": "JPEGExtendedProcess2_4",
}
DEFLATED = DeflatedExplicitVRLittleEndian


def recording(path: Path | str, **attributes: str) -> Recording:
    """A recording of one file."""
    return Recording("p1", "1", "mammogram", str(path), attributes)
