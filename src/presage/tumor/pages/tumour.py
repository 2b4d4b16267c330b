"""The page of one tumour: what drives it, what each driver changes, what came first and what may be next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import joined
from presage.tumor.pages import altered
from presage.tumor.pages.risk import LIMITS, NONE, short_risk, tumour_risk
from presage.tumor.pages.words import (
    asked,
    care,
    continuous,
    counted,
    frame,
    has_expression,
    kinds_of,
    percent,
    q_value,
    unjudged,
)
from presage.tumor.ranks import SELECTED
from presage.tumor.readers.clinical import YEAR

# Bars, and genes listed of each driver.
_BARS, _GENES = 12, 12
_COURSE = "What came first, what may be next"
_ABOUT = {
    True: "what of its gene expression each alteration accounts for",
    False: "what it has, and how often the cohort has and selects it",
}


def tumour_page(entry: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the page, as `presage.report.documents` describes it.

    Parameters
    ----------
    entry
        One of ``found["tumours"]``.
    found
        As :func:`presage.tumor.analysis.analyse` gives it.
    """
    called = [one for one in entry["alterations"] if one["called"]]
    measured = has_expression(found)
    parts = [
        *(_driving(entry, called, found) if measured else altered.parts(entry, found)),
        _course(entry, found),
        tumour_risk(entry, found),
        _follow_up(entry),
        care(found, *(() if "not_computed" in (entry.get("risk") or NONE) else LIMITS)),
    ]
    left_out = unjudged(entry, found)
    if left_out:
        place = next(part for part in parts if part is not None and part["name"] == "alterations")
        place["blocks"].append({"text": left_out})
    facts = [("Tumour", entry["code"]), ("Altered genes", f"{len(entry['alterations'])}")]
    if measured:
        facts += [
            ("Measured genes", f"{_asked(entry):,}")
            if continuous(found)
            else ("Changed genes", f"{entry['changed']:,} of {found['cohort']['measured_genes']:,}"),
            ("Called drivers", f"{len(called)}"),
        ]
    facts += short_risk(entry, found)
    return {
        **frame(found),
        "title": f"Tumour {entry['code']}",
        "sentence": _sentence(entry, called, asked(found)) if measured else altered.sentence(entry, found),
        "also": f"For a meeting about this tumour: "
        f"{_ABOUT[measured]}, judged by all {len(found['tumours'])} tumours of the cohort.",
        "facts": facts,
        "parts": [part for part in parts if part is not None],
    }


def _sentence(entry: Mapping[str, Any], called: Sequence[Mapping[str, Any]], noun: str) -> str:
    altered = counted(len(entry["alterations"]), "altered gene")
    if not entry["alterations"]:
        return "None of the genes that were judged is altered in this tumour, so that nothing can be called its driver."
    names = [one["gene"] for one in entry["alterations"] if one["q"] is not None and one["q"] < SELECTED]
    selected = f" Of its genes the cohort selects for {joined(names[:5])}." if names else ""
    if not called:
        return (
            f"Of the {altered} of this tumour none explains more of its {counted(_asked(entry), noun)} "
            f"than "
            f"chance would let it: its driver was not found here.{selected}"
        )
    told = [f"{one['gene']} ({kinds_of(one)}, {counted(one['targets'], 'gene')})" for one in called[:4]]
    more = f" and {len(called) - 4} more" if len(called) > 4 else ""
    return (
        f"Of {altered}, {counted(len(called), 'explains', 'explain')} more of this tumour's {noun}s than chance "
        f"would let it: {joined(told)}{more}."
    )


def _driving(
    entry: Mapping[str, Any], called: Sequence[Mapping[str, Any]], found: Mapping[str, Any]
) -> list[dict[str, Any]]:
    return [_explained(entry, called, found), _alterations(entry, found), *_programmes(called, found)]


def _asked(entry: Mapping[str, Any]) -> int:
    """How many genes were asked for."""
    return int(entry.get("asked", entry["changed"]))


