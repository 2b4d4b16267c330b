"""Pages of a cohort without expression: what each tumour has, and which of it the cohort selects for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import joined
from presage.tumor.pages.words import NO_EXPRESSION, counted, kinds_of, percent, q_value
from presage.tumor.ranks import SELECTED

# Genes drawn, and listed, of one tumour: a tumour without mismatch repair has thousands.
_BARS, _ROWS = 12, 30


def sentence(entry: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """One tumour in a sentence."""
    if not entry["alterations"]:
        return "None of the genes that were judged is altered in this tumour."
    altered = counted(len(entry["alterations"]), "altered gene")
    if "not_computed" in found["selection"]:
        names = [one["gene"] for one in in_order(entry)]
        return f"Of the {altered} of this tumour the cohort has altered most often: {joined(names[:4])}."
    names = [one["gene"] for one in in_order(entry) if selected(one)]
    if not names:
        return f"The cohort selects for none of the {altered} of this tumour: its driver was not found here."
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    drivers = "driver" if len(names) == 1 else "drivers"
    return f"Of the {altered} of this tumour the cohort selects for {joined(names[:6])}{more}: its likely {drivers}."


def selected(one: Mapping[str, Any]) -> bool:
    """Whether the cohort selects for a gene."""
    return one["q"] is not None and one["q"] < SELECTED


def in_order(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A tumour's alterations: those selected for first, then the more frequent."""
    return sorted(entry["alterations"], key=lambda one: (not selected(one), -one["in_cohort"], one["gene"]))


def parts(entry: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands on one tumour's page in the place of what explains its expression."""
    ordered = in_order(entry)
    if not ordered:
        return [
            {"name": "alterations", "title": "What this tumour has", "blocks": [{"text": f"None. {NO_EXPRESSION}"}]}
        ]
    return [
        {
            "name": "alterations",
            "title": "What this tumour has",
            "blocks": [{"text": NO_EXPRESSION}, _bars(ordered, found), _table(ordered, found)],
        }
    ]


def _bars(ordered: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    tested, total = "not_computed" not in found["selection"], len(found["tumours"])
    rows = [
        {
            "name": one["gene"],
            "value": 100 * one["in_cohort"] / total,
            "series": 2 if selected(one) else 6,
            "words": percent(one["in_cohort"] / total) + (f", q {q_value(one['q'])}" if selected(one) else ""),
        }
        for one in ordered[:_BARS]
    ]
    legend = [(2, f"the cohort selects for it (q below {SELECTED:g})"), (6, "not shown to be selected for")]
    return {
        "figure": "bars",
        "name": "altered",
        "title": "How often the cohort has its genes altered",
        "caption": f"Genes that the cohort selects for first, then by frequency"
        f"{f'; {_BARS} of {len(ordered)}' if len(ordered) > _BARS else ''}. n = {total} tumours."
        + ("" if tested else " Selection was not tested: frequent may just be long."),
        "alt": "; ".join(f"{row['name']} {row['words']}" for row in rows) + ".",
        "of": {"rows": rows, "x_label": "Tumours with it (%)", "legend": legend if tested else ()},
        "columns": ("gene", "tumours", "q"),
        "data": [(one["gene"], one["in_cohort"], "" if one["q"] is None else one["q"]) for one in ordered],
    }


def _table(ordered: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    total = len(found["tumours"])
    rows = [
        [one["gene"], kinds_of(one), f"{one['in_cohort']} of {total}", q_value(one["q"])] for one in ordered[:_ROWS]
    ]
    more = f", the first {_ROWS}; all: tumours.json" if len(ordered) > _ROWS else ""
    return {
        "table": f"Its altered genes{more}. q: below {SELECTED:g} the gene is mutated more often in the cohort than "
        f"chance explains; – where it was not tested. n = {len(ordered)}.",
        "columns": ["Gene", "Kind", "Tumours with it", "q of selection"],
        "rows": rows,
        "numeric": False,
        "emphasis": [number for number, one in enumerate(ordered[:_ROWS]) if selected(one)],
    }


def cohort_sentence(found: Mapping[str, Any]) -> str:
    """The cohort in a sentence."""
    total = len(found["tumours"])
    chosen = [entry for entry in found["genes"] if selected(entry)]
    if "not_computed" in found["selection"]:
        often = sorted(found["genes"], key=lambda entry: (-entry["altered"], entry["gene"]))[:4]
        told = joined([f"{entry['gene']} ({percent(entry['altered'] / total)})" for entry in often])
        return f"Most often altered in {total} tumours: {told}."
    if not chosen:
        return f"In {total} tumours no gene is mutated more often than chance explains."
    having = sum(any(selected(one) for one in entry["alterations"]) for entry in found["tumours"])
    told = joined([f"{entry['gene']} ({percent(entry['altered'] / total)})" for entry in chosen[:5]])
    return (
        f"{having} of {total} tumours have at least one of the {counted(len(chosen), 'gene')} that the cohort selects "
        f"for. The most frequent: {told}."
    )
