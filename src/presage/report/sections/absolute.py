"""Absolute risks: their distribution by outcome, and quartiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import percent
from presage.report.figures.distribution import distributions
from presage.report.parts import Figure, Part, Table
from presage.report.sections.common import closing, distribution_rows, opening, people


def absolute(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``absolute``."""
    scores = section["scores"]
    rows = [["average of the same age", *(percent(value, 2) for value in section["average_risk"]), "–"]]
    for entry in scores:
        quartiles = (percent(value, 2) for value in entry["all"])
        rows.append([entry["name"], *quartiles, percent(entry["highest_tenth"], 2)])
    years = f"{section['years']:g} years"
    table = Table(
        caption=f"Risk within {years} at the incidence of {section['population']}; {people(section)}.",
        columns=("Score", "Quarter below", "Half below", "Quarter above", "Tenth above"),
        rows=rows,
    )
    told = "; ".join(f"{entry['name']} median {percent(entry['all'][1], 2)}" for entry in scores)
    figure = Figure(
        name="absolute-risk",
        title=f"Risk within {years}",
        caption=f"Risk (0.01 is 1 %) of cases, above, and controls, below; black strokes: medians. {people(section)}.",
        alt=f"Distribution of the absolute risk within {years}. {told}.",
        svg=distributions(scores, title=f"Distribution of the absolute risk within {years}. {told}"),
        columns=("score", "from", "to", "cases", "controls"),
        data=distribution_rows(scores),
    )
    return Part("absolute", "Absolute risk", [*opening(section), table, figure, *closing(section)], order=30)
