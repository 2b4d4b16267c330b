"""The chest wall is found in the image, comes to the left, and images without a breast are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from breast.dicom_files import breast_values, mammogram_dataset, recording, save
from presage.breast import Mammogram, read_mammogram
from presage.cohort import UnusableRecording

LEFT = breast_values(128, 100)
ROW = {"laterality": "L", "view": "MLO", "spacing_mm": "0.2", "origin": "film"}


def dicom(tmp_path: Path, values: NDArray[Any], **elements: Any) -> Mammogram:
    return read_mammogram(recording(save(mammogram_dataset(values, **elements), tmp_path / "image")))


def pgm(tmp_path: Path, values: NDArray[Any], **attributes: str) -> Mammogram:
    values = (values >> 4).astype(np.uint8)
    path = tmp_path / "image.pgm"
    path.write_bytes(b"P5\n%d %d\n255\n" % (values.shape[1], values.shape[0]) + values.tobytes())
    return read_mammogram(recording(path, **{**ROW, **attributes}))


def test_a_right_breast_is_mirrored(tmp_path: Path) -> None:
    left, right = dicom(tmp_path, LEFT), dicom(tmp_path, LEFT[:, ::-1], laterality="R")
    assert (left.flipped, right.flipped) == (False, True)
    assert (left.laterality, right.laterality) == ("L", "R")
    assert np.array_equal(left.pixels, right.pixels)


@pytest.mark.parametrize("said", [["A", "R"], ["P", "R"], None])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_image_overrules_the_header(tmp_path: Path, said: list[str] | None, mirrored: bool) -> None:
    image = dicom(tmp_path, LEFT[:, ::-1] if mirrored else LEFT, PatientOrientation=said)
    assert image.flipped is mirrored
    assert np.array_equal(image.pixels, dicom(tmp_path, LEFT).pixels)


@pytest.mark.parametrize("laterality", ["L", "R"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_raster_files_of_either_hanging(tmp_path: Path, laterality: str, mirrored: bool) -> None:
    image = pgm(tmp_path, LEFT[:, ::-1] if mirrored else LEFT, laterality=laterality)
    assert image.flipped is mirrored
    assert image.laterality == laterality
    assert np.array_equal(image.pixels, pgm(tmp_path, LEFT).pixels)


@pytest.mark.parametrize(
    ("laterality", "view", "down", "turned"),
    [
        ("L", "MLO", "F", False),
        ("L", "MLO", "FL", False),
        ("L", "MLO", "H", True),
        ("R", "MLO", "HR", True),
        ("L", "CC", "R", False),
        ("L", "CC", "L", True),
        ("R", "CC", "L", False),
        ("R", "CC", "R", True),
    ],
)
def test_head_and_outer_side_come_up(tmp_path: Path, laterality: str, view: str, down: str, turned: bool) -> None:
    values = LEFT.copy()
    values[20:26, 4:20] = 4000  # something that tells top from bottom
    across = "A" if laterality == "L" else "P"
    stored = values if laterality == "L" else values[:, ::-1]
    image = dicom(tmp_path, stored, laterality=laterality, view=view, PatientOrientation=[across, down])
    expected = values[::-1] if turned else values
    assert np.array_equal(image.pixels, (np.rint(expected / 4095 * 65535) / 65535).astype(np.float32))


def test_when_the_image_is_unclear_the_header_decides(tmp_path: Path) -> None:
    y, x = np.mgrid[0:100, 0:80]
    band = np.where(np.abs(y - 50) < 30, 2000 + (x * 7 + y * 13) % 500, 0).astype(np.uint16)
    band[30:40, 5:9] = 3900
    for across, flipped in (("A", False), ("P", True)):
        assert dicom(tmp_path, band, PatientOrientation=[across, "R"]).flipped is flipped


@pytest.mark.parametrize("mirrored", [False, True])
def test_padding_beyond_the_chest_wall_is_cut_off(tmp_path: Path, mirrored: bool) -> None:
    padded = np.pad(LEFT, ((0, 0), (37, 20)))
    image = pgm(tmp_path, padded[:, ::-1] if mirrored else padded)
    assert image.pixels.shape[1] in range(LEFT.shape[1] + 20 - 1, LEFT.shape[1] + 20 + 1)
    assert (image.pixels[:, 0] > 0).mean() > 0.3


def test_labels_and_bright_film_edges_do_not_mislead(tmp_path: Path) -> None:
    values = LEFT.copy()
    values[3:15, 80:97] = 4095  # a label beside the breast
    values[:, 98:] = 4095  # an unexposed film edge
    assert pgm(tmp_path, values).flipped is False
    assert pgm(tmp_path, values[:, ::-1]).flipped is True


def hand() -> NDArray[np.uint16]:
    """Palm and four fingers on a forearm that leaves the image at the bottom."""
    y, x = np.mgrid[0:160, 0:120]
    shape = (x - 60) ** 2 + (y - 100) ** 2 < 28**2
    for finger in range(4):
        shape |= (np.abs(x - (40 + 14 * finger)) < 5) & (y > 20) & (y < 100)
    shape |= (np.abs(x - 60) < 15) & (y >= 100)
    return np.where(shape, 2500 + (x * 5 + y * 11) % 900, 0).astype(np.uint16)


def noise(level: int) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, level, (128, 100)).astype(np.uint16)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.zeros((128, 100), np.uint16), "blank image"),
        (np.full((128, 100), 1234, np.uint16), "blank image"),
        (hand(), "no breast found"),
        (np.pad(np.full((6, 6), 4000, np.uint16), 60), "no breast found"),
        ((4095 - LEFT).astype(np.uint16), "background brighter than the breast"),
    ],
)
def test_images_without_a_breast(tmp_path: Path, values: NDArray[np.uint16], expected: str) -> None:
    with pytest.raises(UnusableRecording) as refused:
        dicom(tmp_path, values)
    assert refused.value.reason == expected
    assert refused.value.where


@pytest.mark.parametrize("spread", [0, 3])
def test_an_unexposed_detector_with_noise_is_no_breast(tmp_path: Path, spread: int) -> None:
    with pytest.raises(UnusableRecording):
        dicom(tmp_path, noise(5 + spread) + np.uint16(2000))


@pytest.mark.parametrize("side", [128, 1024, 3000])
def test_any_size(tmp_path: Path, side: int) -> None:
    values = breast_values(side, side * 3 // 4)
    image = dicom(tmp_path, values[:, ::-1], laterality="R")
    assert image.flipped
    assert image.pixels.shape == values.shape


def png(tmp_path: Path, array: NDArray[Any], suffix: str = ".png") -> Path:
    path = tmp_path / f"image{suffix}"
    Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_png_and_tiff(tmp_path: Path, suffix: str, bits: int) -> None:
    values = breast_values(128, 100, bits=bits).astype(np.uint8 if bits == 8 else np.uint16)
    found = read_mammogram(recording(png(tmp_path, values, suffix), **ROW))
    expected = values.astype(np.float64) / ((1 << bits) - 1)
    assert np.abs(found.pixels - expected).max() <= 0.5 / 65535 + 1e-7
    assert (found.origin, found.spacing_mm) == ("film", 0.2)


def test_pgm_of_sixteen_bits_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "image.pgm"
    path.write_bytes(b"P5\n# made by a scanner\n100 128\n4095\n" + LEFT.astype(">u2").tobytes())
    found = read_mammogram(recording(path, **ROW))
    assert np.abs(found.pixels - LEFT / 4095).max() <= 0.5 / 65535 + 1e-7


def test_stated_bits(tmp_path: Path) -> None:
    path = png(tmp_path, LEFT)
    found = read_mammogram(recording(path, **ROW, bits="14"))
    assert found.pixels.max() == pytest.approx(LEFT.max() / 16383, abs=1e-4)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path, **ROW, bits="10"))
    assert refused.value.reason == "grey levels beyond the stated bits"


def colour() -> NDArray[np.uint8]:
    grey = (LEFT >> 4).astype(np.uint8)
    return np.dstack([grey, grey, grey])


def test_grey_in_three_channels_is_read_and_colour_refused(tmp_path: Path) -> None:
    values = colour()
    assert read_mammogram(recording(png(tmp_path, values), **ROW)).pixels.shape == LEFT.shape
    values[5, 5] = (255, 0, 0)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(png(tmp_path, values), **ROW))
    assert refused.value.reason == "not a grey-level image"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"laterality": ""}, "laterality missing"),
        ({"view": ""}, "view missing"),
        ({"view": "ML"}, "view ML"),
        ({"spacing_mm": ""}, "no pixel spacing"),
        ({"spacing_mm": "200"}, "absurd pixel spacing"),
        ({"spacing_mm": "nan"}, "absurd pixel spacing"),
        ({"origin": "for-processing"}, "raw image in a raster file"),
        ({"origin": "paper"}, "origin paper"),
    ],
)
def test_columns_of_a_raster_file(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(png(tmp_path, LEFT), **{**ROW, **change}))
    assert refused.value.reason == expected
    assert refused.value.cure


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_truncated_raster_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "image.pgm" if suffix == ".pgm" else png(tmp_path, LEFT, suffix)
    if suffix == ".pgm":
        path.write_bytes(b"P5 100 128 4095\n" + LEFT.astype(">u2").tobytes())
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path, **ROW))
    assert refused.value.reason in ("truncated file", "damaged image file")


def test_a_raster_file_of_absurd_size(tmp_path: Path) -> None:
    path = tmp_path / "image.pgm"
    path.write_bytes(b"P5 100000 100000 255\n" + bytes(100))
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path, **ROW))
    assert refused.value.reason == "absurd image size"


@pytest.mark.data
def test_all_mini_mias_films(research_data: Path) -> None:
    """Each of the films shows by itself the side that its number says, and none is taken for something else."""
    films = sorted((research_data / "mini_mias").glob("mdb*.pgm"))
    assert films
    for film in films:
        odd = int(film.stem[3:]) % 2
        # The stated laterality is wrong on purpose: the image must overrule it.
        image = read_mammogram(recording(film, **{**ROW, "laterality": "L" if odd else "R"}))
        assert image.flipped is bool(odd), film.name
        assert image.pixels.shape[0] == 1024
        assert (image.pixels[:, :8].max(axis=1) > 0.1).mean() > 0.3, film.name
