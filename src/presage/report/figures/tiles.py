"""A field of tiles: rows by name, one column a person, coloured by what is there (an oncoplot)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.report.figures.canvas import Canvas, colour

_ROW, _GAP = 18.0, 3.0
_PALE = 0.32


def tiles(
    *,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    people: int,
    classes: Sequence[Mapping[str, Any]],
    unit: str,
    pale: str = "",
) -> str:
    """SVG of a field of tiles.

    Parameters
    ----------
    rows
        Each with `name`, `words` (what stands at its end) and `cells`: (column, class, strong) for each tile that is
        there.
    people
        Columns.
    classes
        Each with `name`, `series` (1 to 6) and `tall`: whether its tile fills the row, as copy number does, or lies in
        its middle, as mutations do; so both can be seen in one cell and are told apart without colours.
    unit
        What a column is, for the axis.
    pale
        What a pale tile (not strong) means, for the legend; empty where there is none.
    """
    names = max((len(str(row["name"])) for row in rows), default=4)
    words = max((len(str(row["words"])) for row in rows), default=4)
    canvas = Canvas(width=960, left=14 + 8.6 * names, right=14 + 6.4 * words, top=8)
    canvas.height = canvas.top + len(rows) * (_ROW + _GAP) + 26
    step = (canvas.width - canvas.left - canvas.right) / max(people, 1)
    for number, row in enumerate(rows):
        top = canvas.top + number * (_ROW + _GAP)
        canvas.box(canvas.left, top, step * people, _ROW, fill=colour("rule"), opacity=0.45)
        canvas.text(canvas.left - 8, top + 13.5, str(row["name"]), anchor="end")
        canvas.text(canvas.width - canvas.right + 8, top + 13.5, str(row["words"]), size=11, fill="muted")
        # Tall tiles first: those in the middle lie over them.
        for column, kind, strong in sorted(row["cells"], key=lambda cell: not classes[cell[1]]["tall"]):
            tall = classes[kind]["tall"]
            canvas.box(
                canvas.left + column * step,
                top if tall else top + _ROW / 4,
                max(step - (0.6 if step > 3 else 0), 0.8),
                _ROW if tall else _ROW / 2,
                fill=colour(f"series-{classes[kind]['series']}"),
                opacity=1 if strong else _PALE,
            )
    bottom = canvas.top + len(rows) * (_ROW + _GAP)
    canvas.text(canvas.left, bottom + 14, f"{people} {unit}", size=11, fill="muted")
    _legend(canvas, classes, pale)
    return canvas.svg(title)


def _legend(canvas: Canvas, classes: Sequence[Mapping[str, Any]], pale: str) -> None:
    place, line = canvas.left, canvas.height + 12
    entries = [(entry["name"], entry["series"], entry["tall"], 1.0) for entry in classes]
    if pale:
        entries.append((pale, classes[0]["series"], True, _PALE))
    for name, series, tall, opacity in entries:
        width = 26 + 6.6 * len(name)
        if place + width > canvas.width and place > canvas.left:
            place, line = canvas.left, line + 20
        fill = colour(f"series-{series}")
        canvas.box(place, line - (11 if tall else 8), 11, 12 if tall else 6, fill=fill, opacity=opacity)
        canvas.text(place + 16, line - 1, name, size=11.5)
        place += width
    canvas.below = line + 8 - canvas.height
