"""Analyses: each turns a table of scores into one section of the findings. Others may be registered."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol

from presage.findings.table import ScoreTable
from presage.stats import StatsError


class Analysis(Protocol):
    """A callable registered under ``presage.analyses``; its entry-point name is the section's name in the findings."""

    def __call__(self, table: ScoreTable, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """The section as JSON (numbers, text, lists, dicts; no NaN), or None where it does not apply to this table."""


def analyse(table: ScoreTable, options: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Every registered analysis that applies, by name (sorted).

    An analysis whose statistics cannot be computed from these scores (a marker that gave everyone the same score, say)
    becomes a section that tells why, so that one such marker does not cost a study its other findings.

    Raises
    ------
    TableError
        An option that cannot be used.
    """
    chosen = options or {}
    sections = {}
    for point in sorted(entry_points(group="presage.analyses"), key=lambda p: p.name):
        try:
            section = point.load()(table, chosen)
        except StatsError as error:
            title = point.name.replace("-", " ").capitalize()
            section = {"title": title, "not_computed": str(error), "sentence": f"Not computed: {error}.", "caveats": []}
        if section is not None:
            if table.clustered and section.get("n") == len(table.patient):
                section["unit"] = "rows"
            sections[point.name] = section
    return sections
