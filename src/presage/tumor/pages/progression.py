"""The page of a hazard network: how one event changes the pace of another, and whether the network foretells."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from presage.findings.words import difference_with_interval, joined, limits, number, with_interval
from presage.tumor.pages.words import counted, percent

# Arrows drawn at most: those found again in at least this share of draws, of a tenth of the rate or more.
_DRAWN, _SURE, _SMALLEST = 24, 0.5, 0.1
_LISTED, _ROWS = 20, 300


def progression_page(found: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the page, as `presage.report.documents` describes it.

    Parameters
    ----------
    found
        As :func:`presage.tumor.charting.chart` gives it.
    """
    return {
        "phantom": found["phantom"],
        "version": version("presage"),
        "source": "progression.json",
        "title": "In which order events come",
        "sentence": _sentence(found),
        "also": "A mutual hazard network, learnt from tumours that were each seen once: which events bring others "
        "about and which hold them back.",
        "facts": [
            ("Tumours", f"{found['n']:,}"),
            ("Events", f"{len(found['events'])}"),
            ("Form", _form(found)),
            ("Penalty", f"{found['penalty']:.4g}{'' if found['penalties'] is None else ', chosen'}"),
            ("Draws of the tumours", f"{found['bootstrap']}"),
        ],
        "parts": [_foretells(found), _network(found), _events(found), _tumours(found), _care(found)],
    }


def _form(found: Mapping[str, Any]) -> str:
    words = "events change the look too" if found["form"]["observation"] else "classical"
    return words + (", symmetric penalty" if found["form"]["symmetric"] else "")


def _sentence(found: Mapping[str, Any]) -> str:
    gain = found["held_out"]["difference"]
    told = f"ln p of a held-out tumour {difference_with_interval(gain)}"
    if gain["low"] > 0:
        return f"The network foretells tumours that it has not seen better than independent events do: {told}."
    if gain["high"] < 0:
        return f"The network foretells unseen tumours worse than independent events do: {told}. Do not use its orders."
    return (
        f"It was not shown that the network foretells unseen tumours better than independent events do: {told}. A null "
        f"result: its orders may be chance."
    )


def _foretells(found: Mapping[str, Any]) -> dict[str, Any]:
    own = found["held_out"]
    rows = [("Independent events", own["independent"], None), ("Hazard network", own["network"], 0)]
    figure = {
        "figure": "forest",
        "name": "held-out",
        "title": "How well tumours are foretold",
        "caption": f"Mean ln p of a tumour by what was fitted without it ({found['folds']} folds; "
        f"{'the penalty chosen within each training part' if found['penalties'] else 'the penalty as given'}); higher "
        f"is better. 95 % CI over draws of the tumours, which leave out the share of the training. n = {found['n']} "
        f"tumours.",
        "alt": "; ".join(f"{name} {with_interval(value)}" for name, value, _ in rows) + ".",
        "of": {
            "rows": [{"name": name, "estimate": value, "series": series} for name, value, series in rows],
            "label": "Mean held-out ln p of a tumour",
        },
        "columns": ("model", "ln_p", "low", "high"),
        "data": [(name, value["value"], value["low"], value["high"]) for name, value, _ in rows],
        "wide": True,
    }
    gain = own["difference"]
    difference = {
        "figure": "forest",
        "name": "held-out-difference",
        "title": "The network minus independent events",
        "caption": f"Difference in ln p on the same tumours, 95 % CI. To the right of 0 the network foretells better. "
        f"The levels above vary with the tumours that happen to be drawn; this does not. n = {found['n']} tumours.",
        "alt": f"Difference {difference_with_interval(gain, 3)}.",
        "of": {
            "rows": [{"name": "Network minus independent", "estimate": gain, "series": 0}],
            "label": "Difference in mean held-out ln p",
            "reference": 0.0,
            "reference_label": "no gain",
            "digits": 3,
        },
        "columns": ("difference", "low", "high"),
        "data": [(gain["value"], gain["low"], gain["high"])],
        "wide": True,
    }
    return {"name": "foretells", "title": "Does it foretell?", "blocks": [figure, difference]}


