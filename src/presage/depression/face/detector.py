"""Finding faces: the short-range detector BlazeFace (Bazarevsky et al., 2019, arXiv 1907.05047)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.weights import interpreter

_SIDE = 128
_ENOUGH = 0.5
# Boxes that share more than this of their union are one face.
_SAME = 0.3


@dataclass(frozen=True)
class Face:
    """A face that was found.

    Attributes
    ----------
    box
        Left, top, right, bottom; pixels.
    points
        Right eye, left eye, nose tip, mouth, right ear, left ear (the person's right and left), shape (6, 2), pixels.
    probability
        Of being a face.
    """

    box: NDArray[np.float64]
    points: NDArray[np.float64]
    probability: float

    @property
    def side(self) -> float:
        """Longer side of the box, pixels."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))


class FaceDetector:
    """Finds faces within about two metres of the camera."""

    def __init__(self) -> None:
        self._network: Any = interpreter("face_detection_short_range.tflite")
        self._input = self._network.get_input_details()[0]["index"]
        outputs = {output["shape"][-1]: output["index"] for output in self._network.get_output_details()}
        self._boxes, self._scores = outputs[16], outputs[1]
        self._anchors = _anchors()

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces of an image, shape (rows, columns, 3), RGB; the most probable first."""
        import cv2

        rows, columns = image.shape[:2]
        scale = _SIDE / max(rows, columns)
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        left, top = (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2
        framed = np.zeros((_SIDE, _SIDE, 3), dtype=np.float32)
        framed[top : top + size[1], left : left + size[0]] = small.astype(np.float32) / 127.5 - 1
        self._network.set_tensor(self._input, framed[None])
        self._network.invoke()
        scores = self._network.get_tensor(self._scores)[0, :, 0].astype(np.float64)
        probability = 1 / (1 + np.exp(-np.clip(scores, -50, 50)))
        kept = np.flatnonzero(probability >= _ENOUGH)
        raw = self._network.get_tensor(self._boxes)[0][kept].astype(np.float64)
        places = raw.reshape(-1, 8, 2)  # centre, size, six points; in pixels of the small image
        places[:, 0] += self._anchors[kept]
        places[:, 2:] += self._anchors[kept][:, None]
        shift = np.array([left, top])
        centre, half = (places[:, 0] - shift) / scale, places[:, 1] / scale / 2
        points = (places[:, 2:] - shift) / scale
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        return _merged(boxes, points, probability[kept])


def _anchors() -> NDArray[np.float64]:
    """Centres of the 896 anchors, pixels of the small image: two at each place of a 16 x 16 grid, six of an 8 x 8."""
    found = []
    for cells, each in ((16, 2), (8, 6)):
        centres = (np.arange(cells) + 0.5) * _SIDE / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        found.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(found)


def _merged(boxes: NDArray[np.float64], points: NDArray[np.float64], scores: NDArray[np.float64]) -> list[Face]:
    """One face for each group of overlapping boxes: their mean, weighted by probability."""
    left = np.argsort(-scores, kind="stable").tolist()
    faces = []
    while left:
        overlap = _overlap(boxes[left[0]], boxes[left])
        group = [index for index, share in zip(left, overlap, strict=True) if share > _SAME or index == left[0]]
        left = [index for index in left if index not in group]
        weights = scores[group] / scores[group].sum()
        mean_box = (boxes[group] * weights[:, None]).sum(axis=0)
        mean_points = (points[group] * weights[:, None, None]).sum(axis=0)
        faces.append(Face(mean_box, mean_points, float(scores[group[0]])))
    return faces


def _overlap(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union."""
    size = np.clip(np.minimum(one[2:], many[:, 2:]) - np.maximum(one[:2], many[:, :2]), 0, None).prod(axis=1)
    areas = np.clip(many[:, 2:] - many[:, :2], 0, None).prod(axis=1)
    whole = np.clip(one[2:] - one[:2], 0, None).prod() + areas - size
    return np.asarray(size / np.where(whole > 0, whole, 1))
