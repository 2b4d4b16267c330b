"""A search for settings: inner scores by trial."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from presage.report.figures.canvas import Canvas, colour, ticks


def search(
    values: Sequence[Sequence[float | None]], chosen: Sequence[int], *, higher: bool, label: str, title: str
) -> str:
    """SVG of `values`, one sequence of trials for each fold (None: not completed), and the median of the best so far.

    The `chosen` trial of each fold is a square: colour does not carry it alone.
    """
    known = [value for fold in values for value in fold if value is not None]
    low, high = min(known), max(known)
    margin = 0.06 * (high - low) or 0.05
    longest = max(map(len, values))
    canvas = Canvas(x_range=(0.5, longest + 0.5), y_range=(low - margin, high + margin))
    whole = [tick for tick in ticks(1, longest, 6) if tick == int(tick)]
    canvas.axes("Trial", label, x_ticks=whole)
    for fold in values:
        for position, value in enumerate(fold):
            if value is not None:
                canvas.dot(canvas.x(position + 1), canvas.y(value), fill=colour("series-1"), radius=3)
    line = _best_so_far(values, longest, higher)
    canvas.line([place for place, _ in line], [value for _, value in line], stroke=colour("ink"), width=1.5)
    for fold, position in zip(values, chosen, strict=True):
        value = fold[position]
        if value is not None:
            place = canvas.x(position + 1), canvas.y(value)
            canvas.dot(*place, fill=colour("series-2"), radius=4.5, square=True)
    return canvas.svg(title)


def _best_so_far(values: Sequence[Sequence[float | None]], longest: int, higher: bool) -> list[tuple[int, float]]:
    """The median over the folds, from the trial on at which each has completed one."""
    better = max if higher else min
    line = []
    for position in range(longest):
        done = [[value for value in fold[: position + 1] if value is not None] for fold in values]
        if all(done):
            line.append((position + 1, float(median(better(found) for found in done))))
    return line
