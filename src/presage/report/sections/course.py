"""Scores over the visits: who is followed how well, and the mean course of those who responded and of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import level_words, limits, number, percent
from presage.report.figures.canvas import Canvas, colour
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, opening, slug

_GROUPS = ((True, "series-1", "", "responded"), (False, "series-2", "9 3", "did not respond"))


def course(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the section ``course``."""
    blocks: list[Block] = [_within(section), _changes(section)]
    names = list(dict.fromkeys(entry["name"] for entry in section["trajectories"]))
    blocks += [_figure(name, section) for name in names]
    blocks.append(_visits(section))
    return Part("course", section["title"], [*opening(section), *blocks, *closing(section)], order=12)


def _interval(estimate: Mapping[str, Any] | None, digits: int = 2) -> str:
    return "–" if estimate is None else f"{number(estimate['value'], digits)} ({limits(estimate, digits)})"


def _level(section: Mapping[str, Any]) -> str:
    return level_words(section["response"]["level"])


def _within(section: Mapping[str, Any]) -> Table:
    rows = [
        [
            entry["name"],
            _interval(entry["within"]),
            _interval(entry.get("within_bootstrap")),
            _interval(entry.get("against_standard")),
        ]
        for entry in section["scores"]
    ]
    return Table(
        caption=(
            f"Correlation within patients with {section['scale']} (repeated-measures correlation), {_level(section)}; "
            f"n = {section['n_followed']} patients seen more than once, {section['n_rows']} visits."
        ),
        columns=("Score", "Correlation", "Interval by drawing patients", "Minus the standard's"),
        rows=rows,
        emphasis=(0,),
    )


def _changes(section: Mapping[str, Any]) -> Table:
    rows = []
    for entry in section["scores"]:
        if entry["within"] is None:
            continue
        changes = entry["changes"] or {}
        rows.append(
            [
                entry["name"],
                _interval(changes.get("pearson")),
                _interval(changes.get("spearman")),
                _interval(entry["tells_response"]),
                number(entry["error"]["smallest"], 2),
                number(entry["error"]["reliability"], 2),
                _count(entry["improved"]),
                _count(entry["worse"]),
            ]
        )
    return Table(
        caption=(
            f"From first to last visit, n = {section['n_followed']}, {_level(section)}. AUC: does a fall of the score "
            "tell who responded? Smallest reliable change: in the score's own unit."
        ),
        columns=(
            "Score",
            "Pearson of changes",
            "Spearman of changes",
            "AUC for response",
            "Smallest reliable change",
            "Reliability of one visit",
            "Reliably lower",
            "Reliably higher",
        ),
        rows=rows,
    )


def _count(share: Mapping[str, Any]) -> str:
    return f"{share['count']} of {share['n']} ({percent(share['value'])})"


def _visits(section: Mapping[str, Any]) -> Table:
    lost = {entry["visit"]: entry["n"] for entry in section.get("left_out", [])}
    rows = [
        [entry["visit"], str(entry["n"]), number(entry["mean"], 1), str(lost.get(entry["visit"], 0))]
        for entry in section["visits"]
    ]
    return Table(
        "Visits that entered: those that every marker could score, with the scale known.",
        ("Visit", "Patients", f"Mean {section['scale']}", "Patients left out"),
        rows,
    )


def _figure(name: str, section: Mapping[str, Any]) -> Figure:
    lines = [entry for entry in section["trajectories"] if entry["name"] == name]
    order = [entry["visit"] for entry in section["visits"]]
    points = [point for line in lines for point in line["points"]]
    low, high = (min(p["low"] for p in points), max(p["high"] for p in points)) if points else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    canvas = Canvas(
        height=250, right=20, x_range=(-0.25, len(order) - 0.75), y_range=(low - room, high + room), bottom=48
    )
    canvas.axes("Visit", section["scale"] if lines[0]["scale"] else "Mean score (its own unit)", x_ticks=())
    for place, visit in enumerate(order):
        canvas.text(canvas.x(place), canvas.height - canvas.bottom + 17, visit, anchor="middle", size=11, fill="muted")
    legend, told = [], []
    for responded, fill, dash, words in _GROUPS:
        line = next(entry for entry in lines if entry["responded"] is responded)
        if not line["points"]:
            continue
        # The groups stand a little apart, so that their intervals do not cover one another.
        shift = -0.02 if responded else 0.02
        xs = [order.index(point["visit"]) + shift for point in line["points"]]
        stroke = colour(fill)
        canvas.line(xs, [point["mean"] for point in line["points"]], stroke=stroke, dash=dash)
        for x, point in zip(xs, line["points"], strict=True):
            canvas.segment(canvas.x(x), canvas.y(point["low"]), canvas.x(x), canvas.y(point["high"]), stroke=stroke)
            canvas.dot(canvas.x(x), canvas.y(point["mean"]), fill=stroke)
        legend.append((stroke, dash, f"{words} (n = {line['points'][0]['n']})"))
        told.append(f"{words}: {number(line['points'][0]['mean'], 2)} to {number(line['points'][-1]['mean'], 2)}")
    canvas.legend(legend)
    alt = f"Mean {name} by visit. {'; '.join(told)}."
    return Figure(
        name=f"course-{slug(name)}",
        title=name,
        caption=f"Mean at each visit with its 95 % interval; response: {section['scale']} fell by half or more.",
        alt=alt,
        svg=canvas.svg(alt),
        columns=("responded", "visit", "n", "mean", "low", "high"),
        data=[
            (entry["responded"], *(point[key] for key in ("visit", "n", "mean", "low", "high")))
            for entry in lines
            for point in entry["points"]
        ],
    )
