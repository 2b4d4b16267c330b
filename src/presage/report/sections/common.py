"""What several renderers need: series numbers, names of downloads, sentences and remarks of a section."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from presage.report.parts import Block, Notes, Text


def series(document: Mapping[str, Any]) -> dict[str, int | None]:
    """Series number of every score, the same in every figure of the page; None is the standard."""
    names: list[str] = [marker["name"] for marker in document.get("markers", [])]
    for section in document.get("sections", {}).values():
        for entry in section.get("scores") or section.get("markers") or []:
            if isinstance(entry, Mapping) and entry.get("name") not in (None, *names):
                names.append(entry["name"])
    standard = document.get("standard", {}).get("name")
    markers = [name for name in names if name != standard]
    return {standard: None} | {name: number for number, name in enumerate(markers)}


def computed(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Another section of the document; empty where it is not there or could not be computed."""
    found: Mapping[str, Any] = document.get("sections", {}).get(name) or {}
    return {} if "not_computed" in found else found


def slug(text: str) -> str:
    """A name for anchors and files."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def opening(section: Mapping[str, Any]) -> list[Block]:
    """The clinician's sentence of a section, if it has one."""
    return [Text(section["sentence"], strong=True)] if section.get("sentence") else []


def closing(section: Mapping[str, Any]) -> list[Block]:
    """The remarks of a section, if it has any."""
    return [Notes(section["caveats"])] if section.get("caveats") else []


def people(section: Mapping[str, Any]) -> str:
    """How many were analysed, for a caption: ``n = 226 (113 cases, 113 controls)``; rows are said to be rows."""
    unit = f" {section['unit']}" if "unit" in section else ""
    if "n_cases" not in section:
        return f"n = {section['n']}{unit}"
    return f"n = {section['n']}{unit} ({section['n_cases']} cases, {section['n'] - section['n_cases']} controls)"


def distribution_rows(scores: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows (score, from, to, cases, controls) of drawn distributions, for the download."""
    return [
        (entry["name"], left, right, cases, controls)
        for entry in scores
        for left, right, cases, controls in zip(
            entry["distribution"]["edges"][:-1],
            entry["distribution"]["edges"][1:],
            entry["distribution"]["cases"],
            entry["distribution"]["controls"],
            strict=True,
        )
    ]
