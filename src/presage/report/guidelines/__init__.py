"""Reporting guidelines as tables: filled in where the findings know the answer, left to the author where not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from presage.report.guidelines.knowledge import known
from presage.report.parts import Part, Table, Text

#: What stands where the findings do not know.
TO_COMPLETE = "author to complete"

#: Bundled guidelines in the order of the page.
NAMES = ("tripod_ai", "claim", "stard_ai")


@cache
def guideline(name: str) -> dict[str, Any]:
    """One bundled guideline: ``name``, ``title``, ``source``, ``items`` (id, section, ask, fill)."""
    text = (files("presage.report") / "guidelines" / f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def guideline_parts(document: Mapping[str, Any]) -> list[Part]:
    """One part for each bundled guideline that applies: CLAIM asks about images, so it needs recordings."""
    answers = known(document)
    applies = {"claim": bool(document.get("cohort", {}).get("n_recordings"))}
    return [_part(name, answers) for name in NAMES if applies.get(name, True)]


def _part(name: str, answers: Mapping[str, str]) -> Part:
    content = guideline(name)
    rows, groups, last = [], {}, None
    for number, item in enumerate(content["items"]):
        if item["section"] != last:
            groups[number] = last = item["section"]
        rows.append([item["id"], item["ask"], answers.get(item["fill"] or "", TO_COMPLETE)])
    filled = sum(TO_COMPLETE not in row[2] for row in rows)
    partly = sum(TO_COMPLETE in row[2] and row[2] != TO_COMPLETE for row in rows)
    text = Text(
        f"The findings answer {filled} of {len(rows)} entries and {partly} in part; the others are for the author, who "
        f"also checks these. Short wording of our own: submit the official form. Source: {content['source']}."
    )
    table = Table(
        f"{content['name']}, {len(rows)} entries",
        ("Item", "What is asked", "Answer"),
        rows,
        numeric=False,
        groups=groups,
    )
    return Part(f"guideline-{name.replace('_', '-')}", content["title"], [text, table], order=90, folded=True)
