"""Evidence without a threshold against a literal transcription with covariance matrices, and its limits."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from presage.cohort import InputError
from presage.tumor.tci import Continuous, LeakRule, exchanged, frequency_prior

Matrix = NDArray[np.uint8]
Floats = NDArray[np.float64]
EFFECT = 1.3


def scores(values: Floats) -> Floats:
    size = len(values)
    own = np.array([stats.norm.ppf((stats.rankdata(values)[r] - 0.375) / (size + 0.25)) for r in range(size)])
    return own - own.mean()


def likelihood(x: Floats, groups: list[list[int]], effect: float = EFFECT) -> float:
    """Of values with a shift of its own for each group, a flat mean and 1/variance, from the covariance matrix.

    Less the constant ln Gamma((n - 1) / 2) - (n - 1) / 2 ln pi that every hypothesis of a gene shares.
    """
    size = len(x)
    covariance = np.eye(size)
    for group in groups:
        member = np.isin(np.arange(size), group).astype(float)
        covariance += effect**2 * np.outer(member, member)
    inverse = np.linalg.inv(covariance)
    one = np.ones(size)
    precision = one @ inverse @ one
    mean = one @ inverse @ x / precision
    left = (x - mean) @ inverse @ (x - mean)
    return float(-0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * log(precision) - 0.5 * (size - 1) * log(left))


def having(a: Matrix, i: int) -> list[int]:
    return [r for r in range(len(a)) if a[r, i]]


def drivers(a: Matrix, x: Floats, prior: list[float]) -> tuple[int, int]:
    alone = likelihood(x, [])
    found = []
    for i in range(a.shape[1]):
        score = likelihood(x, [having(a, i)])
        if score > alone + 1e-9 and prior[i] > 0:
            found.append((-(score + log(prior[i])), i))
    ordered = [i for _, i in sorted(found)] + [-1, -1]
    return ordered[0], ordered[1]


def literal(a: Matrix, x: Floats, prior: Floats, t: int, leak: str) -> tuple[dict[int, float], dict[int, float]]:
    """That each alteration of tumour t acts on the gene, and that it is its cause and does not act here."""
    first, second = drivers(a, x, prior[:, :-1].mean(axis=0).tolist())
    lacking = [d for d in (first, second) if d >= 0 and not a[t, d]]
    groups = [having(a, lacking[0])] if leak == "driver" and lacking else []
    weights: dict[tuple[int, bool], float] = {(-1, False): log(prior[t, -1]) + likelihood(x, groups)}
    for i in having(a.T, t):
        d = second if i == first else first
        for acts in (True, False):
            candidate = [r for r in having(a, i) if acts or r != t]
            other = [r for r in having(a, d) if r not in candidate] if d >= 0 else []
            weights[i, acts] = log(prior[t, i] / 2) + likelihood(x, [candidate, other])
    top = max(weights.values())
    whole = sum(exp(w - top) for w in weights.values())
    share = {key: exp(w - top) / whole for key, w in weights.items()}
    return {i: v for (i, acts), v in share.items() if acts}, {i: v for (i, acts), v in share.items() if not acts}


def literal_exchanged(a: Matrix, x: Floats, t: int, i: int, giver: int, leak: str) -> tuple[float, float]:
    """That i acts on the gene in t, and that it is its cause and idle, in a cohort with i in t and not in the giver."""
    first, second = drivers(a, x, frequency_prior(a, 0.9)[:, :-1].mean(axis=0).tolist())
    weight = (a / np.maximum(a.sum(axis=1, keepdims=True), 1)).sum(axis=0)
    b = a.copy()
    b[giver, i], b[t, i] = 0, 1
    lacking = [d for d in (first, second) if d >= 0 and not b[t, d]]
    groups = [having(b, lacking[0])] if leak == "driver" and lacking else []
    weights = {(-1, False): log(0.9) + likelihood(x, groups)}
    for j in having(b.T, t):
        d = second if j == first else first
        for acts in (True, False):
            candidate = [r for r in having(b, j) if acts or r != t]
            other = [r for r in having(b, d) if r not in candidate] if d >= 0 else []
            prior = 0.1 * weight[j] / weight[having(b.T, t)].sum() / 2
            weights[j, acts] = log(prior) + likelihood(x, [candidate, other])
    top = max(weights.values())
    whole = sum(exp(w - top) for w in weights.values())
    return exp(weights[i, True] - top) / whole, exp(weights[i, False] - top) / whole


def cohort(seed: int, size: int = 24, alterations: int = 6, genes: int = 8) -> tuple[Matrix, Floats]:
    generator = np.random.default_rng(seed)
    a = (generator.random((size, alterations)) < generator.uniform(0.08, 0.5, alterations)).astype(np.uint8)
    a[0] = 0
    a[:, -1] = 1  # every tumour has it
    cause = generator.integers(alterations - 1, size=genes)
    x = generator.normal(size=(size, genes)) + 1.5 * a[:, cause] * generator.choice([-1, 1], size=genes)
    x[:, -1] = generator.integers(3, size=size)  # a gene with ties
    return a, x


@pytest.mark.parametrize("leak", ["published", "driver"])
@pytest.mark.parametrize("seed", range(3))
def test_posteriors_are_those_of_the_covariance_matrices(seed: int, leak: LeakRule) -> None:
    a, x = cohort(seed)
    inference = Continuous(a, x, leak=leak, effect=EFFECT)
    own, there, none = 0, 0, 0
    for t in range(len(a)):
        found = inference.posterior(t)
        assert found.against is not None
        assert found.probability.sum(axis=0) == pytest.approx(1)
        for j in found.genes:
            acting, idle = literal(a, scores(x[:, j]), inference.prior, t, leak)
            for row, i in enumerate(found.alterations.tolist()):
                assert found.probability[row, j] == pytest.approx(acting[i], abs=1e-9)
                assert found.against[row, j] == pytest.approx(idle[i], abs=1e-9)
            driver = int(inference.pairs.driver[j])
            own += driver in found.alterations
            there += driver in found.alterations and len(found.alterations) > 1
            none += driver < 0
    assert min(own, there) > 20
    # The gene with ties has no driver: whoever has none is compared, too.
    assert none >= len(a)


@pytest.mark.parametrize("leak", ["published", "driver"])
def test_exchanged_posteriors_are_those_of_the_exchanged_cohort(
    leak: LeakRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("presage.tumor.tci.exchange._CELLS", 20)  # two or three at a time
    a, x = cohort(4)
    a[0] = 0  # a tumour that has nothing of its own
    inference = Continuous(a, x, leak=leak, effect=EFFECT)
    generator, beside = np.random.default_rng(0), 0
    for t in range(0, len(a), 3):
        given = np.repeat(np.flatnonzero(a[t] == 0), 2)
        instead = np.array([generator.choice(np.flatnonzero(a[:, i])) for i in given], dtype=np.int64)
        acts, idle = exchanged(inference, t, given, instead)
        assert acts.shape == idle.shape == (len(given), x.shape[1])
        for j in range(x.shape[1]):
            for row, (i, giver) in enumerate(zip(given.tolist(), instead.tolist(), strict=True)):
                expected = literal_exchanged(a, scores(x[:, j]), t, i, giver, leak)
                assert (acts[row, j], idle[row, j]) == pytest.approx(expected, abs=1e-9)
                beside += i in (inference.pairs.driver[j], inference.pairs.second[j])
    assert beside > 20  # the given alteration is one that others are judged beside


def test_genes_explained_elsewhere_do_not_ask_this_tumour() -> None:
    a, x = cohort(6)
    inference = Continuous(a, x, effect=EFFECT)
    weight = (a / np.maximum(a.sum(axis=1, keepdims=True), 1)).sum(axis=0)
    for t in range(0, len(a), 5):
        expected = []
        for i in having(a.T, t):
            share = 0.1 * weight[i] / (weight[i] + weight @ a.mean(axis=0))
            genes = 0.0
            for j in range(x.shape[1]):
                y = scores(x[:, j])
                first, second = drivers(a, y, inference.prior[:, :-1].mean(axis=0).tolist())
                d = second if i == first else first
                candidate = [r for r in having(a, i) if r != t]
                other = [having(a, d)] if d >= 0 else []
                both = [candidate, *([r for r in group if r not in candidate] for group in other)]
                odds = share / 0.9 * exp(likelihood(y, both) - likelihood(y, other))
                genes += odds / (1 + odds)
            expected.append(genes)
        assert inference.elsewhere(t) == pytest.approx(expected, abs=1e-9)


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, x = cohort(5, size=40, alterations=9, genes=50)
    whole = Continuous(a, x)
    expected = [found.probability for found in whole.posteriors()]
    monkeypatch.setattr("presage.tumor.tci.base._BLOCK", 7)
    parts = Continuous(a, x, threads=3)
    assert np.array_equal(whole.pairs.driver, parts.pairs.driver)
    for one, other in zip(expected, parts.posteriors(), strict=True):
        assert one == pytest.approx(other.probability, abs=1e-12)


def test_the_limits() -> None:
    a, x = cohort(1, size=40)
    # An alteration of every tumour, and an effect of nought, explain nothing that the leak does not.
    pairs = Continuous(a, x).pairs
    undriven = np.flatnonzero(pairs.driver < 0)
    plain = Continuous(a[:, [-1]], x)
    assert plain.pairs.evidence[0] == pytest.approx(plain.pairs.leak[0], abs=1e-9)
    tiny = Continuous(a, x, effect=1e-7)
    assert tiny.pairs.evidence == pytest.approx(
        np.broadcast_to(tiny.pairs.leak[0], tiny.pairs.evidence.shape), abs=1e-9
    )
    assert pairs.evidence[-1, undriven] == pytest.approx(pairs.leak[0, undriven], abs=1e-9)
    # Only the order of the tumours is used, and which end is up is of no account.
    again = Continuous(a, -np.exp(x))
    assert again.pairs.evidence == pytest.approx(pairs.evidence, abs=1e-9)


def test_a_tumour_on_the_wrong_side_speaks_against() -> None:
    generator = np.random.default_rng(3)
    a = np.zeros((80, 2), dtype=np.uint8)
    a[:30, 0] = 1
    a[25:60, 1] = 1
    x = generator.normal(size=(80, 40))
    x[:30] += 2.0
    x[0] -= 2.0  # altered, and like the tumours without it
    inference = Continuous(a, x)
    net = np.array([(f.probability[0] - f.against[0]).mean() for f in map(inference.posterior, range(25))])  # type: ignore[index]
    assert net[0] < -0.2
    assert net[1:].mean() > 0.2
    # A change that nearly half of the tumours share is explained all the same.
    assert inference.posterior(1).probability[0].mean() > 0.5


def test_a_gene_that_does_not_vary_says_nothing() -> None:
    a, x = cohort(2)
    x[:, 0] = 7.0
    for found in Continuous(a, x).posteriors():
        assert np.isfinite(found.probability).all()
        assert found.against is not None
        assert (found.probability[:-1, 0] < 0.2).all()


@pytest.mark.parametrize(
    ("altered", "expression", "more", "message"),
    [
        (np.ones((4, 2)), np.full((4, 2), np.nan), {}, "finite numbers"),
        (np.ones((2, 2)), np.ones((2, 2)), {}, "three tumours"),
        (np.full((4, 2), 2), np.ones((4, 2)), {}, "0 and 1"),
        (np.ones((4, 2)), np.ones((5, 2)), {}, "4 tumours with alterations, 5 with expression"),
        (np.ones((4, 2)), np.ones((4, 2)), {"effect": 0.0}, "an effect of 0"),
    ],
)
def test_what_cannot_be_is_refused(altered: Any, expression: Any, more: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Continuous(altered, expression, **more)
