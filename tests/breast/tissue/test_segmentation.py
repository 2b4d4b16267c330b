"""Outline, pectoral muscle and dense tissue against drawn truth, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from presage.breast.mammogram import Mammogram
from presage.breast.tissue import segment
from presage.cohort import UnusableRecording

from .pictures import draw, hand, overlap


@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("background", [0.0, 0.04])
@pytest.mark.parametrize("padding", [0, 150])
def test_outline_muscle_and_gland_are_found(view: str, background: float, padding: int) -> None:
    drawn = draw(view=view, background=background, padding=padding)
    tissue = segment(drawn.mammogram)
    whole = tissue.breast | tissue.pectoral
    assert overlap(whole, drawn.breast) > 0.97
    assert overlap(tissue.dense, drawn.gland) > 0.9
    if view == "MLO":
        assert overlap(tissue.pectoral, drawn.muscle) > 0.9
        assert tissue.flags == ()
    else:
        assert not tissue.pectoral.any()


def test_masks_and_areas_agree_with_each_other() -> None:
    drawn = draw()
    tissue = segment(drawn.mammogram)
    assert tissue.image.dtype == np.float32
    assert not (tissue.breast & tissue.pectoral).any()
    assert not (tissue.dense & ~tissue.breast).any()
    assert not tissue.image[~(tissue.breast | tissue.pectoral)].any()
    assert not tissue.even[~tissue.breast].any()
    assert tissue.breast_area_cm2 == pytest.approx(tissue.breast.sum() * 0.0016)
    assert tissue.percent_density == pytest.approx(100 * tissue.dense.sum() / tissue.breast.sum())
    true_area = (drawn.breast & ~drawn.muscle).sum() * 0.0004
    assert tissue.breast_area_cm2 == pytest.approx(true_area, rel=0.04)


def test_percent_density_follows_the_gland() -> None:
    found = [segment(draw(gland_mm=size).mammogram).percent_density for size in (4, 12, 20, 30)]
    assert found == sorted(found)
    assert found[0] < 5
    assert found[-1] > 20


@pytest.mark.parametrize("gap", [1.0, 4.0, 12.0])
def test_a_label_beside_the_breast_is_no_breast(gap: float) -> None:
    plain, labelled = draw(), draw(label_gap_mm=gap)
    tissue = segment(labelled.mammogram)
    assert overlap(tissue.breast | tissue.pectoral, plain.breast) > 0.965
    assert tissue.image[25:70].max() < 0.92


def test_tape_across_the_top_is_no_breast() -> None:
    drawn = draw(tape=True, background=0.02)
    tissue = segment(drawn.mammogram)
    assert overlap(tissue.breast | tissue.pectoral, drawn.breast) > 0.96


def test_a_view_without_muscle_is_flagged() -> None:
    without = replace(draw(view="CC").mammogram, view="MLO")
    tissue = segment(without)
    assert tissue.flags == ("pectoral line not found",)
    assert not tissue.pectoral.any()


@pytest.mark.parametrize("spacing", [0.1, 0.25, 0.5])
def test_the_files_own_spacing_does_not_matter(spacing: float) -> None:
    side = (round(200 / spacing), round(160 / spacing))
    tissue = segment(draw(spacing_mm=spacing, shape=side).mammogram)
    usual = segment(draw().mammogram)
    assert tissue.image.shape == usual.image.shape
    assert tissue.breast_area_cm2 == pytest.approx(usual.breast_area_cm2, rel=0.03)
    assert tissue.percent_density == pytest.approx(usual.percent_density, abs=2)


def test_the_working_grid_may_be_finer_or_coarser() -> None:
    drawn = draw()
    for spacing in (0.3, 0.8):
        tissue = segment(drawn.mammogram, spacing_mm=spacing)
        assert tissue.spacing_mm == spacing
        assert overlap(tissue.breast | tissue.pectoral, drawn.breast) > 0.96
        assert overlap(tissue.dense, drawn.gland) > 0.85


def test_equal_images_give_equal_masks() -> None:
    first, second = (segment(draw().mammogram) for _ in range(2))
    for name in ("image", "even", "breast", "pectoral", "dense", "skin_mm"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def _plain(value: float) -> Mammogram:
    return Mammogram(np.full((1000, 800), value, dtype=np.float32), 0.2, "L", "MLO", "film")


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_black_or_uniform_image_is_refused(value: float) -> None:
    with pytest.raises(UnusableRecording, match="black or uniform") as refusal:
        segment(_plain(value))
    assert refusal.value.reason == "no breast found"
    assert refusal.value.cure


def test_noise_a_hand_and_a_breast_on_the_wrong_side_are_refused() -> None:
    noise = Mammogram(np.random.default_rng(3).random((1000, 800), dtype=np.float32), 0.2, "L", "CC", "film")
    drawn = draw(view="CC").mammogram
    mirrored = replace(drawn, pixels=np.ascontiguousarray(drawn.pixels[:, ::-1]))
    for wrong in (noise, hand(), mirrored):
        with pytest.raises(UnusableRecording) as refusal:
            segment(wrong)
        assert refusal.value.reason == "no breast found"


def test_sizes_that_no_mammogram_has_are_refused() -> None:
    drawn = draw().mammogram
    for spacing in (0.002, 4.0):
        with pytest.raises(UnusableRecording, match="mm") as refusal:
            segment(replace(drawn, spacing_mm=spacing))
        assert refusal.value.reason == "size is not that of a mammogram"
    for spacing in (0.0, float("nan")):
        with pytest.raises(UnusableRecording) as refusal:
            segment(replace(drawn, spacing_mm=spacing))
        assert refusal.value.reason == "no pixel spacing"
    with pytest.raises(UnusableRecording, match="shape"):
        segment(replace(drawn, pixels=np.zeros((10, 10, 3), dtype=np.float32)))


def test_a_single_bad_pixel_is_refused() -> None:
    drawn = draw().mammogram
    pixels = drawn.pixels.copy()
    pixels[500, 100] = np.nan
    with pytest.raises(UnusableRecording, match="NaN"):
        segment(replace(drawn, pixels=pixels))
