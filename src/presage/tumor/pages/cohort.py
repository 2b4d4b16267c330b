"""The page of a cohort: its oncoplot, the drivers by every method, selection, programmes and order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import joined
from presage.tumor.pages import altered
from presage.tumor.pages.drivers import drivers, few_calls
from presage.tumor.pages.programmes import programmes
from presage.tumor.pages.risk import NONE, cohort_risk, short_risk
from presage.tumor.pages.risk_figures import horizon_words
from presage.tumor.pages.words import (
    NO_EXPRESSION,
    asked,
    care,
    continuous,
    counted,
    expected_from,
    frame,
    has_expression,
    percent,
)
from presage.tumor.ranks import SELECTED
from presage.tumor.reading import KINDS

# Rows of the oncoplot.
_PLOTTED = 20
_SERIES = {"missense": 3, "truncating": 1, "indel": 5, "amplification": 2, "deep loss": 6, "altered": 1}


def cohort_page(found: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the page, as `presage.report.documents` describes it.

    Parameters
    ----------
    found
        As :func:`presage.tumor.analysis.analyse` gives it.
    """
    cohort, settings, measured = found["cohort"], found["settings"], has_expression(found)
    facts = [("Tumours", f"{cohort['tumours']:,}"), ("Altered genes judged", f"{cohort['altered_genes']:,}")]
    if measured:
        facts += [
            ("Genes measured", f"{cohort['measured_genes']:,}"),
            *([] if continuous(found) else [("Changed in a tumour (median)", f"{cohort['changed_a_tumour']:,.0f}")]),
            ("Against chance", f"{settings['permutations']} {_drawn(found)}, {_let_by(found)}"),
        ]
    parts = [
        _oncoplot(found),
        drivers(found),
        programmes(found),
        _selection(found),
        _progression(found),
        cohort_risk(found),
        _tumours(found),
        _who(found),
        care(found),
    ]
    return {
        **frame(found),
        "title": "Drivers of a cohort of tumours" if measured else "A cohort of tumours",
        "sentence": _sentence(found) if measured else altered.cohort_sentence(found),
        "also": f"A driver of a tumour here is an alteration that explains more of the tumour's {asked(found)}s than "
        "chance would let it. Beside it stand the usual ways of ranking genes, by how often they are mutated."
        + few_calls(found)
        if measured
        else NO_EXPRESSION,
        "facts": facts,
        "parts": [part for part in parts if part is not None],
    }


def _drawn(found: Mapping[str, Any]) -> str:
    return "exchanges of each pair" if continuous(found) else "permutations"


def _let_by(found: Mapping[str, Any]) -> str:
    rate = found["settings"].get("fdr")
    return f"{percent(found['settings']['alpha'])} let by" if rate is None else f"{percent(rate)} false discoveries"


def _sentence(found: Mapping[str, Any]) -> str:
    tumours = found["tumours"]
    having = sum(any(one["called"] for one in entry["alterations"]) for entry in tumours)
    called = [entry for entry in found["genes"] if entry["called"]]
    if not called:
        return (
            f"In none of {len(tumours)} tumours does an alteration explain more of the {asked(found)}s than chance "
            f"would let it."
        )
    told = [f"{entry['gene']} ({entry['called']} of the {entry['altered']} that have it)" for entry in called[:4]]
    return f"{having} of {len(tumours)} tumours have at least one called driver. Most often called: {joined(told)}."


