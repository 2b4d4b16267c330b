"""What each driver changes, on the page of a cohort: a network of drivers and genes, and their programmes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import joined
from presage.tumor.pages.words import counted, percent, q_value

# Drivers in the network, with so many genes each.
_NETWORK, _TARGETS = 6, 4


def programmes(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """The section of the cohort's page; None where no driver has a programme."""
    called = [entry for entry in found["genes"] if entry["called"] and entry["programme"]]
    if not called:
        return None
    rows = []
    for entry in called[:12]:
        core = entry["programme"][:8]
        sets = "; ".join(f"{rich['name']} (q {q_value(rich['q'])})" for rich in entry["sets"] if rich["q"] < 0.1)
        told = [f"{one['gene']}{_direction(one['up'])} {percent(one['share'])}" for one in core]
        genes = ", ".join(words.replace(" ", "\u00a0") for words in told)
        rows.append([entry["gene"], genes, *([sets or "none"] if _has_sets(found) else [])])
    columns = ["Driver", "Genes that it explains, in what share of the tumours that have it"]
    table = {
        "table": "The programme of each driver, most frequent genes first: ↑ raised, ↓ lowered, ↕ either, by tumour. "
        "All: "
        "programmes.tsv.",
        "columns": [*columns, *(["Gene sets it is rich in"] if _has_sets(found) else [])],
        "rows": rows,
        "numeric": False,
    }
    return {"name": "programmes", "title": "What each driver changes", "blocks": [_network(called), table]}


def _has_sets(found: Mapping[str, Any]) -> bool:
    return any(entry["sets"] for entry in found["genes"])


def _direction(up: float | None) -> str:
    return "" if up is None else " ↑" if up >= 0.8 else " ↓" if up <= 0.2 else " ↕"


def _network(called: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    left = [entry["gene"] for entry in called[:_NETWORK]]
    right: list[str] = []
    edges, data = [], []
    for number, entry in enumerate(called[:_NETWORK]):
        for one in entry["programme"][:_TARGETS]:
            if one["gene"] not in right:
                right.append(one["gene"])
            up = one["up"] is None or one["up"] >= 0.5
            edges.append({"left": number, "right": right.index(one["gene"]), "weight": one["share"], "up": up})
            data.append((entry["gene"], one["gene"], one["share"], "" if one["up"] is None else one["up"]))
    return {
        "figure": "links",
        "name": "programmes",
        "title": "Drivers and the genes that they change most often",
        "caption": f"The {counted(len(left), 'driver')} called most often and up to {_TARGETS} genes of each. A broad "
        f"line: the gene is explained in most of the tumours that have the driver.",
        "alt": f"Network of {joined(left)} and the genes that they explain.",
        "of": {"left": left, "right": right, "edges": edges, "heads": ("altered", "changed expression")},
        "columns": ("driver", "gene", "share", "share_raised"),
        "data": data,
    }
