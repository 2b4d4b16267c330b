"""Pages from plain documents."""

from __future__ import annotations

from typing import Any

from presage.report.documents import _DRAWINGS
from presage.report.figures.curves import stairs

AXES: dict[str, Any] = {"title": "t", "x_label": "Years", "y_label": "Without the event", "x_range": (0.0, 5.0)}


def test_a_curve_in_steps_is_the_curve_of_their_corners() -> None:
    xs, ys, low, high = [0.0, 2.0, 5.0], [1.0, 0.8, 0.5], [1.0, 0.7, 0.4], [1.0, 0.9, 0.6]
    plain = {"words": "w", "stroke": "series-1"}
    draw = _DRAWINGS["curves"]
    across, corners = stairs(xs, ys)
    steps = draw(curves=[{**plain, "xs": xs, "ys": ys, "low": low, "high": high, "steps": True}], **AXES)
    band = {"low": stairs(xs, low)[1], "high": stairs(xs, high)[1]}
    assert steps == draw(curves=[{**plain, "xs": across, "ys": corners, **band}], **AXES)
    assert steps != draw(curves=[{**plain, "xs": xs, "ys": ys, "low": low, "high": high}], **AXES)
    assert draw(curves=[{**plain, "xs": xs, "ys": ys, "steps": True}], **AXES) == draw(
        curves=[{**plain, "xs": across, "ys": corners}], **AXES
    )
