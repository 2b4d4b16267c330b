"""The patient bootstrap and clustered rows."""

from __future__ import annotations

import numpy as np
import pytest
from slow_definitions import slow_placements, two_scores

from presage import stats
from presage.stats.checks import StatsError
from presage.stats.resampling import bootstrap, percentile_comparison, percentile_interval, weighted_auc


@pytest.mark.parametrize("decimals", [0, 9])
def test_a_weighted_auc_is_the_auc_of_the_repeated_patients(decimals):
    cases, scores = two_scores(50, 2, decimals=decimals)
    weights = np.random.default_rng(0).integers(0, 4, size=(6, 50)).astype(float)
    weights[:, cases.argmax()] = weights[:, cases.argmin()] = 1
    found = weighted_auc(cases, scores[0])(weights)
    for value, row in zip(found, weights.astype(int), strict=True):
        assert value == pytest.approx(stats.auc(np.repeat(cases, row), np.repeat(scores[0], row)), abs=1e-14)


def test_the_numbers_do_not_depend_on_the_threads():
    cases, scores = two_scores(90, 1)
    runs = [stats.bootstrap_auc(cases, scores, replicates=130, seed=4, threads=threads) for threads in (1, 2, 5)]
    assert all(np.array_equal(runs[0], run) for run in runs)
    assert not np.array_equal(runs[0], stats.bootstrap_auc(cases, scores, replicates=130, seed=5))


def test_the_bootstrap_variance_is_near_delongs():
    cases, scores = two_scores(400, 6)
    replicates = stats.bootstrap_auc(cases, scores)
    covariance = stats.delong(cases, scores)[1]
    np.testing.assert_allclose(np.cov(replicates.T), covariance, rtol=0.12)


def test_whole_patients_are_drawn():
    cases, _ = two_scores(60, 1)
    clusters = np.arange(60) // 3
    weights = []
    bootstrap(lambda block: weights.append(block) or block[:, 0], cases, clusters, replicates=50, threads=1)
    drawn = np.concatenate(weights)
    assert (drawn[:, 0::3] == drawn[:, 1::3]).all()
    assert (drawn[:, 0::3].sum(axis=1) == 20).all()


def test_one_row_per_patient_is_delong():
    cases, scores = two_scores(80, 3)
    for found, expected in zip(
        stats.clustered_delong(cases, scores, [f"p{i}" for i in range(80)]), stats.delong(cases, scores), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_obuchowskis_variance_equals_its_sums_written_out():
    cases, scores = two_scores(90, 8)
    patients = np.random.default_rng(1).integers(0, 30, size=90)
    values, covariance = stats.clustered_delong(cases, scores, patients)
    for a in range(2):
        for b in range(2):
            placed = [slow_placements(cases, scores[k]) - values[k] for k in (a, b)]
            m, n = cases.sum(), (~cases).sum()
            kinds, present = {"case": cases, "control": ~cases}, {}
            sums = {}
            for kind, rows in kinds.items():
                present[kind] = len(set(patients[rows]))
                for k in (0, 1):
                    sums[kind, k] = np.array([placed[k][rows & (patients == p)].sum() for p in np.unique(patients)])
            i, i10, i01 = len(np.unique(patients)), present["case"], present["control"]
            expected = (
                i10 / (i10 - 1) * (sums["case", 0] @ sums["case", 1]) / m**2
                + i01 / (i01 - 1) * (sums["control", 0] @ sums["control", 1]) / n**2
                + i / (i - 1) * (sums["case", 0] @ sums["control", 1] + sums["control", 0] @ sums["case", 1]) / (m * n)
            )
            assert covariance[a, b] == pytest.approx(expected, rel=1e-10)


def test_doubling_every_row_of_a_patient_gains_nothing():
    cases, scores = two_scores(100, 9)
    once = stats.delong(cases, scores)[1]
    twice = stats.clustered_delong(np.tile(cases, 2), np.tile(scores, 2), np.tile(np.arange(100), 2))[1]
    naive = stats.delong(np.tile(cases, 2), np.tile(scores, 2))[1]
    np.testing.assert_allclose(twice, once, rtol=1e-10)
    assert naive[0, 0] < 0.55 * once[0, 0]


def test_a_clustered_comparison_with_few_patients_uses_t():
    cases, scores = two_scores(60, 2)
    found = stats.compare_clustered(cases, *scores, np.arange(60) // 3)
    assert "t with" in found.method
    assert found.low < found.difference < found.high


def test_percentiles():
    replicates = np.linspace(-1, 3, 4001)
    assert percentile_interval(1.0, replicates).low == pytest.approx(-0.9)
    found = percentile_comparison(1.0, replicates)
    assert found.p == pytest.approx(0.5, abs=0.001)
    with pytest.raises(StatsError, match="missing or infinite"):
        percentile_interval(1.0, np.array([1.0, np.nan]))


def test_one_patient_alone_is_refused():
    with pytest.raises(StatsError, match="only 1 patient has case rows"):
        stats.clustered_auc_interval([1, 1, 0, 0], [1, 2, 3, 4], ["a", "a", "b", "c"])
