"""The marker LanguageNgrams: which characters or words somebody uses, in any language, without a pretrained model."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError, Recording, UnusableRecording
from presage.depression.language.encoders import Speaker
from presage.depression.language.ngrams import Unit, Vocabulary, ngrams
from presage.depression.markers.linear import LinearMarker
from presage.depression.networks.linear import RidgeLogistic
from presage.depression.transcripts import read_transcript
from presage.study.marker import Reason, Resources

Floats = NDArray[np.float64]


class LanguageNgrams(LinearMarker):
    """A ridge-penalised logistic regression on how often the participant uses runs of characters or words (TF-IDF).

    In any language and script; nothing was learnt from anybody but the training patients. Runs that fewer than
    `people` of them use are never kept, neither for the score nor in a saved marker: what few people say may tell who
    they are. The study's cache gets nothing of a text.

    Attributes
    ----------
    unit
        ``characters`` (within words), or ``words``; in scripts that part no words a character counts as one.
    longest
        Most characters or words of a run.
    people
        Training patients who must use a run, at least five.
    most
        Runs at most; the commonest are kept.
    speaker
        Whose words.
    """

    summary: ClassVar[str] = "A linear model on runs of characters that the participant uses, in any language."

    unit: Unit = "characters"
    longest: Annotated[int, Field(ge=1, le=5)] = 3
    people: Annotated[int, Field(ge=5)] = 5
    most: Annotated[int, Field(ge=1, le=50_000)] = 5000
    speaker: Speaker = "participant"

    _vocabulary: Vocabulary | None = PrivateAttr(default=None)

    def needs(self, recording: Recording) -> bool:
        """Transcripts."""
        return recording.kind == "transcript"

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Who says anything in a transcript that can be read, shape (n,)."""
        return np.array([bool(person) for person in self._people(cohort)], dtype=bool)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`LinearMarker`; the vocabulary is that of the training patients.

        Raises
        ------
        InputError
            If no run is used by enough of them.
        """
        resources = resources or Resources()
        people = self._people(cohort)
        vocabulary = Vocabulary.of(people, fewest=self.people, most=self.most)
        if not vocabulary.runs:
            raise InputError(
                f"no run of {self.unit} is used by {self.people} of the {len(cohort)} training patients",
                where="language-ngrams",
                cure="use a larger cohort, or leave this marker out",
            )
        self._vocabulary = vocabulary
        cases = np.asarray(cohort.cases(), dtype=bool)
        self._model = RidgeLogistic.fit(vocabulary.rows(people), cases, seed=resources.seed, one_spread=True)
        return self

    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """TF-IDF of each patient, shape (n, runs); NaN of one who uses no run of the vocabulary."""
        self._fitted()
        assert self._vocabulary is not None
        return self._vocabulary.rows(self._people(cohort))

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """One reason for each run that the patient uses: its weight times its TF-IDF."""
        model = self._fitted()
        assert self._vocabulary is not None
        (person,) = self._people(cohort.select([patient_id]))
        values = self._vocabulary.rows([person])[0]
        parts = model.weights * np.nan_to_num(values) / model.spread
        return [
            Reason(f"“{run}”, {person[run]} times", float(part))
            for run, part in zip(self._vocabulary.runs, parts, strict=True)
            if person[run]
        ]

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """See :class:`LinearMarker`; and the vocabulary, of which every run was used by `people` patients or more."""
        arrays, facts = super().state()
        assert self._vocabulary is not None
        return {**arrays, "idf": self._vocabulary.weights}, {**facts, "runs": list(self._vocabulary.runs)}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        super().restore(arrays, facts)
        self._vocabulary = Vocabulary(tuple(facts["runs"]), arrays["idf"])

    def _people(self, cohort: Cohort) -> list[Counter[str]]:
        """Counts of the runs in all transcripts of each patient."""
        found: dict[str, Counter[str]] = {patient: Counter() for patient in cohort.patient_ids}
        for recording in cohort.iter_recordings("transcript"):
            try:
                text = read_transcript(recording).of(self.speaker).text
            except UnusableRecording:
                continue  # counted out by the study before anything is fitted
            found[recording.patient_id] += ngrams(text, self.unit, self.longest)
        return list(found.values())
