"""From scores to risks on the scale of these people: as given, or recalibrated on others than those they judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.stats.checks import StatsError
from presage.stats.recalibration import LogisticRecalibration, shift_prevalence

# For scores that came without folds.
FOLDS = 10


@dataclass(frozen=True)
class Risks:
    """Risks of one score.

    Attributes
    ----------
    values
        Shape (n,), on the scale of the table: their mean is near its share of cases.
    recalibrated
        Whether they were fitted to the outcomes (of other people) rather than given.
    how
        Where they come from, in words.
    """

    values: NDArray[np.float64]
    recalibrated: bool
    how: str


def case_control(table: ScoreTable, options: Options) -> bool:
    """Whether cases and controls were sampled apart: as chosen, or guessed from match sets or a share near one half."""
    if options.case_control is not None:
        return options.case_control
    return "match_set" in table.covariates.columns or 0.45 <= float(table.cases.mean()) <= 0.55


def risks(table: ScoreTable, name: str, options: Options) -> Risks | None:
    """Risks of the score `name`; None where it cannot be recalibrated (a constant or inverted training score)."""
    if name in table.probabilities:
        return _given(table, name, options)
    try:
        values = np.mean([_cross_fitted(table, name, repeat) for repeat in range(len(table.scores[name]))], axis=0)
    except StatsError:
        return None
    folds = "the test folds" if table.folds is not None else f"{FOLDS} folds of people"
    return Risks(values, True, f"from logistic recalibration, fitted for each of {folds} on the others")


def _given(table: ScoreTable, name: str, options: Options) -> Risks:
    values = table.combined(name)
    if table.folds is not None:
        # Fitted on these people, so that they are on the scale of this sample, whatever its share of cases.
        return Risks(values, False, "as given, fitted on others of these people")
    if case_control(table, options) and options.prevalence is not None:
        share = float(table.cases.mean())
        moved = shift_prevalence(values, options.prevalence, share)
        how = f"as given, moved from a prevalence of {options.prevalence:g} to {share:.2f} as in this sample"
        return Risks(moved, False, how)
    return Risks(values, False, "as given")


def _cross_fitted(table: ScoreTable, name: str, repeat: int) -> NDArray[np.float64]:
    """Risks of everyone from maps fitted without them, shape (n,)."""
    score, cases = table.comparable(name)[repeat], table.cases
    folds = folds_of(table) if table.folds is None else table.folds[min(repeat, len(table.folds) - 1)]
    values = np.empty(len(score))
    for fold in np.unique(folds):
        inside = folds == fold
        values[inside] = LogisticRecalibration.fit(cases[~inside], score[~inside]).apply(score[inside])
    return values


def folds_of(table: ScoreTable) -> NDArray[np.int64]:
    """Folds of people, cases and controls dealt out alike, in the order of their first row; shape (n,)."""
    _, first, rows = np.unique(table.patient, return_index=True, return_inverse=True)
    is_case = np.zeros(len(first), dtype=bool)
    np.logical_or.at(is_case, rows, table.cases)
    order = np.lexsort((first, is_case))
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % FOLDS
    return np.asarray(fold[rows], dtype=np.int64)
