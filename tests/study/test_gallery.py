from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from presage.cohort import InputError, Recording
from presage.study import Explanation
from presage.study.gallery import chosen, picture

RECORDING = Recording("p", "1", "slide", "p.bin")


def drawn(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    content = picture(Explanation(RECORDING, image.astype(np.uint8), heat.astype(np.float32)))
    assert content == picture(Explanation(RECORDING, image.astype(np.uint8), heat.astype(np.float32)))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_highest_cases_and_the_lowest_controls_are_shown() -> None:
    codes = [f"P{i}" for i in range(9)]
    cases = np.array([1, 0] * 4 + [1], dtype=bool)
    scores = np.array([5.0, 1, 3, 2, 4, 2, 2, 2, 5])
    assert chosen(codes, cases, scores) == ["P0", "P8", "P4", "P1", "P3", "P5"]
    assert chosen(codes[:2], cases[:2], scores[:2]) == ["P0", "P1"]


def test_red_raises_blue_lowers_and_nothing_stays_grey() -> None:
    image = np.full((40, 60), 100)
    heat = np.zeros((40, 60))
    heat[:20, :30], heat[20:, :30] = 1.0, -1.0
    sheet = drawn(image, heat)
    assert sheet.shape == (40, 2 * 60 + 8, 3)
    left, right = sheet[:, :60].astype(int), sheet[:, 68:].astype(int)
    assert (left == 100).all()
    assert right[5, 5, 0] > right[5, 5, 2] + 50
    assert right[30, 5, 2] > right[30, 5, 0] + 50
    assert (right[:, 30:] == 100).all()


def test_large_pictures_are_made_smaller_and_empty_borders_cut_off() -> None:
    image = np.zeros((2000, 1000))
    image[500:1500, 100:600] = 200
    sheet = drawn(image, np.zeros_like(image))
    assert sheet.shape[0] == 640
    assert (sheet > 100).mean() > 0.75
    assert drawn(np.zeros((10, 10)), np.zeros((10, 10))).shape == (10, 28, 3)


@pytest.mark.parametrize("heat", [np.zeros((3, 4)), np.full((4, 4), np.nan), np.zeros(16)])
def test_maps_that_do_not_fit_are_refused(heat: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"explain\(\) gave"):
        drawn(np.zeros((4, 4)), heat)
