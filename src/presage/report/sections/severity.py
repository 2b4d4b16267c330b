"""Errors in points of the scale, concordance and F1 of every score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import cell, level_words
from presage.report.parts import Part, Table
from presage.report.sections.common import closing, opening, people

_SHOWN = (
    ("mean_absolute_error", "Mean absolute error", 1),
    ("root_mean_square_error", "RMSE", 1),
    ("concordance", "Lin's concordance", 2),
    ("f1", "F1 at the cut-off", 2),
)


def severity(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``severity``."""
    level = level_words(section["scores"][0]["f1"]["level"])
    rows = [
        [entry["name"], *(cell(entry.get(key), digits) for key, _, digits in _SHOWN)] for entry in section["scores"]
    ]
    rows.append(
        ["knowing nothing", *(cell(section["reference"].get(key), digits) for key, _, digits in _SHOWN)],
    )
    table = Table(
        caption=(
            f"Severity ({section['scale']}) from each score, {level}; errors in points; {people(section)}. The last "
            "row says the others' mean of everybody, and calls everybody a case."
        ),
        columns=["Score", *(title for _, title, _ in _SHOWN)],
        rows=rows,
        emphasis=(0,),
    )
    return Part("severity", "Severity in points of the scale", [*opening(section), table, *closing(section)], order=15)
