"""The page of one patient: the course of scale and scores, each visit over time, and where the scores come from."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from presage.findings.words import joined, number, percent, signed
from presage.report.figures.canvas import Canvas, colour, series_style
from presage.report.page import html_of
from presage.report.parts import Block, Figure, Notes, Part, Table, Text
from presage.report.sections.common import slug

_FOR_WHOM = (
    "For those who treat this patient: it shows what was recorded and may quote it. Keep it beside the recordings."
)
CARE = (
    "A score is not a diagnosis, and no score here was shown to help anybody decide.",
    "A part that raises a score is what a model learnt from other people. It is no cause of an illness, and it may "
    "count for a topic, a style or a device, not for what ails the patient.",
)


def patient_page(document: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    document
        As :func:`presage.study.patient.gather_patient` gives it.
    pictures
        PNG by file name, those that the document's visits name; what is lacking is said to be lacking.
    """
    shown = [_course(document), *(_visit(entry, document, pictures) for entry in document["visits"]), _notes()]
    return page_of_one(document, shown, _sentence(document), ("Visits", str(len(document["visits"]))))


def page_of_one(document: Mapping[str, Any], shown: Sequence[Part], sentence: str, fact: tuple[str, str]) -> str:
    """The page that those who treat the patient read; `fact` stands between code and standard."""
    standard = next(score["name"] for score in document["scores"] if score["role"] == "standard")
    return html_of(
        f"Patient {document['code']}: {document['title']}",
        shown,
        phantom=bool(document["phantom"]),
        sentence=sentence,
        also=_FOR_WHOM,
        facts=[("Patient", document["code"]), fact, ("Standard", standard)],
        version=document["software"].get("presage", ""),
    )


def _sentence(document: Mapping[str, Any]) -> str:
    scale, visits = document["scale"], document["visits"]
    first, last = visits[0]["outcome"], visits[-1]["outcome"]
    course = " → ".join(f"{visit['outcome']:g}" for visit in visits)
    text = f"{scale['title']} was {course}"
    if len(visits) > 1 and first > 0:
        fall = (first - last) / first
        text += f", {'a fall' if fall >= 0 else 'a rise'} of {percent(abs(fall))}"
        text += " (response: half or more)" if fall >= 0.5 else " (no response: less than half)"
    text += f"; {'below' if last < scale['remission_below'] else 'not below'} {scale['remission_below']:g} at the last."
    told: dict[str, list[str]] = {"fell": [], "rose": [], "stayed": []}
    for score in document["scores"]:
        if score["smallest"] is None or len(visits) < 2:
            continue
        change = visits[-1]["scores"][score["name"]] - visits[0]["scores"][score["name"]]
        told["stayed" if abs(change) <= score["smallest"] else "fell" if change < 0 else "rose"].append(score["name"])
    words = {
        "fell": "fell by more than error",
        "rose": "rose by more than error",
        "stayed": "changed by no more than error",
    }
    parts = [f"{joined(names)} {words[key]}" for key, names in told.items() if names]
    return text + (f" From first to last visit {'; '.join(parts)}." if parts else "")


def _course(document: Mapping[str, Any]) -> Part:
    figures: list[Block] = [_of_scale(document)]
    figures += [_of_score(score, place, document) for place, score in enumerate(document["scores"])]
    rows = [
        [score["name"], *(number(visit["scores"][score["name"]], 2) for visit in document["visits"]), _smallest(score)]
        for score in document["scores"]
    ]
    scale = document["scale"]["title"]
    table = Table(
        "Scale and scores by visit. Each score comes from a model fitted without this patient.",
        ("", *(f"Visit {visit['visit']}" for visit in document["visits"]), "Smallest reliable change"),
        [[scale, *(f"{visit['outcome']:g}" for visit in document["visits"]), "–"], *rows],
        emphasis=(0,),
    )
    return Part("course", "Over the visits", [*figures, table], order=10)


def _smallest(score: Mapping[str, Any]) -> str:
    return "–" if score["smallest"] is None else number(score["smallest"], 2)


def _canvas(values: Sequence[float], more: Sequence[float], document: Mapping[str, Any], label: str) -> Canvas:
    low, high = min([*values, *more]), max([*values, *more])
    room = 0.08 * (high - low) or 1.0
    visits = document["visits"]
    canvas = Canvas(height=230, right=20, x_range=(-0.25, len(visits) - 0.75), y_range=(low - room, high + room))
    canvas.axes("Visit", label, x_ticks=())
    for place, visit in enumerate(visits):
        x, y = canvas.x(place), canvas.height - canvas.bottom + 17
        canvas.text(x, y, visit["visit"], anchor="middle", size=11, fill="muted")
    return canvas


def _drawn(canvas: Canvas, values: Sequence[float], stroke: str) -> None:
    places = list(range(len(values)))
    canvas.line(places, values, stroke=stroke)
    for place, value in zip(places, values, strict=True):
        canvas.dot(canvas.x(place), canvas.y(value), fill=stroke, radius=4.5)


