"""How long somebody speaks: a standard that knows no word and no tone, for cohorts without a second questionnaire."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording
from presage.depression.markers.linear import LinearMarker
from presage.depression.markers.stretches import written_words
from presage.depression.prosody.encoder import ProsodyFrames
from presage.depression.prosody.frames import COLUMNS, HOP
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Encoder
from presage.study.marker import Resources

_VOICING = COLUMNS.index("f0")


class SpeechLength(LinearMarker):
    """Logarithms of the seconds with voice and of the number of words (characters in scripts that part none).

    In any language: what is said and how it sounds does not count.
    """

    summary: ClassVar[str] = "A linear model on how many seconds and words the participant speaks, and on nothing else."
    packages: ClassVar[tuple[str, ...]] = ("av", "librosa", "scikit-learn")

    def encoders(self) -> list[Encoder]:
        """Frames of the voice; transcripts are read as they are."""
        return [ProsodyFrames()]

    def needs(self, recording: Recording) -> bool:
        """Sound and transcripts."""
        return recording.kind == "transcript" or super().needs(recording)

    def features(self, cohort: Cohort, resources: Resources) -> NDArray[np.float64]:
        """Mean over a patient's recordings of seconds and of words, shape (n, 2); NaN where there is no recording."""
        seconds: dict[str, list[float]] = {patient: [] for patient in cohort.patient_ids}
        words: dict[str, list[int]] = {patient: [] for patient in cohort.patient_ids}
        sounds = cohort.iter_recordings("audio")
        for sound, arrays in zip(sounds, resources.encoded(ProsodyFrames(), sounds), strict=True):
            seconds[sound.patient_id].append(float((arrays["frames"][:, _VOICING] > 0).sum() * HOP))
        for recording in cohort.iter_recordings("transcript"):
            turns = read_transcript(recording).participant()
            words[recording.patient_id].append(sum(len(written_words(turn.text)) for turn in turns))
        columns = [[np.mean(found) if found else np.nan for found in each.values()] for each in (seconds, words)]
        return np.asarray(np.log1p(np.array(columns).T))
