"""The method against a literal transcription of its published sums, one tumour, gene and alteration at a time."""

from __future__ import annotations

from math import exp, inf, lgamma, log
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.tci import Inference, LeakRule, frequency_prior

Matrix = NDArray[np.uint8]


def likelihood(values: list[int], a1: int, a0: int) -> float:
    n1, n0 = sum(values), len(values) - sum(values)
    start = lgamma(a1 + a0) - lgamma(n1 + n0 + a1 + a0)
    return start + lgamma(n1 + a1) - lgamma(a1) + lgamma(n0 + a0) - lgamma(a0)


def rarer(a: Matrix, e: Matrix, i: int, j: int, rows: list[int]) -> bool:
    on, off = [e[t, j] for t in rows if a[t, i]], [e[t, j] for t in rows if not a[t, i]]
    return (sum(on) + 2) / (len(on) + 3) <= (sum(off) + 1) / (len(off) + 3)


def global_drivers(a: Matrix, e: Matrix, j: int, prior: list[float], rows: list[int]) -> tuple[int, int]:
    scores = []
    for i in range(a.shape[1]):
        score = -inf
        if not rarer(a, e, i, j, rows) and prior[i] > 0:
            score = log(prior[i])
            score += likelihood([int(e[t, j]) for t in rows if a[t, i]], 2, 1)
            score += likelihood([int(e[t, j]) for t in rows if not a[t, i]], 1, 2)
        scores.append((-score, i))
    ordered = [(i if -score > -inf else -1) for score, i in sorted(scores)]
    return ordered[0], ordered[1]


def literal(
    a: Matrix, e: Matrix, prior: NDArray[Any], t: int, j: int, leave_out: bool, leak: str = "published"
) -> dict[int, float]:
    """Posterior of each alteration of tumour t (and of the leak, -1) for gene j."""
    rows = [r for r in range(len(a)) if not (leave_out and r == t)]
    overall = prior[:, :-1].mean(axis=0).tolist()
    first, second = global_drivers(a, e, j, overall, rows)
    scores = {-1: log(prior[t, -1]) + likelihood([int(e[r, j]) for r in rows], 1, 1)}
    lacking = [d for d in (first, second) if d >= 0 and not a[t, d]]
    if leak == "driver" and lacking:
        d = lacking[0]
        scores[-1] = log(prior[t, -1]) + likelihood([int(e[r, j]) for r in rows if a[r, d]], 2, 1)
        scores[-1] += likelihood([int(e[r, j]) for r in rows if not a[r, d]], 1, 2)
    for i in range(a.shape[1]):
        if not a[t, i]:
            continue
        d = second if i == first else first
        if rarer(a, e, i, j, rows):
            scores[i] = -inf
            continue
        score = log(prior[t, i]) + likelihood([int(e[r, j]) for r in rows if a[r, i]], 2, 1)
        score += likelihood([int(e[r, j]) for r in rows if not a[r, i] and d >= 0 and a[r, d]], 2, 1)
        score += likelihood([int(e[r, j]) for r in rows if not a[r, i] and not (d >= 0 and a[r, d])], 1, 2)
        scores[i] = score
    top = max(scores.values())
    weights = {i: exp(score - top) for i, score in scores.items()}
    return {i: weight / sum(weights.values()) for i, weight in weights.items()}


def tumours(seed: int, size: int = 40, alterations: int = 7, genes: int = 9) -> tuple[Matrix, Matrix]:
    generator = np.random.default_rng(seed)
    a = (generator.random((size, alterations)) < generator.uniform(0.05, 0.5, alterations)).astype(np.uint8)
    a[0] = 0  # a tumour without any alteration
    cause = generator.integers(alterations, size=genes)
    e = (generator.random((size, genes)) < 0.15 + 0.5 * a[:, cause]).astype(np.uint8)
    e[:, -1] = generator.random(size) < 0.4  # a gene that nothing explains
    return a, e


@pytest.mark.parametrize("leak", ["published", "driver"])
@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_posteriors_are_those_of_the_published_sums(seed: int, leave_out: bool, leak: LeakRule) -> None:
    a, e = tumours(seed)
    inference = Inference(a, e, leave_out=leave_out, leak=leak)
    own, second, plain = 0, 0, 0
    for t in range(len(a)):
        found = inference.posterior(t)
        assert found.probability.shape == (len(found.alterations) + 1, len(found.genes))
        for column, j in enumerate(found.genes):
            expected = literal(a, e, inference.prior, t, int(j), leave_out, leak)
            for row, i in enumerate([*found.alterations.tolist(), -1]):
                assert found.probability[row, column] == pytest.approx(expected[i], abs=1e-9)
            if not leave_out:
                driver = int(inference.pairs.driver[j])
                own += driver in found.alterations
                second += driver in found.alterations and inference.pairs.second[j] >= 0
                plain += any(i != driver for i in found.alterations)
    if not leave_out:  # every branch was walked
        assert min(own, second, plain) > 20


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, e = tumours(9, size=60, alterations=12, genes=50)
    whole = Inference(a, e).pairs
    monkeypatch.setattr("presage.tumor.tci.base._BLOCK", 7)
    parts = Inference(a, e, threads=3).pairs
    assert np.array_equal(whole.evidence, parts.evidence)
    assert np.array_equal(whole.driver, parts.driver)


def test_the_prior_by_hand() -> None:
    altered = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=np.uint8)
    # Weights: 1/2 + 1 for the first, 1/2 for the second, none for the third.
    expected = np.array([[0.9 * 0.75, 0.9 * 0.25, 0, 0.1], [0.9, 0, 0, 0.1], [0, 0, 0, 1]])
    assert frequency_prior(altered) == pytest.approx(expected)


def test_the_planted_driver_is_found_and_permuted_tumours_have_none() -> None:
    generator = np.random.default_rng(2)
    a = (generator.random((300, 20)) < 0.12).astype(np.uint8)
    e = (generator.random((300, 30)) < 0.05).astype(np.uint8)
    e[:, :10] |= a[:, [4]] & (generator.random((300, 10)) < 0.8)
    inference = Inference(a, e)
    assert set(inference.pairs.driver[:10].tolist()) == {4}
    sure = [
        found.probability[list(found.alterations).index(4)][found.genes < 10].mean()
        for found in inference.posteriors()
        if 4 in found.alterations and (found.genes < 10).any()
    ]
    assert np.mean(sure) > 0.95
    shuffled = inference.permuted(generator)
    best = [found.probability[:-1].max() for found in shuffled.posteriors() if found.probability[:-1].size]
    assert np.mean(np.array(best) > 0.95) < 0.05


@pytest.mark.parametrize(
    ("altered", "expressed", "message"),
    [
        (np.full((3, 2), 2), np.ones((3, 2)), "`altered` must be a matrix of 0 and 1"),
        (np.ones((3, 2)), np.full((3, 2), 0.5), "`expressed` must be a matrix of 0 and 1"),
        (np.ones((3, 2)), np.ones((4, 2)), "3 tumours with alterations, 4 with expression"),
    ],
)
def test_what_is_no_matrix_of_tumours_is_refused(altered: Any, expressed: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Inference(altered, expressed)
