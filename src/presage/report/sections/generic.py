"""A section that no renderer knows, such as another lab's analysis: its words first, then its numbers as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import level_words
from presage.report.parts import Block, Part, Table
from presage.report.sections.common import closing, opening, slug

_WORDS = ("title", "sentence", "caveats", "not_computed")
# Curves of hundreds of points would bury the page; they are in findings.json.
_LONGEST = 40


def generic(name: str, section: Mapping[str, Any]) -> Part:
    """A part of the page for any section."""
    title = str(section.get("title") or name.replace("-", " ").replace("_", " ").capitalize())
    single: list[list[str]] = []
    tables: list[Block] = []
    for key, value in section.items():
        if key in _WORDS:
            continue
        if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            tables.append(_records(key, value))
        else:
            single.append([_words(key), _cell(value)])
    blocks = opening(section)
    if single:
        blocks.append(Table(f"{title}: values", ("Quantity", "Value"), single, numeric=False))
    return Part(slug(f"analysis-{name}"), title, [*blocks, *tables, *closing(section)], order=65)


def _records(key: str, records: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(column for record in records for column in record))
    rows = [[_cell(record.get(column)) for column in columns] for record in records[:_LONGEST]]
    more = f" (the first {_LONGEST} of {len(records)})" if len(records) > _LONGEST else ""
    return Table(f"{_words(key).capitalize()}{more}", [_words(column) for column in columns], rows)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    if isinstance(value, Mapping):
        if {"value", "low", "high"} <= value.keys():
            level = f", {level_words(value['level'])}" if "level" in value else ""
            return f"{_cell(value['value'])} ({_cell(value['low'])} to {_cell(value['high'])}{level})"
        return "; ".join(f"{_words(key)}: {_cell(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        shown = ", ".join(_cell(entry) for entry in value[:12])
        return f"{shown}, … ({len(value)} values)" if len(value) > 12 else shown or "–"
    return str(value)


def _words(key: str) -> str:
    return key.replace("_", " ")
