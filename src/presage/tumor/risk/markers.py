"""The risk of one tumour's patient, and today's practice beside it: stage and age."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError
from presage.cohort.tables import some
from presage.study import Marker, Reason, Resources
from presage.tumor.risk.cox import Floats, PenalisedCox

#: Three years, for follow-up in days.
THREE_YEARS = 1095.75
# Changes of copy number whose patients are the same to this share (Jaccard index) are one amplified or lost stretch.
_TOGETHER = 0.7
#: How columns of copy number begin: so that none of another meaning (`lost_to_followup`) is taken for one.
COPIES = ("cna_amplified_", "cna_lost_")


class StageAge(Marker):
    """Today's practice: proportional hazards on stage (or grade) and age.

    Attributes
    ----------
    stage
        Column of ``patients.csv``, one hazard for each of its values; what is missing is a value of its own.
    age
        Column, in years.
    horizon
        The score is the risk of the event by this time, in the unit of the follow-up; give the report the same.
    """

    summary: ClassVar[str] = "Proportional hazards on stage and age."
    gives_probability: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("lifelines",)

    stage: str = "stage"
    age: str = "age"
    horizon: float = Field(default=THREE_YEARS, gt=0)

    _stages: list[str] = PrivateAttr(default_factory=list)
    _model: PenalisedCox | None = PrivateAttr(default=None)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`presage.study.Marker`; stages are those of the training patients."""
        if cohort.outcome is None or cohort.outcome.kind != "time-to-event":
            raise InputError(
                f"{type(self).__name__} needs an outcome with its time",
                where="study, outcome",
                cure="outcome: {column: os_days, event: os_event, kind: time-to-event}",
            )
        given = _column(cohort, self.stage)
        self._stages = sorted(set(given.dropna().astype(str)))
        self._learn(cohort)
        targets = cohort.targets()
        self._model = PenalisedCox.fit(
            self._features(cohort),
            targets["event"],
            targets["time"],
            spared=1 + len(self._stages[1:]) + 1,
            seed=resources.seed if resources else 0,
        )
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """Risk of the event by the horizon, shape (n,)."""
        if not len(cohort):
            return np.zeros(0)
        return self._fitted().risk(self._features(cohort), self.horizon)

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """What each column adds to the log hazard ratio against the mean training patient; stages are one column."""
        model = self._fitted()
        alone = cohort.select([patient_id])
        row = self._features(alone)[0]
        parts = np.where(np.isfinite(row), row - model.mean, 0) * np.divide(
            model.weights, model.spread, out=np.zeros_like(model.weights), where=model.spread > 0
        )
        stages = slice(1, 2 + len(self._stages[1:]))
        stage = _column(alone, self.stage).iloc[0]
        words = str(stage) if str(stage) in self._stages else "not known"
        told = [Reason(f"{self.stage}: {words}", float(parts[stages].sum()))]
        rest = [0, *range(stages.stop, len(row))]
        for name, place in zip(self._told(row[rest]), rest, strict=True):
            if np.isfinite(row[place]):
                told.append(Reason(name, float(parts[place])))
        return told

    def _told(self, values: Floats) -> list[str]:
        """The columns other than stages with their values, in words."""
        return [f"age: {values[0]:.0f}"]

    def _learn(self, cohort: Cohort) -> None:
        """What else is chosen in the training patients."""

    def _features(self, cohort: Cohort) -> Floats:
        stage = _column(cohort, self.stage)
        text, missing = stage.astype(str).to_numpy(), stage.isna().to_numpy()
        known = [(text == value) & ~missing for value in self._stages[1:]]
        unknown = missing | ~np.isin(text, self._stages)
        return np.column_stack([_numbers(cohort, self.age), *known, unknown]).astype(np.float64)

    def _fitted(self) -> PenalisedCox:
        if self._model is None:
            raise InputError("this marker is not fitted", cure="call fit(cohort) first, or load a saved marker")
        return self._model

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights, baseline hazard and the stages."""
        model = self._fitted()
        arrays = {name: getattr(model, name) for name in ("mean", "spread", "weights", "times", "hazard")}
        return arrays, {"stages": self._stages, "strength": model.strength}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        self._stages = list(facts["stages"])
        self._model = PenalisedCox(**arrays, strength=float(facts["strength"]))


class TumorRisk(StageAge):
    """Individual risk: proportional hazards on stage, age, mutation burden, mutated genes and changes of copy number.

    Burden, genes and copy number are penalised, as strongly as cross-validation within the training patients says;
    stage and age, which are known to matter, are not.

    Attributes
    ----------
    burden
        Column with the number of mutations of a tumour; its logarithm is used.
    prefix
        Columns that begin with this are genes: 1 where the tumour has a mutation that changes the protein, else 0.
    genes
        Those to use, without the prefix; by default the most frequent in the training patients.
    most, least
        How many genes at most, and the smallest share of training patients that one is mutated in.
    copies, most_copies
        Columns that begin with these are changes of copy number (1, 0, or missing), where there are any, and how many
        of them are used at most: the most frequent, penalised as genes are.
    """

    summary: ClassVar[str] = (
        "Penalised proportional hazards on stage, age, mutation burden, mutated genes and, where known, copy number."
    )

    burden: str = "burden"
    prefix: str = "mut_"
    genes: list[str] | None = None
    most: int = Field(default=20, gt=0)
    least: float = Field(default=0.03, ge=0, lt=1)

    copies: list[str] = Field(default=list(COPIES))
    most_copies: int = Field(default=10, ge=0)

    _chosen: list[str] = PrivateAttr(default_factory=list)
    _copied: list[str] = PrivateAttr(default_factory=list)

    def _learn(self, cohort: Cohort) -> None:
        self._copied = self._copies(cohort)
        if self.genes is not None:
            self._chosen = list(self.genes)
            return
        columns, shares = _frequent(cohort, (self.prefix,), self.least)
        if not shares:
            raise InputError(
                f"patients.csv has no column that begins with {self.prefix!r}",
                where="study, markers",
                cure="add a 0/1 column for each gene, or name the prefix of those there are",
            )
        self._chosen = [column.removeprefix(self.prefix) for column in columns[: self.most]]

    def _copies(self, cohort: Cohort) -> list[str]:
        """The most frequent changes of copy number; of neighbours that change together one stands for all."""
        kept: list[str] = []
        patterns: list[NDArray[np.bool_]] = []
        for column in _frequent(cohort, tuple(self.copies), self.least)[0]:
            if len(kept) == self.most_copies:
                break
            here = _numbers(cohort, column) > 0
            if all((here & other).sum() < _TOGETHER * (here | other).sum() for other in patterns):
                kept.append(column)
                patterns.append(here)
        return kept

    def _told(self, values: Floats) -> list[str]:
        genes = zip([f"{gene} mutated" for gene in self._chosen], values[2:], strict=False)
        copied = [self._copy_words(column) for column in self._copied]
        copies = zip(copied, values[2 + len(self._chosen) :], strict=True)
        return [
            *super()._told(values),
            f"mutations: {np.expm1(values[1]):,.0f}",
            *(f"{name}: {'yes' if value else 'no'}" for name, value in (*genes, *copies)),
        ]

    def _copy_words(self, column: str) -> str:
        """`cna_lost_RB1` is "RB1 lost"."""
        prefix = next((one for one in self.copies if column.startswith(one)), "")
        return f"{column.removeprefix(prefix)} {prefix.removeprefix('cna_').strip('_')}".strip()

    def _features(self, cohort: Cohort) -> Floats:
        genes = [_numbers(cohort, self.prefix + gene) for gene in self._chosen]
        copies = [_numbers(cohort, column) for column in self._copied]
        burden = _numbers(cohort, self.burden)
        if (burden < 0).any():
            raise InputError(f"{self.burden} holds a number below 0", where="patients.csv")
        return np.column_stack([super()._features(cohort), np.log1p(burden), *genes, *copies])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """See :class:`StageAge`; and the genes."""
        arrays, facts = super().state()
        return arrays, {**facts, "genes": self._chosen, "copies": self._copied}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        super().restore(arrays, facts)
        self._chosen = list(facts["genes"])
        self._copied = list(facts.get("copies", []))  # markers saved before copy number could enter have none


def _column(cohort: Cohort, name: str) -> pd.Series[Any]:
    if name in cohort.outcome_columns:
        raise InputError(
            f"{name!r} is an outcome of this cohort: no marker may read it",
            where="cohort.yaml, outcomes",
            cure="name a column that is known when the marker is used",
        )
    if name not in cohort.patients.columns:
        raise InputError(
            f"patients.csv has no column {name!r}; there are {some(cohort.patients.columns)}",
            where="study, markers",
            cure="correct the name of the column",
        )
    return cohort.patients[name]


def _frequent(cohort: Cohort, prefixes: tuple[str, ...], least: float) -> tuple[list[str], dict[str, float]]:
    """0/1 columns that begin so, the most frequent first where they are frequent enough; and the share of each."""
    columns = sorted(c for c in map(str, cohort.patients.columns) if c.startswith(prefixes))
    shares = {}
    for column in columns:
        values = _numbers(cohort, column)
        shares[column] = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    return sorted((c for c in columns if shares[c] >= least), key=lambda c: (-shares[c], c)), shares


def _numbers(cohort: Cohort, name: str) -> Floats:
    given = _column(cohort, name)
    numbers = pd.to_numeric(given, errors="coerce")
    wrong = given[numbers.isna() & given.notna()]
    if len(wrong):
        raise InputError(f"{name} of patient {wrong.index[0]} is {wrong.iloc[0]!r}, not a number", where="patients.csv")
    return np.asarray(numbers, dtype=np.float64)
