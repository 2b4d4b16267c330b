"""Estimates with their intervals, one row each, beside their numbers: the figure that answers the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from presage.findings.words import limits, number
from presage.report.figures.canvas import Canvas, colour, series_style, tick_label, ticks


@dataclass(frozen=True)
class Row:
    """One line: its name, its estimate (None: too few to say, then `note`), and its series (None is the standard)."""

    name: str
    estimate: Mapping[str, Any] | None
    series: int | None = 0
    note: str = ""


def forest(
    rows: Sequence[Row],
    *,
    label: str,
    title: str,
    reference: float | None = None,
    reference_label: str = "",
    band: Mapping[str, Any] | None = None,
    digits: int = 2,
) -> str:
    """SVG of `rows` on one axis; `band` shades an interval (the standard's) behind all of them."""
    names = [wrap(row.name, 30) or [""] for row in rows]
    heights = [max(30, 16 * len(lines) + 12) for lines in names]
    shown = [row.estimate for row in rows if row.estimate is not None]
    edges = [e[k] for e in shown for k in ("low", "high")] + ([reference] if reference is not None else [])
    low, high = _range(edges)
    # Room for the numbers: signs and further digits make them longer.
    right = max(140.0, 7.2 * max((len(_words(estimate, digits)) for estimate in shown), default=0))
    canvas = Canvas(
        width=720, height=30 + sum(heights) + 46, left=206, right=right, top=30, bottom=46, x_range=(low, high)
    )
    if band is not None:
        left, right = canvas.x(max(band["low"], low)), canvas.x(min(band["high"], high))
        canvas.box(left, 24, right - left, sum(heights) + 6, fill=colour("standard"), opacity=0.1)
    if reference is not None:
        place = canvas.x(reference)
        canvas.segment(place, 18, place, 30 + sum(heights), stroke=colour("muted"), dash="3 3")
        canvas.text(place, 13, reference_label, anchor="middle", size=11, fill="muted")
    canvas.text(canvas.width - 4, 13, "estimate (interval)", anchor="end", size=11, fill="muted")
    top = 30.0
    for row, lines, height in zip(rows, names, heights, strict=True):
        _row(canvas, row, lines, top + height / 2, digits)
        top += height
    bottom = canvas.height - canvas.bottom
    canvas.segment(canvas.left, bottom, canvas.width - canvas.right, bottom, stroke=colour("muted"))
    for value in ticks(low, high, 6):
        canvas.segment(canvas.x(value), bottom, canvas.x(value), bottom + 4, stroke=colour("muted"))
        canvas.text(canvas.x(value), bottom + 17, tick_label(value), anchor="middle", size=11, fill="muted")
    canvas.text((canvas.left + canvas.width - canvas.right) / 2, bottom + 36, label, anchor="middle")
    return canvas.svg(title)


def forest_narrow(
    rows: Sequence[Row], *, label: str, title: str, reference: float | None = None, digits: int = 2
) -> str:
    """The same for a phone: name and numbers above each bar."""
    shown = [row.estimate for row in rows if row.estimate is not None]
    edges = [e[k] for e in shown for k in ("low", "high")] + ([reference] if reference is not None else [])
    names = [wrap(row.name, 30) or [""] for row in rows]
    heights = [40 + 15 * (len(lines) - 1) for lines in names]
    canvas = Canvas(width=380, height=sum(heights) + 52, left=8, right=8, top=6, bottom=46, x_range=_range(edges))
    bottom = canvas.height - canvas.bottom
    top = 6.0
    for row, lines, height in zip(rows, names, heights, strict=True):
        if reference is not None:
            # Beside the bars only: it would run through the names above them.
            x = canvas.x(reference)
            canvas.segment(x, top + height - 20, x, top + height - 4, stroke=colour("muted"), dash="3 3")
        for index, line in enumerate(lines):
            canvas.text(8, top + 14 + 15 * index, line, size=13, bold=row.series is None)
        words = row.note if row.estimate is None else _words(row.estimate, digits)
        canvas.text(canvas.width - 8, top + 14, words, anchor="end", size=13)
        if row.estimate is not None:
            _bar(canvas, row, top + height - 12)
        top += height
    canvas.segment(canvas.left, bottom, canvas.width - canvas.right, bottom, stroke=colour("muted"))
    for value in ticks(*canvas.x_range, 5):
        canvas.text(canvas.x(value), bottom + 17, tick_label(value), anchor="middle", size=11, fill="muted")
    canvas.text(canvas.width / 2, bottom + 36, label, anchor="middle")
    return canvas.svg(title)


def _words(estimate: Mapping[str, Any], digits: int) -> str:
    return f"{number(estimate['value'], digits)} ({limits(estimate, digits)})"


def _row(canvas: Canvas, row: Row, lines: Sequence[str], middle: float, digits: int) -> None:
    start = middle + 4 - 8 * (len(lines) - 1)
    for index, line in enumerate(lines):
        canvas.text(4, start + 16 * index, line, size=13, bold=row.series is None)
    if row.estimate is None:
        canvas.text(canvas.width - 4, middle + 4, row.note, anchor="end", size=12, fill="muted")
        return
    _bar(canvas, row, middle)
    canvas.text(canvas.width - 4, middle + 4, _words(row.estimate, digits), anchor="end", size=13)


def _bar(canvas: Canvas, row: Row, middle: float) -> None:
    assert row.estimate is not None
    stroke, _ = series_style(row.series)
    left, right = canvas.x(row.estimate["low"]), canvas.x(row.estimate["high"])
    canvas.segment(left, middle, right, middle, stroke=stroke, width=2.5)
    for place in (left, right):
        canvas.segment(place, middle - 5, place, middle + 5, stroke=stroke, width=2)
    canvas.dot(canvas.x(row.estimate["value"]), middle, fill=stroke, radius=5.5, square=row.series is None)


def _range(edges: Sequence[float]) -> tuple[float, float]:
    low, high = min(edges, default=0.0), max(edges, default=1.0)
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin
