"""Whether a splits file may be used: nobody on both sides, everybody known, all tested equally often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort.cohort import Cohort
from presage.cohort.errors import InputError
from presage.cohort.tables import some

if TYPE_CHECKING:
    from presage.cohort.splits import Splits


def check_splits(splits: Splits, cohort: Cohort, groups: NDArray[np.int64], where: str) -> None:
    """Refuse splits that leak or cannot be evaluated.

    Parameters
    ----------
    splits
        What was read.
    cohort
        The patients of the study, with their outcome.
    groups
        The number of each patient's group, shape (n,).
    where
        The file, for messages.

    Raises
    ------
    InputError
        With the persons named.
    """
    table = splits.table
    if table.empty:
        raise InputError("the splits file lists nobody", where=where)
    unknown = sorted(set(table["patient_id"].fillna("")) - set(cohort.patient_ids))
    if unknown:
        raise InputError(
            f"{len(unknown)} patient(s) are not in the study: {some(unknown)}",
            where=where,
            cure="delete their rows: they are not in patients.csv, or were excluded (see the cohort flow)",
        )
    group_of = pd.Series(groups, index=list(cohort.patient_ids))
    case_of = pd.Series(cohort.cases(), index=list(cohort.patient_ids))
    for (repeat, fold), rows in table.groupby(["repeat", "fold"], sort=True):
        _check_fold(rows, group_of, case_of, cohort, splits.group_by, f"{where}, repeat {repeat}, fold {fold}")
    _check_repeats(table, where)


def _check_fold(
    rows: pd.DataFrame, group_of: pd.Series, case_of: pd.Series, cohort: Cohort, group_by: str, where: str
) -> None:
    sides = {role: set(rows.loc[rows["role"] == role, "patient_id"]) for role in ("train", "test")}
    both = sorted(sides["train"] & sides["test"])
    if both:
        raise InputError(
            f"this split leaks: {len(both)} patient(s) are in training and in test: {some(both)}",
            where=where,
            cure="keep each of these patients on one side only",
        )
    twice = sorted(set(rows.loc[rows["patient_id"].duplicated(), "patient_id"]))
    if twice:
        raise InputError(f"listed twice: {some(twice)}", where=where, cure="delete the repeated rows")
    shared = set(group_of[sorted(sides["train"])]) & set(group_of[sorted(sides["test"])])
    if shared:
        names = [
            f"{cohort.patients.at[members[0], group_by]} ({some(members)})"
            for g in sorted(shared)
            if (members := [pid for pid in sorted(sides["train"] | sides["test"]) if group_of[pid] == g])
        ]
        raise InputError(
            f"this split leaks: the same {group_by} is in training and in test: {some(names, 4)}",
            where=where,
            cure=f"keep each {group_by} on one side, or group by patient if its members may be parted",
        )
    for role, side in sides.items():
        n, n_cases = len(side), int(case_of[sorted(side)].sum())
        if n_cases in (0, n):
            lacking = "cases" if n_cases == 0 else "controls"
            raise InputError(
                f"the {'training' if role == 'train' else 'test'} side has {n} patient(s) and no {lacking}",
                where=where,
                cure="both sides of a fold need cases and controls: use fewer folds, or move patients",
            )


def _check_repeats(table: pd.DataFrame, where: str) -> None:
    """Every repeat must test the same patients, each once: else a patient with more scores would count for more."""
    tests = table[table["role"] == "test"]
    first: set[str] | None = None
    for repeat, rows in tests.groupby("repeat", sort=True):
        twice = sorted(set(rows.loc[rows["patient_id"].duplicated(), "patient_id"]))
        if twice:
            raise InputError(
                f"tested in several folds of one repeat: {some(twice)}",
                where=f"{where}, repeat {repeat}",
                cure="a patient is in the test set of one fold per repeat",
            )
        tested = set(rows["patient_id"])
        first = tested if first is None else first
        if tested != first:
            raise InputError(
                f"this repeat does not test the same patients as the first: {some(sorted(tested ^ first))}",
                where=f"{where}, repeat {repeat}",
                cure="test the same patients in every repeat (all of them, or a fixed test set)",
            )
