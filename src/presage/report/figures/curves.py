"""Curves on one pair of axes: ROC, precision-recall, calibration, decision and survival curves are all these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from presage.report.figures.canvas import Canvas, colour, series_style, tick_label, ticks


@dataclass(frozen=True)
class Curve:
    """One curve: points, band where there is one, words for the legend, and series number (None is the standard).

    `stroke` replaces the colour of the series (a reference strategy, a control group).
    """

    words: str
    xs: Sequence[float]
    ys: Sequence[float]
    series: int | None
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    stroke: str = ""
    dash: str = ""
    width: float = 2


def curves(
    drawn: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    title: str,
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    diagonal: bool = False,
    rug: Sequence[float] = (),
) -> str:
    """SVG of curves with a legend below; `diagonal` draws y = x, `rug` marks where the data lie."""
    longest = max(len(tick_label(value)) for value in ticks(*y_range))
    canvas = Canvas(x_range=x_range, y_range=y_range, left=max(54, 34 + 7 * longest))
    canvas.axes(x_label, y_label)
    if diagonal:
        low, high = max(x_range[0], y_range[0]), min(x_range[1], y_range[1])
        canvas.line([low, high], [low, high], stroke=colour("muted"), width=1, dash="2 4")
    entries = []
    for curve in drawn:
        stroke, dash = series_style(curve.series)
        stroke, dash = curve.stroke or stroke, curve.dash or ("" if curve.stroke else dash)
        if curve.low is not None and curve.high is not None:
            canvas.area(curve.xs, _cut(curve.low, y_range), _cut(curve.high, y_range), fill=stroke)
    for curve in drawn:
        stroke, dash = series_style(curve.series)
        stroke, dash = curve.stroke or stroke, curve.dash or ("" if curve.stroke else dash)
        for xs, ys in pieces(curve.xs, curve.ys, y_range):
            canvas.line(xs, ys, stroke=stroke, dash=dash, width=curve.width)
        entries.append((stroke, dash, curve.words))
    bottom = canvas.height - canvas.bottom
    for value in rug:
        canvas.segment(canvas.x(value), bottom, canvas.x(value), bottom - 6, stroke=colour("muted"), width=0.7)
    canvas.legend(entries)
    return canvas.svg(title)


def stairs(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """Points of a step function that holds each y until the next x."""
    across, up = [xs[0]], [ys[0]]
    for x, y, before in zip(xs[1:], ys[1:], ys[:-1], strict=True):
        across += [x, x]
        up += [before, y]
    return across, up


def pieces(
    xs: Sequence[float], ys: Sequence[float], limits: tuple[float, float]
) -> list[tuple[list[float], list[float]]]:
    """The parts of a line within `limits`, cut where it leaves: a line along the frame would be read as data."""
    low, high = limits
    found: list[tuple[list[float], list[float]]] = []
    points = list(zip(xs, ys, strict=True))
    for (x0, y0), (x1, y1) in pairwise(points):
        # Where along the step (0 to 1) it enters and leaves.
        start, end = 0.0, 1.0
        if y0 != y1:
            at = sorted(((low - y0) / (y1 - y0), (high - y0) / (y1 - y0)))
            start, end = max(start, at[0]), min(end, at[1])
        elif not low <= y0 <= high:
            continue
        if start > end:
            continue
        one, two = ((x0 + part * (x1 - x0), y0 + part * (y1 - y0)) for part in (start, end))
        if start > 0 or not found or found[-1][0][-1] != one[0] or found[-1][1][-1] != one[1]:
            found.append(([one[0]], [one[1]]))
        found[-1][0].append(two[0])
        found[-1][1].append(two[1])
    return found


def _cut(values: Sequence[float], limits: tuple[float, float]) -> list[float]:
    return [min(max(value, limits[0]), limits[1]) for value in values]
