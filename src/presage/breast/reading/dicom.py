"""One DICOM file: parsed within bounds, judged, and brought to grey codes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from presage.breast.reading.eligible import origin_of, refuse_ineligible
from presage.breast.reading.facts import Facts, stated_spacing
from presage.breast.reading.grey import apply_table, modality_values, presentation_table, processing_table
from presage.breast.reading.header import number, numbers, text, texts, whole
from presage.breast.reading.orient import Side
from presage.breast.reading.source import MAX_FILE_BYTES, check_size, located
from presage.breast.reading.spacing import spacing_of
from presage.breast.reading.stored import Stored, stored_values
from presage.breast.reading.views import laterality_of, view_of
from presage.cohort import Recording, UnusableRecording

_DEFLATED = "1.2.840.10008.1.2.1.99"
_META_START = 132


def read_dicom(data: bytes, recording: Recording) -> tuple[NDArray[np.uint16], Facts]:
    """Grey codes (rows, columns) as the file orders them, and what its header says.

    Raises
    ------
    UnusableRecording
        If the file is damaged, is no usable screening view, or cannot be decoded.
    """
    with located(recording.path):
        dataset = parse(data)
        facts = facts_of(dataset, recording)
        stored = stored_values(dataset)
        return _grey_codes(dataset, stored, facts), facts


def inspect_dicom(stream: BinaryIO, recording: Recording) -> None:
    """As :func:`read_dicom` without its pixels. Raises UnusableRecording."""
    with located(recording.path):
        dataset = parse_header(stream)
        facts_of(dataset, recording)
        check_size(whole(dataset, "Rows", default=0), whole(dataset, "Columns", default=0), recording.path)


def facts_of(dataset: Dataset, recording: Recording) -> Facts:
    """What a header and its row of ``recordings.csv`` say together. Raises UnusableRecording."""
    refuse_ineligible(dataset, recording.get("origin"))
    laterality = laterality_of(dataset, recording.get("laterality"))
    view = view_of(dataset, recording.get("view"))
    spacing = spacing_of(dataset, stated_spacing(recording) if recording.get("spacing_mm") else None)
    orientation = [value.upper() for value in texts(dataset, "PatientOrientation")] + ["", ""]
    across, down = orientation[:2]
    # Without an orientation: right breasts hang with the chest wall at the right.
    said: Side = "left" if laterality == "L" else "right"
    if across[:1] in ("A", "P"):
        said = "left" if across[0] == "A" else "right"
    lateral_to_medial = "R" if laterality == "L" else "L"
    upside_down = down[:1] == "H" if view == "MLO" else down[:1] in {"L", "R"} - {lateral_to_medial}
    return Facts(laterality, view, origin_of(dataset, recording.get("origin")), spacing, said, upside_down)


def parse(data: bytes) -> Dataset:
    """The whole data set, deflated streams inflated up to the largest file size only.

    Raises
    ------
    UnusableRecording
        "not a DICOM file", "damaged DICOM file" or "file too large".
    """
    syntax, end = file_meta(data)
    if syntax != _DEFLATED:
        return _parse(io.BytesIO(data), data[:_META_START], stop_before_pixels=False)
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        body = inflater.decompress(data[end:], MAX_FILE_BYTES)
    except zlib.error as error:
        raise UnusableRecording("damaged DICOM file", f"the deflated data set cannot be inflated ({error})") from error
    if inflater.unconsumed_tail:
        raise UnusableRecording("file too large", f"the data set inflates to more than {MAX_FILE_BYTES >> 20} MiB")
    try:
        dataset = read_dataset(io.BytesIO(body), is_implicit_VR=False, is_little_endian=True)
    except Exception as error:
        raise _damaged(error) from error
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(_DEFLATED)
    return dataset


def parse_header(stream: BinaryIO) -> Dataset:
    """The data set up to its pixels. Raises UnusableRecording as :func:`parse`."""
    start = stream.read(4096)
    stream.seek(0)
    if file_meta(start)[0] == _DEFLATED:
        return parse(stream.read(MAX_FILE_BYTES))
    return _parse(stream, start, stop_before_pixels=True)


def _parse(stream: BinaryIO, start: bytes, *, stop_before_pixels: bool) -> Dataset:
    preamble = start[128:132] == b"DICM"
    # Old files lack the preamble and begin with group 2 or 8.
    if not preamble and start[:4] not in (
        b"\x02\x00\x00\x00",
        b"\x08\x00\x05\x00",
        b"\x08\x00\x08\x00",
        b"\x08\x00\x00\x00",
    ):
        raise UnusableRecording(
            "not a DICOM file",
            "neither a DICOM file nor PNG, TIFF or PGM",
            cure="remove it from recordings.csv, or export it as DICOM",
        )
    try:
        return dcmread(stream, stop_before_pixels=stop_before_pixels, force=not preamble)
    except Exception as error:  # damaged bytes end in any of dozens of exceptions inside the parser
        raise _damaged(error) from error


def _damaged(error: Exception) -> UnusableRecording:
    return UnusableRecording(
        "damaged DICOM file",
        f"it cannot be parsed ({type(error).__name__})",
        cure="copy it again from its source; it may be truncated",
    )


def file_meta(start: bytes) -> tuple[str, int]:
    """Transfer syntax UID in the file meta information (empty where it is not found), and the position after it."""
    position, syntax = _META_START, ""
    while start[position : position + 2] == b"\x02\x00" and position + 12 <= len(start):
        element, representation = struct.unpack_from("<H2s", start, position + 2)
        long = representation in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        length = struct.unpack_from("<I" if long else "<H", start, position + (8 if long else 6))[0]
        value = position + (12 if long else 8)
        if element == 0x0010:
            syntax = start[value : value + length].rstrip(b"\x00 ").decode("ascii", "replace")
        position = value + length
    return syntax, position


def _grey_codes(dataset: Dataset, stored: Stored, facts: Facts) -> NDArray[np.uint16]:
    domain = stored.domain
    padding = _padding(dataset, domain)
    highest = int(stored.indices.max())
    if padding.any():
        present = np.zeros(len(domain), dtype=bool)
        present[stored.indices] = True
        present[padding] = False
        if not present.any():
            raise UnusableRecording("blank image", "every pixel is padding")
        highest = int(np.flatnonzero(present)[-1])
    if facts.origin == "for-processing":
        relationship = text(dataset, "PixelIntensityRelationship").upper() or "LIN"
        if relationship not in ("LIN", "LOG"):
            raise UnusableRecording(
                "raw grey scale not known",
                f"Pixel Intensity Relationship (0028,1040) is {relationship[:16]!r}, neither LIN nor LOG",
                cure="use the For Presentation image of the same exposure",
            )
        sign = -1 if number(dataset, "PixelIntensityRelationshipSign", default=1.0) < 0 else 1
        values = modality_values(dataset, domain)
        counts = np.where(padding, 0, np.bincount(stored.indices.ravel(), minlength=len(domain)))
        table = processing_table(values, counts, cast(Literal["LIN", "LOG"], relationship), cast(Literal[1, -1], sign))
    else:
        top = int(domain[highest])
        inverted = text(dataset, "PhotometricInterpretation").upper() == "MONOCHROME1"
        table = presentation_table(dataset, domain, top, inverted)
        shape = text(dataset, "PresentationLUTShape").upper()
        if shape in ("INVERSE", "IDENTITY") and inverted != (shape == "INVERSE") and _rim_is_bright(table, stored):
            # The two tags contradict each other (PS3.3 C.8.11.3.1.2); a mammogram's rim is air and must be dark.
            table = 1.0 - table
    table[padding] = 0.0
    return apply_table(table, stored.indices)


def _rim_is_bright(table: NDArray[np.float64], stored: Stored) -> bool:
    rim = stored.indices
    shown = np.concatenate([table[rim[0]], table[rim[-1]], table[rim[:, 0]], table[rim[:, -1]]])
    return float(np.median(shown)) > 0.5


def _padding(dataset: Dataset, domain: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which stored values are padding: Pixel Padding Value (0028,0120) to Pixel Padding Range Limit (0028,0121)."""
    limits = numbers(dataset, "PixelPaddingValue")[:1] + numbers(dataset, "PixelPaddingRangeLimit")[:1]
    if not numbers(dataset, "PixelPaddingValue"):
        return np.zeros(len(domain), dtype=bool)
    if domain[0] < 0:
        limits = [value - 65536 if value > 32767 else value for value in limits]
    return (domain >= min(limits)) & (domain <= max(limits))
