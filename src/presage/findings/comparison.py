"""Does a marker beat the standard? Differences with intervals, and the answer in words: a null result is a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from presage.findings import estimates
from presage.findings.controls import against_controls
from presage.findings.options import Options
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import (
    as_json,
    difference_with_interval,
    joined,
    level_words,
    limits,
    number,
    p_value,
    percent,
    with_interval,
)
from presage.stats.hypotheses import above_margin, holm

#: The verdicts, in words; each is about the AUC.
VERDICTS = ("beats", "does not beat", "worse than", "equal")


def comparison(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``comparison``; None where there is no marker beside the standard, or the outcome is a time."""
    if table.outcome_kind == "time-to-event" or not table.markers:
        return None
    options = Options.read(chosen)
    standard: dict[str, Any] = {"name": table.standard, "auc": estimates.auc(table, table.standard, options)}
    rows = [_one(table, name, standard, options) for name in table.markers]
    # A control is no candidate: it neither wins nor costs the markers a share of the error rate.
    markers = [row for row in rows if table.role(row["name"]) != "control"] or rows
    controls = [row for row in rows if row not in markers]
    primary = judge(markers, options)
    judge(controls, replace(options, primary=None))
    for row in rows:
        others = len(markers if row in markers else controls) - (primary is not None and row in markers)
        row["sentence"] = _marker_sentence(row, standard, adjusted=row is not primary and others > 1)
    judged = [primary] if primary else markers
    warnings = against_controls(table, markers, controls, options)
    return {
        "title": "Comparison with the standard",
        "standard": standard,
        "markers": rows,
        "primary": primary["name"] if primary else None,
        "adjustment": _adjustment(markers, primary),
        "null_result": not any(row["verdict"] == "beats" for row in judged),
        "controls": warnings,
        "sentence": " ".join([_answer(table, judged, standard, options), *(found["sentence"] for found in warnings)]),
        "caveats": [*_caveats(markers, standard["auc"]["value"], options), *_suspicions(table, standard, rows)],
    }


def _one(table: ScoreTable, name: str, standard: dict[str, Any], options: Options) -> dict[str, Any]:
    auc = estimates.auc(table, name, options)
    found = estimates.compare(table, name, options)
    row: dict[str, Any] = {
        "name": name,
        "auc": auc,
        "covers_chance": auc["low"] <= 0.5 <= auc["high"],
        "difference": {**as_json(found), "statistic": float(found.statistic)},
        "p": float(found.p),
        # Printed only beside both absolute values: a gain over a standard that is itself near chance looks large.
        "relative_gain": auc["value"] / standard["auc"]["value"] - 1 if standard["auc"]["value"] > 0 else None,
    }
    if options.non_inferiority is not None:
        # One-sided at half the error rate of the interval, as is customary.
        test = above_margin(found, -options.non_inferiority, level=0.5 + options.level / 2)
        row["non_inferiority"] = {"margin": options.non_inferiority, "p": float(test.p), "shown": bool(test.shown)}
    return row


def verdict(difference: Mapping[str, Any], p_adjusted: float, options: Options) -> str:
    """One of `VERDICTS`: judged by the adjusted p-value, so that it holds for all markers together."""
    if difference["low"] == difference["high"] == 0:
        return "equal"
    if p_adjusted >= options.alpha:
        return "does not beat"
    return "beats" if difference["value"] > 0 else "worse than"


def judge(rows: list[dict[str, Any]], options: Options) -> dict[str, Any] | None:
    """Give each marker (with ``p`` and ``difference``) its adjusted p-value and its verdict; the primary one, if named.

    The marker named in advance is one question, which needs no adjustment; Holm's is over all the others.
    """
    primary = _primary(rows, options)
    if primary is not None:
        primary["p_adjusted"] = primary["p"]
    others = [row for row in rows if row is not primary]
    for row, adjusted in zip(others, holm([row["p"] for row in others]).tolist() if others else [], strict=True):
        row["p_adjusted"] = adjusted
    for row in rows:
        row["verdict"] = verdict(row["difference"], row["p_adjusted"], options)
    return primary


def _adjustment(rows: list[dict[str, Any]], primary: dict[str, Any] | None) -> str:
    if len(rows) == 1:
        return "none: one marker"
    if primary is None:
        return "Holm"
    return f"none for {primary['name']}, named in advance; Holm over the others"


