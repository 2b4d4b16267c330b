"""Drawings: what lies outside the frame is cut, ticks are round, text is escaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from presage.report.figures.canvas import Canvas, plain, ticks
from presage.report.figures.curves import Curve, curves, pieces, stairs
from presage.report.figures.flow import flow, flow_narrow
from presage.report.figures.forest import Row, forest, forest_narrow


def test_a_line_is_cut_where_it_leaves_the_frame_and_taken_up_where_it_returns():
    found = pieces([0, 1, 2, 3, 4], [0.5, -0.5, -0.5, 0.5, 1.5], (0.0, 1.0))
    assert found == [([0, 0.5], [0.5, 0.0]), ([2.5, 3, 3.5], [0.0, 0.5, 1.0])]
    assert pieces([0, 1], [2.0, 2.0], (0.0, 1.0)) == []
    assert pieces([0, 0, 1], [0.0, 1.0, 1.0], (0.0, 1.0)) == [([0, 0, 1], [0.0, 1.0, 1.0])]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.45, 0.85, [0.5, 0.6, 0.7, 0.8]), (-3, 3, [-2, 0, 2]), (5, 5, [5])],
)
def test_ticks_are_round_and_inside(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e4, 3e7])
def test_every_scale_has_some_ticks(scale):
    found = ticks(0.13 * scale, 0.94 * scale)
    assert 3 <= len(found) <= 7
    assert all(0.13 * scale <= value <= 0.94 * scale * 1.000001 for value in found)


def test_steps_hold_until_the_next_time():
    assert stairs([0, 2, 5], [1, 0.8, 0.5]) == ([0, 2, 2, 5, 5], [1, 1, 0.8, 0.8, 0.5])


def test_every_drawing_is_xml_whatever_the_names_are():
    name = "<a> & \"b\" 'c' – ü"
    estimate = {"value": 0.7, "low": 0.6, "high": 0.8}
    rows = [Row(name, estimate, None), Row(name * 5, estimate, 3), Row("few", None, None, "too few to say")]
    steps = [{"title": name, "lines": [name * 6, name]}]
    drawings = [
        forest(rows, label=name, title=name, reference=0.5, reference_label=name, band=estimate),
        forest_narrow(rows, label=name, title=name, reference=0.5),
        flow(steps, [name, name], start=name, title=name),
        flow_narrow(steps, [name], start=name, title=name),
        curves([Curve(name, [0, 1], [0, 1], 0, [0, 0], [1, 1])], x_label=name, y_label=name, title=name),
    ]
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.attrib["aria-label"].startswith("<a> &")
        assert "var(" not in plain(drawing)
        height = float(root.attrib["viewBox"].split()[3])
        lowest = max(float(y) for y in re.findall(r'<text x="[^"]*" y="([^"]*)"', drawing))
        assert lowest <= height


def test_legends_make_room():
    canvas = Canvas()
    before = canvas.height
    canvas.legend([("#000000", "", "word " * 30), ("#000000", "", "short")])
    assert float(ElementTree.fromstring(canvas.svg("x")).attrib["viewBox"].split()[3]) > before + 40
