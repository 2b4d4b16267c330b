from __future__ import annotations

import numpy as np
import pytest

from presage.cohort import InputError
from presage.tumor.drivers import Calls, explained
from presage.tumor.phantom import PhantomTumours, draw_expression, draw_tumours
from presage.tumor.significance import judge, score, strata
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
    sure = calls.p <= 0.01
    assert acts[sure].mean() > 0.75
    assert calls.driver[acts].mean() > 0.6
    # The rate of false discoveries is that of tumours in which nothing drives; with drivers about it is exceeded.
    assert acts[calls.driver].mean() > 0.7
    # Altered drivers that do nothing here: of the same genes, told by the tumour's own expression alone.
    assert calls.driver[driver & ~acts].mean() < 0.15
    assert (calls.driver == (calls.q <= 0.1)).all()


def test_permuted_tumours_keep_the_stated_rates(inference: Continuous) -> None:
    p, any_call = [], 0
    for number in range(10):
        shuffled = inference.permuted(np.random.default_rng([99, number]))
        found = judge(shuffled, permutations=8, seed=number)[1]
        p.append(found.p)
        any_call += bool((found.q <= 0.1).any())
    drawn = np.concatenate(p)
    for level in (0.01, 0.05, 0.3):
        assert (drawn <= level).mean() == pytest.approx(level, rel=0.35)
    assert any_call <= 4


def test_p_values_by_counting(inference: Continuous) -> None:
    """Against a count over the permutations written out."""
    levels, found = judge(inference, permutations=3, alpha=0.05, seed=5)
    place = strata(inference.altered.sum(axis=0, dtype=np.int64))
    generator = np.random.default_rng([5, 0x7C2])
    chance: dict[int, list[float]] = {}
    for _ in range(3):
        for one in inference.permuted(generator).posteriors():
            for alteration, value in zip(one.alterations, score(one), strict=True):
                chance.setdefault(int(place[alteration]), []).append(float(value))
    for row in range(0, len(found.p), 37):
        pool = np.array(chance[int(place[found.alteration[row]])])
        assert found.p[row] == pytest.approx((1 + (pool >= found.score[row]).sum()) / (1 + len(pool)))
    assert (found.driver == (found.p <= 0.05)).all()
    assert levels.targets is None
    first = inference.posterior(4)
    mask = explained(first, levels.posterior)
    assert first.against is not None
    assert (first.probability[:-1][mask] > first.against[mask]).all()
    assert found.of(4).targets.sum() == mask.sum()


def test_strata_join_rare_alterations_upwards() -> None:
    assert strata(np.array([2, 2, 3, 40, 41, 5]), least=10).tolist() == [0, 0, 0, 1, 2, 0]
    assert strata(np.array([40, 3]), least=10).tolist() == [0, 0]
    # What is left at the end and is too small goes to the stratum before.
    assert strata(np.array([4, 4, 4, 7]), least=10).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("more", [{"permutations": 0}, {"alpha": 1.5}, {"fdr": 0.0}])
def test_senseless_settings_are_refused(inference: Continuous, more: dict[str, float]) -> None:
    with pytest.raises(InputError, match="shares between 0 and 1") as error:
        judge(inference, **more)  # type: ignore[arg-type]
    assert "are usual" in error.value.cure
