"""Table 1: who they were, by outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import percent
from presage.report.parts import Part, Table
from presage.report.sections.common import closing, opening


def characteristics(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part | None:
    """Renderer of the analysis ``characteristics``."""
    if not section.get("rows"):
        return None
    groups = section["groups"]
    rows: list[list[str]] = []
    for row in section["rows"]:
        if row["kind"] == "numeric":
            rows.append([f"{row['variable']}, median (quartiles)", *(_quartiles(value) for value in row["values"])])
        else:
            for level in row["levels"]:
                shares = [_share(count, group["n"]) for count, group in zip(level["counts"], groups, strict=True)]
                rows.append([f"{row['variable']}: {level['level']}", *shares])
        if any(row["missing"]):
            rows.append([f"{row['variable']}: not recorded", *(str(count) for count in row["missing"])])
    table = Table(
        caption="Characteristics by outcome. Numbers and shares of each column; no tests, as these are not hypotheses.",
        columns=["", *(f"{group['name']} (n = {group['n']})" for group in groups)],
        rows=rows,
    )
    return Part("characteristics", "Table 1: who they were", [*opening(section), table, *closing(section)], order=41)


def _quartiles(value: Mapping[str, Any] | None) -> str:
    return "–" if value is None else f"{value['median']:g} ({value['q1']:g} to {value['q3']:g})"


def _share(count: int, n: int) -> str:
    return f"{count} ({percent(count / n)})" if n else "–"
