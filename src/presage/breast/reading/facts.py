"""What a file or its row says about a mammogram before its pixels are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from presage.breast.mammogram import Laterality, Origin, View
from presage.breast.reading.orient import Side
from presage.cohort import Recording, UnusableRecording


@dataclass(frozen=True)
class Facts:
    """What a file or its row says about a mammogram.

    Attributes
    ----------
    laterality, view, origin, spacing_mm
        As in :class:`presage.breast.Mammogram`.
    chest_wall
        The edge at which the chest wall is said to be; the image itself decides where it is clear.
    upside_down
        Whether the rows run from feet to head.
    """

    laterality: Laterality
    view: View
    origin: Origin
    spacing_mm: float
    chest_wall: Side | None = None
    upside_down: bool = False


def stated_spacing(recording: Recording) -> float:
    """``spacing_mm`` of ``recordings.csv``. Raises UnusableRecording when it is missing or absurd."""
    text = recording.get("spacing_mm")
    try:
        spacing = float(text)
    except ValueError:
        spacing = math.nan
    if not 0.01 <= spacing <= 1.0:
        raise UnusableRecording(
            "no pixel spacing" if not text else "absurd pixel spacing",
            f"spacing_mm is {text!r}; mammograms have 0.01 to 1 mm per pixel"
            if text
            else "the size of a pixel is not known, and areas in cm2 depend on it",
            where=recording.path,
            cure="give the size of a pixel in millimetres in the column spacing_mm of recordings.csv (mini-MIAS: 0.2)",
        )
    return spacing
