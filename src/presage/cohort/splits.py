"""Patient-level splits: made, written, edited by hand, and refused when they leak."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import storage
from presage.cohort.cohort import Cohort
from presage.cohort.errors import InputError
from presage.cohort.tables import parse_csv, some

GroupBy = Literal["patient", "match_set", "site"]
COLUMNS = ("repeat", "fold", "patient_id", "role")


@dataclass(frozen=True)
class Fold:
    """One training and one test set of patients.

    Attributes
    ----------
    repeat, fold
        Numbers from 0.
    train, test
        Patient ids, sorted.
    """

    repeat: int
    fold: int
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Splits:
    """Repeated patient-level folds.

    Attributes
    ----------
    table
        The long form of ``splits.csv``: ``repeat``, ``fold``, ``patient_id``, ``role`` (``train`` or ``test``).
    group_by
        Who is never on both sides of a fold: the same patient, ``match_set`` or ``site``.
    """

    table: pd.DataFrame
    group_by: GroupBy = "patient"

    def __iter__(self) -> Iterator[Fold]:
        return iter(self._folds)

    @cached_property
    def _folds(self) -> tuple[Fold, ...]:
        columns = (self.table[name].tolist() for name in COLUMNS)
        sides: dict[tuple[int, int], dict[str, list[str]]] = {}
        for repeat, fold, pid, role in zip(*columns, strict=True):
            sides.setdefault((repeat, fold), {"train": [], "test": []})[role].append(pid)
        return tuple(
            Fold(*at, tuple(sorted(side["train"])), tuple(sorted(side["test"]))) for at, side in sorted(sides.items())
        )

    @property
    def repeats(self) -> int:
        """How many times every tested patient is tested."""
        return len({fold.repeat for fold in self._folds})

    @property
    def folds(self) -> int:
        """How many folds the first repeat has."""
        first = min(fold.repeat for fold in self._folds)
        return sum(fold.repeat == first for fold in self._folds)

    @property
    def tested(self) -> tuple[str, ...]:
        """The patients who get a score, sorted: all, or the test side of a fixed split."""
        return tuple(sorted({pid for fold in self._folds for pid in fold.test}))

    def to_csv(self) -> str:
        """The text of ``splits.csv``: rows sorted, so that the same splits give the same bytes."""
        ordered = self.table.loc[:, list(COLUMNS)].sort_values(["repeat", "fold", "role", "patient_id"], kind="stable")
        return str(ordered.to_csv(index=False, lineterminator="\n"))

    def digest(self) -> str:
        """SHA-256 (hex) of :meth:`to_csv`."""
        return hashlib.sha256(self.to_csv().encode("utf-8")).hexdigest()

    def write(self, path: str) -> None:
        """Write ``splits.csv``."""
        storage.write_bytes(str(path), self.to_csv().encode("utf-8"))


def make_splits(
    cohort: Cohort, *, folds: int = 5, repeats: int = 1, seed: int = 0, group_by: GroupBy = "patient"
) -> Splits:
    """Stratified (by case status) repeated k-fold in which a group is never on both sides.

    Patients alone are dealt out at random, cases and controls apart, so that the sizes of two folds differ by at most
    one in each. Groups (``match_set``, ``site``) go, larger ones first and equal ones in random order, each to the fold
    that it leaves most balanced in cases and controls. The same seed gives the same splits on every machine.

    Raises
    ------
    InputError
        If there are fewer groups, cases or controls than folds, or the groups leave a fold without cases or controls.
    """
    if folds < 2 or repeats < 1:
        raise InputError(
            f"{folds} folds and {repeats} repeats make no cross-validation", cure="folds >= 2 and repeats >= 1"
        )
    cases = cohort.cases()
    groups = _groups(cohort, group_by)
    for what, n in (("cases", int(cases.sum())), ("controls", int((~cases).sum()))):
        if n < folds:
            raise InputError(
                f"{folds} folds need at least {folds} {what}, and the cohort has {n}{cohort.flow.told()}",
                where="validation",
                cure=f"use at most {n} folds" if n > 1 else "a cohort this small cannot be cross-validated",
            )
    n_groups = len(np.unique(groups))
    if n_groups < folds:
        raise InputError(
            f"{folds} folds need at least {folds} groups, and there are {n_groups} by {group_by}{cohort.flow.told()}",
            where="validation",
            cure=f"use at most {n_groups} folds, or group by patient" if n_groups > 1 else "group by patient",
        )
    tables = []
    for repeat in range(repeats):
        generator = np.random.default_rng([seed, repeat])
        assigned = (
            _deal(cases, folds, generator) if group_by == "patient" else _balance(cases, groups, folds, generator)
        )
        _refuse_one_class(cases, assigned, folds, group_by)
        tables.append(_long(repeat, assigned, cohort.patient_ids, folds))
    return Splits(pd.concat(tables, ignore_index=True), group_by)


def _groups(cohort: Cohort, group_by: GroupBy) -> NDArray[np.int64]:
    """The number of each patient's group, shape (n,); a patient without a ``match_set`` or ``site`` is one alone."""
    if group_by == "patient":
        return np.arange(len(cohort))
    if group_by not in cohort.patients.columns:
        raise InputError(
            f"the study groups by {group_by}, and patients.csv has no such column",
            where="validation",
            cure=f"add the column {group_by}, or group by patient",
        )
    names = [f"patient {pid}" if pd.isna(name) else f"group {name}" for pid, name in cohort.patients[group_by].items()]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _deal(cases: NDArray[np.bool_], folds: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each patient; controls go on where the cases stopped, so that the fold sizes are even as well."""
    assigned = np.empty(len(cases), dtype=np.int64)
    order = np.concatenate([generator.permutation(np.flatnonzero(cases == side)) for side in (True, False)])
    assigned[order] = np.arange(len(cases)) % folds
    return assigned


def _balance(
    cases: NDArray[np.bool_], groups: NDArray[np.int64], folds: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Fold of each patient: greedy, larger groups first, to the fold whose shares of cases and controls stay lowest."""
    n_groups = int(groups.max()) + 1
    sizes = np.stack([np.bincount(groups[cases == side], minlength=n_groups) for side in (True, False)], axis=1)
    shares = sizes / sizes.sum(axis=0)
    shuffled = generator.permutation(n_groups)
    order = shuffled[np.argsort(-shares.sum(axis=1)[shuffled], kind="stable")]
    filled = np.zeros((folds, 2))
    fold_of = np.empty(n_groups, dtype=np.int64)
    for group in order:
        # Sum of squares after the group joins: the fold that lacks what the group brings wins.
        cost = ((filled + shares[group]) ** 2).sum(axis=1) - (filled**2).sum(axis=1)
        best = np.flatnonzero(np.isclose(cost, cost.min(), rtol=0, atol=1e-12))
        fold_of[group] = best[generator.integers(len(best))]
        filled[fold_of[group]] += shares[group]
    return fold_of[groups]


def _refuse_one_class(cases: NDArray[np.bool_], assigned: NDArray[np.int64], folds: int, group_by: GroupBy) -> None:
    for fold in range(folds):
        inside = cases[assigned == fold]
        if len(inside) == 0 or inside.all() or not inside.any():
            lacking = "cases" if not inside.any() else "controls"
            raise InputError(
                f"grouped by {group_by}, fold {fold} would have no {lacking}: too few groups hold {lacking}",
                where="validation",
                cure="use fewer folds, or group by patient",
            )


def _long(repeat: int, assigned: NDArray[np.int64], patient_ids: tuple[str, ...], folds: int) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "repeat": repeat,
                "fold": fold,
                "patient_id": list(patient_ids),
                "role": np.where(assigned == fold, "test", "train"),
            }
        )
        for fold in range(folds)
    ]
    return pd.concat(parts, ignore_index=True)


