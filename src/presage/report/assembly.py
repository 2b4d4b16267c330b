"""From the findings to the parts of the page, in order. Renderers come from entry points, so other labs add theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from presage.findings import Findings
from presage.report.guidelines import guideline_parts
from presage.report.parts import Part, SectionRenderer
from presage.report.sections import frame
from presage.report.sections.generic import generic

# The first of these sections that has a sentence answers the study's question.
_ANSWERS = ("comparison", "survival", "agreement", "discrimination", "course")


def parts(findings: Findings) -> list[Part]:
    """Every part of the page, in the order of reading."""
    # Through the text: a page made from memory and one made from the file are the same.
    document = json.loads(findings.to_json())
    renderers: dict[str, SectionRenderer] = {
        point.name: point.load() for point in entry_points(group="presage.sections")
    }
    found: list[Part | None] = [frame.cohort(document), frame.gallery(document)]
    for name, section in sections(document).items():
        known = name in renderers and "not_computed" not in section
        found.append(renderers[name](section, document) if known else generic(name, section))
    found += [frame.limitations(document), frame.repeat(document), *guideline_parts(document)]
    return sorted((part for part in found if part is not None), key=lambda part: part.order)


def sections(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The sections by name; a Table 1 that came with the cohort counts as one."""
    found = dict(sorted(document.get("sections", {}).items()))
    given = document.get("cohort", {}).get("characteristics")
    if given and "characteristics" not in found:
        found["characteristics"] = given
    return found


def answer(findings: Findings) -> str:
    """The answer in a clinician's sentence; made-up data are said to be so first."""
    document = findings.document
    told = document.get("sections", {})
    sentence = next((told[name]["sentence"] for name in _ANSWERS if told.get(name, {}).get("sentence")), None)
    if sentence is None:
        sentence = "These findings hold no comparison with a standard; the sections below say what was computed."
    return f"Made-up data, no clinical meaning. {sentence}" if document.get("phantom") else sentence


def meaning(findings: Findings) -> str:
    """What the answer means for 1,000 people, where that is known; it stands below the answer."""
    utility = findings.document.get("sections", {}).get("utility", {})
    return str(utility["sentence"]) if utility.get("shown") else ""


def missing(findings: Findings) -> str:
    """Which markers are left out because tasks of theirs failed; empty where nothing is missing."""
    told = []
    for hole in findings.document.get("incomplete", []):
        # Trainings of one fold that failed are one place.
        all_places = list(dict.fromkeys(f"repeat {repeat} fold {fold}" for repeat, fold in hole["failed"]))
        places = ", ".join(all_places[:3])
        more = ", ..." if len(all_places) > 3 else ""
        told.append(
            f"{hole['marker']} is left out of every statistic: {len(hole['failed'])} of its {hole['of']} tasks failed "
            f"({places}{more}: {'; '.join(hole['why'])})."
        )
    return " ".join(told)