def _of_scale(document: Mapping[str, Any]) -> Figure:
    scale = document["scale"]
    values = [float(visit["outcome"]) for visit in document["visits"]]
    canvas = _canvas(values, [0.0, scale["cutoff"], scale["remission_below"]], document, scale["title"])
    ends = canvas.x_range
    canvas.line(ends, [scale["cutoff"]] * 2, stroke=colour("muted"), width=1.2, dash="6 4")
    legend = [(colour("muted"), "6 4", f"a case from {scale['cutoff']:g}")]
    if scale["remission_below"] != scale["cutoff"]:
        canvas.line(ends, [scale["remission_below"]] * 2, stroke=colour("series-3"), width=1.2, dash="3 3")
        legend.append((colour("series-3"), "3 3", f"remission below {scale['remission_below']:g}"))
    canvas.line(ends, [values[0] / 2] * 2, stroke=colour("series-5"), width=1.2, dash="12 3 3 3")
    legend.append((colour("series-5"), "12 3 3 3", "half of the first: response"))
    _drawn(canvas, values, colour("ink"))
    canvas.legend(legend)
    alt = f"{scale['title']} by visit: {', '.join(f'{value:g}' for value in values)}."
    return Figure(
        name="scale",
        title=scale["title"],
        caption="As rated at each visit.",
        alt=alt,
        svg=canvas.svg(alt),
        columns=("visit", scale["title"]),
        data=[(visit["visit"], value) for visit, value in zip(document["visits"], values, strict=True)],
    )


def _of_score(score: Mapping[str, Any], place: int, document: Mapping[str, Any]) -> Figure:
    name, smallest = score["name"], score["smallest"]
    values = [float(visit["scores"][name]) for visit in document["visits"]]
    edges = [] if smallest is None else [values[0] - smallest, values[0] + smallest]
    canvas = _canvas(values, edges, document, "Score (its own unit)")
    stroke, _ = series_style(None if score["role"] == "standard" else place - 1)
    if edges:
        ends = canvas.x_range
        canvas.area(ends, [edges[0]] * 2, [edges[1]] * 2, fill=colour("standard"))
        canvas.line(ends, [values[0]] * 2, stroke=colour("standard"), width=1, dash="3 3")
    _drawn(canvas, values, stroke)
    alt = f"{name} by visit: {', '.join(number(value, 2) for value in values)}."
    band = "A visit inside the grey band differs from the first by no more than the error of measurement."
    return Figure(
        name=f"score-{slug(name)}",
        title=f"{name}{' (standard)' if score['role'] == 'standard' else ''}",
        caption=band if edges else "This score does not change over the visits.",
        alt=alt,
        svg=canvas.svg(alt),
        columns=("visit", "score", "band_low", "band_high"),
        data=[
            (visit["visit"], value, *(edges or ("", "")))
            for visit, value in zip(document["visits"], values, strict=True)
        ],
    )


def _visit(entry: Mapping[str, Any], document: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Part:
    scale = document["scale"]["title"]
    blocks: list[Block] = [Text(f"{scale} {entry['outcome']:g}.", strong=True)]
    blocks += [picture(shown, pictures, entry["visit"]) for shown in entry["pictures"]]
    given = [
        (score["name"], entry["scores"][score["name"]], entry["reasons"].get(score["name"]) or [])
        for score in document["scores"]
    ]
    blocks.append(reasons_table(given))
    order = 20 + document["visits"].index(entry)
    return Part(f"visit-{slug(str(entry['visit']))}", f"Visit {entry['visit']}", blocks, order=order)


def picture(shown: Mapping[str, str], pictures: Mapping[str, bytes], visit: str) -> Block:
    """A PNG as a drawing that fills the width and can be enlarged; in words where it is not there."""
    name = shown["file"]
    if name not in pictures:
        return Text(f"The picture {name} is not in this folder.")
    data = pictures[name]
    width, height = struct.unpack(">II", data[16:24])
    alt = f"Visit {visit}: what was recorded, and what was measured in it."
    address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(alt, quote=True)}"><image href="{address}" width="{width}" height="{height}"/></svg>'
    )
    return Figure(
        name=slug(name.rsplit(".", 1)[0]),
        title="What was recorded",
        caption=shown["caption"],
        alt=alt,
        svg=svg,
        columns=("visit", "picture"),
        data=[(visit, name)],
        wide=True,
    )


def reasons_table(given: Sequence[tuple[str, float, Sequence[Mapping[str, Any]]]]) -> Block:
    """Where scores come from: of each its name, its value and its largest parts."""
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for name, value, parts in given:
        up = [part for part in parts if part["contribution"] > 0]
        down = [part for part in parts if part["contribution"] < 0]
        if up or down:
            groups[len(rows)] = f"{name}: {number(value, 2)}"
        rows += [[_words(part), _when(part), signed(part["contribution"], 2)] for part in (*up, *down)]
    if not rows:
        return Text("No marker of this study can say where its score comes from.")
    return Table(
        "Where the scores come from: the largest parts that raise (+) or lower (−) each score. A score is the sum of "
        "all its parts and a constant; one that is a probability rises with that sum.",
        ("Part", "When (s)", "Adds"),
        rows,
        groups=groups,
    )


def _words(part: Mapping[str, Any]) -> str:
    return f"“{part['words']}”" if part["start"] is not None else str(part["words"])


def _when(part: Mapping[str, Any]) -> str:
    if part["start"] is None:
        return "–"
    return number(part["start"], 1) + ("" if part["stop"] is None else f" to {number(part['stop'], 1)}")


def _notes() -> Part:
    band = "The grey band holds changes that a score shows while the scale stays; a change inside it says nothing."
    return Part("care", "Read with care", [Notes([*CARE, band], title="Limits")], order=90)
