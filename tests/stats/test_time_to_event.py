"""Time to event against R's printed numbers, lifelines, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_g3, load_gbsg2, load_rossi
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import concordance_index

from presage.stats.checks import StatsError
from presage.stats.concordance import compare_concordance, harrell_c, time_dependent_auc, uno_c
from presage.stats.cox import cox
from presage.stats.kaplan_meier import Censoring, kaplan_meier, log_rank
from presage.stats.survival_risk import brier_over_time, calibration_at


def made_up(n=120, seed=0, censored=0.4):
    random = np.random.default_rng(seed)
    score = random.normal(size=n)
    time, end = random.exponential(np.exp(-score)), random.exponential(1 / censored, size=n)
    return (time <= end), np.ceil(np.minimum(time, end) * 20) / 20, score


def test_cox_on_rossi_to_every_printed_digit(reference):
    expected, rossi = reference("survival_reference")["rossi"], load_rossi()
    terms = rossi[expected["terms"]]
    fit = cox(rossi["arrest"], rossi["week"], terms)
    np.testing.assert_allclose(fit.coefficients, expected["efron"], atol=5.1e-10)
    np.testing.assert_allclose(fit.errors, expected["errors"], atol=5.1e-6)
    np.testing.assert_allclose(fit.z, expected["z"], atol=5.1e-4)
    assert round(fit.likelihood_ratio, 2) == expected["likelihood_ratio"]
    breslow = dict(
        zip(expected["terms"], cox(rossi["arrest"], rossi["week"], terms, ties="breslow").coefficients, strict=True)
    )
    for term, value in expected["breslow"].items():
        assert breslow[term] == pytest.approx(value, abs=5.1e-9)


def nottingham(women):
    grade = women["tgrade"].map({"I": 1, "II": 2, "III": 3}).astype(int)
    index = 0.2 * women["tsize"] / 10 + 1 + grade
    return np.where(index < 3.4, 1, np.where(index <= 5.4, 2, 3))


def test_brier_on_gbsg2_to_every_printed_digit(reference):
    expected, women = reference("survival_reference")["gbsg2"], load_gbsg2()
    group = nottingham(women)
    risks = np.empty((len(women), 5))
    for number in np.unique(group):
        rows = group == number
        curve = kaplan_meier(women["cens"][rows], women["time"][rows])
        risks[rows] = [1 - curve.at(day).value for day in expected["days"]]
    found = brier_over_time(women["cens"], women["time"], risks, expected["days"])
    np.testing.assert_allclose([score.value for score in found.scores], expected["brier"], rtol=1e-13)
    assert found.integrated == pytest.approx(expected["integrated"], rel=1e-13)
    four = brier_over_time(women["cens"], women["time"], risks[:, :4], expected["days"][:4])
    assert four.integrated == pytest.approx(expected["integrated_to_1460"], rel=1e-13)


def test_cox_risks_on_gbsg2_have_the_printed_brier_score(reference):
    expected, women = reference("survival_reference")["gbsg2"], load_gbsg2()
    numbers = women[["age", "estrec", "pnodes", "progrec", "tsize"]].to_numpy(float)
    grade = women["tgrade"].map(len)
    terms = np.column_stack([numbers, women["horTh"] == "yes", women["menostat"] == "Pre", grade]).astype(float)
    risk = cox(women["cens"], women["time"], terms).risk(terms, [1825])
    found = brier_over_time(women["cens"], women["time"], risk, [1825]).scores[0].value
    assert found == pytest.approx(expected["cox_at_1825"], rel=1e-5)


def test_uno_by_hand(reference):
    given = reference("survival_reference")["uno_by_hand"]
    for case in given["cases"]:
        found = uno_c(case["event"], case["time"], case["score"])
        assert found.estimate.value == pytest.approx(case["c"], abs=5e-8), case["name"]
        assert (found.concordant, found.discordant, found.tied) == (
            case["concordant"],
            case["discordant"],
            case["tied"],
        )
    case = given["truncated"]
    censoring = case["train_event"], case["train_time"]
    found = uno_c(case["event"], case["time"], case["score"], until=case["until"], censoring=censoring)
    assert found.estimate.value == pytest.approx(case["c"], rel=1e-12)


def test_log_log_limits_of_g3(reference):
    expected, patients = reference("survival_reference")["g3"], load_g3()
    rows = (patients["histology"] == "Grade3") & (patients["group"] == "Control")
    curve = kaplan_meier(patients["event"][rows], patients["time"][rows])
    died = curve.events > 0
    np.testing.assert_allclose(curve.low[died], expected["low"], atol=5.1e-5)
    np.testing.assert_allclose(curve.high[died], expected["high"], atol=5.1e-4)


def test_kaplan_meier_and_log_rank_equal_lifelines():
    event, time, score = made_up()
    curve, other = kaplan_meier(event, time), KaplanMeierFitter().fit(time, event)
    np.testing.assert_allclose(curve.survival, other.survival_function_at_times(curve.times), atol=1e-12)
    limits = other.confidence_interval_survival_function_.loc[curve.times].to_numpy()
    inside = (curve.survival > 0) & (curve.survival < 1)
    np.testing.assert_allclose(np.column_stack([curve.low, curve.high])[inside], limits[inside], atol=1e-10)
    groups = np.digitize(score, [-0.5, 0.5])
    found, expected = log_rank(event, time, groups), multivariate_logrank_test(time, groups, event)
    assert found.statistic == pytest.approx(expected.test_statistic, rel=1e-8)
    assert found.p == pytest.approx(expected.p_value, rel=1e-8)
    assert found.observed.sum() == pytest.approx(found.expected.sum())


def test_harrell_equals_lifelines_and_the_pairs():
    event, time, score = made_up(seed=1)
    found = harrell_c(event, time, score)
    assert found.estimate.value == pytest.approx(concordance_index(time, -score, event), abs=1e-12)
    concordant = discordant = 0
    for i in np.flatnonzero(event):
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                concordant, discordant = concordant + (score[i] > score[j]), discordant + (score[i] < score[j])
    assert (found.concordant, found.discordant) == (concordant, discordant)


def test_the_interval_of_c_has_the_width_of_a_bootstrap():
    event, time, score = made_up(n=150, seed=2)
    found, random = uno_c(event, time, score, until=1.0).estimate, np.random.default_rng(0)
    drawn = []
    for _ in range(300):
        rows = random.integers(0, 150, 150)
        drawn.append(uno_c(event[rows], time[rows], score[rows], until=1.0).estimate.value)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(np.std(drawn), rel=0.25)


def test_censoring_weights_come_from_the_censoring():
    # Nobody is censored, so everybody counts once; weights from the events would not be 1.
    fitted = Censoring.fit(np.ones(5, dtype=bool), np.arange(1.0, 6.0))
    np.testing.assert_array_equal(fitted.at(np.arange(1.0, 6.0)), 1.0)
    # One of two still followed at time 2 is lost there.
    fitted = Censoring.fit(np.array([True, False, True]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(fitted.at(np.array([0.5, 1.0, 2.0, 2.5])), [1, 1, 0.5, 0.5])


def test_without_censoring_the_auc_at_a_time_is_the_plain_auc():
    from presage.stats import auc_interval

    random = np.random.default_rng(3)
    score, time = random.normal(size=80).round(1), random.exponential(size=80)
    time = time * np.exp(-score)
    found = time_dependent_auc(np.ones(80), time, score, [0.5]).aucs[0]
    plain = auc_interval(time <= 0.5, score, method="wald")
    assert found.value == pytest.approx(plain.value, abs=1e-12)
    assert found.high - found.low == pytest.approx(plain.high - plain.low, rel=0.05)


def test_comparison_of_the_same_score_and_of_noise():
    event, time, score = made_up(n=200, seed=4)
    same = compare_concordance(event, time, score, 2 * score)
    assert (same.difference, same.p) == (0, 1)
    noise = np.random.default_rng(0).normal(size=200)
    found = compare_concordance(event, time, score, noise)
    assert found.p < 0.001
    assert found.low < found.difference < found.high


def test_calibration_of_true_risks():
    random = np.random.default_rng(5)
    linear = random.normal(size=4000)
    time, end = random.exponential(np.exp(-linear)), random.uniform(0.2, 3, 4000)
    risk = -np.expm1(-np.exp(linear) * 0.5)
    found = calibration_at(time <= end, np.minimum(time, end), risk, 0.5)
    for estimate, truth in ((found.observed_to_expected, 1), (found.intercept, 0), (found.slope, 1)):
        assert estimate.low <= truth <= estimate.high
    assert all(group.observed.low <= group.predicted <= group.observed.high for group in found.groups)
    off = calibration_at(time <= end, np.minimum(time, end), risk / 2, 0.5)
    assert off.observed_to_expected.low > 1.7


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kaplan_meier([1, 0], [0, 2]), "0 or less"),
        (lambda: kaplan_meier([1, 0], [-1, 2]), "0 or less"),
        (lambda: kaplan_meier([0, 0], [1, 2]), "no event"),
        (lambda: kaplan_meier([1, 2], [1, 2]), "must be 0"),
        (lambda: kaplan_meier([1, 0], [1, np.nan]), "missing"),
        (lambda: kaplan_meier([1, 0], [1, 2]).at(5), "nobody was followed"),
        (lambda: harrell_c([1, 0, 0], [1, 2, 3], [1, 1, 1]), "constant"),
        (lambda: log_rank([1, 0], [1, 2], [1, 1]), "at least two groups"),
        (lambda: brier_over_time([1, 0, 1], [1, 2, 3], [[0.1], [0.2], [1.3]], [1.5]), "between 0 and 1"),
        (lambda: brier_over_time([1, 0, 1], [1, 2, 3], [[0.1], [0.2], [0.3]], [3.5]), "longest follow-up"),
        (lambda: time_dependent_auc([1, 0, 1], [1, 2, 3], [1, 2, 3], [0.5]), "at least 2 of each"),
        (lambda: cox([1, 0, 1], [1, 2, 3], [2, 2, 2]), "constant"),
    ],
)
def test_bad_follow_up_is_refused_in_words(call, words):
    with pytest.raises(StatsError, match=words):
        call()
