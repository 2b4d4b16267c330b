"""Linear markers: a ridge on functionals of one modality. On a small cohort they are hard to beat."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator

from presage.cohort import Cohort, InputError, Recording
from presage.depression.face.encoder import SUMMARY, FaceTrack, summary
from presage.depression.face.track_file import FaceTrackFile
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
from presage.depression.markers.voices import (
    FeatureSet,
    names_of_recording,
    note_licence,
    note_whole_sound,
    packages_of,
    row_of_recording,
    voice_encoder,
)
from presage.depression.networks.linear import RidgeLogistic
from presage.depression.scripts import language_warning
from presage.depression.session import Session, alone, sessions
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder
from presage.study.marker import Marker, Reason, Resources

Floats = NDArray[np.float64]
# Of the voices whose glottal pulses are looked at, Hz.
_LOWEST_COVAREP = 60.0


class LinearMarker(Marker):
    """A ridge-penalised logistic regression on columns of the patients; the score is the logit.

    A column that a patient lacks counts as the training patients' mean. The penalty's strength is chosen inside the
    training patients.
    """

    packages: ClassVar[tuple[str, ...]] = ("scikit-learn",)

    _model: RidgeLogistic | None = PrivateAttr(default=None)

    @abstractmethod
    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """What is known of each patient, shape (n, columns), NaN where missing."""

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`presage.study.Marker`."""
        resources = resources or Resources()
        columns = self.features(cohort, resources)
        self._model = RidgeLogistic.fit(columns, np.asarray(cohort.cases(), dtype=bool), seed=resources.seed)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """Logit of being a case, shape (n,)."""
        if not len(cohort):
            return np.zeros(0)
        return self._fitted().logits(self.features(cohort, resources or Resources()))

    def column_names(self) -> Sequence[str]:
        """What the columns are, in words; empty where nobody can read them."""
        return ()

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """One reason for each column that is known: its weight times its distance from the training patients' mean."""
        names = self.column_names()
        if not names:
            return []
        model = self._fitted()
        values = self.features(cohort.select([patient_id]), resources or Resources())[0]
        distance = (values - model.mean) / model.spread
        return [
            Reason(
                f"{name}: {value:.3g}, {abs(away):.1f} SD {'above' if away > 0 else 'below'} the training mean",
                float(weight * away),
            )
            for name, value, away, weight in zip(names, values, distance, model.weights, strict=True)
            if np.isfinite(value)
        ]

    def _fitted(self) -> RidgeLogistic:
        if self._model is None:
            raise InputError("this marker is not fitted", cure="call fit(cohort) first, or load a saved marker")
        return self._model

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights and the training patients' means."""
        model = self._fitted()
        arrays = {"mean": model.mean, "spread": model.spread, "weights": model.weights}
        return arrays, {"intercept": model.intercept, "strength": model.strength}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        self._model = RidgeLogistic(
            arrays["mean"], arrays["spread"], arrays["weights"], float(facts["intercept"]), float(facts["strength"])
        )


class _OfRecordings(LinearMarker):
    """Columns from the recordings of a patient: the mean over them of what an encoder gives."""

    _width: ClassVar[int]

    def row(self, arrays: Arrays, recording: Recording) -> Floats:
        """One recording, shape (columns,)."""
        raise NotImplementedError

    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """Mean over a patient's recordings of each column that is known."""
        rows: dict[str, list[Floats]] = {patient: [] for patient in cohort.patient_ids}
        for encoder in self.encoders():
            recordings = cohort.iter_recordings(encoder.kind)
            recordings = [recording for recording in recordings if self.needs(recording)]
            # Rows know nothing of who is trained on: every fold takes them as they are.
            found = resources.derived(
                encoder, recordings, f"{type(self).__module__}.{type(self).__qualname__}.row", self.row
            )
            for recording, row in zip(recordings, found, strict=True):
                rows[recording.patient_id].append(row)
        return np.stack([_mean(found) if found else np.full(self._n_features(), np.nan) for found in rows.values()])

    def _n_features(self) -> int:
        return self._width


class LanguageMeasures(_OfRecordings):
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


class Language(_OfRecordings):
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


