"""Matched sets and adjustment as one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import cell, level_words, limits, p_value, signed
from presage.report.parts import Part, Table
from presage.report.sections.common import closing, opening, people


def matched(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``matched``."""
    against = {row["name"]: row for row in section["markers"]}
    columns, keys = ["Score"], []
    if section["n_sets"] is not None:
        columns += ["Matched concordance", "Odds ratio per SD"]
        keys += ["concordance", "odds_ratio"]
    if section["adjusted_for"]:
        columns.append("Adjusted AUC")
        keys.append("adjusted")
    if against:
        columns += ["Difference in concordance", "p (Holm)" if len(against) > 1 else "p", "Verdict"]
    rows = []
    for entry in section["scores"]:
        cells = [entry["name"], *(cell(entry[key]) for key in keys)]
        row = against.get(entry["name"])
        if row is not None:
            difference = row["difference"]
            cells.append(f"{signed(difference['value'])} ({limits(difference)})")
            cells += [p_value(row["p_adjusted"]).removeprefix("p ").removeprefix("= "), row["verdict"]]
        elif against:
            cells += ["–", "–", "the standard"]
        rows.append(cells)
    known = next((entry[key] for entry in section["scores"] for key in keys if entry[key]), None)
    level = f", {level_words(known['level'])}" if known else ""
    sets = f"{section['n_sets']} matched sets" if section["n_sets"] is not None else "no matched sets"
    table = Table(
        caption=f"Within matched sets, and adjusted{level}; {sets}, {people(section)}.",
        columns=columns,
        rows=rows,
        emphasis=(0,),
    )
    return Part("matched", "Within matched sets", [*opening(section), table, *closing(section)], order=26)
