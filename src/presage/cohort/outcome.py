"""What is predicted. The kind of an outcome decides which statistics apply to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort.errors import InputError

Kind = Literal["binary", "scale", "time-to-event"]


@dataclass(frozen=True)
class Outcome:
    """What is predicted: a column of ``patients.csv`` and how to understand it.

    Attributes
    ----------
    column
        0/1 for ``binary``, the score for ``scale``, the follow-up time for ``time-to-event``.
    kind
        ``binary``, ``scale`` or ``time-to-event``.
    cutoff
        For ``scale``: a value at or above it counts as a case.
    event
        For ``time-to-event``: the 0/1 column that says whether the event happened at that time.
    label
        What a reader is shown ("breast cancer within 5 years"); the column's name by default.
    """

    column: str
    kind: Kind = "binary"
    cutoff: float | None = None
    event: str | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if self.kind == "time-to-event" and not self.event:
            raise InputError(
                f"the time-to-event outcome {self.column!r} names no event column",
                cure="add `event: COLUMN`, a 0/1 column of patients.csv",
            )
        if self.kind == "scale" and self.cutoff is None:
            raise InputError(
                f"the scale outcome {self.column!r} has no cut-off",
                cure="add `cutoff: VALUE`; a score at or above it counts as a case",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of ``patients.csv`` that reveals the outcome."""
        return (self.column, self.event) if self.event else (self.column,)

    @property
    def title(self) -> str:
        """What a reader is shown."""
        return self.label or self.column.replace("_", " ")

    def known(self, patients: pd.DataFrame) -> NDArray[np.bool_]:
        """Which patients have the outcome recorded, shape (n,)."""
        return np.asarray(patients[list(self.columns)].notna().all(axis=1), dtype=bool)

    def values(self, patients: pd.DataFrame) -> NDArray[Any]:
        """The outcome, shape (n,): int8 for binary, float64 for scale, records (event, time) for time-to-event.

        Raises
        ------
        InputError
            If a value is missing or is not of the kind; the patients are named.
        """
        column = _numbers(patients, self.column)
        if self.kind == "binary":
            _refuse(patients, self.column, ~np.isin(column, (0, 1)), "0 or 1")
            return column.astype(np.int8)
        if self.kind == "scale":
            return column
        assert self.event is not None
        event = _numbers(patients, self.event)
        _refuse(patients, self.event, ~np.isin(event, (0, 1)), "0 or 1")
        _refuse(patients, self.column, column <= 0, "a time above 0")
        records = np.empty(len(column), dtype=[("event", bool), ("time", float)])
        records["event"], records["time"] = event == 1, column
        return records

    def cases(self, patients: pd.DataFrame) -> NDArray[np.bool_]:
        """Who counts as a case, shape (n,): outcome 1, a score at or above the cut-off, or an event at any time."""
        values = self.values(patients)
        if self.kind == "binary":
            return np.asarray(values == 1)
        if self.kind == "scale":
            return np.asarray(values >= self.cutoff)
        return np.asarray(values["event"])


def _numbers(patients: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in patients.columns:
        raise InputError(
            f"there is no outcome column {column!r}; the columns are {', '.join(map(str, patients.columns))}",
            where="patients.csv",
            cure="name one of these columns as the outcome of the study, or add the column",
        )
    numbers = pd.to_numeric(patients[column], errors="coerce").to_numpy(dtype=np.float64)
    _refuse(patients, column, ~np.isfinite(numbers), "a number")
    return numbers


def _refuse(patients: pd.DataFrame, column: str, bad: NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        shown = [f"{pid}: {value!r}" for pid, value in patients.loc[bad, column].head(5).items()]
        more = f" and {int(bad.sum()) - 5} more" if bad.sum() > 5 else ""
        raise InputError(
            f"column {column!r} must be {expected}, but {int(bad.sum())} patient(s) have another value "
            f"({', '.join(shown)}{more})",
            where="patients.csv",
            cure="correct these cells, or leave them empty: a patient without the outcome is counted as excluded",
        )
