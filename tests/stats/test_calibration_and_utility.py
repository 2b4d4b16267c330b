"""Calibration, recalibration, absolute risk, decision curves, reclassification."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from dcurves import dca
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from presage.stats.calibration import brier, calibration, spline_basis
from presage.stats.checks import StatsError
from presage.stats.incidence import BREAST_CANCER_EXAMPLE, RateTable, absolute_from_case_control, absolute_risk
from presage.stats.recalibration import (
    BetaRecalibration,
    IsotonicRecalibration,
    LogisticRecalibration,
    shift_prevalence,
)
from presage.stats.reclassification import discrimination_improvement, net_reclassification
from presage.stats.utility import decision_curve, screening


@pytest.fixture(scope="module")
def patients():
    return pd.read_csv(str(files("dcurves") / "data" / "df_binary.csv"))


@pytest.fixture(scope="module")
def case_control():
    return pd.read_csv(str(files("dcurves") / "data" / "df_case_control.csv"))


def forecasts(n=3000, seed=0):
    random = np.random.default_rng(seed)
    linear = random.normal(-1, 1.2, size=n)
    return random.random(n) < expit(linear), linear


def test_intercept_and_slope_equal_statsmodels():
    cases, linear = forecasts()
    risk = expit(0.4 + 1.5 * linear)
    found = calibration(cases, risk, replicates=20)
    log_odds = logit(risk)
    slope = sm.Logit(cases.astype(float), sm.add_constant(log_odds)).fit(disp=0)
    assert found.slope.value == pytest.approx(slope.params[1], rel=1e-6)
    assert (found.slope.low, found.slope.high) == pytest.approx(tuple(slope.conf_int()[1]), rel=1e-5)
    large = sm.GLM(cases.astype(float), np.ones(len(cases)), family=sm.families.Binomial(), offset=log_odds).fit()
    assert found.intercept.value == pytest.approx(large.params[0], rel=1e-6)
    assert found.slope.high < 1


def test_true_risks_are_found_calibrated():
    cases, linear = forecasts(seed=1)
    found = calibration(cases, expit(linear), replicates=50)
    for estimate, truth in ((found.intercept, 0), (found.slope, 1), (found.observed_to_expected, 1)):
        assert estimate.low <= truth <= estimate.high
    assert found.average_error.value < 0.02
    covered = (found.curve.low <= found.curve.risk) & (found.curve.risk <= found.curve.high)
    assert covered.mean() > 0.8


def test_risks_twice_too_high_are_seen():
    cases, linear = forecasts(seed=2)
    found = calibration(cases, np.minimum(2 * expit(linear), 0.999), replicates=30)
    assert found.observed_to_expected.high < 0.6
    assert found.average_error.low > 0.1


def test_the_parts_of_the_brier_score_add_up():
    cases, linear = forecasts(seed=3)
    for risk in (expit(linear), expit(linear).round(1), np.full(len(cases), 0.3)):
        found = brier(cases, risk)
        total = found.reliability - found.resolution + found.uncertainty
        assert found.score.value == pytest.approx(((risk - cases) ** 2).mean(), abs=1e-14)
        assert total == pytest.approx(found.score.value, abs=1e-12)
    assert brier(cases, np.full(len(cases), cases.mean())).scaled == pytest.approx(0, abs=1e-12)


def test_splines_are_straight_beyond_the_outer_knots():
    knots = np.array([-1.0, 0.0, 1.0, 2.0])
    outside = np.linspace(2, 10, 50)
    assert np.abs(np.diff(spline_basis(outside, knots), n=2, axis=0)).max() < 1e-9
    assert spline_basis(np.array([-3.0]), knots)[0, 2:].tolist() == [0, 0]


def test_logistic_recalibration_is_platts():
    cases, linear = forecasts(seed=4)
    fitted = LogisticRecalibration.fit(cases, 3 * linear + 7)
    targets = np.where(cases, (cases.sum() + 1) / (cases.sum() + 2), 1 / ((~cases).sum() + 2))
    glm = sm.GLM(targets, sm.add_constant(3 * linear + 7), family=sm.families.Binomial()).fit()
    assert (fitted.intercept, fitted.slope) == pytest.approx(tuple(glm.params), rel=1e-6)
    assert np.isfinite(LogisticRecalibration.fit([0, 0, 1, 1], [1, 2, 3, 4]).slope)


def test_isotonic_recalibration_equals_scikit_learn():
    cases, linear = forecasts(n=400, seed=5)
    score = linear.round(1)
    new = np.linspace(-6, 4, 200)
    expected = IsotonicRegression(out_of_bounds="clip").fit(score, cases).predict(new)
    np.testing.assert_allclose(IsotonicRecalibration.fit(cases, score).apply(new), expected, atol=1e-12)


def test_beta_recalibration_undoes_a_distortion_and_keeps_the_order():
    cases, linear = forecasts(seed=6)
    distorted = expit(linear) ** 2
    repaired = BetaRecalibration.fit(cases, distorted).apply(distorted)
    assert np.abs(repaired - expit(linear)).mean() < 0.02
    backwards = BetaRecalibration.fit(cases, 1 - distorted)
    assert backwards.a >= 0
    assert backwards.b >= 0


def test_the_prevalence_moves_only_the_intercept():
    risk = np.array([0.2, 0.5, 0.9])
    moved = shift_prevalence(risk, 0.5, 0.01)
    odds = risk / (1 - risk) * (0.01 / 0.99)
    np.testing.assert_allclose(moved, odds / (1 + odds), rtol=1e-12)
    np.testing.assert_allclose(shift_prevalence(moved, 0.01, 0.5), risk, rtol=1e-9)


def test_five_year_risk_of_the_average_woman():
    # The rates by hand: age 50 to 55 spends five years in one group of the table.
    disease, other = 0.00261540, 0.00329840
    by_hand = disease / (disease + other) * (1 - np.exp(-5 * (disease + other)))
    assert absolute_risk([50.0], 5)[0] == pytest.approx(by_hand, rel=1e-12)
    halves = absolute_risk([52.5], 5)[0]
    assert absolute_risk([50.0], 5)[0] < halves < absolute_risk([55.0], 5)[0]
    # Without competing deaths more women live to have it.
    alive = RateTable(
        BREAST_CANCER_EXAMPLE.ages, BREAST_CANCER_EXAMPLE.incidence, (0.0,) * 14, "breast cancer", "nobody", "made up"
    )
    assert absolute_risk([50.0], 40, alive)[0] > absolute_risk([50.0], 40)[0]


def test_a_case_control_score_becomes_an_absolute_risk():
    average = absolute_from_case_control([0.5, 0.5], [50, 60], 0.5)
    np.testing.assert_allclose(average, absolute_risk([50, 60], 5), rtol=1e-9)
    assert absolute_from_case_control([0.8], [50], 0.5)[0] > average[0]
    with pytest.raises(StatsError, match="outside the incidence table"):
        absolute_risk([88], 5)


def test_decision_curves_of_r(patients, case_control, reference):
    expected = reference("dcurves_reference")
    binary = expected["binary"]
    found = decision_curve(patients["cancer"], patients["cancerpredmarker"], [binary["threshold"]], replicates=50)
    assert found.net_benefit[0, 0] == pytest.approx(binary["cancerpredmarker"], abs=5e-8)
    assert found.treat_all[0] == pytest.approx(binary["all"], abs=5e-8)
    stated = expected["case_control"]
    found = decision_curve(
        case_control["casecontrol"],
        case_control["cancerpredmarker"],
        [stated["threshold"]],
        prevalence=stated["prevalence"],
        replicates=50,
    )
    assert found.net_benefit[0, 0] == pytest.approx(stated["cancerpredmarker"], abs=5e-9)
    assert found.treat_all[0] == pytest.approx(stated["all"], abs=5e-9)


def test_decision_curves_equal_the_python_package_over_all_thresholds(patients):
    grid = np.arange(1, 51) / 100
    table = dca(patients, outcome="cancer", modelnames=["cancerpredmarker", "famhistory"], thresholds=grid)
    found = decision_curve(patients["cancer"], patients[["cancerpredmarker", "famhistory"]].T, grid, replicates=20)
    for row, name in enumerate(["cancerpredmarker", "famhistory"]):
        expected = table[table["model"] == name].sort_values("threshold")["net_benefit"]
        np.testing.assert_allclose(found.net_benefit[row], expected, atol=1e-12)
    everyone = table[table["model"] == "all"].sort_values("threshold")["net_benefit"]
    np.testing.assert_allclose(found.treat_all, everyone, atol=1e-12)
    assert (found.low <= found.net_benefit).all()
    assert (found.net_benefit <= found.high).all()
    np.testing.assert_allclose(found.standardised * found.prevalence, found.net_benefit)


def test_decision_curve_is_the_same_for_any_number_of_threads(patients):
    runs = [
        decision_curve(patients["cancer"], patients["cancerpredmarker"], replicates=60, threads=threads).low
        for threads in (1, 3)
    ]
    np.testing.assert_array_equal(*runs)


def test_numbers_needed():
    cases = np.repeat([1, 0], [10, 90])
    positive = np.repeat([1, 0, 1, 0], [8, 2, 18, 72])
    found = screening(cases, positive, prevalence=0.005)
    assert found.cases_found_per_1000 == pytest.approx(4)
    assert found.needless_per_1000 == pytest.approx(0.2 * 995)
    assert found.number_needed_to_screen.value == pytest.approx(250)
    assert found.number_needed_to_recall.value == pytest.approx((4 + 199) / 4)
    with pytest.raises(StatsError, match="finds no case"):
        screening(cases, np.zeros(100))


def test_reclassification_by_hand_and_with_its_caveat():
    cases = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    old = np.array([0.1, 0.3, 0.3, 0.6, 0.1, 0.1, 0.3, 0.3, 0.6, 0.1])
    new = np.array([0.3, 0.6, 0.1, 0.6, 0.1, 0.3, 0.1, 0.1, 0.3, 0.1])
    found = net_reclassification(cases, old, new, [0.2, 0.5], replicates=50)
    assert found.cases.value == pytest.approx((2 - 1) / 4)
    assert found.controls.value == pytest.approx((3 - 1) / 6)
    assert found.total.value == pytest.approx(found.cases.value + found.controls.value)
    assert "no share of anything" in found.caveat
    improvement = discrimination_improvement(cases, old, new, replicates=50)
    slopes = [risk[cases == 1].mean() - risk[cases == 0].mean() for risk in (old, new)]
    assert improvement.total.value == pytest.approx(slopes[1] - slopes[0])
    assert "Kerr" in improvement.caveat


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: calibration([0, 1, 0, 1], [10, 40, 20, 90]), "between 0 and 1.*percentages"),
        (lambda: calibration([0, 1, 0, 1], [0.3] * 4), "constant"),
        (lambda: calibration([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]), "one class only"),
        (lambda: decision_curve([0, 1], [0.2, 0.7], [0, 0.5]), "strictly between"),
        (lambda: decision_curve([0, 1], [0.2, 0.7], prevalence=15), "prevalence"),
        (lambda: net_reclassification([0, 1], [0.2, 0.7], [0.2, 0.7]), "same numbers"),
        (lambda: RateTable((20, 30), (-0.1,), (0.1,), "", "", ""), "negative"),
        (lambda: BetaRecalibration.fit([0, 1], [0.2, 1.7]), "between 0 and 1"),
    ],
)
def test_bad_risks_are_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()
