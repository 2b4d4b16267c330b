"""Tissue measures: what each must do on drawn textures of known structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from presage.breast.tissue import MEASURE_NAMES, Tissue, measures, segment
from presage.breast.tissue.measures import nipple
from presage.breast.tissue.texture import (
    band_measures,
    lacunarity,
    pair_measures,
    ridge_measures,
    roughness_dimension,
    spectrum_exponent,
)

from .pictures import draw


def field(exponent: float, side: int = 256, seed: int = 0) -> NDArray[np.float32]:
    """A random field whose power falls as 1 / frequency^exponent, mean 0.5, deviation 0.1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((side, side)))
    plane = np.fft.irfft2(noise / frequency ** (exponent / 2), s=(side, side))
    plane -= plane.mean()
    return (0.5 + 0.1 * plane / plane.std()).astype(np.float32)


WHOLE = np.ones((256, 256), dtype=bool)
DEPTH = np.fromfunction(lambda r, c: 128.0 - np.hypot(r - 128, c - 128), (256, 256)).astype(np.float32)


def test_names_are_those_given_and_all_are_finite() -> None:
    found = measures(segment(draw().mammogram))
    assert tuple(found) == MEASURE_NAMES
    assert len(set(MEASURE_NAMES)) == len(MEASURE_NAMES)
    assert np.isfinite(list(found.values())).all()


def test_density_measures_agree_with_the_tissue() -> None:
    tissue = segment(draw().mammogram)
    found = measures(tissue)
    assert found["percent_density"] == tissue.percent_density
    assert found["breast_area_cm2"] == tissue.breast_area_cm2
    names = [f"percent_density_{contrast}" for contrast in ("0.08", "0.12", "0.2", "0.25", "0.3")]
    assert [found[name] for name in names] == sorted((found[name] for name in names), reverse=True)
    assert found["percent_density_0.12"] >= found["percent_density"] >= found["percent_density_0.2"]


def test_a_breast_without_dense_tissue_has_finite_measures() -> None:
    tissue = segment(draw(gland_mm=0, view="CC").mammogram)
    empty = replace(tissue, dense=np.zeros_like(tissue.dense), dense_area_cm2=0.0, percent_density=0.0)
    found = measures(empty)
    assert np.isfinite(list(found.values())).all()
    assert found["largest_dense_share"] == 0
    assert found["median_over_muscle"] == 0


@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0])
def test_spectrum_exponent_recovers_the_power_law(exponent: float) -> None:
    found = [spectrum_exponent(field(exponent, seed=seed), DEPTH, 0.4) for seed in range(4)]
    assert np.mean(found) == pytest.approx(exponent, abs=0.25)


def test_roughness_falls_with_the_exponent() -> None:
    found = [roughness_dimension(field(exponent), WHOLE, 0.4) for exponent in (1.5, 2.5, 3.5)]
    assert found == sorted(found, reverse=True)
    # A Brownian surface (exponent 3, Hurst 0.5) has dimension 2.5.
    assert roughness_dimension(field(3.0, side=512), np.ones((512, 512), dtype=bool), 0.4) == pytest.approx(
        2.5, abs=0.15
    )


def test_pairs_of_a_chessboard_equal_haralicks_by_hand() -> None:
    board = np.where(np.indices((64, 64)).sum(axis=0) % 2, 0.25, 0.75).astype(np.float32)
    found = pair_measures(board, np.ones((64, 64), dtype=bool), 1.6)
    # One pixel apart: rows and columns always differ (6 against 18 of 24 classes), diagonals never do.
    same, different = 2 * 63 * 63, 2 * 64 * 63
    share = different / (same + different)
    assert found["pairs_contrast_1.6mm"] == pytest.approx(share * 12**2)
    assert found["pairs_homogeneity_1.6mm"] == pytest.approx((1 - share) + share / 145)
    assert found["pairs_correlation_1.6mm"] == pytest.approx(1 - 2 * share, abs=1e-3)


def test_pairs_outside_the_breast_do_not_count() -> None:
    image = field(2.0)
    core = WHOLE.copy()
    core[:, 128:] = False
    other = image.copy()
    other[:, 128:] = 0.9
    assert pair_measures(image, core, 0.4) == pair_measures(other, core, 0.4)


def test_ridges_answer_to_bright_strands_and_not_to_dark_ones() -> None:
    strands = np.full((256, 256), 0.4, dtype=np.float32)
    strands[:, ::24] = strands[:, 1::24] = strands[:, 2::24] = 0.7
    bright = ridge_measures(strands, WHOLE, 0.4)
    dark = ridge_measures(0.8 - strands, WHOLE, 0.4)
    flat = ridge_measures(np.full_like(strands, 0.4), WHOLE, 0.4)
    assert bright["ridge_1.2mm"] > 1.3 * dark["ridge_1.2mm"]
    assert flat["ridge_1.2mm"] == pytest.approx(0, abs=1e-6)
    assert 0 < bright["ridge_share_1.2mm"] < 1


def test_bands_answer_to_structure_of_their_size() -> None:
    position = np.arange(256) * 0.4
    fine = (0.5 + 0.1 * np.sin(2 * np.pi * position / 2.0)[None, :] * np.ones((256, 1))).astype(np.float32)
    coarse = (0.5 + 0.1 * np.sin(2 * np.pi * position / 25.0)[None, :] * np.ones((256, 1))).astype(np.float32)
    assert band_measures(fine, WHOLE, 0.4)["band_0.6mm"] > band_measures(coarse, WHOLE, 0.4)["band_0.6mm"] + 1
    assert band_measures(coarse, WHOLE, 0.4)["band_9.6mm"] > band_measures(fine, WHOLE, 0.4)["band_9.6mm"] + 1


def test_lacunarity_is_that_of_clumps() -> None:
    breast = np.ones((240, 240), dtype=np.uint8)
    even = (np.random.default_rng(0).random((240, 240)) < 0.25).astype(np.uint8)
    clumped = np.zeros_like(even)
    clumped[:120, :120] = 1
    assert lacunarity(even, breast, 0.4, 5.0) == pytest.approx(0, abs=0.05)
    # A quarter full, the rest empty: second moment 1/4, squared mean 1/16.
    assert lacunarity(clumped, breast, 0.4, 4.0) == pytest.approx(np.log(4), abs=0.02)


def test_nipple_is_the_point_furthest_from_the_wall() -> None:
    tissue = segment(draw(view="CC").mammogram)
    row, column = nipple(tissue)
    assert row * 0.4 == pytest.approx(100, abs=6)
    assert column * 0.4 == pytest.approx(75, abs=3)


def test_gland_nearer_the_nipple_is_told_from_gland_at_the_wall() -> None:
    tissue = segment(draw(view="CC").mammogram)

    def moved(distance: int) -> Tissue:
        even = np.where(tissue.breast, np.float32(tissue.fat), np.float32(0))
        even[200:300, 20 + distance : 60 + distance] = tissue.fat + 0.3
        return replace(tissue, even=np.where(tissue.breast, even, 0).astype(np.float32))

    assert measures(moved(100))["dense_nearness"] < measures(moved(0))["dense_nearness"]
