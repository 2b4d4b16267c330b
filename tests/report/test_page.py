"""The page without a browser: complete, honest, readable by everyone, and closed to the network."""

from __future__ import annotations

import base64
import copy
import csv
import io
import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from example import phantom_table
from markup import Page

from presage.findings import Findings, evaluate
from presage.report import answer, render, to_html

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def text(findings):
    return to_html(findings)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def altered(findings, **changes) -> Findings:
    return Findings(copy.deepcopy(findings.document) | changes)


def test_every_tag_is_closed_and_every_anchor_exists_once(page):
    assert page.problems == []
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    targets = [a.attributes["href"][1:] for a in page.all("a") if a.attributes["href"].startswith("#")]
    assert len(targets) > 8
    assert set(targets) <= set(ids)


def test_nothing_is_loaded_from_anywhere(page, text):
    for element in page.elements:
        for name in ("src", "href", "xlink:href", "poster", "action"):
            value = element.attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (element.tag, value)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|WebSocket|eval\(", text)
    policy = next(m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes)
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_the_answer_comes_first_and_carries_both_absolute_values(page, findings):
    comparison = findings.document["sections"]["comparison"]
    first = next(element for element in page.all("section"))
    assert comparison["sentence"].replace(" %", "%") in first.text.replace("\u00a0", " ").replace(" %", "%")
    for value in (comparison["standard"]["auc"]["value"], comparison["markers"][0]["auc"]["value"]):
        assert f"{value:.2f}" in first.text


def test_made_up_data_are_said_to_be_so_everywhere(page, findings):
    assert page.all("title")[0].text.startswith("MADE-UP DATA")
    banner = next(element for element in page.elements if element.attributes.get("class") == "banner")
    assert "Made-up data" in banner.text
    assert "no clinical meaning" in banner.text
    assert '@top-center { content: "MADE-UP DATA' in page.all("style")[0].text
    assert answer(findings).startswith("Made-up data")
    real = Page(to_html(altered(findings, phantom=False)))
    assert "made-up" not in real.all("title")[0].text.lower()
    assert not [element for element in real.elements if element.attributes.get("class") == "banner"]
    assert "Made-up data" not in real.all("body")[0].text
    link = next(a for a in real.all("a") if a.attributes.get("download") == "roc.svg")
    assert b"MADE-UP" not in base64.b64decode(link.attributes["href"].split(",", 1)[1])


def test_each_figure_has_words_numbers_and_downloads(page):
    figures = [f for f in page.all("figure") if f.attributes.get("class", "").startswith("drawn")]
    assert {f.attributes["id"] for f in figures} >= {"figure-auc", "figure-roc", "figure-distributions", "figure-flow"}
    for figure in figures:
        inner = [element for element in page.elements if figure in element.parents]
        assert "n = " in next(e for e in inner if e.tag == "figcaption").text
        drawings = [e for e in inner if e.tag == "svg"]
        assert drawings
        for drawing in drawings:
            assert drawing.attributes["role"] == "img"
            assert len(drawing.attributes["aria-label"]) > 30
        links = {a.attributes["download"].rsplit(".", 1)[1]: a.attributes["href"] for a in inner if a.tag == "a"}
        svg = base64.b64decode(links["svg"].split(",", 1)[1]).decode()
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in svg
        assert ">MADE-UP DATA<" in svg
        rows = list(csv.reader(io.StringIO(base64.b64decode(links["csv"].split(",", 1)[1]).decode())))
        assert len(rows) > 2
        assert {len(row) for row in rows} == {len(rows[0])}


def test_downloaded_curves_are_the_findings(page, findings):
    link = next(a for a in page.all("a") if a.attributes.get("download") == "made-up-roc.csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(link.attributes["href"].split(",", 1)[1]).decode())))
    for entry in findings.document["sections"]["discrimination"]["scores"]:
        found = [float(row["sensitivity"]) for row in rows if row["score"] == entry["name"]]
        assert found == entry["roc"]["sensitivity"]


def test_the_table_of_the_paper_has_every_marker_beside_the_standard(page, findings):
    table = next(t for t in page.all("table") if t.attributes["aria-labelledby"].startswith("comparison"))
    rows = [e for e in page.all("tr") if table in e.parents]
    heads = [[e.text for e in page.elements if row in e.parents and e.tag in ("th", "td")] for row in rows]
    assert heads[0][:3] == ["Model", "Input", "Views"]
    assert heads[1][0] == findings.document["standard"]["name"]
    for marker, cells in zip(findings.document["sections"]["comparison"]["markers"], heads[2:], strict=True):
        assert cells[0] == marker["name"]
        assert cells[3].startswith(f"{marker['auc']['value']:.2f}")
        assert f"{100 * marker['relative_gain']:+.0f}" in cells[6]
        assert cells[7] == marker["verdict"]


def test_headings_go_down_one_step_at_a_time(page):
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_controls_have_names_and_scrolling_regions_a_keyboard(page):
    for button in page.all("button"):
        assert button.text or button.attributes.get("aria-label")
    for element in page.elements:
        if "scroll" in element.attributes.get("class", "").split() or element.tag == "pre":
            assert element.attributes["tabindex"] == "0"
            assert element.attributes["role"] == "region"
            named = element.attributes.get("aria-label") or element.attributes.get("aria-labelledby")
            assert named
    for table in page.all("table"):
        assert [e for e in page.all("th") if table in e.parents and e.attributes["scope"] == "col"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [":root {", ':root[data-theme="dark"] {'])
def test_words_and_lines_stand_out_from_their_ground(text, theme):
    block = text[text.index(theme) :].split("}")[0]
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-fA-F]{6})", block))
    for ink in ("ink", "muted", "accent"):
        for ground in ("paper", "ground", "quiet"):
            assert contrast(found[ink], found[ground]) >= 4.5, (ink, ground)
    assert contrast(found["warn-ink"], found["warn-ground"]) >= 4.5
    for line in ("standard", "series-1", "series-2", "series-3", "series-4"):
        assert contrast(found[line], found["paper"]) >= 3, line


