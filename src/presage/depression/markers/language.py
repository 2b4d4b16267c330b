"""Linear markers on what is said: counted words, vectors of a text encoder, and the control on the prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from presage.cohort import Cohort, InputError, Recording
from presage.depression.language.detection import counted_note
from presage.depression.language.encoders import (
    LANGUAGES,
    Counted,
    Speaker,
    TranscriptMeasures,
    TurnVectors,
    measure_row,
)
from presage.depression.language.measures import MANDARIN_MEASURES
from presage.depression.language.measures import NAMES as MEASURES
from presage.depression.markers.linear import OfRecordings
from presage.depression.scripts import language_warning
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder
from presage.study.marker import Reason, Resources

Floats = NDArray[np.float64]


class LanguageMeasures(OfRecordings):
    """Words that a reader can count, in English or Mandarin: pronouns, absolutist words, affect, diversity, pace.

    Attributes
    ----------
    speaker
        Whose words.
    language
        ``english``, ``mandarin``, or ``auto``: told for each transcript by its script. A transcript in another language
        is counted out.
    """

    summary: ClassVar[str] = "A linear model on thirteen measures of what the participant says (English or Mandarin)."
    packages: ClassVar[tuple[str, ...]] = ("jieba", "OpenCC", "scikit-learn", "vaderSentiment")
    _width: ClassVar[int] = len(MEASURES)

    speaker: Speaker = "participant"
    language: Counted = "auto"

    _languages: tuple[str, ...] = PrivateAttr(default=())

    def encoders(self) -> Sequence[Encoder]:
        """The one it reads."""
        return [TranscriptMeasures(speaker=self.speaker, language=self.language)]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`LinearMarker`; the findings tell which language was counted, and warn of two in one cohort."""
        resources = resources or Resources()
        self._languages = self._spoken(cohort, resources)
        resources.note(counted_note(self._languages))
        return super().fit(cohort, resources)

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """See :class:`LinearMarker`; a language that no training patient spoke is told in the findings."""
        resources = resources or Resources()
        other = [name.capitalize() for name in self._spoken(cohort, resources) if name not in self._languages]
        if other and self._languages:
            resources.note(
                f"WARNING: words were counted in {' and '.join(other)}, which no training patient spoke: "
                "these scores mean nothing."
            )
        return super().score(cohort, resources)

    def _spoken(self, cohort: Cohort, resources: Resources) -> tuple[str, ...]:
        recordings = [recording for recording in cohort.iter_recordings("transcript") if self.needs(recording)]
        given = resources.encoded(self.encoders()[0], recordings)
        return tuple(sorted({LANGUAGES[int(arrays["language"])] for arrays in given}))

    def column_names(self) -> Sequence[str]:
        """Names of the columns, in the language of the training patients."""
        return tuple(MANDARIN_MEASURES) if self._languages == ("mandarin",) else tuple(MEASURES)

    def row(self, arrays: Arrays, recording: Recording) -> Floats:
        """The measures."""
        return np.asarray(measure_row(arrays))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """See :class:`LinearMarker`; and the languages of the training patients."""
        arrays, facts = super().state()
        return arrays, {**facts, "languages": list(self._languages)}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave; what was saved before Mandarin was counted is English."""
        super().restore(arrays, facts)
        self._languages = tuple(facts.get("languages", ["english"]))


class Language(OfRecordings):
    """The mean vector of the participant's turns behind a text encoder.

    Attributes
    ----------
    encoder
        Folder of a Hugging Face encoder; None for all-MiniLM-L6-v2 (English).
    """

    summary: ClassVar[str] = "A linear model on the text encoder's vectors of what the participant says."
    packages: ClassVar[tuple[str, ...]] = ("scikit-learn", "torch", "transformers")
    _speaker: ClassVar[Speaker] = "participant"

    encoder: str | None = None

    def encoders(self) -> Sequence[Encoder]:
        """The one it reads."""
        return [TurnVectors(speaker=self._speaker, encoder=self.encoder)]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`LinearMarker`; a text encoder that does not know the language is told in the findings."""
        resources = resources or Resources()
        if self.encoder is None:
            texts = (read_transcript(r).of(self._speaker).text for r in cohort.iter_recordings("transcript"))
            warning = language_warning(texts, "all-MiniLM-L6-v2")
            if warning:
                resources.note(warning)
        return super().fit(cohort, resources)

    def row(self, arrays: Arrays, recording: Recording) -> Floats:
        """The turns' mean, weighted by their length."""
        weights = np.maximum(arrays["tokens"], 1)
        return np.average(arrays["vectors"].astype(np.float64), axis=0, weights=weights)

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """One reason for each turn: its share of the words times what the model thinks of its vector."""
        model, encoder = self._fitted(), self.encoders()[0]
        recordings = cohort.select([patient_id]).iter_recordings(encoder.kind)
        given = (resources or Resources()).encoded(encoder, recordings)
        found = []
        for recording, arrays in zip(recordings, given, strict=True):
            turns = [turn for turn in read_transcript(recording).of(self._speaker) if turn.text.strip()]
            weights = np.maximum(arrays["tokens"], 1) / np.maximum(arrays["tokens"], 1).sum() / len(recordings)
            parts = weights * (((arrays["vectors"] - model.mean) / model.spread) @ model.weights)
            found += [
                Reason(turn.text, float(part), turn.start, turn.stop) for turn, part in zip(turns, parts, strict=True)
            ]
        return found

    def _n_features(self) -> int:
        raise InputError("a patient without a transcript", cure="this marker needs one of each patient")


class PromptsOnly(Language):
    """CONTROL: the interviewer's questions alone, which ought to say nothing about the participant.

    Interviewers ask depressed people other questions; a marker that does no better than this control may have learnt
    the interviewer's judgement (Burdisso et al., ClinicalNLP 2024).
    """

    summary: ClassVar[str] = "CONTROL: the same linear model on the interviewer's questions alone."
    control: ClassVar[bool] = True
    _speaker: ClassVar[Speaker] = "interviewer"
