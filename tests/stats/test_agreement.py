"""Agreement with a scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from presage.stats.agreement import (
    bland_altman,
    concordance_correlation,
    intraclass_correlation,
    mean_absolute_error,
    pearson,
    repeated_measures_correlation,
    root_mean_square_error,
)
from presage.stats.checks import StatsError
from presage.stats.severity import (
    bands,
    change_agreement,
    reliable_change,
    remission,
    response,
    weighted_kappa,
)

# Shrout & Fleiss (1979), table 2: six targets, four judges.
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def pair(n=60, seed=0):
    random = np.random.default_rng(seed)
    truth = random.normal(15, 6, n)
    return truth, 3 + 0.8 * truth + random.normal(0, 3, n)


def test_intraclass_correlations_of_shrout_and_fleiss():
    two, three = intraclass_correlation(SHROUT), intraclass_correlation(SHROUT, kind="3,1")
    assert (round(two.value, 2), round(three.value, 2)) == (0.29, 0.71)
    # McGraw & Wong's intervals for the same table, as R's psych and irr print them.
    assert (round(two.low, 2), round(two.high, 2)) == (0.02, 0.76)
    assert (round(three.low, 2), round(three.high, 2)) == (0.34, 0.95)


def test_errors():
    truth, prediction = pair()
    gaps = prediction - truth
    assert mean_absolute_error(truth, prediction).value == pytest.approx(np.abs(gaps).mean())
    root = root_mean_square_error(truth, prediction)
    assert root.value == pytest.approx((gaps**2).mean() ** 0.5)
    assert root.low < root.value < root.high


def test_pearson_equals_scipy():
    truth, prediction = pair()
    found, expected = pearson(truth, prediction), scipy_stats.pearsonr(truth, prediction)
    limits = expected.confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.statistic, limits.low, limits.high), rel=1e-9
    )


def test_lins_concordance_has_the_width_of_a_bootstrap():
    truth, prediction = pair(seed=1)
    found, random = concordance_correlation(truth, prediction), np.random.default_rng(0)
    covariance = np.cov(truth, prediction, ddof=0)
    gap = (truth.mean() - prediction.mean()) ** 2
    assert found.value == pytest.approx(2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + gap))
    rows = random.integers(0, 60, (800, 60))
    drawn = [concordance_correlation(truth[r], prediction[r]).value for r in rows]
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.2)
    assert concordance_correlation(truth, truth).value == pytest.approx(1)
    assert concordance_correlation(truth, truth + 10).value < 0.6


def test_limits_of_agreement_cover():
    random = np.random.default_rng(2)
    hits = np.zeros(3)
    for _ in range(400):
        gaps = random.normal(1, 2, 20)
        found = bland_altman(np.linspace(0, 30, 20), np.linspace(0, 30, 20) + gaps)
        upper, lower = 1 + 1.959964 * 2, 1 - 1.959964 * 2
        hits += [
            found.bias.low <= 1 <= found.bias.high,
            found.lower_limit.low <= lower <= found.lower_limit.high,
            found.upper_limit.low <= upper <= found.upper_limit.high,
        ]
    assert (np.abs(hits / 400 - 0.95) < 0.035).all()


def test_a_bias_that_grows_is_seen():
    truth, prediction = pair(n=200, seed=3)
    assert bland_altman(truth, prediction).slope.high < 0.1
    assert bland_altman(truth, 2 * truth).slope.low > 0.5


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_weighted_kappa_equals_two_libraries(weights):
    random = np.random.default_rng(4)
    truth = random.integers(0, 5, 120)
    prediction = np.clip(truth + random.integers(-1, 2, 120), 0, 4)
    found = weighted_kappa(truth, prediction, weights=weights)
    name = None if weights == "none" else weights
    assert found.value == pytest.approx(cohen_kappa_score(truth, prediction, weights=name), abs=1e-12)
    table = np.zeros((5, 5))
    np.add.at(table, (truth, prediction), 1)
    other = cohens_kappa(table, wt={"none": None, "linear": "linear", "quadratic": "quadratic"}[weights])
    assert (found.low, found.high) == pytest.approx((other.kappa_low, other.kappa_upp), abs=1e-9)


def test_bands_belong_upwards():
    # PHQ-9: minimal, mild, moderate, moderately severe, severe.
    assert bands([4, 5, 9, 10, 14, 15, 20, 27], [5, 10, 15, 20]).tolist() == [0, 1, 1, 2, 2, 3, 4, 4]


def test_reliable_change_by_hand():
    # Jacobson & Truax (1991): before 47.5, after 32.5, spread 7.5, reliability 0.80 gives 15 / 4.74 = 3.16.
    found = reliable_change([32.5, 47.5, 40], [47.5, 32.5, 41], spread=7.5, reliability=0.80)
    assert np.round(np.abs(found.index[:2]), 2).tolist() == [3.16, 3.16]
    assert found.direction.tolist() == [1, -1, 0]


def test_response_and_remission():
    before, after = np.array([20, 20, 10]), np.array([10, 11, 4])
    assert response(before, after).tolist() == [True, False, True]
    assert remission(after, 5).tolist() == [False, False, True]
    found = change_agreement([1, 1, 0, 0, 0], [1, 0, 0, 0, 1])
    assert found.kappa.value == pytest.approx(cohen_kappa_score([1, 1, 0, 0, 0], [1, 0, 0, 0, 1]))
    assert (found.sensitivity.value, found.specificity.value) == (0.5, pytest.approx(2 / 3))
    nobody = change_agreement([0, 0, 0], [0, 0, 0])
    assert nobody.kappa is None
    assert nobody.sensitivity is None


def test_repeated_measures_correlation_takes_the_patients_level_out():
    import statsmodels.formula.api as smf
    from pandas import DataFrame

    random = np.random.default_rng(5)
    patients = np.repeat(np.arange(20), 4)
    level = 10 * random.normal(size=20)[patients]
    first = level + random.normal(size=80)
    second = -level + first - level + 0.5 * random.normal(size=80)
    found = repeated_measures_correlation(first, second, patients)
    # The definition: an analysis of covariance with the patient as a factor.
    data = DataFrame({"a": first, "b": second, "p": patients})
    fit = smf.ols("b ~ a + C(p)", data).fit()
    explained = fit.tvalues["a"] ** 2 / (fit.tvalues["a"] ** 2 + fit.df_resid)
    assert found.value == pytest.approx(np.sign(fit.params["a"]) * explained**0.5, rel=1e-9)
    assert pearson(first, second).value < 0 < found.low


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pearson([1, 2, 3, 4], [1, 1, 1, 1]), "constant"),
        (lambda: pearson([1, 2], [1, 2]), "too few"),
        (lambda: mean_absolute_error([1, 2, np.nan], [1, 2, 3]), "missing"),
        (lambda: mean_absolute_error([1, 2, 3], [1, 2]), "same patients"),
        (lambda: intraclass_correlation([[1, 1], [1, 1], [1, 1]]), "same number"),
        (lambda: weighted_kappa([1, 2], [1.5, 2]), "whole numbers"),
        (lambda: weighted_kappa([1, 1], [1, 1]), "same band"),
        (lambda: bands([1], [5, 5]), "must rise"),
        (lambda: reliable_change([1], [2], spread=0, reliability=0.8), "above 0"),
        (lambda: response([0, 4], [1, 2]), "0 or below"),
        (lambda: repeated_measures_correlation([1, 2, 3], [1, 2, 3], ["a", "b", "c"]), "repeated visits"),
    ],
)
def test_bad_scales_are_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()
