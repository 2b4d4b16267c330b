"""One face followed through a video, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.detector import Face, FaceDetector
from presage.depression.face.measures import NAMES, measures
from presage.depression.face.mesh import FaceMesh, Square, square_of_detection, square_of_landmarks

# Below this the mesh does not lie on a face.
_FACE = 0.5
#: Seconds between two searches of the whole frame for other people.
SEARCH_EVERY = 0.5
# A second face counts where it is at least this share of the larger one: posters and passers-by are smaller.
_RIVAL = 0.5


@dataclass(frozen=True)
class Seen:
    """What was seen in one frame.

    Attributes
    ----------
    time
        Seconds.
    values
        The measures of the face, shape (14,); NaN where none was seen.
    faces
        How many faces of like size the last search found.
    new
        Whether this face is not the continuation of the one before.
    """

    time: float
    values: NDArray[np.float64]
    faces: int
    new: bool = False

    @property
    def face(self) -> bool:
        """Whether a face was seen."""
        return bool(np.isfinite(self.values[0]))


class FaceTracker:
    """Follows the largest face; where two are alike in size the one that was followed before."""

    def __init__(self) -> None:
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._square: Square | None = None
        self._searched = -np.inf
        self._faces = 0

    def follow(self, frames: Iterable[tuple[float, NDArray[np.uint8]]]) -> Iterator[Seen]:
        """What is seen in each frame (seconds, RGB image); nothing is filled in where there is no face."""
        for time, image in frames:
            yield self._look(time, image)

    def _look(self, time: float, image: NDArray[np.uint8]) -> Seen:
        found: list[Face] | None = None
        if time - self._searched >= SEARCH_EVERY or self._square is None:
            found = self._detector.find(image)
            self._searched = time
            self._faces = self._count(found, image)
        new = False
        if self._square is not None:
            seen = self._measured(time, image, self._square, new=False)
            if seen is not None:
                return seen
            found = self._detector.find(image) if found is None else found
        self._square = None
        if found:
            new = True
            seen = self._measured(time, image, square_of_detection(max(found, key=lambda face: face.side)), new)
            if seen is not None:
                return seen
        self._square = None
        return Seen(time, np.full(len(NAMES), np.nan), self._faces)

    def _count(self, found: list[Face], image: NDArray[np.uint8]) -> int:
        """How many faces of like size there are; what the detector takes for one and the mesh does not is none."""
        largest = max((face.side for face in found), default=0.0)
        alike = [face for face in found if face.side >= _RIVAL * largest]
        if len(alike) < 2:
            return len(alike)
        return sum(self._mesh.landmarks(image, square_of_detection(face))[1] >= _FACE for face in alike)

    def _measured(self, time: float, image: NDArray[np.uint8], square: Square, new: bool) -> Seen | None:
        landmarks, probability = self._mesh.landmarks(image, square)
        if probability < _FACE or not self._inside(landmarks, image):
            return None
        if new:  # a detection's square is rough: look once more
            landmarks, probability = self._mesh.landmarks(image, square_of_landmarks(landmarks))
            if probability < _FACE:
                return None
        self._square = square_of_landmarks(landmarks)
        values = measures(landmarks, self._mesh.irises(image, landmarks))
        return Seen(time, values, max(1, self._faces), new) if np.isfinite(values).all() else None

    @staticmethod
    def _inside(landmarks: NDArray[np.float64], image: NDArray[np.uint8]) -> bool:
        """Whether the middle of the face is in the picture."""
        x, y = landmarks[:, :2].mean(axis=0)
        return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])
