"""The risk of a patient on the page of the tumour, and how well such risks hold on that of the cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.survival_words import c_index
from presage.findings.words import difference_with_interval, limits, number, p_value, with_interval
from presage.tumor.pages.risk_figures import (
    beside,
    calibration,
    concordance,
    horizon_words,
    measures,
    place_of,
    reasons_of,
    scores_of,
    thirds,
    within,
)
from presage.tumor.pages.words import percent

#: In the place of a risk that was not asked for.
NONE: dict[str, Any] = {"not_computed": "it was not asked for"}


def short_risk(entry: Mapping[str, Any], found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The risk as a fact at the head of a page, and in a table of tumours; nothing where there is none."""
    own = entry.get("risk") or NONE
    if "not_computed" in own:
        return []
    return [(f"Risk by {horizon_words(found['risk'])}", percent(own["marker"]))]


def tumour_risk(entry: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The part of one tumour's page."""
    own, cohort = entry.get("risk") or NONE, found.get("risk") or {}
    title = "The patient's risk"
    if "not_computed" in own:
        return {"name": "risk", "title": title, "blocks": [{"text": f"No risk is told: {own['not_computed']}."}]}
    by, event = horizon_words(cohort), cohort["event"]
    lead = (
        f"Risk of {event} by {by}: {percent(own['marker'])}. By {within(cohort['standard'])} alone, which clinics use "
        f"today: {percent(own['standard'])}. In the whole cohort {percent(cohort['observed']['value'])} had it by then."
    )
    blocks: list[dict[str, Any]] = [
        {"text": lead, "strong": True},
        {"text": _without_this_patient(own, cohort)},
        {"text": f"How far to trust it: {quality(cohort)}"},
        beside(own, cohort),
        *([reasons_of(own, cohort)] if own["reasons"] else []),
        place_of(own, cohort),
        thirds(cohort, own["third"]),
        concordance(cohort),
    ]
    return {"name": "risk", "title": title, "blocks": blocks}


def cohort_risk(found: Mapping[str, Any]) -> dict[str, Any]:
    """The section of the cohort's page."""
    title, own = "The patients' risk", found.get("risk") or NONE
    if "not_computed" in own:
        return {"name": "risk", "title": title, "blocks": [{"text": f"No risks are told: {own['not_computed']}."}]}
    section = own["section"]
    blocks: list[dict[str, Any]] = [
        {"text": quality(own), "strong": True},
        {
            "text": f"Of {own['n']} patients {own['events']} had the event ({own['event']}). Each one's risk by "
            f"{horizon_words(own)} comes from models that were fitted without that patient, genes and penalty chosen "
            f"included ({own['folds']} folds, {own['repeats']} {'repeat' if own['repeats'] == 1 else 'repeats'}): "
            f"{own['marker']} beside {own['standard']}, the standard."
        },
        concordance(own),
        thirds(own),
        calibration(own),
        measures(own),
        {"notes": [*section["caveats"], *LIMITS]},
    ]
    return {"name": "risk", "title": title, "blocks": blocks}


LIMITS = (
    "Treatment is not in the model: these are risks of patients who were treated as this cohort was.",
    "The risk of a patient holds for people like this cohort. Elsewhere it must be validated first.",
)


def quality(document: Mapping[str, Any]) -> str:
    """How well the risks of the cohort hold, in sentences; a null result is said to be one."""
    marker, standard = scores_of(document)
    against = document["section"]["markers"][0]
    difference = f"{difference_with_interval(against['difference'])}, {p_value(against['p_adjusted'])}"
    of_standard = c_index(standard)
    values = f"C index {with_interval(c_index(marker))} against {number(of_standard['value'])} ({limits(of_standard)})"
    verdict = against["verdict"]
    if verdict == "beats":
        told = f"{document['marker']} puts early events first better than {within(document['standard'])} does"
    elif verdict == "worse than":
        told = f"{document['marker']} puts early events first worse than {within(document['standard'])} does"
    else:
        than = within(document["standard"])
        told = f"{document['marker']} was not shown to put early events first better than {than} does"
    advice = {"beats": "", "worse than": " It is worse than the standard: go by the standard."}
    null = advice.get(verdict, " This is a null result: go by the standard.")
    return f"{told} ({values}; difference {difference}).{null} {_calibrated(marker)}"


def _calibrated(marker: Mapping[str, Any]) -> str:
    if "calibration" not in marker:
        return "Whether the risks are calibrated could not be judged."
    ratio = marker["calibration"]["observed_to_expected"]
    words = with_interval(ratio)
    if ratio["low"] > 1:
        return f"The risks are too low on average: observed / expected {words}."
    if ratio["high"] < 1:
        return f"The risks are too high on average: observed / expected {words}."
    return f"On average the risks agree with what was observed (observed / expected {words})."


def _without_this_patient(own: Mapping[str, Any], cohort: Mapping[str, Any]) -> str:
    place = f"{percent(own['place'])} of the cohort's {cohort['n']} patients have a lower risk"
    if own["known"]:
        return (
            f"{place}. What happened to this patient played no part: the models behind this number were fitted to "
            f"other patients alone."
        )
    return f"{place}. The follow-up of this patient is not known; the number is the mean over models of the others."
