"""The linear marker on what the participant's face does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Recording
from presage.depression.face.encoder import SUMMARY, FaceTrack, summary
from presage.depression.face.track_file import FaceTrackFile
from presage.depression.markers.linear import OfRecordings
from presage.study.encoder import Arrays, Encoder

Floats = NDArray[np.float64]


class Face(OfRecordings):
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
