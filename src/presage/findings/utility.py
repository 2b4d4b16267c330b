"""How many more are found, and at what price: decision curves, and what screening 1,000 people would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.estimates import all_folds
from presage.findings.options import Options
from presage.findings.risks import case_control, risks
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, level_words, limits, number, percent, signed
from presage.stats.checks import StatsError
from presage.stats.hypotheses import compare_decisions
from presage.stats.operating import OperatingPoint, sensitivity_at_specificity
from presage.stats.recalibration import shift_prevalence
from presage.stats.reclassification import discrimination_improvement, net_reclassification
from presage.stats.utility import DecisionCurve, decision_curve, screening

POINTS = 40
MOST_REPLICATES = 500
# With fewer, some bootstrap samples hold one class only.
FEWEST = 10


def utility(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``utility``; None for a time-to-event outcome or without a marker.

    A case-control table without a stated prevalence gets a section that says why nothing is shown.
    """
    if table.outcome_kind == "time-to-event" or not table.markers:
        return None
    options = Options.read(chosen)
    share = float(table.cases.mean())
    if case_control(table, options) and options.prevalence is None:
        return {
            "title": "Clinical utility",
            "shown": False,
            "sentence": (
                f"Not shown: {_sampled(table, options)}, and what a marker is worth in a clinic depends on how common "
                "the disease is there. State the prevalence (option prevalence), or say that this is a cohort (option "
                "case_control: false; on the command line --cohort)."
            ),
            "caveats": [],
        }
    prevalence = share if options.prevalence is None else options.prevalence
    section: dict[str, Any] = {
        "title": "Clinical utility",
        "shown": True,
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "prevalence": prevalence,
        "prevalence_stated": options.prevalence is not None,
        "per_1000": _per_1000(table, prevalence, options),
    }
    section |= _curves(table, prevalence, options)
    section["sentence"] = _sentence(section, "rows (exams or visits)" if table.clustered else options.people, options)
    section["caveats"] = [*_caveats(section, table), *all_folds(table)]
    return section


def _sampled(table: ScoreTable, options: Options) -> str:
    """Why the table counts as a case-control sample."""
    if options.case_control:
        return "cases and controls were sampled apart, as stated"
    if "match_set" in table.covariates.columns:
        return "cases and controls come in matched sets, as in a case-control sample"
    share = percent(float(table.cases.mean()))
    return f"{share} of these {options.people} are cases, which looks like a case-control sample"


def _per_1000(table: ScoreTable, prevalence: float, options: Options) -> list[dict[str, Any]]:
    """What acting above the threshold of each fixed specificity does per 1,000 people, for every score."""
    rows = []
    for specificity in options.specificities:
        standard = _decided(table, table.standard, specificity, options)[1]
        for name in sorted(table.scores, key=lambda entry: entry != table.standard):
            point, positive = _decided(table, name, specificity, options)
            row = {"name": name, "specificity": specificity, **_counts(table, point, positive, prevalence, options)}
            if name != table.standard:
                gain = compare_decisions(table.cases, positive, standard, level=options.level).sensitivity
                row["more"] = _scaled(as_json(gain), 1000 * prevalence)
            rows.append(row)
    return rows


def _decided(
    table: ScoreTable, name: str, specificity: float, options: Options
) -> tuple[OperatingPoint, NDArray[np.bool_]]:
    """The operating point of one score, and whom it calls positive."""
    score = table.ranking(name)
    point = sensitivity_at_specificity(table.cases, score, specificity, level=options.level, seed=options.seed)
    return point, np.asarray(score > point.threshold)


def _counts(
    table: ScoreTable, point: OperatingPoint, positive: NDArray[np.bool_], prevalence: float, options: Options
) -> dict[str, Any]:
    """Per 1,000 people: positives, cases found (with interval) and missed, needless alarms, numbers needed."""
    found = 1000 * prevalence * point.sensitivity.value
    needless = 1000 * (1 - prevalence) * (1 - point.specificity.value)
    counts: dict[str, Any] = {
        "positives": found + needless,
        "found": _scaled(as_json(point.sensitivity), 1000 * prevalence),
        "missed": 1000 * prevalence - found,
        "needless": needless,
        "number_needed_to_screen": None,
        "number_needed_to_recall": None,
    }
    if found > 0:
        needed = screening(table.cases, positive, prevalence=prevalence, level=options.level)
        counts["number_needed_to_screen"] = _finite(as_json(needed.number_needed_to_screen))
        counts["number_needed_to_recall"] = _finite(as_json(needed.number_needed_to_recall))
    return counts


def _scaled(estimate: dict[str, Any], factor: float) -> dict[str, Any]:
    """An estimate and its limits in another unit."""
    return {**estimate, **{key: factor * estimate[key] for key in ("value", "low", "high")}}


