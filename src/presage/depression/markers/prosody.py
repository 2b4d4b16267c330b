"""The linear marker on how the participant speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from presage.cohort import Cohort, Recording
from presage.depression.markers.linear import LinearMarker, mean_of
from presage.depression.markers.voices import (
    FeatureSet,
    names_of_recording,
    note_licence,
    note_whole_sound,
    packages_of,
    row_of_recording,
    voice_encoder,
)
from presage.depression.session import Session, alone, sessions
from presage.study.encoder import Encoder
from presage.study.marker import Resources

Floats = NDArray[np.float64]
# Of the voices whose glottal pulses are looked at, Hz.
_LOWEST_COVAREP = 60.0


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
        return np.stack([mean_of(found) if found else nothing for found in rows.values()])


def _with_sound(cohort: Cohort) -> list[Session]:
    """Sessions with sound. Without any transcript nothing belongs together, and a visit may have several pieces."""
    if not cohort.iter_recordings("transcript"):
        return alone(cohort)
    return [session for session in sessions(cohort) if session.audio is not None]
