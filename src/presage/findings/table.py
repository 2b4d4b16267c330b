"""The table of scores: who, what happened, and what each marker said. Everything is checked once, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OutcomeKind = Literal["binary", "scale", "time-to-event"]


class TableError(ValueError):
    """A table of scores that cannot be evaluated; the message says which rows or patients, and the cure."""


@dataclass(frozen=True)
class ScoreTable:
    """Out-of-fold (or external) scores of one standard and some markers, one row per patient or exam.

    Attributes
    ----------
    patient
        Patient codes, shape (n,), text; repeated where a patient has several exams (then `clustered` is true).
    outcome
        Shape (n,): 0/1 (binary), score (scale), or records (event, time).
    scores
        Marker name -> array of shape (repeats, n); a score that was not cross-validated has one repeat.
    standard
        The name in `scores` that the others are compared with.
    folds
        Test-fold number of each row in each repeat, shape (repeats, n); None for external scores.
    outcome_kind, cutoff, outcome_title
        What the outcome is; `cutoff` turns a scale into cases.
    covariates
        One row per row of the table: age, site, ``match_set``, subgroups; may be empty.
    probabilities
        Names of markers whose scores are probabilities in [0, 1] (calibration applies to them as they are).
    trainings
        Name of a marker -> scores of each of its trainings with other seeds, shape (trainings, repeats, n), whose mean
        is its score; only of markers with several.
    controls
        Names of markers that read what ought to say nothing of the outcome: the others must do better than they.
    """

    patient: NDArray[np.str_]
    outcome: NDArray[Any]
    scores: Mapping[str, NDArray[np.float64]]
    standard: str
    folds: NDArray[np.int64] | None = None
    outcome_kind: OutcomeKind = "binary"
    cutoff: float | None = None
    outcome_title: str = "outcome"
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    probabilities: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    trainings: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def cases(self) -> NDArray[np.bool_]:
        """Who is a case, shape (n,)."""
        if self.outcome_kind == "binary":
            return np.asarray(self.outcome == 1)
        if self.outcome_kind == "scale":
            return np.asarray(self.outcome >= self.cutoff)
        return np.asarray(self.outcome["event"])

    @property
    def markers(self) -> tuple[str, ...]:
        """Every name but the standard's, in order."""
        return tuple(name for name in self.scores if name != self.standard)

    @property
    def clustered(self) -> bool:
        """Whether a patient has several rows."""
        return len(np.unique(self.patient)) < len(self.patient)

    def role(self, name: str) -> str:
        """``standard``, ``control`` or ``marker``."""
        return "standard" if name == self.standard else "control" if name in self.controls else "marker"

    def combined(self, name: str) -> NDArray[np.float64]:
        """One score per row in its own unit: the mean over repeats, shape (n,)."""
        return np.asarray(self.scores[name].mean(axis=0))

    def comparable(self, name: str) -> NDArray[np.float64]:
        """Scores of each repeat on one scale over the fitted models, shape (repeats, n).

        The models of different folds have their own slopes and offsets, and a mean over them would mix up whom each of
        them ranks where. So each test fold is brought to mean 0 and standard deviation 1, without looking at outcomes.
        Probabilities, external scores and scores that needed no fit are left as they are.
        """
        scores = np.asarray(self.scores[name], dtype=np.float64)
        if self.folds is None or name in self.probabilities or scores.shape != self.folds.shape:
            return scores
        even = np.empty_like(scores)
        for repeat, folds in enumerate(self.folds):
            for fold in np.unique(folds):
                inside = folds == fold
                part = scores[repeat, inside] - scores[repeat, inside].mean()
                spread = part.std()
                even[repeat, inside] = part / spread if spread > 0 else 0.0
        return even

    def ranking(self, name: str) -> NDArray[np.float64]:
        """One score per row by which people are ordered: the mean of :meth:`comparable` over repeats, shape (n,)."""
        return np.asarray(self.comparable(name).mean(axis=0))
