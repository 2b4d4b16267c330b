"""Curves, several markers at once, margins, paired decisions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as other_roc_curve
from slow_definitions import two_scores
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from presage import stats
from presage.stats.checks import StatsError
from presage.stats.curves import partial_auc, precision_recall, roc_curve
from presage.stats.hypotheses import above_margin, compare_decisions, compare_with_standard, holm


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_curves_equal_scikit_learn(decimals):
    cases, scores = two_scores(150, 1, decimals=decimals)
    curve = roc_curve(cases, scores[1])
    false, true, _ = other_roc_curve(cases, scores[1], drop_intermediate=False)
    np.testing.assert_allclose(
        np.column_stack([curve.false_positive, curve.true_positive]), np.column_stack([false, true])
    )
    found = precision_recall(cases, scores[1], replicates=50)
    assert found.average_precision.value == pytest.approx(average_precision_score(cases, scores[1]), abs=1e-12)
    assert found.prevalence == cases.mean()
    assert found.average_precision.low < found.average_precision.value < found.average_precision.high


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_the_partial_auc_equals_scikit_learn_and_the_whole_is_the_auc(decimals):
    cases, scores = two_scores(150, 2, decimals=decimals)
    found = partial_auc(cases, scores[1], specificity=(0.8, 1.0), replicates=20)
    assert found.value == pytest.approx(roc_auc_score(cases, scores[1], max_fpr=0.2), abs=1e-12)
    whole = partial_auc(cases, scores[1], specificity=(0, 1), standardised=False, replicates=20)
    assert whole.value == pytest.approx(stats.auc(cases, scores[1]), abs=1e-12)
    middle = [
        partial_auc(cases, scores[1], specificity=part, standardised=False, replicates=2).value
        for part in ((0, 0.35), (0.35, 0.8), (0.8, 1))
    ]
    assert sum(middle) == pytest.approx(whole.value, abs=1e-12)


def test_precision_at_a_stated_prevalence():
    cases = np.repeat([1, 0], [50, 50])
    score = np.concatenate([np.repeat([2, 1], [40, 10]), np.repeat([2, 1], [10, 40])])
    found = precision_recall(cases, score, prevalence=0.01, replicates=10)
    assert found.precision[0] == pytest.approx(0.8 * 0.01 / (0.8 * 0.01 + 0.2 * 0.99))
    assert found.precision[-1] == pytest.approx(0.01)


def test_holm_equals_statsmodels():
    p = np.random.default_rng(0).uniform(size=9) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


def test_many_markers_are_each_compared_and_adjusted():
    cases, scores = two_scores(200, 3)
    noise = np.random.default_rng(1).normal(size=(2, 200))
    found = compare_with_standard(cases, scores[0], np.vstack([scores[1:], noise]))
    for row, comparison in zip(np.vstack([scores[1:], noise]), found.comparisons, strict=True):
        assert comparison == stats.compare_paired(cases, row, scores[0])
    np.testing.assert_allclose(found.adjusted, holm([comparison.p for comparison in found.comparisons]))
    one = compare_with_standard(cases, scores[0], scores[1])
    assert one.global_p == pytest.approx(one.comparisons[0].p, rel=1e-9)
    same = compare_with_standard(cases, scores[0], scores[0] * 2)
    assert same.global_p == 1


def test_many_markers_on_clustered_rows():
    cases, scores = two_scores(200, 4)
    patients = np.arange(200) // 4
    found = compare_with_standard(cases, scores[0], scores[1], patients=patients)
    expected = stats.compare_clustered(cases, scores[1], scores[0], patients)
    assert found.comparisons[0].difference == pytest.approx(expected.difference)


def test_margins():
    cases, scores = two_scores(400, 5)
    comparison = stats.compare_paired(cases, scores[1], scores[0])
    superior = above_margin(comparison, 0.0)
    assert superior.p == pytest.approx(comparison.p / 2, rel=1e-9)
    assert superior.low == pytest.approx(comparison.low, rel=1e-9)
    backwards = stats.compare_paired(cases, scores[0], scores[1])
    assert above_margin(backwards, -0.5).shown
    assert not above_margin(backwards, 0.0).shown
    few = np.arange(60) % 6 == 0
    small = stats.compare_paired(few, scores[1, :60], scores[0, :60])
    assert "t with" in small.method
    assert above_margin(small, 0.0).p == pytest.approx(
        small.p / 2 if small.statistic > 0 else 1 - small.p / 2, abs=0.002
    )


def test_mcnemar_and_newcombes_paired_interval():
    # Newcombe (1998) Statistics in Medicine 17:2635, Table II: 36, 12, 2, 0 gives 0.2000 (0.0569 to 0.3404).
    first = np.repeat([1, 1, 0, 0], [36, 12, 2, 0])
    second = np.repeat([1, 0, 1, 0], [36, 12, 2, 0])
    cases = np.concatenate([np.ones(50), np.zeros(2)])
    both = [np.concatenate([part, [0, 1]]) for part in (first, second)]
    found = compare_decisions(cases, *both, exact=True).sensitivity
    assert found.difference == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0569, 0.3404)
    table = [[36, 12], [2, 0]]
    assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue, rel=1e-9)
    middle = compare_decisions(cases, *both).sensitivity
    assert middle.p == pytest.approx(found.p - scipy_stats.binom.pmf(2, 14, 0.5), rel=1e-9)
    assert found.low < found.difference < found.high
    same = compare_decisions(cases, both[0], both[0])
    assert same.sensitivity.p == same.specificity.p == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: holm([0.2, 1.3]), "between 0 and 1"),
        (lambda: partial_auc([1, 0], [1, 2], specificity=(1.0, 0.9)), "must rise"),
        (lambda: compare_decisions([1, 0], [1, 2], [1, 0]), "must be 0"),
        (lambda: compare_decisions([1, 0], [1, 0, 1], [1, 0]), "same patients"),
    ],
)
def test_bad_questions_are_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()


@pytest.mark.filterwarnings("error")
def test_resamples_of_one_class_are_refused_in_words():
    # One person has cases only, so that a draw of that person twice holds one class only.
    with pytest.raises(StatsError, match="one class only"):
        precision_recall([1, 1, 1, 0, 0], [3.0, 2.0, 1.0, 1.5, 0.5], patients=["a", "a", "b", "b", "b"], replicates=200)
    with pytest.raises(StatsError, match="at least 2 of each"):
        precision_recall([1, 0, 0], [3.0, 2.0, 1.0])