def _explained(
    entry: Mapping[str, Any], called: Sequence[Mapping[str, Any]], found: Mapping[str, Any]
) -> dict[str, Any]:
    noun = asked(found)
    strongest = sorted(entry["alterations"], key=lambda one: -one["share"])
    shown = strongest[:_BARS]
    rest = sum(one["share"] for one in strongest[_BARS:])
    rows = [
        {
            "name": one["gene"],
            "value": 100 * one["share"],
            "series": 2 if one["called"] else 6,
            "words": f"{percent(one['share'])}{', called' if one['called'] else ''}",
        }
        for one in shown
    ]
    if len(strongest) > _BARS:
        rows.append({"name": counted(len(strongest) - _BARS, "other"), "value": 100 * rest, "series": 6})
        rows[-1]["words"] = percent(rest)
    rows.append({"name": "none of them", "value": 100 * entry["unexplained"], "series": None})
    rows[-1]["words"] = percent(entry["unexplained"])
    share = percent(sum(one["share"] for one in called))
    figure = {
        "figure": "bars",
        "name": "explained",
        "title": f"What explains the {noun}s",
        "caption": f"Each {noun} is shared out among the tumour's alterations by how probable each is as its "
        "cause; the "
        f"bars are the averages and sum to 100 %. n = {counted(_asked(entry), noun)} of one tumour.",
        "alt": f"Share of the {noun}s explained by each alteration; the called drivers explain {share}.",
        "of": {
            "rows": rows,
            "x_label": f"Share of the {noun}s (%)",
            "legend": [(2, "called a driver of this tumour"), (6, "altered, not called"), (None, "no alteration")],
        },
        "columns": ("alteration", "share", "called"),
        "data": [(one["gene"], one["share"], one["called"]) for one in strongest],
    }
    return {"name": "explained", "title": "What drives this tumour", "blocks": [figure]}


