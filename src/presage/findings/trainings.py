"""How far trainings of one marker with other seeds differ: mean and spread, and never the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings import estimates
from presage.findings.options import Options
from presage.findings.severity import mean_error
from presage.findings.table import ScoreTable
from presage.findings.words import number

Floats = NDArray[np.float64]


def trainings(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``trainings``; None where no marker has several trainings, and for a time-to-event outcome.

    A training is judged as a score of its own, out of fold, on the same folds. The standard deviation over trainings
    tells what the seed alone changes; it is no interval, since the people and the folds are the same in all.
    """
    if table.outcome_kind == "time-to-event" or not table.trainings:
        return None
    options = Options.read(chosen)
    entries = [_one(table, name, given, options) for name, given in table.trainings.items()]
    told = "; ".join(
        f"{entry['name']}: {number(entry['auc']['mean'])} ± {number(entry['auc']['sd'], 3)} over {entry['count']} "
        f"trainings, their mean score {number(entry['auc']['together'])}"
        for entry in entries
    )
    return {
        "title": "Trainings with other seeds",
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "markers": entries,
        "sentence": f"AUC of single trainings, mean ± standard deviation: {told}.",
        "caveats": [
            "Everything else on this page judges the mean score of all trainings. No training was picked: the best of "
            "several is optimistic by about as much as they differ.",
            "The standard deviation is what the seed alone changes on the same people and folds; it is no interval.",
        ],
    }


def _one(table: ScoreTable, name: str, given: Floats, options: Options) -> dict[str, Any]:
    single = [replace(table, scores={**table.scores, name: scores}) for scores in given]
    found: dict[str, Any] = {
        "name": name,
        "role": table.role(name),
        "count": len(given),
        "auc": _spread([_auc(one, name, options) for one in single], _auc(table, name, options)),
    }
    if table.outcome_kind == "scale" and not table.clustered:
        errors = [mean_error(one, name) for one in single]
        found["mean_absolute_error"] = _spread(errors, mean_error(table, name))
    return found


def _auc(table: ScoreTable, name: str, options: Options) -> float:
    return float(estimates.auc(table, name, options)["value"])


def _spread(values: list[float], together: float) -> dict[str, Any]:
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)),
        "values": [round(value, 6) for value in values],
        "together": together,
    }
