"""Tables of scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from presage.findings import ScoreTable


def binormal(shifts: dict[str, float], n: int = 400, seed: int = 3, **more) -> ScoreTable:
    """Scores of unit variance with the given distance between cases and controls; the first is the standard."""
    random = np.random.default_rng(seed)
    cases = np.arange(n) % 2 == 1
    scores = {name: (random.normal(size=n) + shift * cases)[None, :] for name, shift in shifts.items()}
    return ScoreTable(
        patient=np.array([f"P{i}" for i in range(n)]),
        outcome=cases.astype(np.int8),
        scores=scores,
        standard=next(iter(shifts)),
        outcome_title="cancer",
        **more,
    )


@pytest.fixture
def table_of():
    return binormal