def _oncoplot(found: Mapping[str, Any]) -> dict[str, Any]:
    measured = has_expression(found)
    tested = "not_computed" not in found["selection"]
    chosen = [e for e in found["genes"] if (e["called"] if measured else altered.selected(e))][:_PLOTTED]
    names = {entry["gene"] for entry in chosen}
    rest = sorted((e for e in found["genes"] if e["gene"] not in names), key=lambda entry: -entry["altered"])
    chosen = [*chosen, *rest[: _PLOTTED - len(chosen)]]
    chosen.sort(key=lambda entry: (-entry["altered"], entry["gene"]))
    kinds = [kind for kind in KINDS if kind in found["cohort"]["kinds"]]
    has = [{one["gene"]: one for one in entry["alterations"]} for entry in found["tumours"]]
    # Tumours side by side that share the most frequent alterations: the staircase of every oncoplot.
    order = sorted(range(len(has)), key=lambda row: [entry["gene"] not in has[row] for entry in chosen])
    rows, data = [], []
    for entry in chosen:
        cells = []
        for column, row in enumerate(order):
            one = has[row].get(entry["gene"])
            if one is not None:
                full = one["called"] if measured else altered.selected(one) or not tested
                cells += [(column, kinds.index(kind), full) for kind in one["kinds"]]
                data.append((found["tumours"][row]["code"], entry["gene"], "+".join(one["kinds"]), one["called"]))
        share = percent(entry["altered"] / len(has))
        words = f"{share}, called in {entry['called']}" if measured else share
        rows.append({"name": entry["gene"], "words": words, "cells": cells})
    top = joined([entry["gene"] for entry in chosen[:3]])
    figure = {
        "figure": "tiles",
        "name": "oncoplot",
        "title": "Alterations by tumour",
        "caption": f"One column for each of {len(has)} tumours, one row for each gene. {_shades(measured, tested)} "
        f"n = {len(has)} tumours.",
        "alt": f"Alterations of {len(chosen)} genes in {len(has)} tumours; the most frequent are {top}.",
        "of": {
            "rows": rows,
            "people": len(has),
            "unit": "tumours, those with the same alterations side by side",
            "classes": [
                {"name": kind, "series": _SERIES[kind], "tall": kind in ("amplification", "deep loss")}
                for kind in kinds
            ],
            "pale": "pale: not called there" if measured else "pale: not selected for" if tested else "",
        },
        "columns": ("tumour", "gene", "kind", "called"),
        "data": data,
        "wide": True,
    }
    return {"name": "alterations", "title": "Which tumour has what", "blocks": [figure]}


def _shades(measured: bool, tested: bool) -> str:
    if measured:
        return (
            "Full colour: called a driver of that tumour; pale: altered there and not called. At the right, how many "
            "tumours have the gene altered, and in how many of them it is called."
        )
    of = "Full colour: the cohort selects for the gene; pale: it is not shown to. " if tested else ""
    return f"{of}At the right, how many tumours have the gene altered."


def _selection(found: Mapping[str, Any]) -> dict[str, Any]:
    own = found["selection"]
    title = "What the cohort selects for"
    if "not_computed" in own:
        text = f"Whether genes are mutated more often than by chance was not tested: {own['not_computed']}."
        return {"name": "selection", "title": title, "blocks": [{"text": text}]}
    names = own["selected"]
    told = f": {joined(names[:12])}{' and others' if len(names) > 12 else ''}" if names else ""
    blocks: list[dict[str, Any]] = [
        {
            "text": f"{counted(len(names), 'gene is', 'genes are')} mutated more often than the background explains "
            f"(false discovery rate below {percent(SELECTED)}){told}.",
            "strong": True,
        },
        {
            "figure": "quantiles",
            "name": "selection",
            "title": "Mutations against the background",
            "caption": f"Each point is a gene. On the line: as often mutated as its silent changes and "
            f"{expected_from(own)} let expect. Above it at the right: more often. n = {own['tested']:,} genes of "
            f"{own['patients']} patients, all of the mutation table.",
            "alt": f"QQ plot of {own['tested']} genes; {len(names)} have a false discovery rate below "
            f"{percent(SELECTED)}.",
            "of": {"values": own["p"], "labels": own["named"]},
            "columns": ("p",),
            "data": [(p,) for p in own["p"][:2000]],
        },
    ]
    if own["limits"]:
        blocks.append({"notes": own["limits"], "title": "Of this test"})
    return {"name": "selection", "title": title, "blocks": blocks}


def _progression(found: Mapping[str, Any]) -> dict[str, Any]:
    own = found["progression"]
    title = "Which comes before which"
    if "not_computed" in own:
        text = f"The order of events was not estimated: {own['not_computed']}."
        return {"name": "order", "title": title, "blocks": [{"text": text}]}
    names, edges = own["events"], own["edges"][:14]
    first = [f"{names[edge['target']]} after {names[edge['source']]}" for edge in edges if edge["value"] > 0][:3]
    against = [f"{names[edge['target']]} after {names[edge['source']]}" for edge in edges if edge["value"] < 0][:3]
    text = f"Comes sooner: {'; '.join(first)}. " if first else "No event speeds up another. "
    text += f"Comes later or not: {'; '.join(against)}." if against else "None slows down another."
    figure = {
        "figure": "influences",
        "name": "order",
        "title": "How one event changes the pace of another",
        "caption": f"An arrow: in tumours with the first event the second comes faster (solid) or slower (dashed). The "
        f"{len(edges)} strongest of {len(own['edges'])} influences. Events: "
        f"{own.get('chosen_from', 'called drivers')}. Learnt from tumours seen once each; n = "
        f"{len(found['tumours'])}.",
        "alt": f"Network of influences between {joined(names)}. {text}",
        "of": {"nodes": names, "edges": edges},
        "columns": ("event", "other", "log_factor"),
        "data": [(names[edge["source"]], names[edge["target"]], edge["value"]) for edge in own["edges"]],
    }
    table = {
        "table": "How fast each event comes in a tumour that has none of them (in mean times to the diagnosis).",
        "columns": ["Event", "Tumours with it", "Rate"],
        "rows": [
            [name, number, f"{rate:.2f}"]
            for name, number, rate in zip(names, own["altered"], own["rates"], strict=True)
        ],
    }
    drawn = [figure] if edges else [{"text": "No influence of one event on another was found: there is none to draw."}]
    return {"name": "order", "title": title, "blocks": [{"text": text, "strong": True}, *drawn, table]}


