"""Markers from the table of patients: the questionnaire that clinics use, and the control that knows no recording."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError
from presage.cohort.tables import some
from presage.depression.markers.linear import LinearMarker
from presage.study.marker import Marker, Resources

Floats = NDArray[np.float64]


class Questionnaire(Marker):
    """A questionnaire's total as it stands in the table: today's practice.

    Attributes
    ----------
    column
        Of ``patients.csv``; higher = more severe.
    """

    summary: ClassVar[str] = "The questionnaire's total, as clinics use it."

    column: str

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Who answered it."""
        return np.asarray(np.isfinite(_numbers(cohort, self.column)))

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Nothing is learnt."""
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """The total, shape (n,)."""
        return _numbers(cohort, self.column)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Nothing was learnt."""
        return {"empty": np.zeros(1)}, {}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Nothing is to be taken back."""


class DemographicsOnly(LinearMarker):
    """CONTROL: age, sex and other columns of the table alone. A marker must know more than this.

    Attributes
    ----------
    columns
        Of ``patients.csv``; numbers as they are, texts as one feature per value.
    """

    summary: ClassVar[str] = "CONTROL: a linear model on the table's columns alone, without any recording."

    control: ClassVar[bool] = True

    columns: list[str] = Field(default=["age", "sex"], min_length=1)

    _values: dict[str, list[str]] = PrivateAttr(default_factory=dict)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Everybody: what is missing counts as the mean."""
        for column in self.columns:
            _known(cohort, column)
        return np.ones(len(cohort), dtype=bool)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`presage.study.Marker`; a text's values are those of the training patients."""
        self._values = {}
        for column in self.columns:
            given = _known(cohort, column)
            if not pd.api.types.is_numeric_dtype(given):
                self._values[column] = sorted(set(given.dropna().astype(str)))
        return super().fit(cohort, resources)

    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """Numbers, and 0 or 1 for each value of a text but the first."""
        found: list[Floats] = []
        for column in self.columns:
            given = _known(cohort, column)
            if column in self._values:
                missing = given.isna().to_numpy()
                text = given.astype(str).to_numpy()
                found += [np.where(missing, np.nan, text == value) for value in self._values[column][1:]]
            else:
                found.append(_numbers(cohort, column))
        return np.stack(found, axis=1) if found else np.zeros((len(cohort), 0))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """See :class:`LinearMarker`; and the texts' values."""
        arrays, facts = super().state()
        return arrays, {**facts, "values": self._values}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        super().restore(arrays, facts)
        self._values = dict(facts["values"])


def _known(cohort: Cohort, column: str) -> pd.Series[Any]:
    if column in cohort.outcome_columns:
        raise InputError(
            f"{column!r} is an outcome of this cohort: no marker may read it",
            where="cohort.yaml, outcomes",
            cure="name a column that is known when the marker is used",
        )
    if column not in cohort.patients.columns:
        raise InputError(
            f"patients.csv has no column {column!r}; there are {some(cohort.patients.columns)}",
            where="study, markers",
            cure="correct the name of the column",
        )
    return cohort.patients[column]


def _numbers(cohort: Cohort, column: str) -> Floats:
    given = _known(cohort, column)
    numbers = pd.to_numeric(given, errors="coerce")
    wrong = given[numbers.isna() & given.notna()]
    if len(wrong):
        raise InputError(
            f"{column} of patient {wrong.index[0]} is {wrong.iloc[0]!r}, not a number", where="patients.csv"
        )
    return np.asarray(numbers, dtype=np.float64)
