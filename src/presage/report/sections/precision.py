"""Precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import limits, number, percent
from presage.report.figures.canvas import colour
from presage.report.figures.curves import Curve, curves
from presage.report.parts import Figure, Part
from presage.report.sections.common import closing, opening, people, series


def precision(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``precision``."""
    if not section.get("shown", True):
        return Part("precision", "Of those called positive", opening(section), order=29)
    number_of, share = series(document), section["prevalence"]
    drawn = [
        Curve(
            f"{entry['name']}: {number(entry['average_precision']['value'], 3)} "
            f"({limits(entry['average_precision'], 3)})",
            *_drawn(entry),
            number_of.get(entry["name"]),
        )
        for entry in section["scores"]
    ]
    told = "; ".join(curve.words for curve in drawn)
    line = Curve(f"useless score: {percent(share, 1)}", [0, 1], [share, share], None, stroke=colour("ink"), width=1)
    highest = max(value for curve in drawn for value in curve.ys)
    figure = Figure(
        name="precision-recall",
        title="Precision-recall curves",
        caption=(
            "Share of cases among the positives over the share of cases found, with average precision and interval; "
            f"prevalence {percent(share, 1)}, {people(section)}. Drawn from 5 % of the cases found on: before, single "
            "people "
            "decide."
        ),
        alt=f"Precision-recall curves with average precision. {told}.",
        svg=curves(
            [*drawn, line],
            x_label="Cases found (recall, sensitivity)",
            y_label="Cases among positives (precision)",
            title=f"Precision-recall curves with average precision. {told}",
            y_range=(0.0, min(1.0, 1.1 * highest)),
        ),
        columns=("score", "recall", "precision"),
        data=[
            (entry["name"], *point)
            for entry in section["scores"]
            for point in zip(entry["recall"], entry["precision"], strict=True)
        ],
    )
    return Part("precision", "Of those called positive", [*opening(section), figure, *closing(section)], order=22)


def _drawn(entry: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    points = [(x, y) for x, y in zip(entry["recall"], entry["precision"], strict=True) if x >= 0.05]
    return [x for x, _ in points], [y for _, y in points]
