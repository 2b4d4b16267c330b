"""Images of anything: each ends in finite measures or in one of the refusals, never in another error."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from presage.breast.mammogram import Mammogram
from presage.breast.tissue import measures, segment
from presage.cohort import UnusableRecording

REASONS = {"no breast found", "size is not that of a mammogram"}


def odd_image(generator: np.random.Generator) -> np.ndarray:
    """Up to five disks, boxes, half-ellipses, bars and clouds of random size, place and brightness."""
    shape = (int(generator.integers(60, 700)), int(generator.integers(60, 700)))
    image = np.zeros(shape, dtype=np.float32)
    for _ in range(int(generator.integers(0, 6))):
        kind, value = generator.integers(5), float(generator.random())
        place = (int(generator.integers(shape[1])), int(generator.integers(shape[0])))
        size = int(generator.integers(1, max(shape)))
        if kind == 0:
            cv2.circle(image, place, size // 2, value, -1)
        elif kind == 1:
            cv2.rectangle(image, place, (place[0] + size, place[1] + 200), value, -1)
        elif kind == 2:
            cv2.ellipse(image, (0, place[1]), (size // 2 + 1, size // 2 + 5), 0, 0, 360, value, -1)
        elif kind == 3:
            cv2.line(image, place, (0, 0), value, int(generator.integers(1, 40)))
        else:
            cloud = cv2.GaussianBlur(generator.random(shape, dtype=np.float32), (0, 0), float(generator.choice([1, 9])))
            image += value * cloud
    if generator.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), float(generator.choice([0.5, 3, 15])))
    return np.clip(image, 0, 1).astype(np.float32)


@pytest.mark.parametrize("batch", range(4))
def test_odd_images_are_measured_or_refused(batch: int) -> None:
    generator = np.random.default_rng(100 + batch)
    measured, reasons = 0, set()
    for _ in range(25):
        spacing, view = float(generator.choice([0.2, 0.3, 0.5])), str(generator.choice(["CC", "MLO"]))
        mammogram = Mammogram(odd_image(generator), spacing, "L", view, "film")
        try:
            found = measures(segment(mammogram))
        except UnusableRecording as refused:
            reasons.add(refused.reason)
            continue
        assert np.isfinite(list(found.values())).all()
        measured += 1
    assert measured > 0
    assert reasons <= REASONS
