"""Landmarks of a face: 468 places of the mesh (Kartynnik et al., 2019, arXiv 1907.06724) and both irises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.detector import Face
from presage.depression.face.weights import interpreter

# Places of the mesh, by its published numbering; right and left are the person's.
RIGHT_EYE_OUTER, RIGHT_EYE_INNER = 33, 133
LEFT_EYE_OUTER, LEFT_EYE_INNER = 263, 362
_SIDE, _IRIS_SIDE = 192, 64
# How much larger than the face the square is in which its landmarks are looked for.
_MARGIN = 1.5
_IRIS_MARGIN = 2.3


@dataclass(frozen=True)
class Square:
    """A turned square of the image: centre (x, y) and side in pixels, angle in radians (clockwise as seen)."""

    x: float
    y: float
    side: float
    angle: float

    def to_image(self, points: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Points of the square's own picture of `side` pixels as points of the image; a third column is scaled."""
        scale = self.side / side
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        x, y = points[:, 0] - side / 2, points[:, 1] - side / 2
        placed = np.stack([self.x + cos * x - sin * y, self.y + sin * x + cos * y], axis=1)
        return np.concatenate([placed, points[:, 2:] * scale], axis=1)

    def cut(self, image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
        """The square's own picture, shape (side, side, 3), in [0, 1]; black outside the image."""
        import cv2

        corners = np.array([[0, 0], [side, 0], [0, side]], dtype=np.float64)
        seen = self.to_image(corners, side).astype(np.float32)
        turn = cv2.getAffineTransform(seen, corners.astype(np.float32))
        picture = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_LINEAR)
        return np.divide(picture, np.float32(255), dtype=np.float32)


def square_of_detection(face: Face) -> Square:
    """Where to look for the landmarks of a face that was just found."""
    right, left = face.points[0], face.points[1]
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    centre = (face.box[:2] + face.box[2:]) / 2
    return Square(float(centre[0]), float(centre[1]), face.side * _MARGIN, angle)


def square_of_landmarks(landmarks: NDArray[np.float64]) -> Square:
    """Where to look in the next frame."""
    right, left = landmarks[RIGHT_EYE_OUTER], landmarks[LEFT_EYE_OUTER]
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    turned = landmarks[:, :2] @ np.array([[cos, -sin], [sin, cos]])
    low, high = turned.min(axis=0), turned.max(axis=0)
    middle = np.array([[cos, -sin], [sin, cos]]) @ ((low + high) / 2)
    return Square(float(middle[0]), float(middle[1]), float((high - low).max()) * _MARGIN, angle)


class FaceMesh:
    """Landmarks of one face."""

    def __init__(self) -> None:
        self._network: Any = interpreter("face_landmark.tflite")
        self._input = self._network.get_input_details()[0]["index"]
        outputs = {int(np.prod(output["shape"])): output["index"] for output in self._network.get_output_details()}
        self._points, self._score = outputs[1404], outputs[1]
        self._iris: Any = interpreter("iris_landmark.tflite")
        self._iris_input = self._iris.get_input_details()[0]["index"]
        outputs = {int(np.prod(output["shape"])): output["index"] for output in self._iris.get_output_details()}
        self._iris_points = outputs[15]

    def landmarks(self, image: NDArray[np.uint8], square: Square) -> tuple[NDArray[np.float64], float]:
        """Landmarks, shape (468, 3), pixels (depth alike, smaller = nearer), and the probability that it is a face."""
        self._network.set_tensor(self._input, square.cut(image, _SIDE)[None])
        self._network.invoke()
        score = float(self._network.get_tensor(self._score).ravel()[0])
        points = self._network.get_tensor(self._points).reshape(468, 3).astype(np.float64)
        return square.to_image(points, _SIDE), float(1 / (1 + np.exp(-np.clip(score, -50, 50))))

    def irises(self, image: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Centres of the right and the left iris, shape (2, 2), pixels."""
        found = []
        for outer, inner, mirrored in (
            (RIGHT_EYE_OUTER, RIGHT_EYE_INNER, True),
            (LEFT_EYE_OUTER, LEFT_EYE_INNER, False),
        ):
            one, two = landmarks[outer, :2], landmarks[inner, :2]
            across = (one - two) if not mirrored else (two - one)
            middle = (one + two) / 2
            width = float(np.linalg.norm(across))
            square = Square(float(middle[0]), float(middle[1]), width * _IRIS_MARGIN, float(np.arctan2(*across[::-1])))
            picture = square.cut(image, _IRIS_SIDE)
            # The network knows left eyes; a right eye is one in the mirror.
            self._iris.set_tensor(
                self._iris_input, np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)[None]
            )
            self._iris.invoke()
            centre = self._iris.get_tensor(self._iris_points).reshape(5, 3)[:1, :2].astype(np.float64)
            if mirrored:
                centre[:, 0] = _IRIS_SIDE - centre[:, 0]
            found.append(square.to_image(centre, _IRIS_SIDE)[0])
        return np.array(found)
