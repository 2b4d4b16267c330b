"""What the design of a study changes, and what a page says about results that are more often a slip than a finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from presage.findings import TableError, evaluate
from presage.findings.calibration import calibration
from presage.findings.comparison import comparison
from presage.findings.decisions import decisions
from presage.findings.reading import read_scores
from presage.findings.survival import survival
from presage.findings.utility import utility
from presage.report.assembly import answer, parts
from presage.report.guidelines.knowledge import known


def by_name(section):
    return {row["name"]: row for row in section["markers"]}


def test_the_marker_named_in_advance_is_tested_without_adjustment(table_of):
    table = table_of({"density": 0.3, "first": 0.9, "second": 0.5, "third": 0.4})
    together, named = comparison(table, {}), comparison(table, {"primary": "second"})
    primary = by_name(named)["second"]
    assert primary["p_adjusted"] == primary["p"] < by_name(together)["second"]["p_adjusted"]
    assert "Holm" not in named["sentence"]
    assert "named in advance" in named["adjustment"]
    others = [by_name(named)[name] for name in ("first", "third")]
    assert others[1]["p_adjusted"] >= others[1]["p"]
    assert others[0]["p_adjusted"] == pytest.approx(2 * others[0]["p"])


def test_a_score_that_runs_the_other_way_or_knows_the_outcome_is_pointed_at(table_of):
    table = table_of({"density": 0.5, "turned": -0.8, "leak": 0.0})
    table.scores["leak"][0] = table.cases
    section = comparison(table, {})
    doubts = " ".join(section["caveats"])
    assert "turned is higher in controls than in cases" in doubts
    assert "leak tells everyone apart without an error" in doubts
    assert "Worse than density: turned." in section["sentence"]
    assert "No calibration of leak" in " ".join(calibration(table, {})["caveats"])


def test_matched_cases_are_said_to_be_compared_across_sets(table_of):
    table = table_of({"density": 0.3, "ours": 0.9})
    sets = pd.DataFrame({"match_set": np.arange(400) // 2})
    assert "matched" in " ".join(comparison(replace(table, covariates=sets), {})["caveats"])
    assert "matched sets" in utility(replace(table, covariates=sets), {})["sentence"]
    assert "as stated" in utility(table, {"case_control": True})["sentence"]


def test_sections_of_cross_validated_scores_say_what_they_use(table_of):
    folds = (np.arange(400) % 5)[None, :]
    table = table_of({"density": 0.3, "ours": 0.9}, folds=folds)
    for analysis in (decisions, calibration, utility):
        assert "share of the training" in " ".join(analysis(table, {"case_control": False})["caveats"]), analysis


def test_folds_given_with_the_scores_are_no_cross_validation_of_ours(table_of):
    folds = (np.arange(400) % 5)[None, :]
    document = evaluate(table_of({"density": 0.3, "ours": 0.9}, folds=folds)).document
    assert document["validation"] == {"given_folds": 5, "repeats": 1}
    told = known(document)
    assert "5 folds, as given" in told["splits"]
    assert "model_building" not in told
    assert "blinding" not in told


def test_decisions_of_several_rows_per_person_are_left_out_with_a_reason(table_of):
    table = table_of({"density": 0.3, "ours": 0.9})
    section = decisions(replace(table, patient=np.repeat(table.patient[:200], 2)), {})
    assert not section["shown"]
    assert "one row per person" in section["sentence"]


@pytest.fixture
def followed(tmp_path):
    random = np.random.default_rng(5)
    score = random.normal(size=120)
    frame = pd.DataFrame(
        {
            "patient_id": [f"S{i}" for i in range(120)],
            "years": random.exponential(np.exp(-score)) + 0.1,
            "died": 1,
            "stage": random.normal(size=120),
            "image": score,
        }
    )
    frame.to_csv(tmp_path / "scores.csv", index=False)
    return read_scores(
        tmp_path / "scores.csv",
        outcome="years",
        event="died",
        kind="time-to-event",
        standard="stage",
        markers=["image"],
    )


def test_a_follow_up_without_censoring_is_judged_and_named_by_its_event(followed):
    findings = evaluate(followed)
    assert "120 with the event)" in answer(findings)
    assert findings.document["sections"]["survival"]["markers"][0]["verdict"] == "beats"
    flow = next(part for part in parts(findings) if part.name == "cohort")
    assert "120 with the event, 0 without" in str(flow.blocks)


def test_a_horizon_beyond_the_follow_up_is_refused(followed):
    with pytest.raises(TableError, match="nobody was followed longer"):
        survival(followed, {"horizon": 1000.0})
