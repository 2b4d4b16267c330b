from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from presage.findings import ScoreTable, TableError
from presage.findings.course import course


def followed(n: int = 60, visits: int = 3, seed: int = 2, **scores) -> ScoreTable:
    """Half of them fall by 60 %; the marker follows with noise, the standard follows less."""
    random = np.random.default_rng(seed)
    start = random.uniform(15, 30, size=n)
    share = np.where(np.arange(n) < n // 2, 0.4, 0.95)
    scale = start[:, None] * np.linspace(1, share, visits).T
    level = 5 * random.normal(size=(n, 1))
    given = {
        "standard": 0.3 * scale + level + 3 * random.normal(size=scale.shape),
        "marker": 0.5 * scale + level + random.normal(size=scale.shape),
    } | {name: np.broadcast_to(values, scale.shape) for name, values in scores.items()}
    return ScoreTable(
        patient=np.repeat([f"P{number:03d}" for number in range(n)], visits),
        outcome=scale.ravel(),
        scores={name: values.reshape(1, -1) for name, values in given.items()},
        standard="standard",
        outcome_kind="scale",
        cutoff=10,
        outcome_title="HAM-D",
        covariates=pd.DataFrame({"visit": [f"week {4 * visit}" for visit in range(visits)] * n}),
    )


def test_who_responded_and_what_follows_them():
    section = course(followed(), {"replicates": 300})
    assert (section["response"]["count"], section["response"]["n"]) == (30, 60)
    assert section["response"]["low"] < 0.5 < section["response"]["high"]
    assert [visit["visit"] for visit in section["visits"]] == ["week 0", "week 4", "week 8"]
    marker = next(entry for entry in section["scores"] if entry["name"] == "marker")
    assert marker["against_standard"]["low"] > 0
    assert marker["tells_response"]["value"] > 0.9
    # The noise that was put in is found as the error of a visit.
    assert marker["error"]["error"] == pytest.approx(1.0, rel=0.2)
    assert marker["improved"]["count"] >= 25
    assert marker["worse"]["count"] <= 3
    assert "marker follows it more closely than standard" in section["sentence"]
    json.dumps(section, allow_nan=False)


def test_a_score_that_never_changes_is_said_to_be_so():
    section = course(followed(still=np.arange(60.0)[:, None]), {"replicates": 100})
    still = next(entry for entry in section["scores"] if entry["name"] == "still")
    assert still["within"] is None
    assert "still does not change over the visits" in section["sentence"]
    assert any(caveat.startswith("still:") for caveat in section["caveats"])


def test_who_starts_at_nought_cannot_respond():
    table = followed(n=10)
    table.outcome[:3] = 0.0
    assert course(table, {"replicates": 100})["response"]["count"] == 4


def test_one_visit_each_is_no_course():
    table = followed(n=8, visits=1)
    with pytest.raises(TableError, match="several rows"):
        course(table, {})
