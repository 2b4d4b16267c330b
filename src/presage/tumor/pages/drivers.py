"""Genes as every method ranks them, on the page of a cohort, and what is said where few are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.tumor.pages.words import NO_EXPRESSION, counted, has_expression, percent, q_value
from presage.tumor.ranks import SELECTED

# Rows of the table.
_TABLED = 25
# Calls below so many times those of chance are said to be doubtful.
_CLEAR = 3


def drivers(found: Mapping[str, Any]) -> dict[str, Any]:
    """The section of the cohort's page: called genes, or without expression the altered ones."""
    if not has_expression(found):
        return _by_selection(found)
    shown = [entry for entry in found["genes"] if entry["called"]][:_TABLED]
    names = {entry["gene"] for entry in shown}
    selected = [e for e in found["genes"] if e["q"] is not None and e["q"] < SELECTED and e["gene"] not in names]
    shown = [*shown, *sorted(selected, key=lambda entry: entry["rank_selection"])[:10]]
    tested = "not_computed" not in found["selection"]
    pairs, calls = _pairs(found)
    columns = ["Gene", "Tumours with it", "Called driver in", "Rank by calls", "Rank by frequency"]
    if tested:
        columns += ["Rank for its length", "Rank by selection", "q of selection"]
    rows = []
    for entry in shown:
        share = f" ({percent(entry['called'] / entry['altered'])})" if entry["altered"] else ""
        row = [entry["gene"], entry["altered"], f"{entry['called']}{share}", _rank(entry["rank_calls"])]
        row.append(_rank(entry["rank_frequency"]))
        if tested:
            row += [_rank(entry["rank_length"]), _rank(entry["rank_selection"]), q_value(entry["q"])]
        rows.append(row)
    blocks: list[dict[str, Any]] = [
        {
            "text": f"{calls:,} of {pairs:,} pairs of a tumour and an altered gene {'is' if calls == 1 else 'are'} "
            f"called ({percent(calls / max(pairs, 1))}); {_by_chance(found)}.",
            "strong": True,
        },
        {
            "text": "A gene near the top by every method is the likeliest driver: the methods err in different ways. "
            "One that is high by frequency and low by the others is often just long, or lies where mutations are "
            "common. One that is high by calls alone changes the expression of the tumours that have it."
        },
        {
            "table": f"Genes called in at least one tumour (the first {_TABLED}), and those under selection that are "
            f"not. n = {len(found['tumours'])} tumours; rank 1 is the first of its method. All genes: genes.tsv.",
            "columns": columns,
            "rows": rows,
        },
    ]
    if not rows:
        blocks = [{"text": "No gene is called in any tumour.", "strong": True}]
    return {"name": "drivers", "title": "Drivers by each method", "blocks": blocks}


def _by_selection(found: Mapping[str, Any]) -> dict[str, Any]:
    tested = "not_computed" not in found["selection"]
    columns = ["Gene", "Tumours with it", "Rank by frequency"]
    columns += ["Rank for its length", "Rank by selection", "q of selection"] if tested else []
    rows, total = [], len(found["tumours"])
    for entry in found["genes"][:_TABLED]:
        share = f"{entry['altered']} ({percent(entry['altered'] / total)})"
        row = [entry["gene"], share, _rank(entry["rank_frequency"])]
        rows.append([*row, *([_rank(entry["rank_length"]), _rank(entry["rank_selection"])] if tested else [])])
        rows[-1] += [q_value(entry["q"])] if tested else []
    first = "those that the cohort selects for first, then " if tested else ""
    table = {
        "table": f"The first {len(rows)} of {len(found['genes']):,} altered genes, {first}by frequency. n = {total} "
        f"tumours; rank 1 is the first of its method. All genes: genes.tsv.",
        "columns": columns,
        "rows": rows,
    }
    return {"name": "drivers", "title": "Genes by each method", "blocks": [{"text": NO_EXPRESSION}, table]}


def _by_chance(found: Mapping[str, Any]) -> str:
    rate = found["settings"].get("fdr")
    if rate is None:
        return f"chance alone would call up to about {percent(found['settings']['alpha'])}"
    return f"of the calls up to about {percent(rate)} may be chance (false discovery rate)"


def _pairs(found: Mapping[str, Any]) -> tuple[int, int]:
    """Pairs of a tumour and a gene altered in it, and how many of them are called."""
    return sum(entry["altered"] for entry in found["genes"]), sum(entry["called"] for entry in found["genes"])


def few_calls(found: Mapping[str, Any]) -> str:
    """Said at the top where calls are hardly more than chance would give."""
    pairs, calls = _pairs(found)
    by_chance = found["settings"]["alpha"] * pairs
    if not calls or calls >= _CLEAR * by_chance or found["settings"].get("fdr") is not None:
        return ""
    return (
        f" Here {counted(calls, 'call')} of {pairs:,} pairs of a tumour and a gene stand against about "
        f"{by_chance:.0f} that "
        f"chance would give: single calls may be chance, and known drivers may be missed. More tumours, or normal "
        f"tissue to "
        f"measure change against, would help."
    )


def _rank(rank: int | None) -> str:
    return "–" if rank is None else f"{rank:,}"
