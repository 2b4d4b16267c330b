"""A finished run as pages see it: findings, whose code is whose, and why a score is what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from presage.findings import Findings, ScoreTable
from presage.study.fitted import first_folds, fitted
from presage.study.folder import Folder
from presage.study.marker import Reason
from presage.study.opened import Run, open_run, stamp
from presage.study.pages import FOLDER
from presage.study.progress import Progress
from presage.study.scored import gives_reasons


@dataclass(frozen=True)
class FinishedRun:
    """A run whose findings are written.

    Attributes
    ----------
    findings
        Of the run.
    run
        Its folder.
    """

    findings: Findings
    run: Run

    @property
    def codes(self) -> Mapping[str, str]:
        """Code by patient id, of everybody who entered the study."""
        return self.run.codes

    @property
    def phantom(self) -> bool:
        """Whether the patients are made up."""
        return bool(self.findings.document["phantom"])

    def table(self) -> ScoreTable:
        """Out-of-fold scores of the tested patients, known by their codes; markers with failed tasks are not in it."""
        document = self.findings.document
        given, about = document["scores"], document["outcome"]
        outcome = given["outcome"]
        if about["kind"] == "time-to-event":
            outcome = [(bool(event), float(time)) for event, time in outcome]
        kinds = [("event", "?"), ("time", "<f8")] if about["kind"] == "time-to-event" else None
        scores = {name: np.asarray(values, dtype=np.float64) for name, values in given["scores"].items()}
        return ScoreTable(
            patient=np.array(given["patients"]),
            outcome=np.array(outcome, dtype=kinds),
            scores=scores,
            standard=document["standard"]["name"],
            folds=None if given["folds"] is None else np.asarray(given["folds"], dtype=np.int64),
            outcome_kind=about["kind"],
            cutoff=about["cutoff"],
            outcome_title=about["title"],
            probabilities=tuple(name for name in scores if self._position(name) in self._probabilities()),
        )

    def reasons(self, marker: str, progress: Progress | None = None) -> dict[str, list[Reason]]:
        """By code: the parts of a patient's score, by the model of the first repeat that did not see the patient."""
        told, position = progress or Progress(), self._position(marker)
        found: dict[str, list[Reason]] = {}
        folds = first_folds(self.run)
        told.start(f"Reasons of {marker}", len(folds))
        for fold in folds:
            model, resources = fitted(self.run, position, fold, FOLDER)
            tested = self.run.cohort.select(fold.test).blinded()
            found |= {self.codes[patient]: model.reasons(tested, patient, resources) for patient in fold.test}
            told.advance()
        told.finish()
        return found

    def reasons_of(self, marker: str, patient: str, below: str) -> list[Reason]:
        """The parts of one patient's score, by the model of the first repeat that did not see the patient.

        The model is kept `below`, a folder in the run's. One that gives none need not be fitted.
        """
        if not gives_reasons(self.run.plan.entry(self._position(marker)).build()):
            return []
        fold = next(fold for fold in first_folds(self.run) if patient in fold.test)
        model, resources = fitted(self.run, self._position(marker), fold, below)
        return model.reasons(self.run.cohort.select([patient]).blinded(), patient, resources)

    def _position(self, name: str) -> int:
        return next(n for n, entry in enumerate(self.run.plan.markers) if entry["name"] == name)

    def _probabilities(self) -> set[int]:
        plans = range(len(self.run.plan.markers))
        return {position for position in plans if self.run.plan.entry(position).build().gives_probability}


def finished_run(folder: Folder, findings: Findings) -> FinishedRun:
    """The run in a folder whose findings these are."""
    # As the file has them: what a finished run is recalled from, so that pages are the same either way.
    written = Findings(json.loads(findings.to_json()))
    return FinishedRun(written, open_run(folder.address, stamp(folder.address)))
