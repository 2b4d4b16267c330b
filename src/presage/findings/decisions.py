"""Yes or no at fixed thresholds: likelihood ratios, predictive values, and whether decisions beat the standard's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.estimates import all_folds
from presage.findings.options import Options
from presage.findings.risks import case_control
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, joined, p_value, percent, signed
from presage.stats.checks import StatsError
from presage.stats.curves import partial_auc
from presage.stats.hypotheses import compare_decisions, holm
from presage.stats.operating import accuracy, sensitivity_at_specificity

MOST_REPLICATES = 500


def decisions(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``decisions``; None for a time-to-event outcome or no fixed specificity; of rows, only why not.

    Predictive values need a prevalence: the stated one, or a cohort's own; without either they are left out.
    """
    options = Options.read(chosen)
    if table.outcome_kind == "time-to-event" or not options.specificities:
        return None
    if table.clustered:
        return {
            "title": "Decisions at fixed thresholds",
            "shown": False,
            "sentence": (
                "Not shown: some people have several rows, and the exact intervals and McNemar's test of "
                "decisions take "
                "rows as independent. Evaluate one row per person for them (say, the highest score of each)."
            ),
            "caveats": [],
        }
    prevalence = options.prevalence
    if prevalence is None and not case_control(table, options):
        prevalence = float(table.cases.mean())
    names = sorted(table.scores, key=lambda name: name != table.standard)
    points = [_at(table, names, value, prevalence, options) for value in options.specificities]
    least = min(options.specificities)
    return {
        "title": "Decisions at fixed thresholds",
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "prevalence": prevalence,
        "points": points,
        "partial": {"from": least, "scores": [_partial(table, name, least, options) for name in names]},
        "sentence": _sentence(points[-1], table, options),
        "caveats": [*_caveats(prevalence, options), *_nobody(points), *all_folds(table)],
    }


def _at(
    table: ScoreTable, names: list[str], specificity: float, prevalence: float | None, options: Options
) -> dict[str, Any]:
    """Every score at the threshold that keeps one specificity, and each marker's decisions against the standard's."""
    positive = {name: _positive(table, name, specificity) for name in names}
    rows = []
    for name in names:
        found = accuracy(table.cases, positive[name], prevalence=prevalence, level=options.level)
        row: dict[str, Any] = {
            "name": name,
            "counts": [found.true_positive, found.false_positive, found.false_negative, found.true_negative],
            "sensitivity": as_json(found.sensitivity),
            "specificity": as_json(found.specificity),
            "positive_likelihood_ratio": as_json(found.positive_likelihood_ratio),
            "negative_likelihood_ratio": as_json(found.negative_likelihood_ratio),
        }
        if prevalence is not None:
            row["positive_predictive_value"] = as_json(found.positive_predictive_value)
            row["negative_predictive_value"] = as_json(found.negative_predictive_value)
        rows.append(row)
    against: list[dict[str, Any]] = []
    for name in table.markers:
        compared = compare_decisions(table.cases, positive[name], positive[table.standard], level=options.level)
        against.append(
            {
                "name": name,
                "sensitivity": as_json(compared.sensitivity),
                "specificity": as_json(compared.specificity),
                "p": float(compared.sensitivity.p),
            }
        )
    for row, adjusted in zip(against, holm([row["p"] for row in against]).tolist() if against else [], strict=True):
        row["p_adjusted"] = adjusted
    return {"specificity": specificity, "scores": rows, "markers": against}


def _positive(table: ScoreTable, name: str, specificity: float) -> NDArray[np.bool_]:
    score = table.ranking(name)
    point = sensitivity_at_specificity(table.cases, score, specificity, replicates=100)
    return np.asarray(score > point.threshold)


def _partial(table: ScoreTable, name: str, least: float, options: Options) -> dict[str, Any]:
    replicates = options.draws(len(table.cases), MOST_REPLICATES)
    try:
        found = partial_auc(
            table.cases,
            table.ranking(name),
            specificity=(least, 1.0),
            level=options.level,
            replicates=replicates,
            seed=options.seed,
        )
    except StatsError as error:
        return {"name": name, "auc": None, "reason": str(error)}
    return {"name": name, "auc": as_json(found)}


def _sentence(point: Mapping[str, Any], table: ScoreTable, options: Options) -> str:
    kept = percent(point["specificity"])
    told = []
    for row in point["markers"]:
        gain = row["sensitivity"]
        better = row["p_adjusted"] < options.alpha
        how = (
            "finds more cases than"
            if better and gain["value"] > 0
            else "finds fewer cases than"
            if better
            else "does not find more cases than"
        )
        told.append(
            f"{row['name']} {how} {table.standard} ({signed(100 * gain['value'], 0)} points, "
            f"{p_value(row['p_adjusted'])})"
        )
    return f"Deciding at the threshold that spares {kept} of the controls: {'; '.join(told)}." if told else ""


def _nobody(points: list[dict[str, Any]]) -> list[str]:
    """A score of few distinct values may have no threshold that spares so many controls but calls anyone positive."""
    found = [
        f"{row['name']} at {percent(point['specificity'])}"
        for point in points
        for row in point["scores"]
        if row["counts"][0] + row["counts"][1] == 0
    ]
    if not found:
        return []
    return [
        f"No threshold spares so many controls and still calls anyone positive: {'; '.join(found)}. A score of few "
        "distinct values is better judged at a lower specificity (option specificities)."
    ]


def _caveats(prevalence: float | None, options: Options) -> list[str]:
    caveats = [
        "Secondary to the comparison of AUCs: thresholds were set on the people shown, and the tests of paired "
        "decisions "
        "(McNemar, mid-p) take them as fixed. Likelihood ratios do not depend on how common the disease is."
    ]
    if prevalence is None:
        caveats.append("Predictive values are left out: they need the prevalence of a clinic (option prevalence).")
    else:
        source = "stated" if options.prevalence is not None else "that of these people"
        caveats.append(f"Predictive values hold for a prevalence of {percent(prevalence, 1)} ({source}).")
    if len(options.specificities) > 1:
        shown = joined([percent(value) for value in options.specificities])
        caveats.append(
            f"Shown at specificities of {shown}; p-values are adjusted for the markers, not for the thresholds."
        )
    return caveats
