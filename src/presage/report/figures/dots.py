"""Single values as dots on one axis, one row for each name, and a line where they count together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from presage.report.figures.canvas import Canvas, colour, series_style, tick_label, ticks

_ROW = 40.0


@dataclass(frozen=True)
class Dots:
    """One row: its name, its values, the value that a line marks, and its series (None is the standard)."""

    name: str
    values: Sequence[float]
    mark: float
    series: int | None = 0


def dots(rows: Sequence[Dots], *, x_label: str, title: str) -> str:
    """SVG of `rows` on one axis. Equal values would cover each other, so neighbours stand at three heights in turn."""
    edges = [value for row in rows for value in (*row.values, row.mark)]
    margin = 0.06 * (max(edges) - min(edges)) or 0.01
    canvas = Canvas(width=720, left=206, right=24, top=8, bottom=46, x_range=(min(edges) - margin, max(edges) + margin))
    canvas.height = canvas.top + _ROW * len(rows) + canvas.bottom
    bottom = canvas.height - canvas.bottom
    for value in ticks(*canvas.x_range, 6):
        canvas.segment(canvas.x(value), canvas.top, canvas.x(value), bottom)
        canvas.text(canvas.x(value), bottom + 17, tick_label(value), anchor="middle", size=11, fill="muted")
    for number, row in enumerate(rows):
        middle = canvas.top + _ROW * (number + 0.5)
        lines = wrap(row.name, 30) or [""]
        for place, line in enumerate(lines):
            canvas.text(4, middle + 4 - 8 * (len(lines) - 1) + 16 * place, line, size=13)
        canvas.segment(canvas.x(row.mark), middle - 14, canvas.x(row.mark), middle + 14, stroke=colour("ink"), width=2)
        fill, _ = series_style(row.series)
        for place, value in enumerate(sorted(row.values)):
            canvas.dot(canvas.x(value), middle + 6 * (place % 3 - 1), fill=fill, radius=4.5)
    canvas.segment(canvas.left, bottom, canvas.width - canvas.right, bottom, stroke=colour("muted"))
    canvas.text((canvas.left + canvas.width - canvas.right) / 2, bottom + 36, x_label, anchor="middle")
    return canvas.svg(title)
