"""Analyses: each turns a table of scores into one section of the findings. Others may be registered."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from presage.findings.table import ScoreTable


class Analysis(Protocol):
    """A callable registered under ``presage.analyses``; its entry-point name is the section's name in the findings."""

    def __call__(self, table: ScoreTable, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """The section as JSON (numbers, text, lists, dicts; no NaN), or None where it does not apply to this table."""


def analyse(table: ScoreTable, options: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Every registered analysis that applies, by name (sorted)."""
    chosen = options or {}
    sections = {}
    for point in sorted(entry_points(group="presage.analyses"), key=lambda p: p.name):
        section = point.load()(table, chosen)
        if section is not None:
            sections[point.name] = section
    return sections
