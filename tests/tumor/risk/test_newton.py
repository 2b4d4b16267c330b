"""The quick fits by which a penalty is chosen are lifelines' fits."""

from __future__ import annotations

import numpy as np
import pytest

from presage.tumor.risk import cox
from presage.tumor.risk.newton import _Ties, ridge_weights


def drawn(n: int, columns: int, *, tied: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, columns))
    x[:, 0] = x[:, 0] > 0.5
    time = generator.exponential(1 / np.exp(0.8 * x[:, 0] - 0.4 * x[:, 1])) * 1000 + 1
    return x, generator.random(n) < 0.5, np.ceil(time / 200) if tied else time


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("strength", [0.003, 0.1, 3.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_weights_are_lifelines(tied: bool, strength: float, seed: int) -> None:
    x, event, time = drawn(120, 7, tied=tied, seed=seed)
    x[:, 5] = 1.0  # a column that does not vary here has no weight
    quick = cox._quickly(x, event, time, strength, 2)
    # lifelines stops at a precision of its own.
    np.testing.assert_allclose(quick, cox._weights(x, event, time, strength, 2), atol=2e-4)
    assert quick[5] == 0
    assert np.abs(quick).max() > 0.005


def test_the_likelihood_is_efrons_sum_written_out_and_its_derivatives_are_its_differences() -> None:
    x, event, time = drawn(40, 3, tied=True, seed=3)
    order = np.argsort(-time, kind="stable")
    x, event, time = x[order], event[order], time[order]
    penalty, weights = np.array([0.1, 0.2, 0.3]), np.array([0.4, -0.2, 0.1])
    relative = np.exp(x @ weights)
    total = 0.0
    for moment in np.unique(time[event]):
        died = event & (time == moment)
        for k in range(int(died.sum())):
            total -= np.log(relative[time >= moment].sum() - k / died.sum() * relative[died].sum())
        total += float((x @ weights)[died].sum())
    expected = total / 40 - 0.5 * float((penalty * weights**2).sum())
    ties = _Ties(event, time)
    value, gradient, information = ties.likelihood(x, weights, penalty)
    assert value == pytest.approx(expected, abs=1e-12)
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-5
        above, below = (ties.likelihood(x, weights + sign * step, penalty) for sign in (1, -1))
        assert gradient[place] == pytest.approx((above[0] - below[0]) / 2e-5, abs=1e-8)
        np.testing.assert_allclose(information[place], (below[1] - above[1]) / 2e-5, atol=1e-8)


def test_an_ordering_without_end_is_held_by_the_penalty() -> None:
    x = np.linspace(-1, 1, 30)[:, None]
    time = np.arange(30, 0, -1.0)
    weights = ridge_weights(x, np.ones(30, dtype=bool), time, np.array([0.01]))
    assert 1 < weights[0] < 50
