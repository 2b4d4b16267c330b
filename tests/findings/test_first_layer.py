"""The answer: right numbers, right words, and a null result that says so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from presage.findings import ScoreTable, TableError, analyse, evaluate
from presage.findings.comparison import comparison
from presage.findings.discrimination import discrimination, distribution, roc_points
from presage.stats import auc_interval, compare_paired


def test_a_clear_winner_is_said_to_beat_the_standard(table_of):
    table = table_of({"density": 0.1, "ours": 1.2})
    section = comparison(table, {"people": "women"})
    found = section["markers"][0]
    expected = compare_paired(table.cases, table.combined("ours"), table.combined("density"))
    assert found["difference"]["value"] == pytest.approx(expected.difference, abs=1e-12)
    assert found["p"] == pytest.approx(expected.p, rel=1e-9)
    assert found["auc"]["low"] == pytest.approx(auc_interval(table.cases, table.combined("ours")).low, abs=1e-12)
    assert found["relative_gain"] == pytest.approx(found["auc"]["value"] / section["standard"]["auc"]["value"] - 1)
    assert (found["verdict"], section["null_result"]) == ("beats", False)
    assert section["sentence"].startswith(
        "In these 400 women (200 with cancer), ours told cases from controls better than"
    )
    assert "null result" not in section["sentence"]
    for number in (found["auc"]["value"], section["standard"]["auc"]["value"], found["difference"]["value"]):
        assert f"{number:.2f}" in section["sentence"]


def test_a_null_result_is_said_to_be_one(table_of):
    section = comparison(table_of({"density": 0.4, "ours": 0.4}), {})
    assert section["null_result"]
    assert section["markers"][0]["verdict"] == "does not beat"
    assert "This is a null result." in section["sentence"]
    assert any("no proof of equality" in caveat for caveat in section["caveats"])


def test_a_marker_at_chance_is_said_to_cover_chance(table_of):
    section = comparison(table_of({"density": 0.0, "ours": 0.0}, n=200), {})
    assert section["markers"][0]["covers_chance"]
    assert "includes 0.5" in section["markers"][0]["sentence"]


def test_worse_and_equal_are_told_apart(table_of):
    table = table_of({"density": 1.5, "worse": 0.0})
    table.scores["same"] = table.scores["density"] * 2 + 1
    worse, same = comparison(table, {})["markers"]
    assert worse["verdict"] == "worse than"
    assert same["verdict"] == "equal"
    assert same["difference"]["value"] == 0


def test_several_markers_are_judged_together_and_a_primary_alone(table_of):
    table = table_of({"density": 0.0, "a": 0.35, "b": 0.0, "c": 0.0, "d": 0.0}, n=300, seed=8)
    section = comparison(table, {})
    p = [row["p"] for row in section["markers"]]
    adjusted = [row["p_adjusted"] for row in section["markers"]]
    assert adjusted[int(np.argmin(p))] == pytest.approx(min(1, 4 * min(p)))
    assert all(a >= b for a, b in zip(adjusted, p, strict=True))
    assert any("judged together" in caveat for caveat in section["caveats"])
    alone = comparison(table, {"primary": "b"})
    assert alone["primary"] == "b"
    assert "b did not tell" in alone["sentence"]
    with pytest.raises(TableError, match="is not among the markers"):
        comparison(table, {"primary": "densty"})


def test_without_a_winner_among_several_none_is_named_the_best(table_of):
    section = comparison(table_of({"density": 0.3, "a": 0.3, "b": 0.3}), {})
    assert "neither marker told" in section["sentence"]
    assert "null result" in section["sentence"]


@pytest.mark.parametrize("direction", [1, -1])
def test_non_inferiority_uses_the_lower_limit(table_of, direction):
    section = comparison(table_of({"density": 0.8, "ours": 0.8 + 0.9 * direction}), {"non_inferiority": 0.05})
    row = section["markers"][0]
    assert row["non_inferiority"]["shown"] == (row["difference"]["low"] > -0.05) == (direction == 1)


def test_discrimination_keeps_fixed_specificities(table_of):
    table = table_of({"density": 0.3, "ours": 1.0})
    section = discrimination(table, {"specificities": [0.75, 0.95]})
    assert [entry["role"] for entry in section["scores"]] == ["standard", "marker"]
    for entry in section["scores"]:
        score = table.combined(entry["name"])
        for point in entry["sensitivity_at"]:
            assert (score[~table.cases] <= point["threshold"]).mean() >= point["specificity"]
            assert (score[table.cases] > point["threshold"]).mean() == pytest.approx(point["sensitivity"]["value"])
        counted = entry["distribution"]
        assert (sum(counted["cases"]), sum(counted["controls"])) == (200, 200)


def test_the_thinned_curve_keeps_its_area():
    random = np.random.default_rng(0)
    cases = random.random(20_000) < 0.3
    score = random.normal(size=20_000) + cases
    curve = roc_points(cases, score)
    assert len(curve["sensitivity"]) <= 200
    area = np.trapezoid(curve["sensitivity"], curve["false_positive_rate"])
    assert area == pytest.approx(auc_interval(cases, score).value, abs=2e-3)
    assert (curve["sensitivity"][0], curve["sensitivity"][-1], curve["false_positive_rate"][-1]) == (0, 1, 1)


def test_rows_of_one_person_are_kept_together(table_of):
    single = table_of({"density": 0.2, "ours": 0.9}, n=100)
    double = ScoreTable(
        patient=np.repeat(single.patient, 4),
        outcome=np.repeat(single.outcome, 4),
        scores={name: np.repeat(score, 4, axis=1) for name, score in single.scores.items()},
        standard="density",
        outcome_title="cancer",
    )
    one, four = (comparison(table, {})["markers"][0]["auc"] for table in (single, double))
    # Four copies of everyone hold no more than everyone once.
    assert four["high"] - four["low"] == pytest.approx(one["high"] - one["low"], rel=0.03)
    assert "Obuchowski" in four["method"]
    assert "In these 100 patients (50 with cancer, 400 rows)" in comparison(double, {})["sentence"]


def test_table_one_describes_and_names_nobody(table_of):
    n = 60
    covariates = pd.DataFrame(
        {
            "age": np.arange(n, dtype=float),
            "smoker": [None if i == 7 else "yes" if i % 3 else "no" for i in range(n)],
            "postcode": [f"90{i}" + "x" for i in range(n)],
            "match_set": np.arange(n) // 2,
        }
    )
    covariates.loc[3, "age"] = np.nan
    section = analyse(table_of({"density": 0.0, "ours": 0.5}, n=n, covariates=covariates))["characteristics"]
    assert [group["n"] for group in section["groups"]] == [60, 30, 30]
    age, smoker = section["rows"]
    assert age["values"][0]["median"] == pytest.approx(np.nanmedian(covariates["age"]), rel=1e-3)
    assert (age["missing"], smoker["missing"]) == ([1, 1, 0], [1, 1, 0])
    assert {level["level"]: level["counts"][0] for level in smoker["levels"]} == {"no": 20, "yes": 39}
    assert "postcode" in section["caveats"][0]
    assert "90x" not in json.dumps(section)


def test_findings_are_json_without_nan_and_without_identities(table_of, tmp_path):
    table = table_of({"density": 0.0, "ours": 0.5}, n=80)
    table = replace(table, patient=np.array([f"Name-{i}" for i in range(80)]))
    findings = evaluate(table, {"people": "women"}, phantom=True)
    text = findings.to_json()
    assert "Name-" not in text
    assert findings.write(tmp_path).read_text() == text == evaluate(table, {"people": "women"}, phantom=True).to_json()
    assert set(findings.document) == {
        "schema", "phantom", "title", "cohort", "outcome", "standard", "markers", "validation", "sections", "scores",
        "gallery", "settings", "software",
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"specificities": [90]},
        {"level": 95},
        {"prevalence": 0},
        {"replicates": 5},
        {"seed": "x"},
        {"alpha": True},
        {"horizon": -1},
    ],
)
def test_an_option_out_of_range_is_named(table_of, options):
    with pytest.raises(TableError, match=next(iter(options))):
        comparison(table_of({"density": 0.0, "ours": 0.5}), options)


def test_scores_far_out_do_not_squeeze_the_others_into_one_bar():
    random = np.random.default_rng(0)
    score = np.concatenate([random.normal(size=198), [1e5, -2e5]])
    found = distribution(np.arange(200) % 2 == 0, score)
    assert found["beyond"] == 2
    assert sum(found["cases"]) + sum(found["controls"]) == 200
    assert sum(count > 0 for count in found["cases"]) > 8
