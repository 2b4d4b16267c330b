"""Pages from plain documents: whoever is below the report (a field, another lab's package) says what is to be shown.

A document is what JSON can hold: ``title``, ``sentence``, ``phantom``, and as needed ``also``, ``missing``, ``facts``
(pairs), ``version`` and ``parts``. A part has ``name``, ``title``, ``blocks`` and maybe ``folded``; a block is one of

- ``{"text": ...}``, with ``"strong": true`` for the sentence that answers the section's question;
- ``{"table": caption, "columns": ..., "rows": ...}`` and maybe ``numeric``, ``emphasis``, ``links`` (row -> a page
  below this one's folder, ``tumours/T0001.html``, to which the row's name leads);
- ``{"notes": [...]}`` and maybe ``title``;
- ``{"figure": kind, "name": ..., "title": ..., "caption": ..., "alt": ..., "of": ..., "columns": ..., "data": ...}``,
  where ``of`` holds the arguments of the drawing: `tiles`, `bars`, `links`, `influences` or `quantiles`, the functions
  of that name in `presage.report.figures`; `curves`, whose curves are mappings with ``words``, ``xs``, ``ys``, a colour
  (``stroke``: standard, series-1 ...) and as needed ``low``, ``high``, ``dash``, ``width``, and ``"steps": true`` where
  each value holds until the next (Kaplan-Meier); or `forest`, whose rows are mappings with ``name``, ``estimate``
  (value, low, high) and ``series``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from presage.report.figures.bars import bars
from presage.report.figures.canvas import colour
from presage.report.figures.curves import Curve, stairs
from presage.report.figures.curves import curves as _draw_curves
from presage.report.figures.forest import Row, forest, forest_narrow
from presage.report.figures.graph import influences, links
from presage.report.figures.quantiles import quantiles
from presage.report.figures.tiles import tiles
from presage.report.page import html_of
from presage.report.parts import Block, Figure, Notes, Part, Table, Text


def _curves(*, title: str, curves: Sequence[Mapping[str, Any]], **axes: Any) -> str:
    drawn = [Curve(**{"series": None, **_stepped(one), "stroke": colour(one["stroke"])}) for one in curves]
    return _draw_curves(drawn, title=title, **axes)


def _stepped(curve: Mapping[str, Any]) -> dict[str, Any]:
    """The curve with the points of its steps, where it holds each value until the next."""
    plain = {key: value for key, value in curve.items() if key != "steps"}
    if not curve.get("steps"):
        return plain
    steps = {key: stairs(curve["xs"], curve[key])[1] for key in ("ys", "low", "high") if key in curve}
    return plain | steps | {"xs": stairs(curve["xs"], curve["ys"])[0]}


def _forest(*, title: str, rows: Sequence[Mapping[str, Any]], **axes: Any) -> str:
    return forest([Row(**row) for row in rows], title=title, **axes)


def _forest_narrow(*, title: str, rows: Sequence[Mapping[str, Any]], **axes: Any) -> str:
    kept = {name: value for name, value in axes.items() if name not in ("reference_label", "band")}
    return forest_narrow([Row(**row) for row in rows], title=title, **kept)


_NARROW: dict[str, Callable[..., str]] = {"forest": _forest_narrow}
_DRAWINGS: dict[str, Callable[..., str]] = {
    "tiles": tiles,
    "bars": bars,
    "links": links,
    "influences": influences,
    "quantiles": quantiles,
    "curves": _curves,
    "forest": _forest,
}


def page_of(document: Mapping[str, Any]) -> str:
    """One self-contained HTML page.

    Parameters
    ----------
    document
        As this module says.

    Raises
    ------
    ValueError
        If a block is of no known kind: a defect of whoever made the document.
    """
    return html_of(
        document["title"],
        [_part(part, place) for place, part in enumerate(document.get("parts", []))],
        phantom=bool(document["phantom"]),
        sentence=document["sentence"],
        also=document.get("also", ""),
        missing=document.get("missing", ""),
        facts=[(str(name), str(value)) for name, value in document.get("facts", [])],
        version=document.get("version", ""),
        source=document.get("source", "findings.json"),
    )


def _part(part: Mapping[str, Any], place: int) -> Part:
    blocks = [_block(block) for block in part["blocks"]]
    return Part(part["name"], part["title"], blocks, order=place, folded=bool(part.get("folded")))


def _below(address: str) -> str:
    """A page below this one's folder; anything else (another host, a script, a folder above) is a defect."""
    if not re.fullmatch(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.html", address, re.ASCII):
        raise ValueError(f"a link of a page leads elsewhere than below its folder: {address!r}")
    return address


def _block(block: Mapping[str, Any]) -> Block:
    if "text" in block:
        return Text(block["text"], strong=bool(block.get("strong")))
    if "notes" in block:
        return Notes(block["notes"], title=block.get("title", "Read with care"))
    if "table" in block:
        return Table(
            block["table"],
            block["columns"],
            [[str(cell) for cell in row] for row in block["rows"]],
            numeric=bool(block.get("numeric", True)),
            emphasis=tuple(block.get("emphasis", ())),
            links={int(row): _below(address) for row, address in block.get("links", {}).items()},
        )
    if block.get("figure") in _DRAWINGS:
        return Figure(
            name=block["name"],
            title=block["title"],
            caption=block["caption"],
            alt=block["alt"],
            svg=_DRAWINGS[block["figure"]](title=block["alt"], **block["of"]),
            columns=block["columns"],
            data=block["data"],
            wide=bool(block.get("wide")),
            narrow=_NARROW[block["figure"]](title=block["alt"], **block["of"]) if block["figure"] in _NARROW else "",
        )
    raise ValueError(f"a block of a page is none of text, table, notes and figure: {sorted(block)}")
