"""The page of one patient in a study of one number per patient: each score among those of the others, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import joined, number, percent
from presage.report.figures.canvas import Canvas, colour, tick_label, ticks
from presage.report.parts import Figure, Notes, Part, Table, Text
from presage.report.patient import CARE, page_of_one, picture, reasons_table

_PANEL = 96.0
# Scores that the first sentence tells: the standard and the first marker; the table has all.
_IN_WORDS = 2


def standing_page(document: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    document
        As :func:`presage.study.standing.gather_standing` gives it.
    pictures
        PNG by file name, those that the document names; what is lacking is said to be lacking.
    """
    outcome = document["outcome"]
    parts = [_among(document), _recordings(document, pictures), _reasons(document), _care()]
    return page_of_one(document, parts, _sentence(document), (outcome["title"], outcome["words"]))


def above(score: Mapping[str, Any], group: str) -> float | None:
    """The share of a group that this patient's score exceeds, ties as half; None where the group is empty."""
    others = score["others"][group]
    if not others:
        return None
    value = score["value"]
    return sum(1.0 if other < value else 0.5 if other == value else 0.0 for other in others) / len(others)


def _sentence(document: Mapping[str, Any]) -> str:
    outcome = document["outcome"]
    shown = [score for score in document["scores"] if score["role"] != "control"][:_IN_WORDS]
    words = "; ".join(f"{score['name']} is above {_shares(score, outcome['groups'])}" for score in shown)
    return f"{outcome['title']}: {outcome['words']}. Among the other patients of the study, {words}."


def _shares(score: Mapping[str, Any], groups: Mapping[str, str]) -> str:
    shares = [(above(score, group), groups[group]) for group in ("controls", "cases")]
    return joined([f"{percent(share)} of {name}" for share, name in shares if share is not None])


def _among(document: Mapping[str, Any]) -> Part:
    groups = document["outcome"]["groups"]
    rows, emphasis = [], []
    for place, score in enumerate(document["scores"]):
        cells = []
        for group in ("controls", "cases"):
            share, n = above(score, group), len(score["others"][group])
            cells.append("–" if share is None else f"{percent(share)} of {n}")
        rows.append([score["name"], number(score["value"], 2), *cells])
        if score["role"] == "standard":
            emphasis.append(place)
    table = Table(
        "Each score, and the share of the other patients whose score is lower. Scores come from models fitted without "
        "the patient whom they score.",
        ("", "Score (its own unit)", f"Above, {groups['controls']}", f"Above, {groups['cases']}"),
        rows,
        emphasis=tuple(emphasis),
    )
    return Part("among", "Among the other patients", [_figure(document), table], order=10)


def _figure(document: Mapping[str, Any]) -> Figure:
    groups, scores = document["outcome"]["groups"], document["scores"]
    canvas = Canvas(width=760, height=_PANEL * len(scores) + 34, left=14, right=14)
    for place, score in enumerate(scores):
        _panel(canvas, score, _PANEL * place)
    foot = canvas.height - 12
    canvas.box(14, foot - 10, 12, 12, fill=colour("series-2"), opacity=0.75)
    canvas.text(32, foot, f"above the line: {groups['cases']}")
    canvas.box(290, foot - 10, 12, 12, fill=colour("series-1"), opacity=0.75)
    canvas.text(308, foot, f"below: {groups['controls']}")
    canvas.segment(560, foot - 4, 584, foot - 4, stroke=colour("ink"), width=2.5)
    canvas.text(592, foot, "this patient")
    alt = "; ".join(f"{score['name']} is above {_shares(score, groups)}" for score in scores)
    data = [(score["name"], "this patient", score["value"]) for score in scores]
    data += [(s["name"], groups[group], value) for s in scores for group in groups for value in s["others"][group]]
    return Figure(
        name="among",
        title="Where the scores stand",
        caption="One stroke for each of the other patients of the study.",
        alt=alt,
        svg=canvas.svg(alt),
        columns=("score", "who", "value"),
        data=data,
        wide=True,
    )


def _panel(canvas: Canvas, score: Mapping[str, Any], top: float) -> None:
    every = [score["value"], *score["others"]["cases"], *score["others"]["controls"]]
    low, high = min(every), max(every)
    room = 0.02 * (high - low) or 1.0
    canvas.x_range = (low - room, high + room)
    role = " (standard)" if score["role"] == "standard" else " (control)" if score["role"] == "control" else ""
    canvas.text(14, top + 14, f"{score['name']}{role}", bold=True)
    middle = top + 46.0
    for group, fill, direction in (("cases", "series-2", -1), ("controls", "series-1", 1)):
        _strokes(canvas, score["others"][group], middle, direction, colour(fill))
    canvas.segment(canvas.left, middle, canvas.width - canvas.right, middle, stroke=colour("muted"))
    place = canvas.x(score["value"])
    canvas.segment(place, middle - 24, place, middle + 24, stroke=colour("ink"), width=2.5)
    canvas.dot(place, middle, fill=colour("ink"), radius=5)
    for value in ticks(*canvas.x_range, 5):
        canvas.text(canvas.x(value), top + 86, tick_label(value), anchor="middle", size=11, fill="muted")


def _strokes(canvas: Canvas, values: Sequence[float], middle: float, direction: int, fill: str) -> None:
    for value in values:
        x = canvas.x(value)
        canvas.box(x - 0.7, middle - 18 if direction < 0 else middle, 1.4, 18, fill=fill, opacity=0.55)


def _recordings(document: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Part:
    blocks = [picture(shown, pictures, shown["visit"]) for shown in document["pictures"]]
    return Part("recordings", "What was recorded", blocks or [Text("No recording of this study is drawn.")], order=20)


def _reasons(document: Mapping[str, Any]) -> Part:
    given = [(score["name"], score["value"], score["reasons"]) for score in document["scores"]]
    return Part("reasons", "Where the scores come from", [reasons_table(given)], order=30)


def _care() -> Part:
    return Part("care", "Read with care", [Notes(list(CARE), title="Limits")], order=90)
