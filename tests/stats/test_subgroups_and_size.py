"""Subgroups, sites, sample size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from slow_definitions import two_scores

from presage import stats
from presage.stats.auc_intervals import hanley_mcneil_variance
from presage.stats.checks import StatsError
from presage.stats.sample_size import (
    binormal_variance,
    explained_from_auc,
    size_for_auc,
    size_for_difference,
    size_for_model,
    size_for_share,
)
from presage.stats.sites import by_site
from presage.stats.subgroups import opportunity_gaps, subgroup_aucs


def test_each_subgroup_has_its_own_auc_and_small_ones_are_not_judged():
    cases, scores = two_scores(200, 1)
    groups = np.array(["young"] * 120 + ["old"] * 79 + ["alone"])
    found = subgroup_aucs(cases, scores, groups, names=["density", "ours"])
    by_name = {group.name: group for group in found.groups}
    young = groups == "young"
    assert by_name["young"].aucs[1] == stats.auc_interval(cases[young], scores[1, young])
    assert by_name["alone"].aucs is None
    assert by_name["alone"].note.startswith("too few to say")
    assert [row.question for row in found.interactions] == ["AUC of density", "AUC of ours", "AUC of ours less density"]
    assert all(row.adjusted >= row.p for row in found.interactions)


def test_the_interaction_of_two_groups_is_the_unpaired_test():
    cases, scores = two_scores(300, 2)
    groups = np.arange(300) % 2
    found = subgroup_aucs(cases, scores[0], groups).interactions[0]
    parts = [stats.delong(cases[groups == g], scores[0, groups == g]) for g in (0, 1)]
    z = (parts[0][0][0] - parts[1][0][0]) / (parts[0][1][0, 0] + parts[1][1][0, 0]) ** 0.5
    assert found.statistic == pytest.approx(z**2, rel=1e-9)
    assert found.p == pytest.approx(2 * scipy_stats.norm.sf(abs(z)), rel=1e-9)


def test_a_planted_interaction_is_found():
    random = np.random.default_rng(3)
    cases = np.arange(600) % 3 == 0
    groups = np.arange(600) >= 300
    score = random.normal(size=600) + cases * np.where(groups, 2.0, 0.0)
    assert subgroup_aucs(cases, score, groups).interactions[0].adjusted < 1e-6


def test_cross_validated_subgroups_are_compared_within_folds():
    random = np.random.default_rng(8)
    cases, folds = np.arange(240) % 2 == 0, np.stack([random.permutation(np.arange(240) % 6) for _ in range(4)])
    scores = random.normal(size=(2, 4, 240)) + cases + 5 * folds
    groups = np.arange(240) % 3
    found = subgroup_aucs(cases, scores, groups, folds=folds)
    rows = groups == 1
    expected = stats.repeated_cv_auc(cases[rows], scores[1][:, rows], folds[:, rows])
    assert found.groups[1].aucs[1] == expected
    assert found.groups[1].aucs[1].value > 0.65
    with pytest.raises(StatsError, match="one fold only"):
        subgroup_aucs(cases, scores, groups, folds=np.zeros((4, 240)))


def test_rows_of_one_patient_do_not_make_a_subgroup():
    cases, scores = two_scores(100, 9)
    patients = np.where(np.arange(100) < 60, np.arange(100), 60)
    found = subgroup_aucs(cases, scores, np.arange(100) >= 60, patients=patients)
    assert (found.groups[1].n, found.groups[1].aucs) == (1, None)


def test_opportunity_gaps():
    cases = np.repeat([1, 0, 1, 0], [20, 30, 40, 50])
    groups = np.repeat(["a", "b"], [50, 90])
    score = np.concatenate(
        [np.repeat([1, 0], [18, 2]), np.repeat([1, 0], [3, 27]), np.repeat([1, 0], [20, 20]), np.zeros(50)]
    )
    a, b = opportunity_gaps(cases, score, groups, 0.5)
    assert a.sensitivity.value == pytest.approx(0.9)
    assert a.sensitivity_gap.difference == pytest.approx(0.9 - 0.5)
    assert b.sensitivity_gap.difference == pytest.approx(0.5 - 0.9)
    assert a.sensitivity_gap.p == pytest.approx(scipy_stats.fisher_exact([[18, 2], [20, 20]]).pvalue)
    assert a.false_positive_rate.value == pytest.approx(0.1)
    # Newcombe (1998) Statistics in Medicine 17:873, Table II (a): 56/70 less 48/80 is 0.2000 (0.0524 to 0.3339).
    cases = np.repeat([1, 1, 0, 0], [70, 80, 10, 10])
    groups = np.repeat(["x", "y", "x", "y"], [70, 80, 10, 10])
    score = np.repeat([1, 0, 1, 0], [56, 14, 48, 52])
    gap = opportunity_gaps(cases, score, groups, 0.5)[0].sensitivity_gap
    assert (round(gap.low, 4), round(gap.high, 4)) == (0.0524, 0.3339)


def test_sites():
    random = np.random.default_rng(4)
    sites = np.repeat(list("abcd"), 120)
    cases = np.tile(np.arange(120) < 40, 4)
    score = random.normal(size=480) + cases * np.repeat([0.2, 0.8, 1.4, 2.0], 120)
    found = by_site(cases, score, sites)
    assert [site.name for site in found.sites] == list("abcd")
    assert found.without[0] == stats.auc_interval(cases[sites != "a"], score[sites != "a"])
    assert found.heterogeneity > 0.8
    low, high = found.prediction
    assert low < found.pooled.low < found.pooled.value < found.pooled.high < high
    alike = by_site(cases, random.normal(size=480) + cases, sites)
    assert alike.heterogeneity < 0.8
    with pytest.raises(StatsError, match="one site only"):
        by_site(cases, score, np.zeros(480))


def test_rileys_example():
    # The worked example of the pmsampsize manual: 24 parameters, prevalence 0.174, R2 0.288 needs 662 patients.
    found = size_for_model(24, 0.174, explained=0.288)
    assert (found.shrinkage, found.optimism, found.overall_risk) == (623, 662, 221)


def test_hanley_and_mcneils_variance_is_exact_without_a_signal():
    # Mann and Whitney's null variance, (m + n + 1) / (12 m n).
    assert hanley_mcneil_variance(0.5, 51, 58) == pytest.approx(110 / (12 * 51 * 58), rel=1e-12)


def test_the_size_for_a_width_gives_that_width_and_one_less_does_not():
    found = size_for_auc(0.8, 0.1, controls_per_case=3)
    widths = [2 * 1.959964 * hanley_mcneil_variance(0.8, n, 3 * n) ** 0.5 for n in (found.n_cases, found.n_cases - 1)]
    assert widths[0] <= 0.1 < widths[1]
    assert found.n == 4 * found.n_cases


def test_the_binormal_variance_is_that_of_simulated_normal_scores():
    random = np.random.default_rng(5)
    cases = np.arange(150) < 50
    drawn = [stats.auc(cases, random.normal(size=150) + 1.2 * cases) for _ in range(3000)]
    truth = float(scipy_stats.norm.cdf(1.2 / 2**0.5))
    assert binormal_variance(truth, 50, 100) == pytest.approx(np.var(drawn), rel=0.12)


def test_the_size_for_a_difference_has_its_power():
    found = size_for_difference(0.65, 0.8, correlation=0.4, power=0.8)
    random = np.random.default_rng(6)
    cases = np.arange(found.n) < found.n_cases
    shifts = [2**0.5 * scipy_stats.norm.ppf(value) for value in (0.65, 0.8)]
    shown = 0
    for _ in range(400):
        common = random.normal(size=found.n) * 0.4**0.5
        pair = [common + random.normal(size=found.n) * 0.6**0.5 + shift * cases for shift in shifts]
        shown += stats.compare_paired(cases, *pair).p < 0.05
    assert shown / 400 == pytest.approx(0.8, abs=0.065)
    assert size_for_difference(0.7, 0.7, margin=0.05).n_cases > 100


def test_the_size_for_a_share_is_the_smallest():
    n = size_for_share(0.9, 0.15)
    width = stats.proportion(round(0.9 * n), n)
    assert width.high - width.low <= 0.15


def test_explained_variation_of_a_calibrated_model_by_simulation():
    random = np.random.default_rng(7)
    cases = random.random(400_000) < 0.2
    d = 2**0.5 * scipy_stats.norm.ppf(0.8)
    linear = np.log(0.2 / 0.8) + np.where(cases, 1, -1) * d**2 / 2 + d * random.normal(size=400_000)
    gain = np.mean(cases * linear - np.logaddexp(0, linear)) - (0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    assert explained_from_auc(0.8, 0.2) == pytest.approx(-np.expm1(-2 * gain), abs=0.005)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: size_for_auc(80, 0.1), "between 0 and 1"),
        (lambda: size_for_difference(0.7, 0.7), "no difference is expected"),
        (lambda: size_for_difference(0.7, 0.70001), "would need more than"),
        (lambda: size_for_model(10, 0.1), "and not both"),
        (lambda: size_for_model(10, 0.1, explained=0.9), "the largest at this prevalence"),
        (lambda: subgroup_aucs([1, 0], [1, 2], ["a", None]), "missing in 1 row"),
        (lambda: subgroup_aucs([1, 0], [1, 2], ["a", "b"], least=1), "at least 2"),
    ],
)
def test_bad_questions_are_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()
