"""The latent model is what it says: an oracle of 0.80, density of 0.54, and nothing else that tells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import norm, rankdata

from presage.breast.phantom.risk import (
    DENSITY_SHIFT,
    TEXTURE_SHIFT,
    draw_latents,
    draw_women,
    oracle_risk,
    percent_density,
)
from presage.cohort import InputError


def area_under_curve(outcome, score) -> float:
    ranks = rankdata(score)
    cases = np.asarray(outcome) == 1
    n_cases, n_controls = cases.sum(), (~cases).sum()
    return float((ranks[cases].sum() - n_cases * (n_cases + 1) / 2) / (n_cases * n_controls))


def test_closed_form():
    assert ndtr(np.hypot(TEXTURE_SHIFT, DENSITY_SHIFT) / np.sqrt(2)) == pytest.approx(0.80, abs=1e-12)
    assert ndtr(DENSITY_SHIFT / np.sqrt(2)) == pytest.approx(0.54, abs=1e-12)


def test_independent_draws_agree_with_the_closed_form():
    outcome, texture, density = draw_latents(50_000, 50_000, np.random.default_rng(7), stratified=False)
    # The standard error of an AUC of 0.8 is 0.0014 here.
    assert area_under_curve(outcome, oracle_risk(texture, density)) == pytest.approx(0.80, abs=0.006)
    assert area_under_curve(outcome, percent_density(density)) == pytest.approx(0.54, abs=0.006)
    assert abs(np.corrcoef(texture[outcome == 1], density[outcome == 1])[0, 1]) < 0.02


def test_oracle_risk_is_calibrated():
    outcome, texture, density = draw_latents(50_000, 50_000, np.random.default_rng(8), stratified=False)
    risk = oracle_risk(texture, density)
    for low in (0.1, 0.3, 0.5, 0.7):
        there = (risk >= low) & (risk < low + 0.2)
        assert outcome[there].mean() == pytest.approx(risk[there].mean(), abs=0.015)


@pytest.mark.parametrize("seed", [0, 1, 2020])
def test_small_cohorts_are_near_the_population(seed):
    women = draw_women(226, seed)
    outcome = [w.cancer for w in women]
    assert sum(outcome) == 113
    assert area_under_curve(outcome, [w.oracle_risk for w in women]) == pytest.approx(0.80, abs=0.02)
    assert area_under_curve(outcome, [w.percent_density for w in women]) == pytest.approx(0.54, abs=0.01)
    shares = [sum(w.bi_rads_density == letter for w in women) / 226 for letter in "ABCD"]
    assert shares == pytest.approx([0.1, 0.4, 0.4, 0.1], abs=0.03)


def test_matched_women_share_what_must_not_tell():
    women = draw_women(60, 5)
    pairs: dict[str, list] = {}
    for woman in women:
        pairs.setdefault(woman.match_set, []).append(woman)
    assert len(pairs) == 30
    for pair in pairs.values():
        assert sorted(w.cancer for w in pair) == [0, 1]
        for name in ("age", "site", "vendor", "laterality"):
            assert len({getattr(w, name) for w in pair}) == 1


def test_order_and_names_say_nothing():
    women = draw_women(2000, 11)
    assert [w.patient_id for w in women] == sorted(w.patient_id for w in women)
    ranks = area_under_curve([w.cancer for w in women], [w.index for w in women])
    assert abs(ranks - 0.5) < 4 * np.sqrt(1 / (12 * 500)) * norm.ppf(0.84)


def test_density_falls_with_age():
    women = draw_women(2000, 3)
    assert np.corrcoef([w.age for w in women], [w.density for w in women])[0, 1] < -0.1


def test_same_seed_same_women():
    assert draw_women(20, 4) == draw_women(20, 4)
    assert draw_women(20, 4) != draw_women(20, 5)


@pytest.mark.parametrize("women", [0, 2, 7, -4])
def test_impossible_sizes_are_refused(women):
    with pytest.raises(InputError, match="even number"):
        draw_women(women, 0)
