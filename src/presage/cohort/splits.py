"""Patient-level splits: made, written, edited by hand, and refused when they leak. (contract; see module tests)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from presage.cohort.cohort import Cohort

GroupBy = Literal["patient", "match_set", "site"]


@dataclass(frozen=True)
class Fold:
    """One training and one test set of patients."""

    repeat: int
    fold: int
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Splits:
    """Repeated patient-level folds; the long form of ``splits.csv`` (repeat, fold, patient_id, role = train | test)."""

    table: pd.DataFrame
    group_by: GroupBy = "patient"

    def __iter__(self) -> Iterator[Fold]:
        raise NotImplementedError

    def write(self, path: str) -> None:
        """Write ``splits.csv``."""
        raise NotImplementedError


def make_splits(
    cohort: Cohort, *, folds: int = 5, repeats: int = 1, seed: int = 0, group_by: GroupBy = "patient"
) -> Splits:
    """Stratified (by case status) repeated k-fold in which a group is never on both sides."""
    raise NotImplementedError


def read_splits(path: str, cohort: Cohort, *, group_by: GroupBy = "patient") -> Splits:
    """Read ``splits.csv`` and refuse it when it leaks, with the persons named."""
    raise NotImplementedError
