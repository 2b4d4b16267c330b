"""Mutual hazard networks against the dense matrix, finite differences, closed forms and made-up tumours."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from presage.cohort import InputError
from presage.tumor.progression import (
    Form,
    Network,
    Parameters,
    bootstrap_edges,
    choose_penalty,
    fit,
    held_out,
    many,
    next_events,
    past,
)
from presage.tumor.progression.likelihood import States, log_likelihoods, score
from presage.tumor.progression.network import fit_states


def every_state(n: int) -> np.ndarray:
    return ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1) == 1


def dense(theta: np.ndarray) -> np.ndarray:
    """p of every state from the whole matrix, as the equation is written."""
    n = len(theta)
    q = np.zeros((1 << n, 1 << n))
    for x in range(1 << n):
        for i in range(n):
            if not x >> i & 1:
                rate = np.exp(theta[i, i] + sum(theta[i, j] for j in range(n) if x >> j & 1))
                q[x | 1 << i, x] += rate
                q[x, x] -= rate
    start = np.zeros(1 << n)
    start[0] = 1
    return np.linalg.solve(np.eye(1 << n) - q, start)


def network_of(theta: np.ndarray, names: str) -> Network:
    return Network(Parameters(theta, np.zeros(len(theta))), tuple(names))


@pytest.fixture
def theta() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (6, 6))


def test_restricted_to_own_events_equals_the_whole_matrix(theta: np.ndarray) -> None:
    chances = np.exp(log_likelihoods(theta, every_state(6)))
    assert chances == pytest.approx(dense(theta), rel=1e-11)
    assert chances.sum() == pytest.approx(1, abs=1e-12)


def test_one_event_in_closed_form() -> None:
    for value in (-3.0, 0.2, 4.0):
        logs = log_likelihoods(np.array([[value]]), every_state(1))
        assert logs == pytest.approx([-np.log1p(np.exp(value)), value - np.log1p(np.exp(value))], abs=1e-13)


def test_gradient_against_finite_differences(theta: np.ndarray) -> None:
    states = every_state(6)
    weights = np.random.default_rng(0).integers(0, 4, len(states)).astype(float)
    _, gradient = score(theta, states, weights)
    for i in range(6):
        for j in range(6):
            step = np.zeros_like(theta)
            step[i, j] = 1e-5
            apart = score(theta + step, states, weights)[0] - score(theta - step, states, weights)[0]
            assert gradient[i, j] == pytest.approx(apart / 2e-5, abs=1e-6)


def test_threads_and_blocks_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    theta = generator.normal(-0.5, 0.5, (15, 15))
    states = generator.random((6, 15)) < 0.8
    states[0] = np.arange(15) < 12
    weights = np.arange(1.0, 7)
    whole = score(theta, states, weights)
    threaded = score(theta, states, weights, threads=2)
    assert threaded[0] == whole[0]
    assert np.array_equal(threaded[1], whole[1])
    monkeypatch.setattr(many, "FROM", 10)
    value, gradient = score(theta, states, weights)
    assert value == pytest.approx(whole[0], rel=1e-12)
    assert gradient == pytest.approx(whole[1], abs=1e-11)


def test_the_order_of_the_events_does_not_matter(theta: np.ndarray) -> None:
    states = every_state(6)[[5, 11, 47, 63]]
    mixed = np.array([3, 0, 5, 1, 4, 2])
    assert log_likelihoods(theta[np.ix_(mixed, mixed)], states[:, mixed]) == pytest.approx(
        log_likelihoods(theta, states), rel=1e-12
    )


def test_events_that_change_the_observation_against_the_whole_matrix() -> None:
    generator = np.random.default_rng(5)
    influence, observation = generator.normal(0, 1, (4, 4)), generator.normal(0, 1, 4)
    states = every_state(4)
    looked = np.exp(states @ observation)
    # Chances of the embedded chain: steps and looks at rates that both depend on the state.
    chances = np.zeros(16)
    reached = np.zeros(16)
    reached[0] = 1
    for x in range(16):
        rates = [0 if states[x, i] else np.exp(influence[i, i] + influence[i][states[x]].sum()) for i in range(4)]
        total = sum(rates) + looked[x]
        chances[x] = reached[x] * looked[x] / total
        for i in range(4):
            if rates[i]:
                reached[x | 1 << i] += reached[x] * rates[i] / total
    found = np.exp(log_likelihoods(Parameters(influence, observation).theta, states))
    assert found == pytest.approx(chances, rel=1e-11)


def test_too_many_events_are_refused_with_the_cure() -> None:
    with pytest.raises(InputError, match="more than 25") as refused:
        States.gather(np.ones((2, 26), dtype=int))
    assert "hypermutated" in str(refused.value)


def test_values_that_are_no_events_are_refused() -> None:
    with pytest.raises(InputError, match="row 2, column 1"):
        fit(np.array([[0, 1], [2, 0]]), 0.1)
    with pytest.raises(InputError, match="event B is in no tumour"):
        fit(pd.DataFrame({"A": [0, 1, 1], "B": [0, 0, 0]}), 0.1)


TRUE = np.array(
    [
        [0.3, 0, 0, 0, 0],
        [2.0, -1.5, 0, 0, 0],
        [0, 0, -0.5, -2.5, 0],
        [0, 0, -2.5, -0.5, 0],
        [0, 1.5, 0, 0, -2.0],
    ]
)


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    tumours = network_of(TRUE, "ABCDE").sample(2000, np.random.default_rng(7))
    return pd.DataFrame(tumours, columns=list("ABCDE"))


def test_made_up_tumours_come_at_the_chances_of_the_network(drawn: pd.DataFrame) -> None:
    code = drawn.to_numpy() @ (1 << np.arange(5))
    shares = np.bincount(code, minlength=32) / len(drawn)
    expected = dense(TRUE)
    assert (np.abs(shares - expected) < 5 * np.sqrt(expected * (1 - expected) / len(drawn)) + 1e-9).all()


def test_a_known_network_is_found_again(drawn: pd.DataFrame) -> None:
    found = fit(drawn, 0.003)
    apart = ~np.eye(5, dtype=bool)
    strong = apart & (np.abs(TRUE) >= 1)
    assert (np.sign(found.theta[strong]) == np.sign(TRUE[strong])).all()
    assert np.corrcoef(found.theta[apart], TRUE[apart])[0, 1] > 0.8


def test_a_large_penalty_leaves_rates_alone(drawn: pd.DataFrame) -> None:
    found = fit(drawn, 5.0)
    assert np.abs(found.theta[~np.eye(5, dtype=bool)]).max() < 1e-2
    # What is left is close to the rates that give the frequencies on their own.
    share = drawn.mean().to_numpy()
    assert np.diag(found.theta) == pytest.approx(np.log(share / (1 - share)), abs=0.2)


def test_an_event_that_brings_tumours_to_be_looked_at_is_found() -> None:
    form = Form(observation=True, symmetric=True)
    generator = np.random.default_rng(2)
    influence = generator.normal(0, 1, (4, 4))
    _, slope = form.size(influence)
    for i, j in ((0, 1), (3, 2)):
        step = np.zeros_like(influence)
        step[i, j] = 1e-6
        apart = form.size(influence + step)[0] - form.size(influence - step)[0]
        assert slope[i, j] == pytest.approx(apart / 2e-6, abs=1e-6)
    true = Parameters(np.where(np.eye(4), 0.5, 0.0), np.array([2.0, 0, 0, 0]))
    tumours = Network(true, tuple("ABCD")).sample(1500, generator)
    states = States.gather(tumours)
    found = fit_states(states, states.counts, 0.01, form=form)
    assert found.observation[0] > 0.5
    assert np.abs(found.observation[1:]).max() < 0.5 * found.observation[0]


def test_the_penalty_is_chosen_on_held_out_tumours(drawn: pd.DataFrame) -> None:
    some = drawn.head(300)
    tried = [0.1, 0.02]
    best = choose_penalty(some, folds=3, penalties=tried)
    sparse = choose_penalty(some, folds=3, penalties=tried, one_error=True)
    assert best.chosen == best.penalties[np.argmax(best.held_out)]
    assert sparse.chosen >= best.chosen
    result = held_out(some, folds=2, inner_folds=2)
    assert result.network.mean() > result.independent.mean()
    # By the frequencies of the training part alone.
    train, test = some[result.fold != 0], some[result.fold == 0].to_numpy() == 1
    share = train.mean().to_numpy()
    expected = np.where(test, np.log(share), np.log(1 - share)).sum(axis=1)
    assert result.independent[result.fold == 0] == pytest.approx(expected)


def test_events_unseen_in_training_keep_a_rate(drawn: pd.DataFrame) -> None:
    states = States.gather(drawn.head(60).assign(F=[1] + [0] * 59))
    found = fit_states(states, states.weights(np.arange(1, 60)), 0.01)
    assert found.theta[5, 5] == pytest.approx(np.log(0.5 / 58.5))
    assert not found.theta[5, :5].any()
    assert not found.theta[:5, 5].any()


def test_the_past_against_all_orders(theta: np.ndarray) -> None:
    network = network_of(theta, "ABCDEF")
    told = past(network, ["A", "C", "D", "F"])
    own = [0, 2, 3, 5]
    weight = {}
    for order in permutations(range(4)):
        had: list[int] = []
        product = 1.0
        for step in (*order, None):
            rates = [0 if i in had else np.exp(theta[i, i] + sum(theta[i, j] for j in had)) for i in range(6)]
            product *= (1 if step is None else rates[own[step]]) / (1 + sum(rates))
            if step is not None:
                had.append(own[step])
        weight[order] = product
    total = sum(weight.values())
    position, before = np.zeros((4, 4)), np.zeros((4, 4))
    for order, product in weight.items():
        for place, event in enumerate(order):
            position[event, place] += product / total
            for later in order[place + 1 :]:
                before[event, later] += product / total
    assert told.position.to_numpy() == pytest.approx(position, abs=1e-12)
    assert told.before.to_numpy() == pytest.approx(before, abs=1e-12)
    likeliest = max(weight, key=weight.__getitem__)
    assert told.likeliest == tuple("ACDF"[event] for event in likeliest)
    assert told.chance == pytest.approx(weight[likeliest] / total)
    assert told.expected.sum() == pytest.approx(10)


def test_next_events_by_their_rates(theta: np.ndarray) -> None:
    chances = next_events(network_of(theta, "ABCDEF"), ["B", "E"])
    assert chances.sum() == pytest.approx(1)
    assert chances["A"] / chances["F"] == pytest.approx(
        np.exp(theta[0, 0] + theta[0, 1] + theta[0, 4] - theta[5, 5] - theta[5, 1] - theta[5, 4])
    )
    with pytest.raises(InputError, match="does not know X"):
        next_events(network_of(theta, "ABCDEF"), ["X"])


def test_edges_of_drawn_tumours(drawn: pd.DataFrame) -> None:
    some = drawn.head(500)
    table = bootstrap_edges(fit(some, 0.01), some, form=Form(), replicates=8)
    assert len(table) == 20
    by_pair = table.set_index(["source", "target"])
    assert by_pair.loc[("A", "B"), "same_sign"] >= 0.75
    assert by_pair.loc[("A", "B"), "influence"] > 0
    assert (table["nonzero"] >= table["same_sign"]).all()
