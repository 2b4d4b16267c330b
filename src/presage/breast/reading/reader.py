"""One file to one mammogram: which format it has, what it shows, and which way it faces."""

from __future__ import annotations

from typing import cast, get_args

from presage.breast.mammogram import Laterality, Mammogram, Origin, View
from presage.breast.reading.dicom import inspect_dicom, read_dicom
from presage.breast.reading.facts import Facts, stated_spacing
from presage.breast.reading.grey import to_unit
from presage.breast.reading.orient import check_breast, chest_wall, face_left, outline
from presage.breast.reading.raster import inspect_raster, raster_format, read_raster
from presage.breast.reading.source import MAX_FILE_BYTES, located, open_source, read_all
from presage.cohort import InputError, Recording, UnusableRecording


def read_mammogram(recording: Recording) -> Mammogram:
    """Read a DICOM, PNG, TIFF or PGM mammogram; see ``docs/reference/mammograms.md``.

    A DICOM file says itself what it shows; columns of ``recordings.csv`` fill what it leaves out and must not
    contradict it. A raster file takes ``laterality``, ``view``, ``spacing_mm`` and, where given, ``origin`` and
    ``bits`` from those columns.

    Raises
    ------
    UnusableRecording
        If the file is no usable screening view; its reason is what the cohort flow counts by.
    """
    with located(recording.path):
        return _read(read_all(recording.path), recording)


def _read(data: bytes, recording: Recording) -> Mammogram:
    if raster_format(data[:132]):
        facts = raster_facts(recording)
        codes = read_raster(data, recording.path, bits=_bits(recording))
    else:
        codes, facts = read_dicom(data, recording)
    if facts.upside_down:
        codes = codes[::-1]
    found = outline(codes, recording.path)
    side = chest_wall(found, facts.chest_wall)
    check_breast(found, side, recording.path)
    codes, flipped = face_left(codes, found, side)
    return Mammogram(to_unit(codes), facts.spacing_mm, facts.laterality, facts.view, facts.origin, flipped)


def inspect_mammogram(recording: Recording) -> None:
    """Read as little as is needed to say that the file can be used; see :class:`presage.breast.MammogramKind`."""
    with open_source(recording.path) as stream, located(recording.path):
        start = stream.read(132)
        if not start:
            read_all(recording.path)  # says that it is empty
        stream.seek(0)
        if raster_format(start):
            raster_facts(recording)
            # TIFF keeps its header anywhere, PNG and PGM at the start.
            data = stream.read(MAX_FILE_BYTES) if raster_format(start) == "TIFF" else stream.read(1 << 16)
            inspect_raster(data, recording.path)
        else:
            inspect_dicom(stream, recording)


def raster_facts(recording: Recording) -> Facts:
    """What the columns of ``recordings.csv`` say about a raster file.

    Raises
    ------
    UnusableRecording
        If one is missing or is not one of the known values.
    """
    laterality = _choice(recording, "laterality", get_args(Laterality))
    view = _choice(recording, "view", get_args(View))
    origin = _choice(recording, "origin", get_args(Origin), default="for-presentation")
    if origin == "for-processing":
        raise UnusableRecording(
            "raw image in a raster file",
            "a PNG, TIFF or PGM file does not say how its raw detector signal is scaled",
            where=recording.path,
            cure="use the DICOM file, or a for-presentation export",
        )
    return Facts(
        laterality=cast(Laterality, laterality),
        view=cast(View, view),
        origin=cast(Origin, origin),
        spacing_mm=stated_spacing(recording),
        # Radiologists hang right breasts with the chest wall at the right.
        chest_wall="left" if laterality == "L" else "right",
    )


def _choice(recording: Recording, column: str, allowed: tuple[str, ...], default: str = "") -> str:
    value = recording.get(column, default)
    if value not in allowed:
        raise UnusableRecording(
            f"{column} missing" if not value else f"{column} {value}",
            f"{column} is {value!r}, not one of {', '.join(allowed)}",
            where=recording.path,
            cure=f"fill the column {column} of recordings.csv",
        )
    return value


def _bits(recording: Recording) -> int | None:
    text = recording.get("bits")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 16:
        raise InputError(f"bits is {text!r}, not a number from 1 to 16", where=recording.path)
    return int(text)
