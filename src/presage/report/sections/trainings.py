"""How far trainings with other seeds differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import number
from presage.report.figures.dots import Dots, dots
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, opening, people, series


def trainings(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``trainings``."""
    entries = section["markers"]
    with_points = all("mean_absolute_error" in entry for entry in entries)
    table = Table(
        caption=f"Single trainings with other seeds: mean ± standard deviation; {people(section)}.",
        columns=[
            "Marker",
            "Trainings",
            "AUC of one",
            "AUC of their mean score",
            *(["Mean absolute error of one (points)", "of their mean score"] if with_points else []),
        ],
        rows=[
            [
                entry["name"],
                str(entry["count"]),
                *_cells(entry["auc"], 3),
                *(_cells(entry["mean_absolute_error"], 2) if with_points else []),
            ]
            for entry in entries
        ],
    )
    blocks: list[Block] = [*opening(section), _figure(section, document), table, *closing(section)]
    return Part("trainings", "Trainings with other seeds", blocks, order=26)


def _cells(found: Mapping[str, Any], digits: int) -> list[str]:
    return [f"{number(found['mean'], digits)} ± {number(found['sd'], digits)}", number(found["together"], digits)]


def _figure(section: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    number_of = series(document)
    rows = [
        Dots(entry["name"], entry["auc"]["values"], entry["auc"]["together"], number_of.get(entry["name"]))
        for entry in section["markers"]
    ]
    told = "; ".join(
        f"{row.name}: {number(min(row.values))} to {number(max(row.values))}, their mean score {number(row.mark)}"
        for row in rows
    )
    return Figure(
        name="trainings",
        title="AUC of each training",
        caption=f"One dot for each training with another seed, the line for their mean score; {people(section)}.",
        alt=f"AUC of single trainings. {told}.",
        svg=dots(rows, x_label="AUC", title=f"AUC of single trainings. {told}"),
        wide=True,
        columns=("score", "training", "auc"),
        data=[
            (entry["name"], place, value)
            for entry in section["markers"]
            for place, value in enumerate(entry["auc"]["values"])
        ],
    )
