"""DeLong against pROC's printed numbers, the pairwise definition, and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from MLstatkit import Delong_test
from slow_definitions import slow_placements, two_scores

from presage import stats
from presage.stats.binormal import obuchowski_mcclish_covariance
from presage.stats.discrimination import placements


@pytest.mark.data
def test_aucs_variances_and_covariances_of_proc(asah, reference):
    expected = reference("proc_asah")
    names = list(asah.scores)
    aucs, covariance = stats.delong(asah.poor, np.stack(list(asah.scores.values())))
    for name, value in expected["auc"].items():
        assert aucs[names.index(name)] == pytest.approx(value, abs=1e-12)
    for name, value in expected["variance"].items():
        assert covariance[names.index(name), names.index(name)] == pytest.approx(value, rel=1e-12)
    for first, second, value in expected["covariance"]:
        assert covariance[names.index(first), names.index(second)] == pytest.approx(value, rel=1e-12)


@pytest.mark.data
def test_binormal_covariances_of_proc(asah, reference):
    names = list(asah.scores)
    covariance = obuchowski_mcclish_covariance(asah.poor, np.stack(list(asah.scores.values())), fit="proc")
    for first, second, value in reference("proc_asah")["obuchowski"]:
        assert covariance[names.index(first), names.index(second)] == pytest.approx(value, rel=2e-7)


def test_the_binormal_covariance_of_normal_scores_is_near_delongs():
    cases, _ = two_scores(4000, 1)
    random = np.random.default_rng(2)
    scores = random.normal(size=4000) + random.normal(size=(2, 4000)) * (1 + 0.3 * cases) + 1.5 * cases
    np.testing.assert_allclose(obuchowski_mcclish_covariance(cases, scores), stats.delong(cases, scores)[1], rtol=0.06)


@pytest.mark.data
def test_paired_comparisons_of_proc(asah, reference):
    for row in reference("proc_asah")["paired"]:
        found = stats.compare_paired(asah.poor, asah.scores[row["first"]], asah.scores[row["second"]])
        assert found.statistic == pytest.approx(row["statistic"], rel=1e-12)
        assert found.p == pytest.approx(row["p"], rel=1e-12)
        if "low" in row:
            assert (found.low, found.high) == pytest.approx((row["low"], row["high"]), abs=5e-11)


@pytest.mark.data
def test_unpaired_comparison_of_proc(asah, reference):
    row = reference("proc_asah")["unpaired"]
    found = stats.compare_unpaired(asah.poor, asah.scores[row["first"]], asah.poor, asah.scores[row["second"]])
    assert (found.statistic, found.p) == pytest.approx((row["statistic"], row["p"]), rel=1e-12)


@pytest.mark.data
def test_intervals_of_proc(asah, reference):
    expected = reference("proc_asah")
    found = stats.auc_interval(asah.poor, asah.scores["ndka"])
    assert (found.low, found.value, found.high) == pytest.approx(expected["interval"]["ndka"], rel=1e-12)
    women = stats.auc_interval(asah.poor[asah.female], asah.scores["ndka"][asah.female], method="wald")
    assert (women.low, women.value, women.high) == pytest.approx(expected["interval_of_women"]["ndka"], abs=5e-11)


def test_the_same_curve_twice_has_no_difference():
    cases, scores = two_scores(60, 1)
    found = stats.compare_paired(cases, scores[0], np.exp(scores[0]))
    assert (found.difference, found.statistic, found.p) == (0, 0, 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 60), st.integers(0, 10**6), st.sampled_from([0, 1, 8]))
def test_placements_equal_their_definition_with_and_without_ties(n, seed, decimals):
    cases, scores = two_scores(n, seed, decimals=decimals)
    for row in scores:
        np.testing.assert_allclose(placements(cases, row), slow_placements(cases, row), atol=1e-14)


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 60), st.integers(0, 10**6))
def test_a_monotone_transform_changes_nothing_and_a_reversal_mirrors(n, seed):
    cases, scores = two_scores(n, seed)
    score = scores[0]
    before, after = stats.auc_interval(cases, score), stats.auc_interval(cases, np.arctan(score) * 7 - 2)
    assert (before.value, before.low, before.high) == pytest.approx((after.value, after.low, after.high), abs=1e-14)
    mirrored = stats.auc_interval(cases, -score)
    assert mirrored.value == pytest.approx(1 - before.value, abs=1e-12)
    swapped = stats.auc_interval(~cases, -score)
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx(
        (before.value, before.low, before.high), abs=1e-6
    )


def test_the_order_of_patients_does_not_matter():
    cases, scores = two_scores(200, 3)
    order = np.random.default_rng(0).permutation(200)
    first, second = stats.compare_paired(cases, *scores), stats.compare_paired(cases[order], *scores[:, order])
    assert first.statistic == pytest.approx(second.statistic, rel=1e-12)


def test_another_library_agrees():
    cases, scores = two_scores(400, 5, decimals=9)
    found = stats.compare_paired(cases, scores[0], scores[1])
    statistic, p = Delong_test(cases.astype(int), scores[0], scores[1])[:2]
    assert found.p == pytest.approx(p, rel=1e-9)
    assert abs(found.statistic) == pytest.approx(abs(statistic), rel=1e-9)


@pytest.mark.parametrize(("n_cases", "n_controls"), [(2, 2), (5, 95), (50, 50), (500, 500)])
def test_a_perfect_score_has_a_sensible_interval(n_cases, n_controls):
    cases = np.repeat([True, False], [n_cases, n_controls])
    found = stats.auc_interval(cases, np.where(cases, 2.0, 1.0))
    assert found.value == found.high == 1
    assert 0 < found.low < 1
    reversed_score = stats.auc_interval(cases, np.where(cases, 1.0, 2.0))
    assert reversed_score.value == reversed_score.low == 0
    assert reversed_score.high == pytest.approx(1 - found.low)


def test_a_perfect_and_an_inverted_score_differ_significantly_but_not_infinitely():
    cases = np.repeat([True, False], [20, 20])
    found = stats.compare_paired(cases, cases * 1.0, -1.0 * cases)
    assert found.difference == found.high == 1
    assert 0 < found.low < 1
    assert 0 < found.p < 0.001
    assert np.isfinite(found.statistic)


@pytest.mark.parametrize("method", ["auto", "wald", "logit", "score"])
def test_limits_stay_within_zero_and_one(method):
    for seed in range(40):
        cases, scores = two_scores(14, seed)
        found = stats.auc_interval(cases, scores[1] + 2 * cases, method=method)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_score_limits_are_newcombes():
    # Newcombe's condition, written out: the squared distance is z^2 times the variance at the limit.
    cases, scores = two_scores(40, 2)
    found = stats.auc_interval(cases, scores[1], method="score")
    m, n = cases.sum(), (~cases).sum()
    for limit in (found.low, found.high):
        star = (m + n) / 2 - 1
        spread = 1 + star * (1 - limit) / (2 - limit) + star * limit / (1 + limit)
        variance = limit * (1 - limit) * spread / (m * n)
        assert (found.value - limit) ** 2 == pytest.approx(1.959963984540054**2 * variance, rel=1e-8)


def test_few_cases_take_the_t_distribution():
    cases = np.repeat([True, False], [6, 94])
    random = np.random.default_rng(1)
    found = stats.compare_paired(cases, random.normal(size=100), random.normal(size=100))
    assert "t with" in found.method


@pytest.mark.parametrize(
    ("cases", "scores", "words"),
    [
        ([1, 1, 1], [1, 2, 3], "one class only"),
        ([0, 0, 0], [1, 2, 3], "one class only"),
        ([0, 1, 2], [1, 2, 3], "must be 0 .no. or 1 .yes., but 1 row"),
        ([0, 1, 1], [1, np.nan, 3], "1 missing or infinite value.*row 2"),
        ([0, 1, 1], [1, np.inf, 3], "missing or infinite"),
        ([0, 1, 1], [2, 2, 2], "constant"),
        ([0, 1, 1], [1, 2], "has 2 rows, but the outcome has 3"),
        ([], [], "empty|one value per patient"),
        ([0, 1, np.nan], [1, 2, 3], "missing"),
        (["yes", "no", "no"], [1, 2, 3], "must be numbers"),
        ([0, 1, 1], ["a", "b", "c"], "must be numbers"),
    ],
)
def test_bad_input_is_refused_in_words(cases, scores, words):
    with pytest.raises(stats.StatsError, match=words):
        stats.auc(cases, scores)


def test_an_error_carries_every_row_so_that_patients_can_be_named():
    score = np.arange(10.0)
    score[[3, 7]] = np.nan
    with pytest.raises(stats.StatsError) as caught:
        stats.auc(np.arange(10) % 2, score)
    assert caught.value.rows == (3, 7)


def test_one_case_is_too_few_for_an_interval():
    with pytest.raises(stats.StatsError, match="at least 2 of each"):
        stats.auc_interval([1, 0, 0, 0], [1, 2, 3, 4])
