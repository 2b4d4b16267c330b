"""Which statistic fits this table: one exam per person or several, one score each or repeated cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import as_json
from presage.stats import auc_interval, compare_paired, sensitivity_at_specificity


def repeats(table: ScoreTable) -> int:
    """How often the cross-validation was repeated; 1 for scores that came from elsewhere."""
    return max(len(scores) for scores in table.scores.values())


def auc(table: ScoreTable, name: str, options: Options) -> dict[str, Any]:
    """AUC of one score with its interval, as JSON."""
    return as_json(auc_interval(table.cases, table.combined(name), level=options.level))


def difference(table: ScoreTable, marker: str, options: Options) -> dict[str, Any]:
    """AUC of the marker minus AUC of the standard on the same people, with interval, p-value and method, as JSON."""
    found = compare_paired(table.cases, table.combined(marker), table.combined(table.standard), level=options.level)
    return {**as_json(found), "statistic": float(found.statistic), "p": float(found.p)}


def sensitivity_at(table: ScoreTable, name: str, specificity: float, options: Options) -> dict[str, Any]:
    """Sensitivity at a fixed specificity, with the threshold that gives it, as JSON."""
    point = sensitivity_at_specificity(
        table.cases, table.combined(name), specificity, level=options.level, seed=options.seed
    )
    return {
        "specificity": specificity,
        "threshold": float(point.threshold),
        "sensitivity": as_json(point.sensitivity),
        "observed_specificity": as_json(point.specificity),
    }


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given."""
    p: NDArray[np.float64] = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in adjusted]
