"""PNG, TIFF and PGM mammograms: grey levels with nothing known but the number of bits."""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from presage.breast.reading.grey import FULL_SCALE, apply_table, full_scale_of
from presage.breast.reading.source import check_size
from presage.cohort import UnusableRecording

_PGM_HEADER = re.compile(
    rb"P5(?:\s+(?:#[^\n]*\n\s*)*)(\d{1,9})(?:\s+(?:#[^\n]*\n\s*)*)(\d{1,9})(?:\s+(?:#[^\n]*\n\s*)*)(\d{1,9})\s"
)
_SIGNATURES = {b"P5": "PGM", b"\x89PNG": "PNG", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}


def raster_format(start: bytes) -> str | None:
    """``PGM``, ``PNG`` or ``TIFF`` by the first 132 bytes of a file, None for anything else."""
    if start[128:132] == b"DICM":
        return None  # the preamble of a DICOM file may look like a TIFF file, so that both kinds of programs read it
    return next((name for signature, name in _SIGNATURES.items() if start.startswith(signature)), None)


def read_raster(data: bytes, path: str, *, bits: int | None = None) -> NDArray[np.uint16]:
    """Grey codes of a raster file on the full 16-bit scale.

    Parameters
    ----------
    data
        The bytes of the file.
    path
        For messages.
    bits
        Bits in which grey levels are stored; by default 8 for 8-bit files, the maximum that a PGM declares, and for
        16-bit PNG and TIFF the smallest of 8, 10, 12, 14 and 16 that holds every value.

    Returns
    -------
    ndarray
        Shape (rows, columns), uint16, 0 = black, 65535 = white.

    Raises
    ------
    UnusableRecording
        If the file is damaged, in colour, absurdly large, or holds values beyond `bits`.
    """
    values, maximum = _read_pgm(data, path) if raster_format(data[:132]) == "PGM" else _read_pillow(data, path)
    top = int(values.max())
    if bits is not None:
        maximum = (1 << bits) - 1
    elif maximum is None:
        maximum = full_scale_of(top)
    if top > maximum:
        raise UnusableRecording(
            "grey levels beyond the stated bits",
            f"a grey level of {top} is above the largest that the file allows, {maximum}",
            where=path,
            cure="correct the column bits of recordings.csv, or export the file again",
        )
    return apply_table(np.arange(maximum + 1, dtype=np.float64) / maximum, values)


def inspect_raster(data: bytes, path: str) -> None:
    """Check size and mode of a raster file from its header."""
    if raster_format(data[:132]) == "PGM":
        _pgm_header(data, path)
    else:
        _open_pillow(data, path)


def _pgm_header(data: bytes, path: str) -> tuple[int, int, int, int]:
    match = _PGM_HEADER.match(data)
    if match is None:
        raise UnusableRecording("damaged image file", "the PGM header cannot be understood", where=path)
    columns, rows, maximum = (int(group) for group in match.groups())
    check_size(rows, columns, path)
    if not 1 <= maximum <= FULL_SCALE:
        raise UnusableRecording("damaged image file", f"the PGM header says a maximum of {maximum}", where=path)
    return rows, columns, maximum, match.end()


def _read_pgm(data: bytes, path: str) -> tuple[NDArray[np.integer], int | None]:
    rows, columns, maximum, start = _pgm_header(data, path)
    dtype = np.dtype(">u2" if maximum > 255 else np.uint8)
    if len(data) - start < rows * columns * dtype.itemsize:
        raise UnusableRecording(
            "truncated file",
            f"{rows * columns * dtype.itemsize} bytes of pixels expected, {len(data) - start} found",
            where=path,
            cure="copy it again from its source",
        )
    values: NDArray[np.integer] = np.frombuffer(data, dtype, rows * columns, start)
    return values.reshape(rows, columns), maximum


def _open_pillow(data: bytes, path: str) -> Image.Image:
    try:
        # Pillow's own limit on pixels would come as a warning first; ours is checked below, before decoding.
        image = Image.open(io.BytesIO(data), formats=("PNG", "TIFF"))
    except Exception as error:
        raise UnusableRecording("damaged image file", f"{type(error).__name__}: {error}", where=path) from error
    check_size(image.height, image.width, path)
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise UnusableRecording(
            "several images in one file",
            f"the file holds {frames} images",
            where=path,
            cure="export one by one",
        )
    return image


def _read_pillow(data: bytes, path: str) -> tuple[NDArray[np.integer], int | None]:
    image = _open_pillow(data, path)
    try:
        values = np.asarray(image)
    except Exception as error:
        raise UnusableRecording(
            "truncated file",
            f"the pixels cannot be decoded ({error})",
            where=path,
            cure="copy it again from its source",
        ) from error
    if values.ndim == 3 and values.shape[2] == 3 and not np.ptp(values, axis=2).any():
        values = values[:, :, 0]
    if values.ndim != 2 or values.dtype.kind not in "ui" or image.mode in ("P", "CMYK"):
        raise UnusableRecording(
            "not a grey-level image",
            f"the image has mode {image.mode}; a mammogram is 8- or 16-bit grey",
            where=path,
            cure="export it from the DICOM file without colour, palette or transparency",
        )
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > FULL_SCALE):
        raise UnusableRecording("not a grey-level image", "grey levels outside 0 to 65535", where=path)
    return values.astype(np.uint16), 255 if image.mode in ("L", "RGB") else None
