"""Small networks: two columns with links between them, and influences within one set of nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presage.report.figures.canvas import Canvas, colour

_ROW = 21.0


def links(
    *, title: str, left: Sequence[str], right: Sequence[str], edges: Sequence[Mapping[str, Any]], heads: Sequence[str]
) -> str:
    """SVG of two columns.

    Parameters
    ----------
    left, right
        Names from top to bottom.
    edges
        Each with `left` and `right` (indices), `weight` (0 to 1, the width) and `up`: solid where true, dashed where
        not.
    heads
        Over the two columns.
    """
    canvas = Canvas(width=760, top=34, bottom=8)
    rows = max(len(left), len(right), 1)
    canvas.height = canvas.top + rows * _ROW + canvas.bottom
    from_x, to_x = 210.0, 510.0

    def place(number: int, of: int) -> float:
        return canvas.top + (number + 0.5) * rows * _ROW / max(of, 1)

    canvas.text(from_x - 12, 16, heads[0], anchor="end", fill="muted", size=11.5)
    canvas.text(to_x + 12, 16, heads[1], fill="muted", size=11.5)
    for edge in edges:
        one, other = place(edge["left"], len(left)), place(edge["right"], len(right))
        middle = (from_x + to_x) / 2
        series, dash = ("series-2", "") if edge["up"] else ("series-1", ' stroke-dasharray="5 4"')
        canvas.parts.append(
            f'<path d="M{from_x:.1f} {one:.1f} C{middle:.1f} {one:.1f} {middle:.1f} {other:.1f} '
            f'{to_x:.1f} {other:.1f}" '
            f'fill="none" stroke-opacity="0.75" stroke-width="{0.8 + 3.2 * float(edge["weight"]):.2f}"{dash} '
            f'style="stroke:{colour(series)}"/>'
        )
    for number, name in enumerate(left):
        canvas.dot(from_x, place(number, len(left)), fill=colour("ink"), radius=5)
        canvas.text(from_x - 12, place(number, len(left)) + 4, name, anchor="end", bold=True)
    for number, name in enumerate(right):
        canvas.dot(to_x, place(number, len(right)), fill=colour("standard"), radius=3.5)
        canvas.text(to_x + 12, place(number, len(right)) + 4, name)
    canvas.legend([(colour("series-2"), "", "raised where it is altered"), (colour("series-1"), "5 4", "lowered")])
    return canvas.svg(title)


def influences(*, title: str, nodes: Sequence[str], edges: Sequence[Mapping[str, Any]]) -> str:
    """SVG of nodes on a circle and arrows between them.

    Parameters
    ----------
    edges
        Each with `source`, `target` (indices) and `value`: above 0 it promotes (solid), below it hinders (dashed, with
        a bar for an arrow's head).
    """
    canvas = Canvas(width=620, height=470)
    centre_x, centre_y, radius = 310.0, 235.0, 165.0
    places = []
    for number in range(len(nodes)):
        angle = 2 * math.pi * number / max(len(nodes), 1) - math.pi / 2
        places.append((centre_x + radius * math.cos(angle), centre_y + radius * math.sin(angle), angle))
    strongest = max((abs(float(edge["value"])) for edge in edges), default=1.0) or 1.0
    for edge in edges:
        _arrow(canvas, places[edge["source"]], places[edge["target"]], float(edge["value"]), strongest)
    for name, (x, y, angle) in zip(nodes, places, strict=True):
        canvas.dot(x, y, fill=colour("ink"), radius=6)
        across = math.cos(angle)
        anchor = "middle" if abs(across) < 0.3 else "start" if across > 0 else "end"
        canvas.text(x + 13 * across, y + 14 * math.sin(angle) + 4, name, anchor=anchor, bold=True)
    canvas.legend([(colour("series-2"), "", "promotes"), (colour("series-1"), "5 4", "hinders")])
    return canvas.svg(title)


def _arrow(
    canvas: Canvas, start: tuple[float, float, float], end: tuple[float, float, float], value: float, strongest: float
) -> None:
    """A line bent a little to its left, so that an arrow and the one back can be told apart."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    bend = 0.12 * length
    control = ((start[0] + end[0]) / 2 - dy / length * bend, (start[1] + end[1]) / 2 + dx / length * bend)
    along = math.atan2(end[1] - control[1], end[0] - control[0])
    tip = (end[0] - 10 * math.cos(along), end[1] - 10 * math.sin(along))
    series, dash = ("series-2", "") if value > 0 else ("series-1", ' stroke-dasharray="5 4"')
    stroke = f'fill="none" stroke-width="{0.9 + 2.4 * abs(value) / strongest:.2f}" style="stroke:{colour(series)}"'
    canvas.parts.append(
        f'<path d="M{start[0]:.1f} {start[1]:.1f} Q{control[0]:.1f} {control[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"{dash} '
        f"{stroke}/>"
    )
    spread = 2.5 if value > 0 else math.pi / 2
    ends = [(tip[0] + 8 * math.cos(along + s * spread), tip[1] + 8 * math.sin(along + s * spread)) for s in (1, -1)]
    canvas.parts.append(
        f'<path d="M{ends[0][0]:.1f} {ends[0][1]:.1f} L{tip[0]:.1f} {tip[1]:.1f} L{ends[1][0]:.1f} {ends[1][1]:.1f}" '
        f"{stroke}/>"
    )