def _network(found: Mapping[str, Any]) -> dict[str, Any]:
    names = [entry["event"] for entry in found["events"]]
    large = [edge for edge in found["edges"] if abs(edge["influence"]) >= _SMALLEST]
    sure = [edge for edge in large if edge["same_sign"] >= _SURE]
    drawn = sorted(sure, key=lambda edge: -abs(edge["influence"]))[:_DRAWN]
    first = [f"{edge['target']} after {edge['source']}" for edge in drawn if edge["influence"] > 0][:3]
    against = [f"{edge['target']} after {edge['source']}" for edge in drawn if edge["influence"] < 0][:3]
    text = f"Comes sooner: {'; '.join(first)}. " if first else "No event surely speeds up another. "
    text += f"Comes later or not: {'; '.join(against)}." if against else "None surely slows down another."
    figure = {
        "figure": "influences",
        "name": "network",
        "title": "How one event changes the pace of another",
        "caption": f"An arrow: in tumours with the first event the second comes faster (solid) or slower (dashed). "
        f"Drawn: {len(drawn)} of {counted(len(large), 'influence')}, those with the same sign in half of "
        f"{found['bootstrap']} draws of the tumours or more. n = {found['n']} tumours.",
        "alt": f"Network of influences between {joined(names)}. {text}",
        "of": {
            "nodes": names,
            "edges": [
                {
                    "source": names.index(edge["source"]),
                    "target": names.index(edge["target"]),
                    "value": edge["influence"],
                }
                for edge in drawn
            ],
        },
        "columns": ("event", "other", "log_factor", "same_sign"),
        "data": [(e["source"], e["target"], e["influence"], e["same_sign"]) for e in found["edges"]],
    }
    listed = sorted(large, key=lambda edge: (-edge["same_sign"], -abs(edge["influence"])))[:_LISTED]
    table = {
        "table": f"The surest influences: what the first event does to the rate of the second, the middle 95 % of the "
        f"draws, and in what share of draws it has the same sign. All: edges.tsv. {len(listed)} of {len(large)}.",
        "columns": ["First", "Second", "Influence on the log rate", "Same sign"],
        "rows": [
            [
                edge["source"],
                edge["target"],
                f"{number(edge['influence'])} ({limits(edge)})",
                percent(edge["same_sign"]),
            ]
            for edge in listed
        ],
        "numeric": False,
    }
    none = {
        "text": f"Of {counted(len(large), 'influence')} none has the same sign in half of {found['bootstrap']} draws "
        "of the tumours or more: there is none to draw."
    }
    blocks: list[dict[str, Any]] = [{"text": text, "strong": True}, figure if drawn else none]
    return {"name": "network", "title": "What changes the pace", "blocks": [*blocks, *([table] if listed else [])]}


def _events(found: Mapping[str, Any]) -> dict[str, Any]:
    seen = found["form"]["observation"]
    rows = []
    for entry in sorted(found["events"], key=lambda entry: -entry["tumours"]):
        row = [entry["event"], f"{entry['tumours']} ({percent(entry['tumours'] / found['n'])})", number(entry["rate"])]
        row.append(_early(entry["position"]))
        rows.append([*row, *([number(entry["observation"])] if seen else [])])
    table = {
        "table": "Rate: how fast the event comes in a tumour that has none of them, in mean times to the look at such "
        "a tumour. Early or late: its mean place among a tumour's events, 0 first and 1 last, over the tumours that "
        "have it and others.",
        "columns": ["Event", "Tumours with it", "Rate", "Early (0) or late (1)", *(["On the look"] if seen else [])],
        "rows": rows,
    }
    return {"name": "events", "title": "Each event", "blocks": [table]}


def _early(place: float | None) -> str:
    return "–" if place is None else number(place)


def _tumours(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for entry in found["tumours"][:_ROWS]:
        order = " → ".join(entry["order"]) if entry["order"] else "none" if not entry["events"] else "too many to order"
        chance = "–" if entry["order_chance"] is None else percent(entry["order_chance"])
        coming = [f"{one['event']} {percent(one['chance'])}" for one in entry["next"][:3]]
        rows.append([entry["code"], order, chance, ", ".join(coming) or "it has them all"])
    more = f", the first {_ROWS} of {found['n']}" if found["n"] > _ROWS else ""
    table = {
        "table": f"Likeliest order of each tumour's events with its chance among all orders, and which is likely to be "
        f"next{more}. All: tumours.tsv. Whose a code is stands in key.csv, which is for its owner alone.",
        "columns": ["Tumour", "Likeliest order", "Chance of just this order", "Next, if one comes"],
        "rows": rows,
        "numeric": False,
    }
    return {"name": "tumours", "title": "Each tumour", "blocks": [table], "folded": True}


def _care(found: Mapping[str, Any]) -> dict[str, Any]:
    notes = [
        "Influences are associations over tumours seen once; nobody watched a tumour grow. Subtypes that differ in "
        "several events look like influences.",
        "Better foretelling does not settle the direction of an influence. Look at the other form (--form) before "
        "telling anybody an order.",
        "A likeliest order with a chance of a few per cent is one of many.",
        "For research. No result here was shown to help anybody decide about a treatment.",
    ]
    if found["n"] < 100:
        notes.append(f"{found['n']} tumours are few: influences that are there may be missed.")
    own = [{"notes": found["doubts"], "title": "Of this cohort"}] if found["doubts"] else []
    return {"name": "care", "title": "Read with care", "blocks": [*own, {"notes": notes, "title": "Limits"}]}
