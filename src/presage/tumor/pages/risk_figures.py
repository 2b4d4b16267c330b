"""Figures and tables of risks: one patient's beside the standard's, and how well those of a cohort hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from presage.findings.survival_words import c_index, measured
from presage.findings.words import cell, p_value, with_interval
from presage.tumor.pages.words import percent
from presage.tumor.readers.clinical import YEAR

# Points of the curve of all risks, and the names and colours of the thirds.
_POINTS = 100
_THIRDS = (("lowest third", "series-1"), ("middle third", "series-5"), ("highest third", "series-2"))
_DAYS = {"years": 1.0, "months": 12.0, "days": YEAR}


def horizon_words(document: Mapping[str, Any]) -> str:
    """The horizon for a reader: ``3 years``."""
    years = document["horizon"] / _DAYS[document["unit"]]
    if abs(years - round(years, 1)) < 0.01 and years >= 0.1:
        return f"{years:.3g} {'year' if round(years, 1) == 1 else 'years'}"
    return f"{document['horizon']:g} {document['unit']}"


def beside(own: Mapping[str, Any], cohort: Mapping[str, Any]) -> dict[str, Any]:
    """The risk beside the standard's and what the cohort saw, as bars."""
    rows = [
        (cohort["marker"], own["marker"], 2, percent(own["marker"])),
        (cohort["standard"], own["standard"], None, f"{percent(own['standard'])}, the standard"),
        ("All patients", cohort["observed"]["value"], 6, f"{percent(cohort['observed']['value'])}, observed"),
    ]
    by = horizon_words(cohort)
    return {
        "figure": "bars",
        "name": "risk",
        "title": f"Risk of {cohort['event']} by {by}",
        "caption": f"The risk of this patient by the tumour's marker and by the standard, and the share of all "
        f"patients with the event by then (Kaplan-Meier, {percent(cohort['observed']['low'])} to "
        f"{percent(cohort['observed']['high'])}). n = {cohort['n']} patients, {cohort['events']} events.",
        "alt": "; ".join(f"{name} {words}" for name, _, _, words in rows) + ".",
        "of": {
            "rows": [{"name": n, "value": 100 * value, "series": s, "words": words} for n, value, s, words in rows],
            "x_label": f"Risk of {cohort['event']} by {by} (%)",
        },
        "columns": ("score", "risk"),
        "data": [(name, value) for name, value, _, _ in rows],
        "wide": True,
    }


def place_of(own: Mapping[str, Any], cohort: Mapping[str, Any]) -> dict[str, Any]:
    """All risks in order, and where this patient stands."""
    curves, data = [], []
    for key, place, words, look in (
        ("standard", "place_standard", cohort["standard"], {"stroke": "standard", "dash": "6 4"}),
        ("marker", "place", cohort["marker"], {"stroke": "series-2"}),
    ):
        risks = np.array(cohort["ordered"][key])
        shares = np.linspace(0, 1, min(_POINTS, len(risks)))
        ys = np.quantile(risks, shares)
        curves.append({"words": words, "xs": (100 * shares).tolist(), "ys": (100 * ys).tolist(), **look})
        data += [(words, share, risk) for share, risk in zip(shares.tolist(), ys.tolist(), strict=True)]
        here = {"xs": [100 * own[place]] * 2, "ys": [0.0, 100 * own[key]], "width": 4}
        curves.append({"words": f"this patient: {percent(own[key])}", **here, **look})
    return {
        "figure": "curves",
        "name": "place",
        "title": "Where it lies in the cohort",
        "caption": f"Every patient's risk by {horizon_words(cohort)}, the lowest at the left; upright lines: this "
        f"patient. n = {cohort['n']} patients.",
        "alt": f"{percent(own['place'])} of the cohort have a lower risk by {cohort['marker']}, "
        f"{percent(own['place_standard'])} by {cohort['standard']}.",
        "of": {
            "curves": curves,
            "x_label": "Patients, lowest risk first (%)",
            "y_label": "Risk (%)",
            "x_range": (0.0, 100.0),
            "y_range": (0.0, 100.0),
        },
        "columns": ("score", "share_of_patients", "risk"),
        "data": data,
    }


def reasons_of(own: Mapping[str, Any], cohort: Mapping[str, Any]) -> dict[str, Any]:
    """What raises and lowers a risk, as bars."""
    rows = [
        {
            "name": one["words"],
            "value": one["weight"],
            "series": 2 if one["weight"] > 0 else 1,
            "words": f"hazard × {np.exp(one['weight']):.2f}",
        }
        for one in own["reasons"]
    ]
    return {
        "figure": "bars",
        "name": "reasons",
        "title": "What raises and what lowers it",
        "caption": f"What each fact of this patient does to the hazard against the average patient, by the model of "
        f"{cohort['marker']} that did not see this patient (the first repeat's). What is smaller than 1 % is left out. "
        f"Weights of a model, not causes.{_grade(own)}",
        "alt": "; ".join(f"{row['name']} {row['words']}" for row in rows) + ".",
        "of": {
            "rows": rows,
            "x_label": "Weight on the log hazard",
            "legend": [(2, "raises the risk (to the right of 0)"), (1, "lowers the risk (to the left)")],
        },
        "columns": ("fact", "weight"),
        "data": [(one["words"], one["weight"]) for one in own["reasons"]],
        "wide": True,
    }


def _grade(own: Mapping[str, Any]) -> str:
    by_grade = any(one["words"].startswith("stage: G") for one in own["reasons"])
    return " Stage is histological grade here: nobody in the cohort has a stage." if by_grade else ""


