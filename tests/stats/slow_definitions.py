"""Obvious, slow definitions and made-up data that the tests compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def slow_placements(cases: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Placements by their definition: every pair is looked at."""
    wins = (score[:, None] > score[None, :]) + 0.5 * (score[:, None] == score[None, :])
    return np.where(cases, wins[:, ~cases].mean(axis=1), 1 - wins[:, cases].mean(axis=1))


def two_scores(n: int, seed: int, *, decimals: int = 1, share: float = 0.4) -> tuple[Any, Any]:
    """Cases and two correlated scores with ties, shape (2, n)."""
    random = np.random.default_rng(seed)
    cases = random.random(n) < share
    cases[:2], cases[2:4] = True, False
    common = random.normal(size=n)
    scores = np.stack([common + random.normal(size=n) + cases * shift for shift in (0.5, 1.0)])
    return cases, scores.round(decimals)
