"""Which statistic fits this table: one exam per person or several, one score each or repeated cross-validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import as_json
from presage.stats.clustered import clustered_auc_interval, compare_clustered
from presage.stats.crossvalidation import compare_repeated_cv, repeated_cv_auc
from presage.stats.discrimination import auc_interval, compare_paired
from presage.stats.operating import sensitivity_at_specificity
from presage.stats.results import Comparison


def described(table: ScoreTable, options: Options) -> str:
    """Who was judged, for the start of a sentence: ``226 women (113 with cancer)``; people are counted, not rows."""
    codes, rows = np.unique(table.patient, return_inverse=True)
    is_case = np.zeros(len(codes), dtype=bool)
    np.logical_or.at(is_case, rows, table.cases)
    has = table.outcome_title
    if table.outcome_kind == "scale" and table.cutoff is not None:
        has += f" of {table.cutoff:g} or more"
    if table.outcome_kind == "time-to-event":
        has = "the event"
    exams = f", {len(rows)} rows" if table.clustered else ""
    return f"{len(codes)} {options.people} ({int(is_case.sum())} with {has}{exams})"


def repeats(table: ScoreTable) -> int:
    """How often the cross-validation was repeated; 1 for scores that came from elsewhere."""
    return max(len(scores) for scores in table.scores.values())


def all_folds(table: ScoreTable) -> list[str]:
    """The remark of a section that judges one score per row although several fitted models gave it; else nothing."""
    if table.folds is None:
        return []
    count = repeats(table)
    used = f"mean out-of-fold score over {count} repeats" if count > 1 else "out-of-fold score"
    return [
        f"Uses each person's {used}, all folds together: it may differ a little from the AUC of the comparison, which "
        "stays within folds, and its intervals and tests leave out the share of the training."
    ]


def auc(table: ScoreTable, name: str, options: Options) -> dict[str, Any]:
    """AUC of one score with its interval, as JSON."""
    if table.folds is None:
        if table.clustered:
            # Rows of one person are not independent.
            return as_json(
                clustered_auc_interval(table.cases, table.combined(name), table.patient, level=options.level)
            )
        return as_json(auc_interval(table.cases, table.combined(name), level=options.level))
    scores, folds = _as_repeats(table, name)
    return as_json(repeated_cv_auc(table.cases, scores, folds, patients=_people(table), level=options.level))


def compare(table: ScoreTable, marker: str, options: Options) -> Comparison:
    """AUC of the marker minus AUC of the standard on the same people."""
    pair = table.combined(marker), table.combined(table.standard)
    if table.folds is None:
        if table.clustered:
            return compare_clustered(table.cases, *pair, table.patient, level=options.level)
        return compare_paired(table.cases, *pair, level=options.level)
    (first, folds), (second, _) = _as_repeats(table, marker), _as_repeats(table, table.standard)
    return compare_repeated_cv(table.cases, first, second, folds, patients=_people(table), level=options.level)


def _people(table: ScoreTable) -> NDArray[np.str_] | None:
    """Whose row each is, where a person has several."""
    return table.patient if table.clustered else None


def _as_repeats(table: ScoreTable, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores and folds of shape (repeats, n): a score that needed no fitting is compared within the same folds."""
    assert table.folds is not None
    scores = table.scores[name]
    return np.broadcast_to(scores, table.folds.shape) if len(scores) == 1 else scores, table.folds


def sensitivity_at(table: ScoreTable, name: str, specificity: float, options: Options) -> dict[str, Any]:
    """Sensitivity at a fixed specificity, with the threshold that gives it, as JSON."""
    point = sensitivity_at_specificity(
        table.cases,
        table.ranking(name),
        specificity,
        level=options.level,
        replicates=options.draws(len(table.cases), 2000) if table.clustered else 2000,
        seed=options.seed,
        patients=_people(table),
    )
    return {
        "specificity": specificity,
        "threshold": float(point.threshold),
        "sensitivity": as_json(point.sensitivity),
        "observed_specificity": as_json(point.specificity),
    }
