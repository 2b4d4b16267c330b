"""Stored pixel values of a DICOM image, checked against what its header says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from presage.breast.reading.decode import decode, is_compressed
from presage.breast.reading.header import text, whole
from presage.breast.reading.source import check_size
from presage.cohort import UnusableRecording

_NATIVE = {
    "": "<",
    "1.2.840.10008.1.2": "<",
    "1.2.840.10008.1.2.1": "<",
    "1.2.840.10008.1.2.1.99": "<",
    "1.2.840.10008.1.2.2": ">",
}


@dataclass(frozen=True)
class Stored:
    """Stored values as positions in their own domain, so that any grey scale is one table look-up.

    Attributes
    ----------
    indices
        Shape (rows, columns), uint16: position of each pixel's value in `domain`.
    domain
        Every value that the stated bits can hold, ascending, float64.
    """

    indices: NDArray[np.uint16]
    domain: NDArray[np.float64]


def stored_values(dataset: Dataset) -> Stored:
    """Decode the one frame of a monochrome image.

    Raises
    ------
    UnusableRecording
        If there are no pixels, too few bytes of them, more samples than one, bits that contradict each other, or values
        beyond the stated bits.
    """
    if "PixelData" not in dataset:
        raise UnusableRecording(
            "no pixel data",
            "the DICOM object has no Pixel Data (7FE0,0010)",
            cure="use the image object, not its report",
        )
    rows, columns = whole(dataset, "Rows", default=0), whole(dataset, "Columns", default=0)
    check_size(rows, columns, "")
    photometric, samples = (
        text(dataset, "PhotometricInterpretation").upper(),
        whole(dataset, "SamplesPerPixel", default=1),
    )
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or samples != 1:
        raise UnusableRecording(
            "not a grey-level image",
            f"Photometric Interpretation (0028,0004) is {photometric[:16] or 'missing'}, samples per pixel {samples}",
            cure="use the original image instead of a colour conversion",
        )
    allocated, bits, signed = _bits(dataset)
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))
    if syntax in _NATIVE:
        raw = _native(dataset, rows, columns, allocated, _NATIVE[syntax])
    elif is_compressed(syntax):
        raw = decode(dataset, syntax, rows, columns)
    else:
        raise UnusableRecording(
            "transfer syntax not known",
            f"the pixels are encoded as {syntax[:64]}, which is no still-image encoding that can be read",
            cure="convert the file, e.g. with gdcmconv --raw",
        )
    return _checked(raw, bits, signed)


def _bits(dataset: Dataset) -> tuple[int, int, bool]:
    allocated, bits = whole(dataset, "BitsAllocated"), whole(dataset, "BitsStored", default=0)
    bits = bits or allocated
    high = whole(dataset, "HighBit", default=bits - 1)
    if allocated not in (8, 16) or not 1 <= bits <= allocated or high != bits - 1:
        raise UnusableRecording(
            "bits contradict each other",
            f"Bits Allocated (0028,0100) is {allocated}, Bits Stored (0028,0101) {bits}, High Bit (0028,0102) {high}; "
            "8 or 16 allocated bits and High Bit = Bits Stored - 1 are read",
            cure="correct the header, or export the image again",
        )
    return allocated, bits, whole(dataset, "PixelRepresentation", default=0) == 1


def _native(dataset: Dataset, rows: int, columns: int, allocated: int, order: str) -> NDArray[np.uint16]:
    data = dataset.PixelData
    data = data if isinstance(data, bytes) else b""
    needed = rows * columns * allocated // 8
    if len(data) < needed:
        raise UnusableRecording(
            "truncated file",
            f"{rows} x {columns} pixels need {needed} bytes, {len(data)} are there",
            cure="copy the file again from its source",
        )
    if allocated == 16:
        return np.frombuffer(data, f"{order}u2", rows * columns).reshape(rows, columns)
    values = np.frombuffer(data, np.uint8)
    if order == ">" and dataset["PixelData"].VR == "OW":
        values = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").view(np.uint8)
        if len(values) < needed:
            raise UnusableRecording("truncated file", "the last pixel is cut off")
    return values[: rows * columns].reshape(rows, columns).astype(np.uint16)


def _checked(raw: NDArray[np.uint16], bits: int, signed: bool) -> Stored:
    """Stored values, refused where they use bits that the header denies (12-bit data with wrong bits stored)."""
    mask, half = (1 << bits) - 1, 1 << (bits - 1)
    spare = 0xFFFF & ~mask
    if bits < 16 and int(raw.max()) > mask:
        beyond = raw & spare
        negative = (raw & half) != 0
        # Signed values fill the spare bits with copies of the sign.
        extended = signed and bool(np.all((beyond == 0) | (negative & ((beyond == spare) | (beyond == spare & 0xFF)))))
        if not extended:
            raise UnusableRecording(
                "grey levels beyond the stated bits",
                f"a stored value of {int(raw.max())} needs more than the {bits} bits of Bits Stored (0028,0101)",
                cure="correct Bits Stored and High Bit in the header, or export the image again",
            )
    values = np.asarray(raw, dtype=np.uint16)
    if not signed:
        return Stored(values, np.arange(1 << bits, dtype=np.float64))
    return Stored(((values & mask) ^ half).astype(np.uint16), np.arange(-half, half, dtype=np.float64))
