"""Guidelines as data, and the page as Markdown."""

from __future__ import annotations

import re

import pytest

from presage.findings import Findings
from presage.report import parts, to_markdown
from presage.report.guidelines import NAMES, TO_COMPLETE, guideline, guideline_parts
from presage.report.guidelines.knowledge import known


def test_tripod_ai_has_27_items_and_52_entries():
    items = guideline("tripod_ai")["items"]
    assert len(items) == 52
    assert {re.match(r"\d+", item["id"]).group() for item in items} == {str(i) for i in range(1, 28)}
    assert len({item["id"] for item in items}) == 52


def test_claim_and_stard_are_complete_in_their_numbers():
    assert [item["id"] for item in guideline("claim")["items"]] == [str(i) for i in range(1, 43)]
    stard = {re.match(r"\d*", item["id"]).group() for item in guideline("stard_ai")["items"]} - {""}
    assert stard == {str(i) for i in range(1, 31)}


def test_every_answer_that_an_item_asks_for_exists(findings):
    subjects = {item["fill"] for name in NAMES for item in guideline(name)["items"]} - {None}
    source = set(known(findings.document))
    assert subjects <= source


def test_items_are_filled_where_the_findings_know_and_left_where_not(findings):
    rows = {row[0]: row[2] for row in guideline_parts(findings.document)[0].blocks[1].rows}
    assert "5 × 10-fold" in rows["12a"]
    assert "seed 2020" in rows["12a"]
    assert "226 patients, 113 cases" in rows["21"]
    assert "breast implant (4 patients)" in rows["6b"]
    for unknown in ("3c", "17", "18a", "19", "25"):
        assert rows[unknown] == TO_COMPLETE


def test_findings_that_know_nothing_answer_nothing():
    empty = guideline_parts({"schema": "presage-findings/1"})
    for part in empty:
        answers = {row[2] for row in part.blocks[1].rows}
        assert {a for a in answers if a != TO_COMPLETE} <= {
            "See “What this cannot show”; beyond that: author to complete"
        }
    assert [part.name for part in empty] == ["guideline-tripod-ai", "guideline-stard-ai"]


def test_parts_come_in_reading_order(findings):
    names = [part.name for part in parts(findings)]
    for before, after in (("comparison", "discrimination"), ("discrimination", "cohort"), ("cohort", "limitations"),
                          ("limitations", "repeat"), ("repeat", "guideline-tripod-ai")):  # fmt: skip
        assert names.index(before) < names.index(after)


def test_markdown_tables_are_whole_and_nothing_is_lost(findings):
    text = to_markdown(findings)
    assert text.startswith("# Later breast cancer from normal mammograms\n\n**Made-up data: no clinical meaning.**")
    assert findings.document["sections"]["comparison"]["sentence"] in text
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.M)
    assert len(blocks) >= 6
    for block in blocks:
        rows = block.strip().split("\n")
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
        assert re.fullmatch(r"\|( -+:? \|)+", rows[1])
    for part in parts(findings):
        assert f"## {part.title}" in text


@pytest.mark.parametrize("name", ["a | b", "<b>bold</b>", "two\nlines"])
def test_markdown_survives_strange_names(findings, name):
    document = {**findings.document, "title": name, "sections": {"x": {"entries": [{"name": name, "value": 1}]}}}
    text = to_markdown(Findings(document))
    assert "<b>" not in text
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in text.split("\n") if line.startswith("| a "))


def test_limitations_speak_of_size_and_sampling(findings):
    found = next(part for part in parts(findings) if part.name == "limitations").blocks[0].items
    assert any("made up" in item for item in found)
    assert any("external cohort" in item for item in found)
    assert any("50 %" in item for item in found)