def thirds(document: Mapping[str, Any], third: int | None = None) -> dict[str, Any]:
    """Kaplan-Meier by thirds of the marker; that of one patient is drawn broad."""
    marker, _ = scores_of(document)
    groups = marker["groups"]
    per_year = _DAYS[document["unit"]]
    curves, data, longest = [], [], 0.1
    for curve in groups["curves"]:
        number_of = next(n for n, (name, _) in enumerate(_THIRDS) if name == curve["group"])
        mine = third == number_of
        xs = [time / per_year for time in curve["times"]]
        longest = max(longest, xs[-1])
        ys = [100 * value for value in curve["survival"]]
        words = f"{curve['group']} of risk: n = {curve['n']}, {curve['events']} events"
        one: dict[str, Any] = {"words": f"{words} (this patient)" if mine else words, "xs": xs, "ys": ys, "steps": True}
        one |= {"stroke": _THIRDS[number_of][1], "width": 4 if mine else 2, "dash": ("2 3", "7 4", "")[number_of]}
        if third is None or mine:
            one |= {key: [100 * value for value in curve[key]] for key in ("low", "high")}
        curves.append(one)
        data += [(curve["group"], *point) for point in zip(xs, ys, strict=True)]
    p = groups["log_rank_p"]
    return {
        "figure": "curves",
        "name": "thirds",
        "title": "What happened to patients with such risks" if third is not None else "What happened by risk",
        "caption": f"Patients without the event ({document['event']}), by thirds of the risk from {document['marker']} "
        f"(Kaplan-Meier, bands: pointwise 95 % CI)." + ("" if p is None else f" Log-rank {p_value(p)}."),
        "alt": "; ".join(one["words"] for one in curves) + ".",
        "of": {
            "curves": curves,
            "x_label": "Years",
            "y_label": "Without the event (%)",
            "x_range": (0.0, longest),
            "y_range": (0.0, 100.0),
        },
        "columns": ("group", "years", "without_the_event"),
        "data": data,
    }


def concordance(document: Mapping[str, Any]) -> dict[str, Any]:
    """C of both, with intervals."""
    marker, standard = scores_of(document)
    rows = [(document["standard"], c_index(standard), None), (document["marker"], c_index(marker), 1)]
    return {
        "figure": "forest",
        "name": "concordance",
        "title": "Who has the event first",
        "caption": f"C index (Uno's, to {horizon_words(document)}): of two patients, how often the one with the "
        f"earlier event had the higher risk; 0.5 is chance. 95 % CI, n = {document['n']} patients, "
        f"{document['events']} events.",
        "alt": "; ".join(f"{name} {with_interval(value)}" for name, value, _ in rows) + ".",
        "of": {
            "rows": [{"name": name, "estimate": value, "series": series} for name, value, series in rows],
            "label": "C index",
            "reference": 0.5,
            "reference_label": "chance",
        },
        "columns": ("score", "c", "low", "high"),
        "data": [(name, value["value"], value["low"], value["high"]) for name, value, _ in rows],
        "wide": True,
    }


def calibration(document: Mapping[str, Any]) -> dict[str, Any]:
    """Foretold and observed, by fifths of the risk."""
    curves, data, most = [], [], 0.0
    looks = ({"stroke": "standard", "dash": "6 4"}, {"stroke": "series-2"})
    for entry, look in zip(scores_of(document)[::-1], looks, strict=True):
        groups = (entry.get("calibration") or {}).get("groups", [])
        points = [(g["predicted"], g["observed"]["value"], g["observed"]["low"], g["observed"]["high"]) for g in groups]
        if not points:
            continue
        data += [(entry["name"], *point) for point in points]
        most = max(most, *(max(point[0], point[3]) for point in points))
        xs, ys, low, high = ([100 * value for value in column] for column in zip(*points, strict=True))
        curves.append({"words": entry["name"], "xs": xs, "ys": ys, **look})
        if "stroke" in look and look["stroke"] != "standard":
            curves[-1] |= {"low": low, "high": high}
    if not curves:
        return {"text": "Calibration could not be judged."}
    edge = min(100.0, 100 * most)
    return {
        "figure": "curves",
        "name": "calibration",
        "title": "Do as many have it as was foretold?",
        "caption": f"Fifths of the patients by risk: the mean risk, and what Kaplan-Meier saw by "
        f"{horizon_words(document)} (band: 95 % CI). On the dotted line the two agree.",
        "alt": "; ".join(f"{name}: {percent(x)} foretold, {percent(y)} observed" for name, x, y, _, _ in data) + ".",
        "of": {
            "curves": curves,
            "x_label": "Foretold (%)",
            "y_label": "Observed (%)",
            "x_range": (0.0, edge),
            "y_range": (0.0, edge),
            "diagonal": True,
        },
        "columns": ("score", "foretold", "observed", "low", "high"),
        "data": data,
    }


def measures(document: Mapping[str, Any]) -> dict[str, Any]:
    """Both risks by every measure."""
    marker, standard = scores_of(document)
    rows = []
    for entry in (standard, marker):
        slope = (entry.get("calibration") or {}).get("slope")
        rows.append([entry["name"], *measured(entry), cell(slope)])
    return {
        "table": f"Both risks by every measure, with 95 % CI; Uno's C, AUC, Brier score and calibration by "
        f"{horizon_words(document)}. n = {document['n']} patients, {document['events']} events.",
        "columns": ["Score", "Harrell's C", "Uno's C", "AUC", "Brier score", "Observed / expected", "Slope"],
        "rows": rows,
        "emphasis": (0,),
    }


def scores_of(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the section says of the marker and of the standard."""
    by_name = {entry["name"]: entry for entry in document["section"]["scores"]}
    return by_name[document["marker"]], by_name[document["standard"]]


def within(name: str) -> str:
    """A name within a sentence; an abbreviation keeps its capitals."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