def read_splits(path: str, cohort: Cohort, *, group_by: GroupBy = "patient") -> Splits:
    """Read ``splits.csv`` and refuse it when it leaks, with the persons named.

    The file may be written by hand or come from elsewhere: a fixed split is one repeat with one fold. Patients of the
    cohort whom it does not list are left out of that fold; those whom it never tests get no score.

    Raises
    ------
    InputError
        If a person (or ``match_set``, ``site``, where so grouped) is on both sides of a fold, is listed twice or not in
        the cohort; if the repeats test different patients, or one twice; if a fold's side lacks cases or controls.
    """
    from presage.cohort.split_checks import check_splits

    where = str(path)
    try:
        table = parse_csv(storage.read_bytes(where), where)
    except FileNotFoundError as error:
        raise InputError("there is no such splits file", where=where, cure="check `validation: splits:`") from error
    if set(COLUMNS) - set(table.columns):
        raise InputError(
            f"the columns must be {', '.join(COLUMNS)}, and are {', '.join(map(str, table.columns))}",
            where=where,
            cure="write a file to start from with `make_splits(...).write('splits.csv')`",
        )
    for column in ("repeat", "fold"):
        bad = ~table[column].fillna("").str.fullmatch(r"\d+")
        if bad.any():
            raise InputError(
                f"{column} must be a whole number from 0, in every row: lines {some(table.index[bad])}", where=where
            )
        table[column] = table[column].astype(int)
    bad = ~table["role"].isin(["train", "test"])
    if bad.any():
        raise InputError(f"role must be train or test: lines {some(table.index[bad])}", where=where)
    splits = Splits(table.loc[:, list(COLUMNS)], group_by)
    check_splits(splits, cohort, _groups(cohort, group_by), where)
    return splits
