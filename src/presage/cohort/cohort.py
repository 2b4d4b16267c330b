"""The cohort: patients, their recordings, and the way they came into the study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort.errors import InputError
from presage.cohort.flow import Flow
from presage.cohort.outcome import Outcome
from presage.cohort.recording import Recording, listed


@dataclass(frozen=True)
class Cohort:
    """Who, when, what was recorded, what happened. Immutable: every selection returns a new cohort.

    Attributes
    ----------
    patients
        One row per patient, indexed by ``patient_id`` (text, sorted): outcomes, covariates, ``match_set``, ``site``.
    recordings
        One row per file: ``patient_id``, ``visit``, ``kind``, ``path`` (absolute or an fsspec address), and what the
        kind needs.
    root
        The folder it was read from.
    name, description
        From ``cohort.yaml``, for the report.
    phantom
        Whether the cohort is made up; carried into findings and report.
    outcome
        What is predicted; set by :meth:`with_outcome`.
    outcome_columns
        Columns that reveal any outcome, from ``cohort.yaml``; a marker never sees them when it scores.
    flow
        Who was dropped so far, and why.
    """

    patients: pd.DataFrame
    recordings: pd.DataFrame
    root: str = ""
    name: str = ""
    description: str = ""
    phantom: bool = False
    outcome: Outcome | None = None
    outcome_columns: tuple[str, ...] = ()
    flow: Flow = field(default_factory=Flow)

    @classmethod
    def read(cls, folder: str) -> Cohort:
        """Read and check a cohort folder (local path or fsspec address); see :mod:`presage.cohort.reading`."""
        from presage.cohort.reading import read_cohort

        return read_cohort(folder)

    def write(self, folder: str) -> None:
        """Write ``patients.csv``, ``recordings.csv``, ``cohort.yaml``; recordings below `folder` get relative paths."""
        from presage.cohort.reading import write_cohort

        write_cohort(self, folder)

    def __len__(self) -> int:
        return len(self.patients)

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Patient ids in the order of every per-patient array."""
        return tuple(self.patients.index)

    def select(self, patient_ids: Iterable[str]) -> Cohort:
        """The cohort of these patients, in the cohort's own order."""
        wanted = set(patient_ids)
        unknown = wanted.difference(self.patients.index)
        if unknown:
            raise InputError(f"no such patient(s) in the cohort: {', '.join(sorted(unknown)[:5])}", where=self.root)
        # Copies: a part of a pandas table keeps a reference to the whole, outcomes of the other patients included.
        return replace(
            self,
            patients=self.patients[self.patients.index.isin(wanted)].copy(),
            recordings=self.recordings[self.recordings["patient_id"].isin(wanted)].copy(),
        )

    def exclude(self, step: str, reason: str, patient_ids: Iterable[str]) -> Cohort:
        """Drop patients and count them in the flow."""
        dropped = set(patient_ids)
        flow = self.flow.copy()
        flow.add(step, reason, "patient", dropped)
        return replace(self.select(set(self.patients.index) - dropped), flow=flow)

    def keep_recordings(self, step: str, reason: str, keep: Callable[[Recording], bool]) -> Cohort:
        """Drop the recordings for which `keep` is false and count them in the flow."""
        mask = np.array([keep(recording) for recording in self.iter_recordings()], dtype=bool)
        flow = self.flow.copy()
        flow.add(step, reason, "recording", self.recordings.loc[~mask, "path"].map(self.relative))
        return replace(self, recordings=self.recordings[mask], flow=flow)

    def relative(self, path: str) -> str:
        """`path` below the cohort folder, for messages."""
        return path.removeprefix(f"{self.root.rstrip('/')}/") if self.root else path

    def iter_recordings(self, kind: str | None = None) -> list[Recording]:
        """The recordings in table order, optionally of one kind only."""
        return [recording for recording in self._listed if kind is None or recording.kind == kind]

    @cached_property
    def _listed(self) -> tuple[Recording, ...]:
        """Worked out once: a task asks for them several times, and the cohort never changes."""
        return listed(self.recordings)

    def with_outcome(self, outcome: Outcome) -> Cohort:
        """The cohort with this outcome to predict; patients without it are excluded into the flow.

        Raises
        ------
        InputError
            If the column is missing, holds another kind of value, or leaves one class only.
        """
        outcome_columns = tuple(dict.fromkeys((*self.outcome_columns, *outcome.columns)))
        if any(column not in self.patients.columns for column in outcome.columns):
            outcome.values(self.patients.iloc[:0])  # raises with the columns that there are
        known = outcome.known(self.patients)
        cohort = self.exclude("outcome", f"no {outcome.title} recorded", self.patients.index[~known])
        cases = outcome.cases(cohort.patients)
        if cases.all() or not cases.any():
            raise InputError(
                f"{int(cases.sum())} of {len(cases)} patients are cases of {outcome.title!r}: "
                "a comparison needs both classes",
                where="patients.csv",
                cure="check the outcome column (1 = case, 0 = control)",
            )
        return replace(cohort, outcome=outcome, outcome_columns=outcome_columns)

    def blinded(self) -> Cohort:
        """The cohort without any outcome column: what a marker is given to score."""
        known = self.patients.drop(columns=list(self.outcome_columns), errors="ignore")
        # A copy: columns that are kept may lie in one array with those that were dropped.
        return replace(self, patients=known.copy(), outcome=None)

    def targets(self) -> NDArray[Any]:
        """The outcome of each patient, shape (n,); see :meth:`Outcome.values`."""
        return self._outcome().values(self.patients)

    def cases(self) -> NDArray[np.bool_]:
        """Who is a case, shape (n,)."""
        return self._outcome().cases(self.patients)

    def _outcome(self) -> Outcome:
        if self.outcome is None:
            raise InputError(
                "this cohort has no outcome to predict, or it was taken away before scoring",
                cure="call cohort.with_outcome(Outcome(...)) first; a marker may read outcomes in fit alone",
            )
        return self.outcome
