"""Operating points and decisions, against textbook numbers and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from slow_definitions import two_scores

from presage import stats


def test_the_threshold_keeps_the_specificity_and_no_lower_one_does():
    for seed in range(20):
        cases, scores = two_scores(80, seed)
        score = scores[1]
        point = stats.sensitivity_at_specificity(cases, score, 0.9)
        assert (score[~cases] <= point.threshold).mean() >= 0.9
        lower = score[~cases][score[~cases] < point.threshold]
        if len(lower):
            assert (score[~cases] <= lower.max()).mean() < 0.9
        assert point.sensitivity.value == (score[cases] > point.threshold).mean()
        assert point.specificity.value == (score[~cases] <= point.threshold).mean()


def test_the_reverse_keeps_the_sensitivity():
    for seed in range(20):
        cases, scores = two_scores(80, seed)
        score = scores[1]
        point = stats.specificity_at_sensitivity(cases, score, 0.8)
        assert point.sensitivity.value == (score[cases] > point.threshold).mean() >= 0.8
        assert point.specificity.value == (score[~cases] <= point.threshold).mean()


def test_the_quick_bootstrap_has_the_law_of_the_plain_one():
    cases, scores = two_scores(120, 4, decimals=6)
    score, random = scores[1], np.random.default_rng(0)
    sick, well = score[cases], score[~cases]
    rank = int(np.ceil(0.8 * len(well)))
    z = scipy_stats.norm.ppf(0.975)
    plain = []
    for _ in range(4000):
        drawn, threshold = random.choice(sick, len(sick)), np.sort(random.choice(well, len(well)))[rank - 1]
        plain.append(((drawn > threshold).sum() + z**2 / 2) / (len(sick) + z**2))
    point = stats.sensitivity_at_specificity(cases, score, 0.8, replicates=4000)
    half = z * np.std(plain, ddof=1)
    assert point.sensitivity.low == pytest.approx(np.mean(plain) - half, abs=0.012)
    assert point.sensitivity.high == pytest.approx(np.mean(plain) + half, abs=0.012)


def test_exact_and_wilson_intervals():
    # Newcombe RG (1998) Statistics in Medicine 17:857-872, Table I: 81 of 263.
    exact, wilson = stats.proportion(81, 263), stats.proportion(81, 263, method="wilson")
    assert (round(exact.low, 4), round(exact.high, 4)) == (0.2527, 0.3676)
    assert (round(wilson.low, 4), round(wilson.high, 4)) == (0.2553, 0.3662)
    none = stats.proportion(0, 20)
    assert (none.low, round(none.high, 4)) == (0, 0.1684)


def test_likelihood_ratios_and_predictive_values_at_a_prevalence():
    cases = np.repeat([1, 0], [100, 200])
    positive = np.concatenate([np.repeat([1, 0], [80, 20]), np.repeat([1, 0], [20, 180])])
    found = stats.accuracy(cases, positive, prevalence=0.01)
    assert (found.true_positive, found.false_negative, found.false_positive, found.true_negative) == (80, 20, 20, 180)
    assert found.positive_likelihood_ratio.value == pytest.approx(8)
    error = np.sqrt(1 / 80 - 1 / 100 + 1 / 20 - 1 / 200)
    assert found.positive_likelihood_ratio.high == pytest.approx(8 * np.exp(1.959964 * error), rel=1e-6)
    assert found.negative_likelihood_ratio.value == pytest.approx(0.2 / 0.9)
    bayes = 0.8 * 0.01 / (0.8 * 0.01 + 0.1 * 0.99)
    assert found.positive_predictive_value.value == pytest.approx(bayes)
    assert found.negative_predictive_value.value == pytest.approx(0.9 * 0.99 / (0.9 * 0.99 + 0.2 * 0.01))
    for value in (found.positive_predictive_value, found.negative_predictive_value):
        assert value.low < value.value < value.high


def test_empty_cells_stay_finite():
    found = stats.accuracy([1, 1, 0, 0], [1, 1, 0, 0])
    ratios = found.positive_likelihood_ratio, found.negative_likelihood_ratio
    assert all(np.isfinite([r.value, r.low, r.high]).all() for r in ratios)


@pytest.mark.parametrize("share", [0, 1, -0.1, 90])
def test_a_percentage_is_not_a_share(share):
    with pytest.raises(stats.StatsError, match="between 0 and 1"):
        stats.sensitivity_at_specificity([1, 0, 1, 0], [1, 2, 3, 4], share)


def test_several_rows_per_patient_widen_the_interval_of_a_sensitivity():
    random = np.random.default_rng(4)
    patients = np.repeat(np.arange(120), 4)
    cases = (patients % 2).astype(int)
    score = 2 * random.normal(size=120)[patients] + 0.3 * random.normal(size=480) + cases
    rows = stats.sensitivity_at_specificity(cases, score, 0.8)
    people = stats.sensitivity_at_specificity(cases, score, 0.8, patients=patients)
    assert people.threshold == rows.threshold
    assert people.sensitivity.value == rows.sensitivity.value
    width = people.sensitivity.high - people.sensitivity.low
    # Four nearly equal rows hold about the information of one: the interval is up to twice as long.
    assert 1.4 < width / (rows.sensitivity.high - rows.sensitivity.low) < 2.5
    alone = stats.sensitivity_at_specificity(cases[::4], score[::4], 0.8, patients=patients[::4]).sensitivity
    exact = stats.sensitivity_at_specificity(cases[::4], score[::4], 0.8).sensitivity
    assert alone.high - alone.low == pytest.approx(exact.high - exact.low, abs=0.12)