def _tumours(found: Mapping[str, Any]) -> dict[str, Any]:
    measured, rows = has_expression(found), []
    changed = [] if continuous(found) else ["Changed genes"]
    for entry in found["tumours"]:
        risk = [words for _, words in short_risk(entry, found)] or ["–"]
        if not measured:
            chosen = [one["gene"] for one in altered.in_order(entry) if altered.selected(one)]
            rows.append([entry["code"], ", ".join(chosen[:8]) or "none", len(entry["alterations"]), *risk])
            continue
        called = [one["gene"] for one in entry["alterations"] if one["called"]]
        explained = sum(one["share"] for one in entry["alterations"] if one["called"])
        rows.append(
            [
                entry["code"],
                ", ".join(called) or "none",
                len(entry["alterations"]),
                *([] if continuous(found) else [entry["changed"]]),
                percent(explained) if called else "–",
                *risk,
            ]
        )
    told = found.get("risk") or NONE
    risk_head = "Risk" if "not_computed" in told else f"Risk by {horizon_words(told)}"
    table = {
        "table": f"Each tumour has a page of its own: tumours/CODE.html. n = {len(rows)} tumours. Whose a code is "
        "stands in "
        f"key.csv, which is for its owner alone.",
        "columns": ["Tumour", "Called drivers", "Altered genes", *changed, "Explained by the drivers", risk_head]
        if measured
        else ["Tumour", "Genes that the cohort selects for", "Altered genes", risk_head],
        "rows": rows,
        "numeric": False,
        "links": {row: f"tumours/{entry['code']}.html" for row, entry in enumerate(found["tumours"])},
    }
    return {"name": "tumours", "title": "Each tumour", "blocks": [table], "folded": True}


def _who(found: Mapping[str, Any]) -> dict[str, Any]:
    cohort, settings = found["cohort"], found["settings"]
    doubts = [{"notes": cohort["doubts"], "title": "Of this cohort"}] if cohort.get("doubts") else []
    rows = [[entry["reason"], f"{entry['n']:,} {entry['unit']}(s)"] for entry in cohort["flow"]]
    rows += [[phrase, f"{number:,} call(s)"] for phrase, number in cohort["read"].items()]
    rows += [[entry["reason"], f"{entry['n']:,} {entry['unit']}(s)"] for entry in cohort["clinical"] or []]
    rows.append(["genes altered in too few tumours, left out", f"{cohort['rare']:,} gene(s)"])
    if not has_expression(found):
        table = {"table": "What was read, and what was left out.", "columns": ["What", "How many"], "rows": rows}
        return {"name": "who", "title": "What went in", "blocks": [{"text": NO_EXPRESSION}, table, *doubts]}
    if cohort.get("scale"):
        rows.append(["scale of the expression, by its values", cohort["scale"]])
    leak = {
        "published": "its frequency over all tumours (as published)",
        "driver": "its best cause in the other tumours",
    }[settings["leak"]]
    sums = f"A tumour's own data {'were left out of' if settings['leave_out'] else 'are in'} the sums that judge it."
    rule = f"A gene counts as changed in a tumour where its expression lies {cohort['rule']}."
    if continuous(found):
        leak = "its best cause in the other tumours"
        rule = "No threshold says which genes changed: each gene's values are taken by their order over the tumours."
        sums = "Whether a tumour's own value fits is reckoned from the other tumours."
    text = f"{rule} What no alteration of a tumour explains is left to {leak}. {sums}"
    table = {"table": "What was read, and what was left out.", "columns": ["What", "How many"], "rows": rows}
    return {"name": "who", "title": "What went in", "blocks": [{"text": text}, table, *doubts]}