class Prosody(LinearMarker):
    """How the participant speaks: functionals of pitch, voice quality, energy and spectrum.

    Attributes
    ----------
    feature_set
        ``own``: 47 functionals. ``egemaps``: the 88 of openSMILE's eGeMAPSv02 (extra ``opensmile``; its research
        licence allows no commercial product). ``covarep``: 168 of the voice's quality, after the manner of COVAREP. All
        see the participant's turns alone where the transcript says when they are, else all of the channel.
    floor, ceiling
        Lowest and highest fundamental frequency looked for, Hz; openSMILE has limits of its own.
    """

    summary: ClassVar[str] = "A linear model on functionals of the participant's voice."

    feature_set: FeatureSet = "own"
    floor: Annotated[float, Field(ge=40, le=300)] = 75.0
    ceiling: Annotated[float, Field(ge=200, le=1000)] = 500.0

    @model_validator(mode="after")
    def _within_the_set(self) -> Self:
        if self.feature_set == "covarep" and self.floor < _LOWEST_COVAREP:
            raise ValueError(f"floor must be {_LOWEST_COVAREP:g} Hz or more with feature_set covarep")
        fields = type(self).model_fields
        if self.feature_set == "egemaps" and any(
            getattr(self, name) != fields[name].default for name in ("floor", "ceiling")
        ):
            raise ValueError("openSMILE has limits of its own: leave floor and ceiling out with feature_set egemaps")
        return self

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`presage.study.Marker`; with the one that the features need."""
        return ("av", "librosa", "scikit-learn", *packages_of(self.feature_set))

    def encoders(self) -> Sequence[Encoder]:
        """The one it reads."""
        return [voice_encoder(self.feature_set, floor=self.floor, ceiling=self.ceiling)]

    def column_names(self) -> Sequence[str]:
        """Names of the columns."""
        return names_of_recording(self.feature_set)

    def needs(self, recording: Recording) -> bool:
        """Sound, and transcripts, which say when the participant speaks."""
        return recording.kind in ("audio", "transcript")

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Who has sound, shape (n,)."""
        having = {recording.patient_id for recording in cohort.iter_recordings("audio")}
        return np.array([patient in having for patient in cohort.patient_ids], dtype=bool)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`LinearMarker`; licence of the features, and where all sound counted, are told in the findings."""
        resources = resources or Resources()
        note_licence(self.feature_set, resources)
        note_whole_sound(_with_sound(cohort), resources)
        return super().fit(cohort, resources)

    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """Mean over a patient's recordings of each column that is known."""
        rows: dict[str, list[Floats]] = {patient: [] for patient in cohort.patient_ids}
        (encoder,) = self.encoders()
        for session in _with_sound(cohort):
            row = row_of_recording(self.feature_set, encoder, session, resources)
            rows[session.patient_id].append(row)
        nothing = np.full(len(self.column_names()), np.nan)
        return np.stack([_mean(found) if found else nothing for found in rows.values()])


def _with_sound(cohort: Cohort) -> list[Session]:
    """Sessions with sound. Without any transcript nothing belongs together, and a visit may have several pieces."""
    if not cohort.iter_recordings("transcript"):
        return alone(cohort)
    return [session for session in sessions(cohort) if session.audio is not None]


class Face(_OfRecordings):
    """What the participant's face does: expressivity, head pose, gaze, blinks; from videos or tracks of faces.

    Attributes
    ----------
    fps
        Frames per second of a video that are looked at, at most.
    """

    summary: ClassVar[str] = "A linear model on what the participant's face does."
    packages: ClassVar[tuple[str, ...]] = ("ai-edge-litert", "av", "opencv-python-headless", "scikit-learn")
    _width: ClassVar[int] = len(SUMMARY)

    fps: float = 30.0

    def encoders(self) -> Sequence[Encoder]:
        """One for videos, one for tracks."""
        return [FaceTrack(fps=self.fps), FaceTrackFile()]

    def column_names(self) -> Sequence[str]:
        """Names of the columns."""
        return SUMMARY

    def row(self, arrays: Arrays, recording: Recording) -> Floats:
        """The summary of the recording."""
        return summary(arrays)


def _mean(rows: Sequence[Floats]) -> Floats:
    """Mean of the known values of each column; NaN where none is."""
    values = np.stack(rows)
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    count = known.sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
