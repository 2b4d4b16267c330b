"""The kind ``mammogram`` of recordings, as the shared packages see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from presage.breast.contact_sheet import contact_sheet
from presage.breast.mammogram import Mammogram
from presage.breast.reading.reader import inspect_mammogram, read_mammogram
from presage.cohort import Cohort, Recording


class MammogramKind:
    """The kind ``mammogram``."""

    name = "mammogram"
    #: What its picture shows.
    caption = "The mammograms with the outline of the breast, the pectoral muscle and the dense tissue that were found."
    required: Mapping[str, Sequence[str]] = {"laterality": ("L", "R"), "view": ("CC", "MLO")}
    optional: Sequence[str] = ("spacing_mm", "origin", "bits")

    def inspect(self, recording: Recording) -> None:
        """Say whether the file can be used, without decoding its pixels."""
        inspect_mammogram(recording)

    def read(self, recording: Recording) -> Mammogram:
        """The decoded mammogram."""
        return read_mammogram(recording)

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """A contact sheet with outlines and masks."""
        return contact_sheet(cohort, out, limit=limit)
