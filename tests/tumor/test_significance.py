from __future__ import annotations

import numpy as np
import pytest

from presage.cohort import InputError
from presage.tumor.drivers import Calls, explained
from presage.tumor.exchanges import Exchanges
from presage.tumor.phantom import PhantomTumours, draw_expression, draw_tumours
from presage.tumor.significance import deviations, groups, judge, score
from presage.tumor.tci import Continuous


@pytest.fixture(scope="module")
def phantom() -> PhantomTumours:
    return draw_tumours(150, genes=400, passengers=60, silent=0.3, uneven=0.8, seed=11)


@pytest.fixture(scope="module")
def inference(phantom: PhantomTumours) -> Continuous:
    values, _ = draw_expression(phantom, shift=(2.0, 3.0), shared=0.3, seed=11)
    return Continuous(phantom.altered, values)


@pytest.fixture(scope="module")
def calls(inference: Continuous) -> Calls:
    return judge(inference, permutations=20, fdr=0.1, seed=3)[1]


def test_acting_drivers_are_called_and_idle_ones_are_not(phantom: PhantomTumours, calls: Calls) -> None:
    driver = calls.alteration < phantom.drivers
    acts = np.zeros(len(driver), dtype=bool)
    acts[driver] = phantom.acting[calls.tumour[driver], calls.alteration[driver]]
    assert calls.driver[acts].mean() > 0.5
    # With drivers about the stated rate holds.
    assert acts[calls.driver].mean() > 0.85
    # Altered drivers that do nothing here: of the same genes, told by the tumour's own expression alone.
    assert calls.driver[driver & ~acts].mean() < 0.1
    assert (calls.driver == (calls.q <= 0.1)).all()


def test_pairs_of_nothing_have_even_p_values_with_drivers_about() -> None:
    passenger, idle = [], []
    for seed in range(4):
        phantom = draw_tumours(120, genes=300, passengers=60, silent=0.3, uneven=0.8, seed=40 + seed)
        values, _ = draw_expression(phantom, shift=(2.0, 3.0), shared=0.3, seed=40 + seed)
        found = judge(Continuous(phantom.altered, values), permutations=10, seed=seed)[1]
        driver = found.alteration < phantom.drivers
        idle.append(found.p[driver][~phantom.acting[found.tumour[driver], found.alteration[driver]]])
        passenger.append(found.p[~driver])
    for of in (np.concatenate(passenger), np.concatenate(idle)):
        # By permuted expression one passenger in forty was below 0.01.
        assert (of <= 0.01).mean() < 0.015
        assert (of <= 0.1).mean() < 0.12
        assert (of <= 0.3).mean() == pytest.approx(0.3, abs=0.07)
        assert (of <= 0.7).mean() == pytest.approx(0.7, abs=0.12)


def test_permuted_tumours_keep_the_stated_rates(inference: Continuous) -> None:
    p, any_call = [], 0
    for number in range(10):
        shuffled = inference.permuted(np.random.default_rng([99, number]))
        found = judge(shuffled, permutations=8, seed=number)[1]
        p.append(found.p)
        any_call += bool((found.q <= 0.1).any())
    drawn = np.concatenate(p)
    # No more than stated, and at larger levels no fewer either.
    assert (drawn <= 0.01).mean() < 0.012
    assert (drawn <= 0.05).mean() == pytest.approx(0.04, abs=0.015)
    assert (drawn <= 0.3).mean() == pytest.approx(0.3, abs=0.05)
    assert any_call <= 3


def test_p_values_by_counting(inference: Continuous) -> None:
    """Against counts and standard deviations written out."""
    levels, found = judge(inference, permutations=3, alpha=0.05, seed=5)
    exchanges = Exchanges(inference, seed=5)
    chance = np.stack(list(exchanges.draws(3)))
    elsewhere = np.concatenate([inference.elsewhere(tumour) for tumour in range(len(inference.altered))])
    group = groups(elsewhere)
    scaled = np.empty_like(chance)
    for draw, pair in np.ndindex(chance.shape):
        same = exchanges.alteration == exchanges.alteration[pair]
        others = chance[:, same].ravel().tolist()
        others.remove(chance[draw, pair])
        scaled[draw, pair] = (chance[draw, pair] - np.mean(others)) / np.std(others)
    for row in range(0, len(found.p), 37):
        own = chance[:, exchanges.alteration == exchanges.alteration[row]]
        value = (found.score[row] - own.mean()) / own.std()
        pool = scaled[:, group == group[row]]
        count = (pool >= value - 1e-6).sum()
        assert found.p[row] == pytest.approx((1 + count) / (1 + pool.size), abs=2 / pool.size)
    assert (found.driver == (found.p <= 0.05)).all()
    assert levels.targets is None
    first = inference.posterior(4)
    mask = explained(first, levels.posterior)
    assert first.against is not None
    assert (first.probability[:-1][mask] > first.against[mask]).all()
    assert found.score[found.tumour == 4] == pytest.approx(score(first), abs=1e-8)
    assert found.of(4).targets.sum() == mask.sum()


def test_the_same_seed_calls_the_same_whatever_the_threads(inference: Continuous, calls: Calls) -> None:
    threads = Continuous(inference.altered, inference.expression, threads=2)
    again = judge(threads, permutations=20, fdr=0.1, seed=3)[1]
    assert np.array_equal(again.q, calls.q)
    assert not np.array_equal(judge(inference, permutations=20, fdr=0.1, seed=4)[1].p, calls.p)


def test_groups_halve_towards_what_explains_most() -> None:
    explains = np.random.default_rng(0).permutation(400) / 7.0
    group = groups(explains, least=50)
    assert np.bincount(group).tolist() == [200, 100, 50, 50]
    assert explains[group == 3].min() > explains[group == 2].max()
    assert (groups(np.arange(30.0)) == 0).all()
    assert len(set(groups(np.zeros(400)).tolist())) == 1
    assert len(groups(np.zeros(0))) == 0


def test_deviations_leave_an_exchanged_score_out_of_its_own_measure() -> None:
    chance = np.array([[0.0, 5.0, np.nan], [2.0, 1.0, np.nan]])
    scaled, own = deviations(chance, np.array([9.0, 2.0, 1.0]), np.array([0, 0, 1]))
    others = np.array([2.0, 5.0, 1.0])
    assert scaled[0, 0] == pytest.approx((0 - others.mean()) / others.std(), abs=1e-4)
    every = np.array([0.0, 5.0, 2.0, 1.0])
    assert own[:2] == pytest.approx((np.array([9.0, 2.0]) - every.mean()) / every.std(), abs=1e-4)
    assert np.isnan(own[2])
    assert np.isnan(deviations(np.ones((1, 1)), np.ones(1), np.zeros(1, dtype=np.int64))[1]).all()


def test_what_every_tumour_has_is_not_judged() -> None:
    generator = np.random.default_rng(2)
    altered = (generator.random((40, 5)) < 0.4).astype(np.uint8)
    altered[:, 2] = 1
    levels, found = judge(Continuous(altered, generator.normal(size=(40, 30))), permutations=4)
    assert (found.p[found.alteration == 2] == 1).all()
    assert levels.posterior[2] == 1
    assert not found.driver[found.alteration == 2].any()


@pytest.mark.parametrize("more", [{"permutations": 0}, {"alpha": 1.5}, {"fdr": 0.0}])
def test_senseless_settings_are_refused(inference: Continuous, more: dict[str, float]) -> None:
    with pytest.raises(InputError, match="shares between 0 and 1") as error:
        judge(inference, **more)  # type: ignore[arg-type]
    assert "are usual" in error.value.cure
