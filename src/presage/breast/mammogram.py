"""One mammogram in the only form the rest of the field sees, and the kind ``mammogram`` of recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording

Laterality = Literal["L", "R"]
View = Literal["CC", "MLO"]
Origin = Literal["for-presentation", "for-processing", "film"]


@dataclass(frozen=True)
class Mammogram:
    """A mammogram oriented and in known units.

    Attributes
    ----------
    pixels
        Grey levels, shape (rows, columns), float32 in [0, 1], bright = dense tissue (as MONOCHROME2 shows it); chest
        wall at the left edge, head up. The same file bytes give the same array on every machine.
    spacing_mm
        Edge of a (square) pixel in the breast or detector plane, millimetres.
    laterality, view
        Which breast, which projection.
    origin
        Digital for-presentation, digital for-processing (converted here to a presentation-like scale), or scanned film.
    flipped
        Whether the file's columns were mirrored to bring the chest wall left.
    """

    pixels: NDArray[np.float32]
    spacing_mm: float
    laterality: Laterality
    view: View
    origin: Origin
    flipped: bool = False


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
    from presage.breast.reading.reader import read

    return read(recording)


class MammogramKind:
    """The kind ``mammogram``."""

    name = "mammogram"
    required: Mapping[str, Sequence[str]] = {"laterality": ("L", "R"), "view": ("CC", "MLO")}
    optional: Sequence[str] = ("spacing_mm", "origin", "bits")

    def inspect(self, recording: Recording) -> None:
        """Say whether the file can be used, without decoding its pixels."""
        from presage.breast.reading.reader import inspect

        inspect(recording)

    def read(self, recording: Recording) -> Mammogram:
        """The decoded mammogram."""
        return read_mammogram(recording)

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """A contact sheet with outlines and masks."""
        from presage.breast.contact_sheet import contact_sheet

        sheet: Path = contact_sheet(cohort, out, limit=limit)
        return sheet
