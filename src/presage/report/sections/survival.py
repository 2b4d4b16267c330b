"""Survival by risk group, and concordance beside the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.survival_words import c_index, measured
from presage.findings.words import level_words, limits, number, p_value, signed
from presage.report.figures.canvas import colour
from presage.report.figures.curves import Curve, curves, stairs
from presage.report.figures.forest import Row, forest, forest_narrow
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, series, slug

_STROKES = ("series-1", "series-5", "series-2")


def survival(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``survival``. Its sentence heads the whole page, so it is not repeated here."""
    blocks: list[Block] = [_concordance(section, document), _table(section)]
    blocks += [_curves(entry, section) for entry in section["scores"]]
    return Part("survival", "Time to the event", [*blocks, *closing(section)], order=12)


def _people(section: Mapping[str, Any]) -> str:
    return f"n = {section['n']} ({section['n_events']} events)"


def _concordance(section: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    number_of = series(document)
    rows = [Row(entry["name"], c_index(entry), number_of.get(entry["name"])) for entry in section["scores"]]
    told = "; ".join(
        f"{row.name} {number(row.estimate['value'])} ({limits(row.estimate)})" for row in rows if row.estimate
    )
    label = "Concordance (C)"
    return Figure(
        name="concordance",
        title="Concordance of each score",
        caption=(
            f"Chance that of two people the one with the earlier event has the higher score, with "
            f"{level_words(section['scores'][0]['harrell']['level'])}, up to time {section['horizon']:g} "
            f"(unit of the table); {_people(section)}."
        ),
        alt=f"Concordance. {told}.",
        svg=forest(
            rows,
            label=label,
            title=f"Concordance. {told}",
            reference=0.5,
            reference_label="chance",
            band=rows[0].estimate,
        ),
        narrow=forest_narrow(rows, label=label, title=f"Concordance. {told}", reference=0.5),
        columns=("score", "c", "low", "high"),
        data=[
            (row.name, row.estimate["value"], row.estimate["low"], row.estimate["high"]) for row in rows if row.estimate
        ],
        wide=True,
    )


def _curves(entry: Mapping[str, Any], section: Mapping[str, Any]) -> Figure:
    drawn, data = [], []
    for curve, stroke in zip(entry["groups"]["curves"], _STROKES, strict=False):
        xs, ys = stairs(curve["times"], curve["survival"])
        low, high = stairs(curve["times"], curve["low"])[1], stairs(curve["times"], curve["high"])[1]
        words = f"{curve['group']}: n = {curve['n']}, {curve['events']} events"
        drawn.append(Curve(words, xs, ys, None, low, high, stroke=colour(stroke)))
        data += [
            (curve["group"], *point)
            for point in zip(*(curve[key] for key in ("times", "survival", "low", "high")), strict=True)
        ]
    p = entry["groups"]["log_rank_p"]
    test = "" if p is None else f" Log-rank {p_value(p)}."
    longest = max(curve["times"][-1] for curve in entry["groups"]["curves"])
    told = "; ".join(curve.words for curve in drawn)
    return Figure(
        name=f"survival-{slug(entry['name'])}",
        title=f"Thirds of {entry['name']}",
        caption=f"Share without the event, Kaplan-Meier with pointwise intervals; {_people(section)}.{test}",
        alt=f"Kaplan-Meier curves by thirds of {entry['name']}. {told}.",
        svg=curves(
            drawn,
            x_label="Time since the prediction (unit of the table)",
            y_label="Share without the event",
            title=f"Kaplan-Meier curves by thirds of {entry['name']}. {told}",
            x_range=(0.0, longest),
        ),
        columns=("group", "time", "survival", "low", "high"),
        data=data,
    )


def _table(section: Mapping[str, Any]) -> Table:
    against = {row["name"]: row for row in section["markers"]}
    rows = []
    for entry in section["scores"]:
        row = against.get(entry["name"])
        rows.append(
            [
                entry["name"],
                *measured(entry),
                "–" if row is None else f"{signed(row['difference']['value'])} ({limits(row['difference'])})",
                "–" if row is None else p_value(row["p_adjusted"]).removeprefix("p ").removeprefix("= "),
                "the standard" if row is None else row["verdict"],
            ]
        )
    columns = [
        "Score", "Harrell's C", "Uno's C", "AUC at the horizon", "Brier score", "Observed / expected",
        "Difference in C", "p", "Verdict",
    ]  # fmt: skip
    # Brier score and calibration are of risks; without one, their columns would hold dashes only.
    kept = [place for place in range(len(columns)) if place not in (4, 5) or any(row[place] != "–" for row in rows)]
    return Table(
        caption=f"Every score beside the standard, up to time {section['horizon']:g} (unit of the table); "
        f"{_people(section)}.",
        columns=[columns[place] for place in kept],
        rows=[[row[place] for place in kept] for row in rows],
        emphasis=(0,),
    )
