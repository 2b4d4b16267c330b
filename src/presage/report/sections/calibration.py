"""Calibration curves and measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import level_words, limits, number
from presage.report.figures.curves import Curve, curves
from presage.report.parts import Figure, Part, Table
from presage.report.sections.common import closing, opening, people, series


def calibration(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``calibration``."""
    return Part(
        "calibration",
        "Are the risks right?",
        [*opening(section), _figure(section, document), _table(section), *closing(section)],
        order=24,
    )


def _figure(section: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    number_of = series(document)
    drawn = [
        Curve(
            entry["name"],
            entry["curve"]["risk"],
            entry["curve"]["observed"],
            number_of.get(entry["name"]),
            entry["curve"]["low"],
            entry["curve"]["high"],
        )
        for entry in section["scores"]
    ]
    level = level_words(section["scores"][0]["slope"]["level"])
    told = "; ".join(
        f"{e['name']}: slope {number(e['slope']['value'])} ({limits(e['slope'])})" for e in section["scores"]
    )
    return Figure(
        name="calibration",
        title="Calibration curves",
        caption=(
            f"Risk that was said against the share of cases observed, with {level} bands, over the range of the risks; "
            f"dotted: perfect agreement. {people(section)}."
        ),
        alt=f"Calibration curves. {told}.",
        svg=curves(
            drawn,
            x_label="Predicted risk",
            y_label="Observed share of cases",
            title=f"Calibration curves. {told}",
            diagonal=True,
        ),
        columns=("score", "risk", "observed", "low", "high"),
        data=[
            (entry["name"], *point)
            for entry in section["scores"]
            for point in zip(*(entry["curve"][key] for key in ("risk", "observed", "low", "high")), strict=True)
        ],
    )


def _table(section: Mapping[str, Any]) -> Table:
    def cell(estimate: Mapping[str, Any], digits: int = 2) -> str:
        return f"{number(estimate['value'], digits)} ({limits(estimate, digits)})"

    hows = {entry["how"] for entry in section["scores"]}
    same = len(hows) == 1
    rows = [
        [
            entry["name"],
            *([] if same else [entry["how"]]),
            cell(entry["intercept"]),
            cell(entry["slope"]),
            cell(entry["observed_to_expected"]),
            cell(entry["average_error"], 3),
            cell(entry["brier"], 3),
            number(entry["brier"]["scaled"], 3),
        ]
        for entry in section["scores"]
    ]
    columns = ["Score", *([] if same else ["Risk"]), "Intercept", "Slope", "Observed / expected", "Average error (ICI)"]
    risk = f" Risks {hows.pop()}." if same else ""
    return Table(
        caption=f"Calibration, {people(section)}. Right: intercept 0, slope 1, observed to expected 1, error 0.{risk}",
        columns=[*columns, "Brier score", "Brier, scaled"],
        rows=rows,
        emphasis=tuple(i for i, entry in enumerate(section["scores"]) if entry["role"] == "standard"),
    )
