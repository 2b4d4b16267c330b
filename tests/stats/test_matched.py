"""Matched case-control statistics."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from statsmodels.discrete.conditional_models import ConditionalLogit

from presage.stats.checks import StatsError
from presage.stats.matched import adjusted_auc, compare_matched, conditional_logistic, matched_concordance


def matched(sets=60, size=4, n_cases=1, seed=0, effect=0.8):
    random = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(sets), size)
    terms = random.normal(size=(sets * size, 2)) + random.normal(size=sets)[numbers, None]
    cases = np.tile(np.arange(size) < n_cases, sets)
    terms[cases, 0] += effect
    return cases, terms, numbers


@pytest.mark.parametrize(("size", "n_cases"), [(2, 1), (4, 1), (5, 2)])
def test_conditional_logistic_equals_statsmodels(size, n_cases):
    cases, terms, sets = matched(size=size, n_cases=n_cases)
    found = conditional_logistic(cases, terms, sets)
    expected = ConditionalLogit(cases.astype(int), terms, groups=sets).fit(method="bfgs", disp=0, gtol=1e-10)
    np.testing.assert_allclose(found.coefficients, expected.params, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), expected.bse, rtol=1e-3)
    assert found.log_likelihood >= expected.llf - 1e-8


def test_pairs_are_a_logistic_model_of_differences_through_the_origin():
    from presage.stats.logistic import fit_logistic

    cases, terms, sets = matched(size=2)
    found = conditional_logistic(cases, terms, sets)
    assert found.n_sets == 60
    differences = terms[cases] - terms[~cases]
    plain = fit_logistic(differences, np.ones(len(differences)))
    np.testing.assert_allclose(found.coefficients, plain.coefficients, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-6)


def test_one_to_one_without_terms_of_worth():
    # 30 pairs where only the case is exposed, 10 where only the control is: odds ratio 3, by Breslow and Day.
    sets = np.repeat(np.arange(60), 2)
    cases = np.tile([1, 0], 60)
    exposed = np.zeros(120)
    exposed[0:60:2], exposed[61:81:2] = 1, 1
    found = conditional_logistic(cases, exposed, sets)
    assert found.odds_ratios()[0, 0] == pytest.approx(3, rel=1e-8)
    assert found.covariance[0, 0] == pytest.approx(1 / 30 + 1 / 10, rel=1e-6)


def test_matched_concordance_ignores_the_levels_of_the_sets():
    cases, terms, sets = matched(sets=200)
    found = matched_concordance(cases, terms[:, 0], sets)
    moved = matched_concordance(cases, terms[:, 0] + 100 * sets, sets)
    assert found == moved
    wins = [
        float(terms[i, 0] > terms[j, 0])
        for i in np.flatnonzero(cases)
        for j in np.flatnonzero((sets == sets[i]) & ~cases)
    ]
    assert found.value == pytest.approx(np.mean(wins))
    assert found.low < 0.7141 < found.high


def test_a_perfect_concordance_has_an_interval():
    found = matched_concordance([1, 0] * 20, [1, 0] * 20, np.repeat(np.arange(20), 2))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.8316, abs=1e-4)


def test_matched_comparison():
    cases, terms, sets = matched(sets=150)
    found = compare_matched(cases, terms[:, 0], terms[:, 1], sets)
    assert found.p < 0.01
    assert found.difference == pytest.approx(
        matched_concordance(cases, terms[:, 0], sets).value - matched_concordance(cases, terms[:, 1], sets).value
    )
    assert compare_matched(cases, terms[:, 0], terms[:, 0], sets).p == 1


def test_adjusting_takes_the_confounder_out():
    from presage.stats import auc

    random = np.random.default_rng(0)
    age = random.uniform(40, 80, 2000)
    cases = random.random(2000) < (age - 35) / 60
    score = 0.1 * age + random.normal(size=2000)
    assert auc(cases, score) > 0.62
    found = adjusted_auc(cases, score, age, replicates=200)
    assert found.low < 0.5 < found.high
    added = adjusted_auc(cases, score + cases, age, replicates=100)
    assert added.low < 0.7602 < added.high


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: conditional_logistic([1, 0, 1], [1, 2, 3], ["a", "b", "c"]), "matched set"),
        (lambda: conditional_logistic([1, 0, 1, 0], [1, 1, 2, 2], [1, 1, 2, 2]), "matched on"),
        (lambda: conditional_logistic([1, 0, 1, 0], [2, 1, 3, 2], [1, 1, 2, 2]), "no finite maximum"),
        (lambda: matched_concordance([1, 0, 1, 0], [1, np.nan, 3, 4], [1, 1, 2, 2]), "missing"),
        (lambda: adjusted_auc([1, 0, 1, 0], [1, 2, 3, 4], [1, 2, 3, 4]), "too few"),
    ],
)
def test_bad_matching_is_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()


def test_every_set_differing_alike_is_a_sign_test_and_not_a_null_result():
    cases = np.tile([1, 0], 8)
    sets = np.repeat(np.arange(8), 2)
    perfect, reverse = cases.astype(float), 1.0 - cases
    found = compare_matched(cases, perfect, reverse, sets)
    assert found.difference == 1.0
    assert found.p == pytest.approx(scipy.stats.binomtest(8, 8).pvalue)
    assert 0 < found.low < found.high == 1.0
    turned = compare_matched(cases, reverse, perfect, sets)
    assert (turned.difference, turned.low, turned.high, turned.p) == (-1.0, -1.0, -found.low, found.p)
    # Five sets cannot reach 5 %, and the interval says the same.
    few = compare_matched(cases[:10], perfect[:10], reverse[:10], sets[:10])
    assert few.p > 0.05
    assert few.low < 0
