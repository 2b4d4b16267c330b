"""Precision and recall: of those called positive, how many are cases; beside the line of a useless marker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from presage.findings.estimates import all_folds
from presage.findings.options import Options
from presage.findings.risks import case_control
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, percent, with_interval
from presage.stats.curves import precision_recall

POINTS = 200
MOST_REPLICATES = 500


def precision(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``precision``; None for a time.

    Precision depends on how common the disease is, so a case-control table without a stated prevalence has none to
    show: its section says so.
    """
    if table.outcome_kind == "time-to-event":
        return None
    options = Options.read(chosen)
    if case_control(table, options) and options.prevalence is None:
        return {
            "title": "Precision and recall",
            "shown": False,
            "sentence": (
                "Not shown: of those called positive, how many are cases depends on how common the disease is, which a "
                "case-control sample does not tell. State the prevalence where the score will be used (option "
                "prevalence)."
            ),
            "caveats": [],
        }
    scores = [_one(table, name, options) for name in sorted(table.scores, key=lambda n: n != table.standard)]
    prevalence = options.prevalence or float(table.cases.mean())
    told = "; ".join(f"{entry['name']} {with_interval(entry['average_precision'], digits=3)}" for entry in scores)
    source = "stated" if options.prevalence is not None else "that of these people"
    return {
        "title": "Precision and recall",
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "prevalence": prevalence,
        "scores": scores,
        "sentence": (
            f"Average precision, where a useless score reaches the prevalence of {percent(prevalence, 1)}: {told}."
        ),
        "caveats": [f"Precision holds for the prevalence used here ({source}) and no other.", *all_folds(table)],
    }


def _one(table: ScoreTable, name: str, options: Options) -> dict[str, Any]:
    found = precision_recall(
        table.cases,
        table.ranking(name),
        prevalence=options.prevalence,
        level=options.level,
        replicates=options.draws(len(table.cases), MOST_REPLICATES),
        seed=options.seed,
        patients=table.patient if table.clustered else None,
    )
    keep = np.unique(np.linspace(0, len(found.recall) - 1, POINTS).astype(int))
    return {
        "name": name,
        "role": table.role(name),
        "average_precision": as_json(found.average_precision),
        "recall": [round(float(value), 6) for value in found.recall[keep]],
        "precision": [round(float(value), 6) for value in found.precision[keep]],
    }