def _alterations(entry: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    tested = "not_computed" not in found["selection"]
    by_p = continuous(found)
    columns = ["Gene", "Kind", "Genes explained", "Needed for a call", "Called", "Tumours with it"]
    if by_p:
        columns[3:4] = ["For less against", "p", "False discovery rate"]
    rows, emphasis = [], []
    for number, one in enumerate(entry["alterations"]):
        if one["called"]:
            emphasis.append(number)
        row = [one["gene"], kinds_of(one), one["targets"], *_judged(one), "yes" if one["called"] else "no"]
        row.append(f"{one['in_cohort']} of {len(found['tumours'])}")
        rows.append([*row, *([q_value(one["q"])] if tested else [])])
    text = (
        "Needed: as many genes as the same alteration explains by chance in hardly any tumour. Frequent alterations "
        "need "
        "more, as they fit anything a little."
    )
    if by_p:
        text = (
            "For less against: genes that the alteration is expected to act on here, less those that it changes in "
            "other tumours and not in this one. p: how often chance gives as much to an alteration that "
            "as many tumours have."
        )
    if tested:
        text += (
            f" q: below {SELECTED:g} the gene is mutated more often in the cohort than chance explains; "
            "– for copy number."
        )
    table = {
        "table": f"Every altered gene of this tumour, those that explain most first. n = {len(rows)}.",
        "columns": [*columns, *(["q of selection"] if tested else [])],
        "rows": rows,
        "numeric": False,
        "emphasis": emphasis,
    }
    blocks: list[dict[str, Any]] = [{"text": text}, table] if rows else [{"text": "None."}]
    return {"name": "alterations", "title": "Its alterations", "blocks": blocks}


def _judged(one: Mapping[str, Any]) -> list[Any]:
    """What a call rests on: the number of genes that is needed, or the score and its significance."""
    if one.get("p") is None:
        return [one["needed"]]
    return [f"{one['score']:.1f}", f"{one['p']:.2g}", q_value(one["pair_q"])]


def _programmes(called: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    cohort = {entry["gene"]: entry for entry in found["genes"]}
    blocks: list[dict[str, Any]] = []
    for one in called:
        usual = {gene["gene"]: gene["share"] for gene in cohort[one["gene"]]["programme"]}
        rows = [
            [
                target["gene"],
                "–" if target["z"] is None else "↑ raised" if target["z"] > 0 else "↓ lowered",
                percent(target["posterior"]),
                percent(usual[target["gene"]]) if target["gene"] in usual else "–",
            ]
            for target in one["genes"][:_GENES]
        ]
        sets = [rich["name"] for rich in cohort[one["gene"]]["sets"] if rich["q"] < 0.1]
        if sets:
            blocks.append({"text": f"In the cohort the programme of {one['gene']} is rich in {joined(sets[:3])}."})
        more = f", the surest {_GENES} of {one['targets']}" if one["targets"] > _GENES else ""
        blocks.append(
            {
                "table": f"Genes that {one['gene']} ({kinds_of(one)}) explains in this tumour{more}.",
                "columns": [
                    "Gene",
                    "Expression",
                    "Chance that it is the cause",
                    "Tumours with it in which it explains this gene",
                ],
                "rows": rows,
                "numeric": False,
            }
        )
    return [{"name": "programme", "title": "What each driver changes here", "blocks": blocks}] if blocks else []


def _course(entry: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    if "not_computed" in found["progression"]:
        why = f"Not told: {found['progression']['not_computed']}."
        return {"name": "course", "title": _COURSE, "blocks": [{"text": why}]}
    blocks: list[dict[str, Any]] = []
    if len(entry["order"]) > 1:
        told = f"Likeliest order of what it has: {' → '.join(entry['order'])}"
        blocks.append(
            {"text": f"{told} (chance of just this order: {percent(entry['order_chance'])}).", "strong": True}
        )
    elif entry["order"]:
        blocks.append(
            {"text": f"Of the events in the cohort's network it has {entry['order'][0]} alone.", "strong": True}
        )
    else:
        blocks.append({"text": "It has none of the events in the cohort's network.", "strong": True})
    if entry["next"]:
        first = entry["next"][0]
        blocks += [
            {
                "text": f"If another of these events comes, {first['event']} is the likeliest "
                f"({percent(first['chance'])})."
            },
            {
                "figure": "bars",
                "name": "next",
                "title": "Which event is likely next",
                "caption": "Chance that each event comes before the others, if one comes. By the cohort's network; "
                "time "
                "is not told.",
                "alt": "Chances of the next event: "
                + joined([f"{one['event']} {percent(one['chance'])}" for one in entry["next"][:4]])
                + ".",
                "of": {
                    "rows": [
                        {
                            "name": one["event"],
                            "value": 100 * one["chance"],
                            "series": 1,
                            "words": percent(one["chance"]),
                        }
                        for one in entry["next"]
                    ],
                    "x_label": "Chance to be the next (%)",
                },
                "columns": ("event", "chance"),
                "data": [(one["event"], one["chance"]) for one in entry["next"]],
            },
        ]
    notes = [
        "The order is inferred from which alterations go together over the cohort; nobody watched this tumour grow."
    ]
    return {"name": "course", "title": _COURSE, "blocks": [*blocks, {"notes": notes}]}


def _follow_up(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    own = entry["follow_up"]
    if not own:
        return None
    told = []
    if "age" in own:
        told.append(f"Age at diagnosis {own['age']:.0f} years.")
    if "os_days" in own:
        ended = "died" if own.get("os_event") else "was alive at the last look"
        told.append(f"The patient {ended} after {own['os_days'] / YEAR:.1f} years.")
    if "pfi_days" in own:
        ended = "Progression" if own.get("pfi_event") else "No progression was seen"
        told.append(f"{ended} {'after' if own.get('pfi_event') else 'in'} {own['pfi_days'] / YEAR:.1f} years.")
    blocks: list[dict[str, Any]] = [{"text": " ".join(told)}]
    known = (entry.get("risk") or {}).get("known")
    blocks.append(
        {"text": "What happened, not a forecast." + (" The risk above was computed without it." if known else "")}
    )
    return {"name": "follow-up", "title": "What happened to the patient", "blocks": blocks} if told else None