def test_the_same_findings_give_the_same_bytes(findings, text, tmp_path):
    again = Findings(copy.deepcopy(findings.document))
    assert to_html(again) == text
    findings.write(tmp_path)
    assert to_html(Findings.read(tmp_path)) == text


def test_images_are_embedded_and_their_absence_is_said(findings, tmp_path):
    (tmp_path / "run" / "examples").mkdir(parents=True)
    (tmp_path / "run" / "examples" / "0.png").write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    gallery = [*findings.document["gallery"], {"file": "../secret.png", "caption": "outside", "alt": "outside"}]
    gallery.append({"file": "findings.json", "caption": "not an image", "alt": "not an image"})
    changed = altered(findings, gallery=gallery)
    changed.write(tmp_path / "run")
    page = Page(render(changed, tmp_path / "run").read_text(encoding="utf-8"))
    images = page.all("img")
    assert [image.attributes["alt"] for image in images] == ["Mammogram 0 with explanation map"]
    assert images[0].attributes["src"] == "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    assert "5 of 6 images are not in this folder" in page.all("body")[0].text


def test_findings_from_elsewhere_cannot_run_anything(findings):
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    changed = altered(findings, title=attack)
    changed.document["sections"]["strange"] = {"sentence": attack, attack: [{attack: attack}], "caveats": [attack]}
    for marker in changed.document["sections"]["discrimination"]["scores"]:
        marker["name"] = attack
    changed.document["gallery"] = [{"file": "x.png", "caption": attack, "alt": attack}]
    page = Page(to_html(changed))
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.problems == []


def test_an_unknown_analysis_still_shows_up(findings):
    changed = altered(findings)
    changed.document["sections"]["radiologist-panel"] = {
        "sentence": "Three readers agreed with the marker.",
        "agreement": {"value": 0.61, "low": 0.5, "high": 0.7, "level": 0.95},
        "readers": [{"reader": "A", "kappa": 0.5}, {"reader": "B", "kappa": 0.7, "blinded": True}],
        "curve": list(range(500)),
        "caveats": ["Only three."],
    }
    page = Page(to_html(changed))
    section = next(s for s in page.all("section") if s.attributes["id"] == "analysis-radiologist-panel")
    for words in (
        "Three readers agreed",
        "0.61",
        "0.5 to 0.7",
        "95 % CI",
        "kappa",
        "0.7",
        "yes",
        "(500 values)",
        "Only three.",
    ):
        assert words in section.text


def test_findings_without_anything_still_make_a_page():
    page = Page(to_html(Findings({"schema": "presage-findings/1", "phantom": False})))
    assert page.problems == []
    assert "no comparison with a standard" in page.all("body")[0].text


def test_how_to_repeat_it_holds_settings_seed_versions_and_splits(page):
    section = next(s for s in page.all("section") if s.attributes["id"] == "repeat")
    for words in ("seed", "2020", "splits sha256", "9f2b", "folds", "numpy", "presage", "study: phantom"):
        assert words in section.text


def test_a_marker_that_says_the_same_of_everyone_does_not_cost_the_page():
    table = phantom_table(n=80)
    constant = {**table.scores, "broken": np.zeros_like(table.scores["percent density"])}
    findings = evaluate(replace(table, scores=constant), {"replicates": 100}, phantom=True)
    assert "constant" in findings.document["sections"]["comparison"]["not_computed"]
    page = Page(to_html(findings))
    assert page.problems == []
    assert "Not computed" in next(iter(page.all("section"))).text
    assert "Table 1" in page.all("main")[0].text
