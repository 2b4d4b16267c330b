"""Tables that nobody plans: tiny, tied, clustered, matched. Each gives a page, or words on what could not be."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from markup import Page

from presage.findings import ScoreTable, evaluate
from presage.report import to_html, to_markdown


def odd(seed: int) -> tuple[ScoreTable, dict[str, object]]:
    random = np.random.default_rng(seed)
    n, kind = int(random.integers(4, 60)), str(random.choice(["binary", "scale", "time-to-event"], p=[0.6, 0.2, 0.2]))
    clustered = random.random() < 0.3

    def score() -> np.ndarray:
        raw = random.normal(size=(1, n))
        return [raw, np.round(raw), (raw > 0).astype(float), 1 / (1 + np.exp(-3 * raw))][random.integers(4)]

    scores = {name: score() for name in ("standard", "a", "b")}
    covariates = pd.DataFrame({"site": random.choice(list("AB"), n), "age": random.normal(60, 5, n).round()})
    if random.random() < 0.4:
        covariates["match_set"] = np.arange(n) // 2
    outcome = (random.random(n) < random.choice([0.1, 0.5])).astype(np.int8)
    outcome[:2] = [0, 1]
    if kind == "scale":
        outcome = np.where(outcome, 15.0, 2.0) + random.integers(0, 5, n)
    if kind == "time-to-event":
        events, outcome = outcome == 1, np.empty(n, dtype=[("event", bool), ("time", float)])
        outcome["event"], outcome["time"] = events, random.exponential(3, n).round(1) + 0.1
    table = ScoreTable(
        patient=np.array([f"P{i // 2 if clustered else i}" for i in range(n)]),
        outcome=outcome,
        scores=scores,
        standard="standard",
        folds=(np.arange(n) // 2 % 3)[None] if random.random() < 0.4 else None,
        outcome_kind=kind,
        cutoff=10.0 if kind == "scale" else None,
        covariates=covariates,
        probabilities=tuple(name for name, values in scores.items() if values.min() >= 0 and values.max() <= 1),
    )
    options = {"replicates": 100, "subgroups": ["site", "age"], "absolute_years": 5}
    if random.random() < 0.5:
        options |= {"prevalence": 0.05, "adjust": ["age"]}
    return table, options


@pytest.mark.parametrize("seed", range(24))
def test_no_table_is_too_odd_for_a_page(seed):
    table, options = odd(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        findings = evaluate(table, options)
    page = Page(to_html(findings))
    assert page.problems == []
    assert "nan" not in page.all("main")[0].text.lower().replace("finan", "").split()
    assert to_markdown(findings).startswith("# ")
    for section in findings.document["sections"].values():
        assert section.get("not_computed", "x").strip()
