"""Alterations given to tumours that lack them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from presage.tumor.drivers import BINS
from presage.tumor.exchanges import Exchanges, burden
from presage.tumor.phantom import draw_expression, draw_tumours
from presage.tumor.tci import Continuous, exchanged


@pytest.fixture(scope="module")
def inference() -> Continuous:
    phantom = draw_tumours(60, drivers=4, passengers=12, genes=80, silent=0.3, seed=5)
    values, _ = draw_expression(phantom, shift=(2.0, 3.0), seed=5)
    altered = phantom.altered.copy()
    altered[3] = 0
    altered[:, 7] = 1  # nobody lacks it
    return Continuous(altered, values)


def test_scores_and_counts_one_by_one(inference: Continuous) -> None:
    exchanges = Exchanges(inference, seed=9)
    again = Exchanges(inference, seed=9)
    takers = np.stack([again._takers() for _ in range(3)])
    found = np.stack(list(exchanges.draws(3)))
    counts = np.zeros((inference.altered.shape[1], BINS), dtype=np.int64)
    for draw, pair in np.ndindex(takers.shape):
        one, giver, taker = exchanges.alteration[pair], exchanges.tumour[pair], takers[draw, pair]
        if one == 7:
            assert taker == -1
            assert np.isnan(found[draw, pair])
            continue
        assert inference.altered[taker, one] == 0
        assert inference.altered[giver, one] == 1
        acts, idle = exchanged(inference, int(taker), np.array([one]), np.array([giver]))
        assert found[draw, pair] == pytest.approx((acts - idle).sum(), abs=1e-8)
        for probability in acts[0]:
            counts[one, min(int(probability * BINS), BINS - 1)] += 1
    assert np.array_equal(exchanges.counts, counts)


def test_neither_blocks_nor_threads_nor_batches_change_a_draw(
    inference: Continuous, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Exchanges(inference, seed=1)
    expected = np.stack(list(whole.draws(5)))
    assert not np.array_equal(expected, np.stack(list(Exchanges(inference, seed=2).draws(5))), equal_nan=True)
    monkeypatch.setattr("presage.tumor.tci.base._BLOCK", 7)
    monkeypatch.setattr("presage.tumor.tci.exchange._CELLS", 100)
    monkeypatch.setattr("presage.tumor.exchanges._TOGETHER", 2)
    parts = Exchanges(Continuous(inference.altered, inference.expression, threads=3), seed=1)
    assert np.stack(list(parts.draws(5))) == pytest.approx(expected, abs=1e-8, nan_ok=True)
    assert np.array_equal(parts.counts, whole.counts)


def test_memory_does_not_grow_with_the_draws(inference: Continuous) -> None:
    peaks = []
    for number in (20, 80):
        exchanges = Exchanges(inference)
        next(exchanges.draws(1))
        tracemalloc.start()
        for _ in exchanges.draws(number):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Four times as many; what threads hold at once varies.
    assert peaks[1] < 2 * peaks[0]


def test_tumours_take_in_proportion_to_their_burden() -> None:
    generator = np.random.default_rng(0)
    rate = generator.gamma(2.0, 1.0, size=(40, 1))
    altered = (generator.random((40, 200)) < 0.04 * rate).astype(np.uint8)
    weight = burden(altered)
    # The burdens that were drawn, up to a factor.
    assert np.corrcoef(weight, rate[:, 0])[0, 1] > 0.9
    assert weight[altered.sum(axis=1) == altered.sum(axis=1).max()][0] > 2 * np.median(weight)
    exchanges = Exchanges(Continuous(altered, generator.normal(size=(40, 3))), seed=4)
    takers = np.concatenate([exchanges._takers() for _ in range(40)])
    share = np.bincount(takers[takers >= 0], minlength=40) / (takers >= 0).sum()
    assert np.corrcoef(share, weight * (1 - altered.mean(axis=1)))[0, 1] > 0.98
    # No more uneven than by chance: all take alike.
    assert (burden(np.eye(5, dtype=np.uint8)) == 1).all()
