from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from presage.tumor.rates import grouped_rates, null_share


def test_share_of_nothing() -> None:
    # 9 of 40 above one half: (1 + 9 + 3) / 20.
    assert null_share(np.concatenate([np.full(31, 0.1), np.full(9, 0.9)])) == pytest.approx(0.65)
    assert null_share(np.linspace(0, 1, 100)) == 1
    assert null_share(np.full(100, 0.001)) == pytest.approx(0.02)
    assert null_share(np.zeros(0)) == 1


def test_by_hand() -> None:
    # Share of nothing: 1 in group 0, (1 + 4 + 2) / 10 in group 1, whose weight is 3/7, scaled to 40 / 6.
    first, second = np.linspace(0.025, 1, 20), np.concatenate([np.full(16, 0.01), np.full(4, 0.8)])
    p, group = np.concatenate([first, second]), np.repeat([0, 1], 20)
    nothing = np.repeat([1.0, 0.7], 20)
    weight = (1 - nothing) / nothing
    weight *= 40 / (nothing * weight).sum()
    expected = stats.false_discovery_control(np.minimum(1, p / (0.1 + 0.9 * weight)))
    assert grouped_rates(p, group) == pytest.approx(expected)


def test_without_findings_it_is_the_procedure_without_weights() -> None:
    p = np.linspace(0.01, 1, 60)
    assert grouped_rates(p, np.arange(60) % 3) == pytest.approx(stats.false_discovery_control(p))
    assert len(grouped_rates(np.zeros(0), np.zeros(0, dtype=np.int64))) == 0


def drawn(generator: np.random.Generator, sizes: list[tuple[int, int]]) -> tuple[NDArray, NDArray, NDArray]:  # type: ignore[type-arg]
    """p-values of groups of so many of nothing and so many of something."""
    p = np.concatenate([np.r_[generator.random(n), generator.beta(0.2, 8, m)] for n, m in sizes])
    true = np.concatenate([np.repeat([False, True], size) for size in sizes])
    return p, true, np.repeat(np.arange(len(sizes)), [n + m for n, m in sizes])


def test_the_rate_holds_and_groups_find_more() -> None:
    generator = np.random.default_rng(8)
    wrong, found, plain = [], 0, 0
    for _ in range(200):
        p, true, group = drawn(generator, [(400, 0), (200, 0), (90, 10), (20, 80)])
        called = grouped_rates(p, group) <= 0.1
        wrong.append((called & ~true).sum() / max(1, called.sum()))
        found += int((called & true).sum())
        plain += int((stats.false_discovery_control(p) <= 0.1)[true].sum())
    assert np.mean(wrong) < 0.11
    assert found > 1.3 * plain


def test_where_there_is_nothing_hardly_anything_is_called() -> None:
    generator = np.random.default_rng(9)
    calls = 0
    for _ in range(400):
        p, _, group = drawn(generator, [(400, 0), (200, 0), (100, 0), (50, 0), (50, 0)])
        calls += bool((grouped_rates(p, group) <= 0.1).any())
    assert calls / 400 < 0.13
