"""Scores of cases and of controls, one panel for each score: how far they are apart, and how much they overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from presage.report.figures.canvas import Canvas, colour, tick_label, ticks

PANEL = 112


def distributions(scores: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """SVG with one panel per score: cases above the line, controls below, each as a share of its class."""
    canvas = Canvas(width=440, height=PANEL * len(scores) + 34, left=14, right=14)
    for index, entry in enumerate(scores):
        _panel(canvas, entry, PANEL * index)
    place = canvas.height - 12
    for x, words, fill in ((14, "cases (above the line)", "series-2"), (190, "controls (below)", "series-1")):
        canvas.box(x, place - 10, 12, 12, fill=colour(fill), opacity=0.75)
        canvas.text(x + 18, place, words)
    return canvas.svg(title)


def _panel(canvas: Canvas, entry: Mapping[str, Any], top: float) -> None:
    found = entry["distribution"]
    edges = found["edges"]
    canvas.x_range = (edges[0], edges[-1])
    canvas.text(14, top + 14, shorten(entry["name"], 62, placeholder="…"), bold=True)
    middle, room = top + 58.0, 34.0
    shares = {side: [count / max(sum(found[side]), 1) for count in found[side]] for side in ("cases", "controls")}
    most = max(max(values) for values in shares.values()) or 1
    for side, direction, fill in (("cases", -1, "series-2"), ("controls", 1, "series-1")):
        for share, left, right in zip(shares[side], edges[:-1], edges[1:], strict=True):
            height = room * share / most
            start = middle - height if direction < 0 else middle
            width = canvas.x(right) - canvas.x(left)
            canvas.box(canvas.x(left) + 0.4, start, width - 0.8, height, fill=colour(fill), opacity=0.75)
        median = canvas.x(found[f"quartiles_{side}"][1])
        canvas.segment(median, middle, median, middle + direction * (room + 2), stroke=colour("ink"), width=1.6)
    canvas.segment(canvas.left, middle, canvas.width - canvas.right, middle, stroke=colour("muted"))
    for value in ticks(edges[0], edges[-1], 4):
        canvas.text(canvas.x(value), top + 107, tick_label(value), anchor="middle", size=11, fill="muted")
