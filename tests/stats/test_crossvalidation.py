"""AUC over repeated cross-validation."""

from __future__ import annotations

import numpy as np
import pytest
from slow_definitions import two_scores

from presage import stats


def folds_of(cases, count, random):
    folds = np.empty(len(cases), dtype=int)
    for kind in (cases, ~cases):
        rows = random.permutation(np.flatnonzero(kind))
        folds[rows] = np.arange(len(rows)) % count
    return folds


def centroid_study(random, n=80, features=30, effect=0.0, repeats=10, count=5):
    """Out-of-fold scores of a nearest-centroid model refitted in every fold."""
    cases = np.arange(n) % 2 == 0
    images = random.normal(size=(n, features))
    images[cases, 0] += effect
    scores, folds = np.empty((repeats, n)), np.empty((repeats, n), dtype=int)
    for repeat in range(repeats):
        folds[repeat] = folds_of(cases, count, random)
        for fold in range(count):
            test = folds[repeat] == fold
            direction = images[cases & ~test].mean(axis=0) - images[~cases & ~test].mean(axis=0)
            scores[repeat, test] = images[test] @ direction
    return cases, scores, folds


def test_an_external_score_gives_delong_exactly():
    cases, scores = two_scores(120, 1)
    fit = stats.repeated_cv(cases, scores[:, None, :])
    for found, expected in zip((fit.aucs, fit.covariance), stats.delong(cases, scores), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    one, other = stats.repeated_cv_auc(cases, scores[0]), stats.auc_interval(cases, scores[0])
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=1e-12)
    assert stats.compare_repeated_cv(cases, *scores).p == pytest.approx(
        stats.compare_paired(cases, *scores).p, rel=1e-9
    )


def test_the_estimate_is_the_share_of_pairs_won_within_folds():
    cases, scores, folds = centroid_study(np.random.default_rng(0), repeats=3)
    won = pairs = 0
    for repeat in range(3):
        for i in np.flatnonzero(cases):
            for j in np.flatnonzero(~cases & (folds[repeat] == folds[repeat, i])):
                a, b = scores[repeat, i], scores[repeat, j]
                won, pairs = won + (a > b) + 0.5 * (a == b), pairs + 1
    assert stats.repeated_cv_auc(cases, scores, folds).value == pytest.approx(won / pairs, abs=1e-12)


def test_a_shift_between_folds_does_not_change_it():
    # Models of different folds have different intercepts; pooled scores would suffer.
    cases, scores, folds = centroid_study(np.random.default_rng(1), effect=1.0)
    shifted = scores + 10 * folds
    before, after = (stats.repeated_cv_auc(cases, s, folds) for s in (scores, shifted))
    assert (before.value, before.low, before.high) == pytest.approx((after.value, after.low, after.high))


def test_null_studies_are_covered_where_delong_on_pooled_scores_fails():
    random = np.random.default_rng(2)
    covered = naive = 0
    for _ in range(150):
        cases, scores, folds = centroid_study(random)
        found = stats.repeated_cv_auc(cases, scores, folds)
        plain = stats.auc_interval(cases, scores.mean(axis=0))
        covered += found.low <= 0.5 <= found.high
        naive += plain.low <= 0.5 <= plain.high
    # Exact binomial limits: 95 % of 150 gives at least 135 with probability 0.998.
    assert covered >= 135
    assert naive < 135


def test_one_repeat_takes_the_largest_training_variance():
    cases, scores, folds = centroid_study(np.random.default_rng(3), effect=2.0, repeats=10)
    one = stats.repeated_cv_auc(cases, scores[0], folds[0])
    ten = stats.repeated_cv_auc(cases, scores, folds)
    assert "one repeat" in one.method
    assert one.high - one.low > ten.high - ten.low


def test_the_same_marker_twice_has_no_difference():
    cases, scores, folds = centroid_study(np.random.default_rng(4))
    found = stats.compare_repeated_cv(cases, scores, scores * 2 + 1, folds)
    assert (found.difference, found.p) == (0, 1)


def test_a_marker_without_fitting_is_given_once():
    cases, scores, folds = centroid_study(np.random.default_rng(5), effect=1.0)
    plain = np.random.default_rng(0).normal(size=len(cases))
    found = stats.compare_repeated_cv(cases, scores, plain, folds)
    again = stats.compare_repeated_cv(cases, scores, np.tile(plain, (10, 1)), folds)
    assert found == again


def test_rows_of_a_patient_are_kept_together():
    cases, scores, folds = centroid_study(np.random.default_rng(7), effect=1.0)
    once = stats.repeated_cv_auc(cases, scores, folds, patients=np.arange(80))
    plain = stats.repeated_cv_auc(cases, scores, folds)
    assert (once.low, once.high) == pytest.approx((plain.low, plain.high), rel=1e-12)
    # Every row twice, and half of the pairs' folds are the same: nothing is gained.
    twice = stats.repeated_cv(
        np.tile(cases, 2), np.tile(scores, 2)[None], np.tile(folds, 2), patients=np.tile(np.arange(80), 2)
    )
    expected = stats.repeated_cv(cases, scores[None], folds)
    np.testing.assert_allclose(twice.aucs, expected.aucs, rtol=1e-12)
    np.testing.assert_allclose(twice.covariance, expected.covariance, rtol=1e-9)
    assert (twice.n_cases, twice.n_controls) == (40, 40)


def test_without_folds_clustered_rows_give_obuchowski():
    cases, scores = two_scores(90, 8)
    patients = np.random.default_rng(1).integers(0, 30, size=90)
    fit = stats.repeated_cv(cases, scores[:, None, :], patients=patients)
    np.testing.assert_allclose(fit.covariance, stats.clustered_delong(cases, scores, patients)[1], rtol=1e-12)


def test_a_patient_in_two_folds_is_refused():
    cases, scores, folds = centroid_study(np.random.default_rng(8))
    with pytest.raises(stats.StatsError, match="split by patient") as caught:
        stats.repeated_cv_auc(cases, scores, folds, patients=np.arange(80) // 2)
    assert caught.value.rows


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s, f: (s, None), "several repeats need their folds"),
        (lambda s, f: (s, f[:2]), "must have shape"),
        (lambda s, f: (s, np.tile(np.arange(80), (10, 1))), "leave-one-out"),
        (lambda s, f: (s, np.zeros_like(f)), "one fold only"),
        (lambda s, f: (s * 0, f), "constant"),
        (lambda s, f: (np.where(f == 0, np.nan, s), f), "missing or infinite"),
    ],
)
def test_bad_studies_are_refused(change, words):
    cases, scores, folds = centroid_study(np.random.default_rng(6))
    with pytest.raises(stats.StatsError, match=words):
        stats.repeated_cv_auc(cases, *change(scores, folds))
