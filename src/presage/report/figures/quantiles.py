"""Observed against expected p-values on a log scale (a QQ plot)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from presage.report.figures.canvas import Canvas, colour

_CEILING = 12.0


def quantiles(*, title: str, values: Sequence[float], labels: Sequence[Sequence[object]] = ()) -> str:
    """SVG of -log10 p against its expectation under chance.

    Parameters
    ----------
    values
        P-values in any order. Of the thousands near the origin only as many are drawn as can be told apart.
    labels
        (p, name) of those that are named.
    """
    ordered = sorted(float(value) for value in values)
    size = len(ordered)
    points = [
        (-math.log10((rank + 0.5) / size), min(-math.log10(max(p, 1e-300)), _CEILING)) for rank, p in enumerate(ordered)
    ]
    right = max(points[0][0] if points else 1.0, 1.0) * 1.05
    top = max([right, *(y for _, y in points)]) * 1.08
    canvas = Canvas(width=520, height=400, right=80, x_range=(0, right), y_range=(0, top))
    canvas.axes("Expected by chance, −log10 p", "Observed, −log10 p")
    canvas.line([0, min(right, top)], [0, min(right, top)], stroke=colour("muted"), width=1.2, dash="4 4")
    last = (math.inf, math.inf)
    for x, y in points:
        if abs(x - last[0]) > right / 250 or abs(y - last[1]) > top / 250:
            canvas.dot(canvas.x(x), canvas.y(y), fill=colour("series-1"), radius=3)
            last = (x, y)
    beyond = [str(name) for p, name in labels if float(str(p)) <= 10**-_CEILING]
    if beyond:
        told = f"{_CEILING:g} or more: {', '.join(beyond[:6])}{' ...' if len(beyond) > 6 else ''}"
        canvas.text(canvas.left + 6, canvas.top + 4, told, size=11)
    used = -math.inf
    for p, name in sorted(labels, key=lambda entry: -float(str(entry[0]))):
        if str(name) in beyond:
            break
        rank = ordered.index(float(str(p)))
        x, y = points[rank]
        # From below upwards: a name that would lie on the one before is moved over it.
        used = canvas.y(y) + 4 if used == -math.inf else min(canvas.y(y) + 4, used - 12)
        canvas.text(canvas.x(x) + 8, used, str(name), size=11)
    return canvas.svg(title)