def _primary(rows: list[dict[str, Any]], options: Options) -> dict[str, Any] | None:
    if options.primary is None:
        return rows[0] if len(rows) == 1 else None
    found = next((row for row in rows if row["name"] == options.primary), None)
    if found is None:
        names = [row["name"] for row in rows]
        near = get_close_matches(options.primary, names, n=1)
        raise TableError(
            f"the primary marker {options.primary!r} is not among the markers ({', '.join(names)})"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return found


def _answer(table: ScoreTable, judged: list[dict[str, Any]], standard: dict[str, Any], options: Options) -> str:
    who = f"In these {estimates.described(table, options)}"
    if len(judged) == 1:
        null = " This is a null result." if judged[0]["verdict"] in ("does not beat", "equal") else ""
        return f"{who}, {judged[0]['sentence']}{null}"
    winners = [row for row in judged if row["verdict"] == "beats"]
    against = f"{standard['name']} (AUC {with_interval(standard['auc'], bracket=False)})"
    if not winners:
        found = "; ".join(f"{row['name']}: {with_interval(row['auc'])}" for row in judged)
        none = f"none of the {len(judged)} markers" if len(judged) > 2 else "neither marker"
        return f"{who}, {none} told cases from controls better than {against}. This is a null result. {found}."
    told = "; ".join(
        f"{row['name']}: AUC {with_interval(row['auc'])}, difference {difference_with_interval(row['difference'])}"
        for row in winners
    )
    others = len(judged) - len(winners)
    counted = (
        f"{len(winners)} of {len(judged)} markers"
        if others
        else f"all {len(judged)} markers"
        if len(judged) > 2
        else "both markers"
    )
    rest = f" The other {others} did not." if others > 1 else " The other one did not." if others else ""
    worse = [row["name"] for row in judged if row["verdict"] == "worse than"]
    rest += f" Worse than {standard['name']}: {joined(worse)}." if worse else ""
    return f"{who}, {counted} told cases from controls better than {against}. {told}.{rest}"


#: How a verdict stands in a sentence.
HOW = {
    "beats": "told {what} better than {standard}",
    "worse than": "told {what} worse than {standard}",
    "does not beat": "did not tell {what} better than {standard}",
    "equal": "told {what} exactly as {standard} did",
}


def _marker_sentence(row: dict[str, Any], standard: dict[str, Any], *, adjusted: bool) -> str:
    how = HOW[row["verdict"]].format(standard=standard["name"], what="cases from controls")
    p = p_value(row["p_adjusted"]) + (" after Holm's adjustment" if adjusted else "")
    text = (
        f"{row['name']} {how}: AUC {with_interval(row['auc'])} against {number(standard['auc']['value'])} "
        f"({limits(standard['auc'])}), difference {difference_with_interval(row['difference'])}, {p}."
    )
    if row["covers_chance"]:
        text += " The interval of its AUC includes 0.5: chance alone would explain it."
    return text


def _caveats(rows: list[dict[str, Any]], standard: float, options: Options) -> list[str]:
    caveats = []
    if any(row["verdict"] == "does not beat" for row in rows):
        widest = max(row["difference"]["high"] - row["difference"]["low"] for row in rows)
        caveats.append(
            "No proof of a difference is no proof of equality: the interval says which differences remain possible "
            f"(the widest spans {number(widest)} of AUC)."
        )
    uneven = [
        row["name"]
        for row in rows
        if row["verdict"] == "does not beat" and not row["difference"]["low"] <= 0 <= row["difference"]["high"]
    ]
    if uneven:
        caveats.append(
            f"The interval of {'; '.join(uneven)} leaves out 0, but intervals are not adjusted for the number of "
            "markers; the verdict is."
        )
    if len(rows) > 1 and options.primary is None:
        caveats.append(
            f"No marker was named in advance as primary, so all {len(rows)} are judged together (Holm's adjustment). "
            "The best of several is likely to do less well in new people."
        )
    if len(rows) > 1 and options.primary is not None:
        others = joined([row["name"] for row in rows if row["name"] != options.primary])
        caveats.append(
            f"{options.primary} was named as the marker to judge, and is tested without adjustment; {others} "
            "is secondary (Holm's adjustment where there are several). This holds only if the name was fixed before "
            "the results were seen."
        )
    low = [row for row in rows if row["relative_gain"] is not None and row["relative_gain"] > 0]
    if low:
        gains = "; ".join(
            f"{row['name']} {percent(row['relative_gain'])} ({number(row['auc']['value'])} against {number(standard)})"
            for row in low
        )
        caveats.append(
            f"Relative gain in AUC: {gains}. A ratio of AUCs has no clinical unit, and looks larger the nearer the "
            "standard is to chance; read the difference."
        )
    if options.non_inferiority is not None:
        good = [row["name"] for row in rows if row["non_inferiority"]["shown"]]
        caveats.append(
            f"Non-inferiority with a margin of {options.non_inferiority:g} of AUC ({level_words(options.level)}): "
            + (f"shown for {joined(good)}." if good else "shown for no marker.")
        )
    return caveats


def _suspicions(table: ScoreTable, standard: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Results that are more often a slip in the table than a finding."""
    caveats = []
    aucs = {standard["name"]: standard["auc"], **{row["name"]: row["auc"] for row in rows}}
    for name, auc in aucs.items():
        if auc["high"] < 0.5:
            effect = " Every difference from it is then too large." if name == standard["name"] else ""
            caveats.append(
                f"{name} is higher in controls than in cases (AUC {with_interval(auc)}). Higher must mean more "
                f"likely a case: if this score runs the other way, turn its sign and run this again.{effect}"
            )
        elif auc["value"] == 1:
            caveats.append(
                f"{name} tells everyone apart without an error: make sure that the outcome is not part of it."
            )
    if "match_set" in table.covariates.columns:
        caveats.append(
            "Cases and controls were matched. These AUCs compare every case with every control; the section on matched "
            "sets compares within sets, and is the one that respects the design."
        )
    return caveats
