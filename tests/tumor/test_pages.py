"""What the pages say, from a document with a known content; and the drawings that they are made of."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

from presage.report.documents import page_of
from presage.report.figures.bars import bars
from presage.report.figures.graph import influences, links
from presage.report.figures.quantiles import quantiles
from presage.report.figures.tiles import tiles
from presage.tumor.gene_sets import rich_in
from presage.tumor.pages.cohort import cohort_page
from presage.tumor.pages.tumour import tumour_page


def gene(name: str, altered: int, called: int, **more: Any) -> dict[str, Any]:
    ranks = {"rank_calls": 1 if called else None, "rank_frequency": 1, "rank_selection": None, "rank_length": None}
    return {"gene": name, "altered": altered, "kinds": {}, "called": called, "q": None, "programme": [], "sets": []} | {
        **ranks,
        **more,
    }


def alteration(name: str, share: float, called: bool, targets: int) -> dict[str, Any]:
    genes = [{"gene": f"T{n}", "posterior": 0.9 - 0.01 * n, "z": 4.0 if n else -4.0} for n in range(targets)]
    return {
        "gene": name,
        "kinds": ["missense", "amplification"],
        "targets": targets,
        "needed": 5,
        "share": share,
        "called": called,
        "genes": genes,
        "in_cohort": 2,
        "q": None,
    }


@pytest.fixture
def found() -> dict[str, Any]:
    programme = [{"gene": "T0", "share": 1.0, "up": 0.0}, {"gene": "T1", "share": 0.5, "up": 1.0}]
    tumours = [
        {
            "code": "T0001",
            "changed": 40,
            "unexplained": 0.3,
            "alterations": [alteration("EGFR", 0.6, True, 20), alteration("<TTN>", 0.1, False, 1)],
            "follow_up": {"age": 61.0, "os_event": 1.0, "os_days": 730.5},
            "next": [{"event": "PTEN", "chance": 0.7}, {"event": "NF1", "chance": 0.3}],
            "order": ["CDKN2A", "EGFR"],
            "order_chance": 0.8,
        },
        {
            "code": "T0002",
            "changed": 9,
            "unexplained": 1.0,
            "alterations": [],
            "follow_up": None,
            "next": [],
            "order": [],
        },
    ]
    return {
        "phantom": False,
        "cohort": {
            "tumours": 2,
            "altered_genes": 2,
            "rare": 3,
            "measured_genes": 100,
            "changed_a_tumour": 24.5,
            "rule": "more than 3 robust standard deviations from the median of this cohort's tumours",
            "directions": True,
            "kinds": ["missense", "amplification"],
            "flow": [{"step": "match", "reason": "not in expression", "unit": "patient", "n": 4}],
            "read": {"rows read": 77},
            "clinical": None,
        },
        "settings": {"leak": "driver", "leave_out": False, "permutations": 20, "alpha": 0.01},
        "genes": [gene("EGFR", 1, 1, programme=programme), gene("<TTN>", 1, 0)],
        "tumours": tumours,
        "selection": {"not_computed": "no lengths"},
        "progression": {
            "events": ["EGFR", "PTEN", "NF1"],
            "rates": [1.0, 0.5, 0.2],
            "altered": [1, 1, 1],
            "edges": [{"source": 0, "target": 1, "value": 1.2}, {"source": 1, "target": 2, "value": -0.8}],
        },
    }


def test_the_cohort_in_a_sentence_and_who_was_lost(found: dict[str, Any]) -> None:
    document = cohort_page(found)
    assert document["sentence"] == (
        "1 of 2 tumours have at least one called driver. Most often called: EGFR (1 of the 1 that have it)."
    )
    page = page_of(document)
    assert "Made-up data" not in page
    assert "1 of 2 pairs of a tumour and an altered gene is called (50" in page
    assert "may be chance" not in page
    often = found | {"settings": found["settings"] | {"alpha": 0.4}}
    assert "may be chance" in page_of(cohort_page(often))
    assert "not in expression" in page
    assert "PTEN after EGFR" in page
    assert "Comes later or not: NF1 after PTEN" in page
    assert "was not tested: no lengths" in page
    assert "&lt;TTN&gt;" in page
    assert "<TTN>" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_tumour_in_a_clinicians_words(found: dict[str, Any]) -> None:
    document = tumour_page(found["tumours"][0], found)
    assert document["sentence"] == (
        "Of 2 altered genes, 1 explains more of this tumour's changed genes than chance would let it: EGFR (missense "
        "and amplification, 20 genes)."
    )
    page = page_of(document | {"phantom": True})
    assert "Made-up data." in page
    assert "the surest 12 of 20" in page
    assert "↓ lowered" in page
    assert "CDKN2A → EGFR (chance of just this order: 80" in page
    assert "PTEN is the likeliest (70" in page
    assert "died after 2.0 years" in page
    assert "No risk is told: it was not asked for" in page
    assert "computed without it" not in page


def test_without_a_threshold_nothing_is_said_of_changed_genes(found: dict[str, Any]) -> None:
    more = {"needed": None, "score": 7.25, "p": 0.0012, "pair_q": 0.04}
    tumours = [
        entry | {"asked": 100, "alterations": [one | more for one in entry["alterations"]]}
        for entry in found["tumours"]
    ]
    graded = found | {"settings": found["settings"] | {"evidence": "continuous", "fdr": 0.1}, "tumours": tumours}
    page = page_of(tumour_page(tumours[0], graded))
    assert "1 explains more of this tumour" in page
    assert "measured genes than chance" in page
    assert "7.2" in page
    assert "0.0012" in page
    assert "0.040" in page
    cohort = page_of(cohort_page(graded))
    assert "of the calls up to about 10" in cohort
    for text in (page, cohort):
        assert "hanged gene" not in text
        assert "counts as changed" not in text


def test_a_tumour_without_alterations_says_so(found: dict[str, Any]) -> None:
    document = tumour_page(found["tumours"][1], found)
    assert "None of the genes that were judged is altered" in document["sentence"]
    assert "It has none of the events" in page_of(document)


def test_no_driver_is_a_result(found: dict[str, Any]) -> None:
    quiet = found["tumours"][0] | {"alterations": [alteration("TTN", 0.1, False, 1)]}
    assert "none explains more" in tumour_page(quiet, found)["sentence"]
    under = found["tumours"][0] | {"alterations": [alteration("PTEN", 0.1, False, 1) | {"q": 0.01}]}
    assert tumour_page(under, found)["sentence"].endswith("Of its genes the cohort selects for PTEN.")
    none = found | {"genes": [gene("TTN", 1, 0)], "tumours": [quiet]}
    assert cohort_page(none)["sentence"].startswith("In none of 1 tumours")
    assert "No gene is called" in page_of(cohort_page(none))


def test_without_expression_a_page_shows_what_is_there_and_says_what_is_missing(found: dict[str, Any]) -> None:
    bare = {"targets": None, "needed": None, "share": None, "called": False, "genes": []}
    has = [alteration("IDH1", 0, False, 0) | bare | {"q": 0.001, "in_cohort": 2}, alteration("TTN", 0, False, 0) | bare]
    entry = found["tumours"][0] | {"alterations": has, "changed": None, "unexplained": None}
    cohort = found["cohort"] | {"rule": "", "changed_a_tumour": None, "measured_genes": 0}
    selection = {"selected": ["IDH1"], "tested": 2, "patients": 2, "p": [0.1, 0.5], "named": [], "limits": []}
    genes = [gene("IDH1", 2, 0, q=0.001, rank_selection=1), gene("TTN", 2, 0, q=0.9, rank_selection=2)]
    whole = found | {"cohort": cohort, "tumours": [entry, entry], "genes": genes, "selection": selection}
    document = tumour_page(entry, whole)
    assert (
        document["sentence"] == "Of the 2 altered genes of this tumour the cohort selects for IDH1: its likely driver."
    )
    page = page_of(document)
    assert "none was given (the option or setting `expression`)" in page
    assert "Explained means" not in page
    untested = whole | {"selection": {"not_computed": "no lengths"}}
    assert "altered most often: IDH1 and TTN" in tumour_page(entry, untested)["sentence"]
    told = cohort_page(whole)
    assert told["sentence"].startswith("2 of 2 tumours have at least one of the 1 gene that the cohort selects for")
    assert "pale: not selected for" in page_of(told)
    assert "called" not in tumour_page(entry, whole)["sentence"]
    assert "silent changes and protein length let expect" in page_of(told)
    # A rule for expression says nothing where there is none.
    page = page_of(cohort_page(whole | {"settings": whole["settings"] | {"evidence": "continuous"}}))
    assert "Expression was judged" not in page


def test_drawings_are_well_formed_and_show_what_they_are_given() -> None:
    field = tiles(
        title="t",
        rows=[{"name": "A&B", "words": "2", "cells": [(0, 1, True), (1, 0, False)]}],
        people=3,
        classes=[{"name": "mutation", "series": 1, "tall": False}, {"name": "copy", "series": 2, "tall": True}],
        unit="tumours",
        pale="pale",
    )
    edge = {"left": 0, "right": 1, "weight": 0.5, "up": False}
    pairs = links(title="t", left=["A"], right=["x", "y"], edges=[edge], heads=("a", "b"))
    arrows = influences(title="t", nodes=["A", "B"], edges=[{"source": 0, "target": 1, "value": -1.0}])
    plot = quantiles(title="t", values=[1e-30, 0.02, 0.5, 0.9], labels=[(1e-30, "TP53"), (0.02, "IDH1")])
    for svg in (field, pairs, arrows, plot):
        ElementTree.fromstring(svg)
    assert "A&amp;B" in field
    assert "stroke-dasharray" in pairs
    assert "12 or more: TP53" in plot
    assert "IDH1" in plot


def test_a_block_of_no_kind_is_a_defect() -> None:
    with pytest.raises(ValueError, match="none of text"):
        page_of(
            {"title": "t", "sentence": "s", "phantom": False, "parts": [{"name": "a", "title": "b", "blocks": [{}]}]}
        )


def test_a_set_that_holds_the_programme_is_first() -> None:
    measured = [f"G{n}" for n in range(200)]
    sets = {"own": frozenset(measured[:20]), "other": frozenset(measured[100:120]), "tiny": frozenset(measured[:3])}
    found = rich_in(measured[:10], measured, sets)
    assert [rich.name for rich in found] == ["own"]
    # Ten draws without replacement, all among twenty of two hundred.
    assert found[0].p == pytest.approx(np.prod([(20 - n) / (200 - n) for n in range(10)]))
    assert found[0].q == pytest.approx(2 * found[0].p)


def test_bars_that_lower_point_to_the_left() -> None:
    rows = [{"name": "up", "value": 1.0, "series": 2}, {"name": "down", "value": -1.0, "series": 1}]
    svg = bars(title="t", rows=rows, x_label="x")
    up, down = (
        (float(x), float(x) + float(width))
        for x, width in re.findall(r'<rect x="([\d.]+)"[^>]*? width="([\d.]+)"', svg)
    )
    assert down[1] == pytest.approx(up[0])
    assert down[0] < down[1]


def test_the_cohort_leads_to_its_tumours(found: dict[str, Any]) -> None:
    page = page_of(cohort_page(found))
    for entry in found["tumours"]:
        assert f'<a href="tumours/{entry["code"]}.html">{entry["code"]}</a>' in page


@pytest.mark.parametrize("address", ["https://a.b/c.html", "../c.html", "javascript:x.html", "/c.html", "a/../c.html"])
def test_a_link_elsewhere_is_a_defect(found: dict[str, Any], address: str) -> None:
    document = cohort_page(found)
    table = next(part for part in document["parts"] if part["name"] == "tumours")["blocks"][0]
    table["links"] = {0: address}
    with pytest.raises(ValueError, match="leads elsewhere"):
        page_of(document)


def test_no_influence_is_not_drawn(found: dict[str, Any]) -> None:
    none = found | {"progression": found["progression"] | {"edges": []}}
    page = page_of(cohort_page(none))
    assert "there is none to draw" in page
    assert "0 strongest" not in page