def _curves(table: ScoreTable, prevalence: float, options: Options) -> dict[str, Any]:
    """Decision curves and reclassification of the scores that have risks, moved to the prevalence of use."""
    share = float(table.cases.mean())
    named: dict[str, NDArray[np.float64]] = {}
    for name in sorted(table.scores, key=lambda entry: entry != table.standard):
        found = risks(table, name, options)
        if found is not None:
            moved = prevalence != share
            named[name] = shift_prevalence(found.values, share, prevalence) if moved else found.values
    if table.standard not in named or len(named) < 2:
        return {"decision": None, "reclassification": []}
    if min(table.cases.sum(), (~table.cases).sum()) < FEWEST:
        reason = f"fewer than {FEWEST} cases or controls"
        return {"decision": None, "decision_reason": reason, "reclassification": []}
    patients = table.patient if table.clustered else None
    replicates = options.draws(len(table.cases), MOST_REPLICATES)
    grid = options.thresholds or thresholds(prevalence)
    try:
        curve = decision_curve(
            table.cases,
            np.stack(list(named.values())),
            np.asarray(grid),
            prevalence=prevalence if options.prevalence is not None else None,
            patients=patients,
            level=options.level,
            replicates=replicates,
            seed=options.seed,
        )
    except StatsError as error:
        return {"decision": None, "decision_reason": str(error), "reclassification": []}
    changed = [
        _reclassified(table, named[table.standard], named[name], name, replicates, options)
        for name in table.markers
        if name in named and not np.array_equal(named[name], named[table.standard])
    ]
    return {"decision": _decision(curve, list(named)), "reclassification": changed}


def _reclassified(
    table: ScoreTable,
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    name: str,
    replicates: int,
    options: Options,
) -> dict[str, Any]:
    patients = table.patient if table.clustered else None
    net = net_reclassification(
        table.cases, old, new, level=options.level, replicates=replicates, seed=options.seed, patients=patients
    )
    slope = discrimination_improvement(
        table.cases, old, new, level=options.level, replicates=replicates, seed=options.seed, patients=patients
    )
    return {
        "name": name,
        "nri": as_json(net.total),
        "nri_cases": as_json(net.cases),
        "nri_controls": as_json(net.controls),
        "idi": as_json(slope.total),
        "caveats": [net.caveat, slope.caveat],
    }


def thresholds(prevalence: float) -> list[float]:
    """Risks from a fifth of the prevalence to five times it: where a decision would be taken."""
    return [float(f"{value:.4g}") for value in np.linspace(prevalence / 5, min(5 * prevalence, 0.9), POINTS)]


def _decision(curve: DecisionCurve, names: list[str]) -> dict[str, Any]:
    def rounded(values: NDArray[np.float64]) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    keys = (
        "net_benefit",
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "standardised",
        "positives",
    )
    return {
        "thresholds": rounded(curve.thresholds),
        "treat_all": rounded(curve.treat_all),
        "level": curve.level,
        "method": curve.method,
        "scores": [
            {"name": name, **{key: rounded(getattr(curve, key)[row]) for key in keys}} for row, name in enumerate(names)
        ],
    }


def _finite(estimate: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: a limit that is infinite is None."""
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in estimate.items()}


def _sentence(section: Mapping[str, Any], people: str, options: Options) -> str:
    if not options.specificities:
        return "No specificity was fixed, so that nothing can be said per 1,000 people."
    rows = [row for row in section["per_1000"] if row["specificity"] == options.specificities[-1]]
    first, *others = rows
    told = [f"{first['name']} finds {_with_limits(first['found'])} of the cases"]
    told += [
        f"{row['name']} {number(row['found']['value'], 1)}, difference {signed(row['more']['value'], 1)} "
        f"({limits(row['more'], 1)})"
        for row in others
    ]
    return (
        f"Of 1,000 {people}, {1000 * section['prevalence']:.3g} of them cases, and with at most "
        f"{number(max(row['needless'] for row in rows), 0)} needless alarms each: {'; '.join(told)}."
    )


def _with_limits(estimate: Mapping[str, Any]) -> str:
    return f"{number(estimate['value'], 1)} ({level_words(estimate['level'])} {limits(estimate, 1)})"


def _caveats(section: Mapping[str, Any], table: ScoreTable) -> list[str]:
    stated = "stated" if section["prevalence_stated"] else "that of these people"
    caveats = [
        f"Prevalence {section['prevalence']:.3g} ({stated}), taken as known. Differences take thresholds as fixed. "
        "Thresholds were set on the people shown, "
        "so that "
        "new people will show slightly less."
    ]
    if table.clustered:
        caveats.append("Numbers per 1,000 take the rows of one person as independent; the decision curve does not.")
    if section.get("decision") is None:
        reason = section.get("decision_reason") or "the standard or every marker could not be turned into a risk"
        caveats.append(f"No decision curve: {reason}.")
    caveats += dict.fromkeys(text for entry in section["reclassification"] for text in entry["caveats"])
    return caveats
