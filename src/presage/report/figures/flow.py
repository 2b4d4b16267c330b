"""The cohort flow: who came, who was left out at which step and why, who was analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from presage.report.figures.canvas import Canvas, colour

_WIDTH, _GAP = 250, 26


def flow(steps: Sequence[Mapping[str, Any]], final: Sequence[str], *, start: str, title: str) -> str:
    """SVG of boxes from top to bottom; each step's exclusions stand to its right.

    Parameters
    ----------
    steps
        Rows with ``title`` (what was done) and ``lines`` (who was left out, with n).
    final
        Lines of the last box: who was analysed.
    start
        Words of the first box: who was there.
    """
    sides = [[step["title"], *(part for line in step["lines"] for part in wrap(line, 46))] for step in steps]
    heights = [18 * len(lines) + 14 for lines in sides]
    total = 52 + sum(heights) + _GAP * (len(steps) + 1) + 18 * len(final) + 22
    canvas = Canvas(width=640, height=total + 8, left=4, right=4, top=4, bottom=4)
    top = _box(canvas, 4.0, [start], bold=True)
    for lines, height in zip(sides, heights, strict=True):
        middle = top + _GAP / 2 + height / 2
        spine = 4 + _WIDTH / 2
        canvas.segment(spine, top, spine, top + _GAP + height, stroke=colour("muted"))
        canvas.segment(spine, middle, 300, middle, stroke=colour("muted"))
        _arrow(canvas, 300, middle, right=True)
        canvas.box(302, middle - height / 2, 332, height, stroke=colour("muted"), radius=4)
        for number, line in enumerate(lines):
            place = middle - height / 2 + 20 + 18 * number
            canvas.text(312, place, line, size=12.5, bold=number == 0)
        top += _GAP + height
    spine = 4 + _WIDTH / 2
    canvas.segment(spine, top, spine, top + _GAP, stroke=colour("muted"))
    _arrow(canvas, spine, top + _GAP - 1, right=False)
    _box(canvas, top + _GAP, final, bold=True)
    return canvas.svg(title)


def flow_narrow(steps: Sequence[Mapping[str, Any]], final: Sequence[str], *, start: str, title: str) -> str:
    """The same for a phone: exclusions below each other, to the right of the spine."""
    sides = [[step["title"], *(part for line in step["lines"] for part in wrap(line, 38))] for step in steps]
    heights = [18 * len(lines) + 14 for lines in sides]
    total = 52 + sum(heights) + 14 * len(steps) + 40 + 18 * len(final) + 22
    canvas = Canvas(width=360, height=total, left=4, right=4)
    top = _box(canvas, 4.0, [start], bold=True)
    for lines, height in zip(sides, heights, strict=True):
        canvas.segment(30, top, 30, top + 14 + height, stroke=colour("muted"))
        canvas.segment(30, top + 14 + height / 2, 54, top + 14 + height / 2, stroke=colour("muted"))
        _arrow(canvas, 56, top + 14 + height / 2, right=True)
        canvas.box(58, top + 14, 298, height, stroke=colour("muted"), radius=4)
        for number, line in enumerate(lines):
            canvas.text(68, top + 33 + 18 * number, line, size=12.5, bold=number == 0)
        top += 14 + height
    canvas.segment(30, top, 30, top + 24, stroke=colour("muted"))
    _arrow(canvas, 30, top + 23, right=False)
    _box(canvas, top + 24, final, bold=True)
    return canvas.svg(title)


def _box(canvas: Canvas, top: float, lines: Sequence[str], *, bold: bool) -> float:
    height = max(18 * len(lines) + 18, 40)
    canvas.box(4, top, _WIDTH, height, fill=colour("paper"), stroke=colour("ink"), radius=4)
    for number, line in enumerate(lines):
        place = top + height / 2 + 4.5 + 18 * (number - (len(lines) - 1) / 2)
        canvas.text(4 + _WIDTH / 2, place, line, anchor="middle", size=13, bold=bold and number == 0)
    return top + height


def _arrow(canvas: Canvas, x: float, y: float, *, right: bool) -> None:
    points = f"{x - 7:.1f},{y - 4:.1f} {x:.1f},{y:.1f} {x - 7:.1f},{y + 4:.1f}"
    if not right:
        points = f"{x - 4:.1f},{y - 7:.1f} {x:.1f},{y:.1f} {x + 4:.1f},{y - 7:.1f}"
    canvas.parts.append(f'<polygon points="{points}" style="fill:{colour("muted")}"/>')
