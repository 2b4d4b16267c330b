"""Bars from nought, one for each row: to the right, and to the left where a value is negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.report.figures.canvas import Canvas, colour, tick_label, ticks

_ROW = 24.0


def bars(*, title: str, rows: Sequence[Mapping[str, Any]], x_label: str, legend: Sequence[Sequence[Any]] = ()) -> str:
    """SVG of bars.

    Parameters
    ----------
    rows
        Each with `name`, `value`, `series` (1 to 6, None is grey) and `words` behind the bar; behind
        nought where the value is negative.
    legend
        (series, words) of each colour.
    """
    longest = max((len(str(row["name"])) for row in rows), default=4)
    values = [float(row["value"]) for row in rows]
    least = min([0.0, *values])
    most = max([0.0, *values]) or (0.0 if least < 0 else 1.0)
    words = max((len(str(row.get("words", ""))) for row in rows), default=0)
    canvas = Canvas(width=640, left=18 + 8.4 * longest, right=20 + 6.2 * words, top=6, bottom=44, x_range=(least, most))
    canvas.height = canvas.top + _ROW * len(rows) + 6 + canvas.bottom
    bottom = canvas.height - canvas.bottom
    for value in ticks(least, most, 4):
        canvas.segment(canvas.x(value), canvas.top, canvas.x(value), bottom)
        canvas.text(canvas.x(value), bottom + 16, tick_label(value), anchor="middle", size=11, fill="muted")
    nought = canvas.x(0.0)
    for number, row in enumerate(rows):
        top = canvas.top + number * _ROW + 3
        fill = colour("standard") if row.get("series") is None else colour(f"series-{row['series']}")
        start, end = sorted((nought, canvas.x(float(row["value"]))))
        canvas.box(start, top + 2, max(end - start, 1.2), _ROW - 8, fill=fill)
        canvas.text(canvas.left - 8, top + 14, str(row["name"]), anchor="end")
        canvas.text(end + 7, top + 14, str(row.get("words", "")), size=11, fill="muted")
    canvas.segment(nought, canvas.top, nought, bottom, stroke=colour("muted"))
    canvas.text((canvas.left + canvas.width - canvas.right) / 2, bottom + 35, x_label, anchor="middle")
    place = canvas.height + 8
    for series, text in legend:
        fill = colour("standard") if series is None else colour(f"series-{series}")
        canvas.box(canvas.left, place, 12, 12, fill=fill)
        canvas.text(canvas.left + 18, place + 10.5, str(text), size=11.5)
        place += 20
    canvas.below = max(place - canvas.height, 0)
    return canvas.svg(title)
