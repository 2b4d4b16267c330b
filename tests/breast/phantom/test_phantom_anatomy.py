"""Breasts, tissue and texture: what is drawn has the shape, the density and the spectrum that it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from presage.breast.phantom import draw_women, spectral_exponent
from presage.breast.phantom.fields import power_law_noise
from presage.breast.phantom.parenchyma import Pattern
from presage.breast.phantom.picture import make_anatomy, make_picture
from presage.breast.phantom.shape import Build, detector_shape, place_breast
from presage.cohort import InputError

SPACING = 0.4
WOMEN = draw_women(24, 9)


def left(woman, **changes):
    return replace(woman, laterality="L", **changes)


@pytest.mark.parametrize("exponent", [2.0, 2.5, 3.0, 3.5])
def test_noise_has_the_exponent_asked_for(exponent):
    noise = power_law_noise(np.random.default_rng(1), (600, 500), 0.2, exponent)
    assert noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0, abs=1e-3)
    assert noise.std() == pytest.approx(1, abs=1e-3)
    assert spectral_exponent(noise, np.ones(noise.shape, bool), 0.2) == pytest.approx(exponent, abs=0.12)


def test_exponent_of_white_noise_is_zero():
    noise = np.random.default_rng(2).standard_normal((500, 500))
    assert spectral_exponent(noise, np.ones(noise.shape, bool), 0.2) == pytest.approx(0, abs=0.1)


def test_exponent_needs_room():
    with pytest.raises(InputError, match="fits inside"):
        spectral_exponent(np.zeros((200, 200)), np.zeros((200, 200), bool), 0.2)


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_breast_lies_at_the_chest_wall(view):
    build = Build.draw(np.random.default_rng(3))
    breast = place_breast(build, view, SPACING, np.random.default_rng(4))
    assert breast.mask.shape[0] == detector_shape(build, SPACING)[0]
    assert breast.mask[:, 0].sum() > 0.4 * breast.mask.shape[0]
    assert not breast.mask[:, -1].any()
    if view == "CC":
        assert not breast.mask[0].any()
        assert not breast.mask[-1].any()
        assert not breast.muscle.any()
    else:
        assert breast.mask[0, 0]
        share = (breast.muscle > 0.2).sum() / breast.mask.sum()
        assert 0.02 < share < 0.4
        assert breast.muscle[0, 2] > 0.2


def test_thickness_rolls_off_at_the_skin():
    build = Build.draw(np.random.default_rng(5))
    breast = place_breast(build, "CC", SPACING, np.random.default_rng(6))
    assert breast.thickness_mm.max() == pytest.approx(build.thickness_mm, rel=1e-3)
    near = (breast.depth_below_skin_mm > 0) & (breast.depth_below_skin_mm < 2)
    deep = breast.depth_below_skin_mm > 0.5 * build.thickness_mm
    assert breast.thickness_mm[near].mean() < 0.55 * build.thickness_mm
    assert breast.thickness_mm[deep].min() == pytest.approx(build.thickness_mm, rel=1e-3)
    assert (breast.thickness_mm[~breast.mask] == 0).all()
    assert breast.skin_mm[near].mean() > breast.skin_mm[deep].mean()


def test_breasts_have_the_sizes_of_breasts():
    builds = [Build.draw(np.random.default_rng([10, i])) for i in range(300)]
    depth = np.array([b.depth_mm for b in builds])
    thickness = np.array([b.thickness_mm for b in builds])
    assert depth.mean() == pytest.approx(88, abs=4)
    assert thickness.mean() == pytest.approx(56, abs=4)
    assert ((thickness >= 28) & (thickness <= 85)).all()
    assert np.corrcoef(depth, thickness)[0, 1] > 0.4


@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("texture", [-1.5, 1.5])
def test_percent_density_is_met_whatever_the_texture(view, texture):
    for density in (-1.5, 0.0, 1.5):
        woman = replace(WOMEN[0], texture=texture, density=density)
        breast, tissue, _ = make_anatomy(woman, view, 9, SPACING)
        counted = breast.mask & (breast.muscle < 0.1)
        assert tissue.dense[counted].mean() == pytest.approx(woman.percent_density, abs=0.005)
        assert not tissue.dense[breast.muscle > 0.3].any()
        assert tissue.glandular.min() >= 0
        assert tissue.glandular.max() <= 1


def test_pattern_keeps_the_variance():
    for texture in np.linspace(-4, 4, 9):
        pattern = Pattern.of(float(texture))
        assert pattern.lumps**2 + pattern.streaks**2 == pytest.approx(1)
        assert 2.3 < pattern.exponent < 3.8
    assert Pattern.of(1.0).strands > Pattern.of(-1.0).strands


def test_gland_lies_towards_the_nipple():
    nearer = []
    for woman in WOMEN[:8]:
        breast, tissue, _ = make_anatomy(woman, "CC", 9, 0.8)
        nearer.append(breast.radius_mm[tissue.dense].mean() < breast.radius_mm[breast.mask].mean())
    assert sum(nearer) >= 7


def exponents(texture: float) -> list[float]:
    found = []
    for woman in WOMEN[:8]:
        changed = left(woman, texture=texture, density=0.0)
        breast, _, _ = make_anatomy(changed, "CC", 9, 0.25)
        picture = make_picture(changed, "CC", 9, 0.25)[:, : breast.mask.shape[1]]
        found.append(spectral_exponent(picture, breast.depth_below_skin_mm > 5, 0.25))
    return found


def test_pictures_have_the_spectrum_of_mammograms():
    # Chen et al. 2012: 3.17 (SD 0.23) in CC. The mean of 8 made-up CC pictures, noise and processing included.
    assert np.mean(exponents(0.0)) == pytest.approx(3.1, abs=0.3)


def test_texture_steepens_the_spectrum():
    assert np.mean(exponents(1.5)) - np.mean(exponents(-1.5)) > 0.3


def test_texture_does_not_show_in_trivial_cues():
    """The same women with their texture turned round: grey, area and share of bright pixels stay."""
    for view in ("CC", "MLO"):
        changes = []
        for woman in WOMEN[:12]:
            pair = [make_picture(left(woman, texture=t), view, 9, 0.8) for t in (-1.2, 1.2)]
            inside = [p > 0.1 for p in pair]
            changes.append(
                [
                    pair[1][inside[1]].mean() / pair[0][inside[0]].mean() - 1,
                    inside[1].sum() / inside[0].sum() - 1,
                    (pair[1][inside[1]] > 0.5).mean() - (pair[0][inside[0]] > 0.5).mean(),
                ]
            )
        grey, area, bright = np.abs(np.mean(changes, axis=0))
        assert grey < 0.03
        assert area < 0.02
        assert bright < 0.03


def test_views_are_two_realisations_of_one_woman():
    woman = left(WOMEN[1])
    assert make_picture(woman, "CC", 9, 1.0).shape == make_picture(woman, "MLO", 9, 1.0).shape
    assert np.array_equal(make_picture(woman, "CC", 9, 1.0), make_picture(woman, "CC", 9, 1.0))
    assert not np.array_equal(make_picture(woman, "CC", 9, 1.0), make_picture(woman, "CC", 10, 1.0))


def test_right_breasts_are_stored_mirrored_with_readable_letters():
    picture = make_picture(replace(WOMEN[2], laterality="R"), "CC", 9, 0.5)
    assert picture[:, -3:].mean() > picture[:, :3].mean()
    rows = round(20 / 0.5)
    assert picture[:rows, : picture.shape[1] // 3].max() > 0.9
