"""Calibration, utility, precision, subgroups, matched sets, agreement, survival: truths planted, then found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from presage.findings import ScoreTable, TableError, analyse, evaluate
from presage.findings.absolute import absolute
from presage.findings.agreement import agreement
from presage.findings.calibration import calibration
from presage.findings.decisions import decisions
from presage.findings.matched import matched
from presage.findings.options import Options
from presage.findings.precision import precision
from presage.findings.risks import case_control, folds_of, risks
from presage.findings.subgroups import subgroups
from presage.findings.survival import survival
from presage.findings.utility import utility
from presage.stats.recalibration import LogisticRecalibration


def risky(n: int = 2000, seed: int = 4, **more) -> ScoreTable:
    """A cohort whose true risks are known: `right` says them, `bold` doubles their log-odds, `raw` is no risk."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-1.5, 1, n)
    risk = 1 / (1 + np.exp(-log_odds))
    scores = {
        "raw": (10 + 5 * log_odds)[None],
        "right": risk[None],
        "bold": (1 / (1 + np.exp(-2 * log_odds)))[None],
        "high": (1 / (1 + np.exp(-log_odds - 1)))[None],
    }
    return ScoreTable(
        patient=np.array([f"P{i}" for i in range(n)]),
        outcome=(random.random(n) < risk).astype(np.int8),
        scores=scores,
        standard="raw",
        probabilities=("right", "bold", "high"),
        **more,
    )


def test_calibration_finds_what_is_wrong_with_each_risk():
    section = calibration(risky(), {"replicates": 100})
    found = {entry["name"]: entry for entry in section["scores"]}
    assert found["right"]["slope"]["low"] < 1 < found["right"]["slope"]["high"]
    assert found["right"]["observed_to_expected"]["low"] < 1 < found["right"]["observed_to_expected"]["high"]
    assert found["bold"]["slope"]["value"] == pytest.approx(0.5, abs=0.08)
    assert found["high"]["intercept"]["value"] == pytest.approx(-1, abs=0.15)
    assert found["raw"]["recalibrated"]
    assert found["raw"]["slope"]["value"] == pytest.approx(1, abs=0.1)
    assert found["right"]["average_error"]["value"] < 0.03 < found["bold"]["average_error"]["value"]
    assert "Too extreme risks (slope below 1): bold" in section["sentence"]
    assert "The risks of high are too high" in section["sentence"]


def test_recalibration_never_sees_whom_it_judges():
    table = risky(n=300)
    values = risks(table, "raw", Options()).values
    folds = folds_of(table)
    for fold in np.unique(folds):
        here = folds == fold
        fitted = LogisticRecalibration.fit(table.cases[~here], table.combined("raw")[~here])
        np.testing.assert_allclose(values[here], fitted.apply(table.combined("raw")[here]))


def test_folds_of_people_keep_a_person_together():
    table = risky(n=200)
    double = replace(
        table,
        patient=np.repeat(table.patient, 2),
        outcome=np.repeat(table.outcome, 2),
        scores={name: np.repeat(score, 2, axis=1) for name, score in table.scores.items()},
    )
    folds = folds_of(double)
    assert (folds[::2] == folds[1::2]).all()
    counts = np.bincount(folds[::2])
    assert counts.max() - counts.min() <= 1


def test_recalibration_uses_the_folds_of_the_study():
    table = risky(n=300)
    folds = np.random.default_rng(0).integers(0, 5, (1, 300))
    validated = replace(table, folds=folds)
    values = risks(validated, "raw", Options()).values
    here = folds[0] == 2
    score = validated.comparable("raw")[0]
    fitted = LogisticRecalibration.fit(table.cases[~here], score[~here])
    np.testing.assert_allclose(values[here], fitted.apply(score[here]))


def test_models_of_different_folds_are_comparable_whatever_their_scale():
    table = risky(n=300)
    folds = np.random.default_rng(0).integers(0, 5, (1, 300))
    slope, offset = np.array([1e-6, 1.0, 30.0, 0.1, 5.0]), np.array([4.0, -3.0, 0.0, 9.0, 1.0])
    bent = table.scores["raw"] * slope[folds] + offset[folds]
    one = replace(table, folds=folds)
    other = replace(one, scores={**table.scores, "raw": bent})
    np.testing.assert_allclose(other.ranking("raw"), one.ranking("raw"), atol=1e-6)
    for fold in range(5):
        inside = folds[0] == fold
        assert (np.argsort(one.ranking("raw")[inside]) == np.argsort(table.scores["raw"][0, inside])).all()
    # External scores and probabilities keep their unit.
    np.testing.assert_array_equal(table.ranking("raw"), table.scores["raw"][0])
    kept = replace(one, probabilities=("raw",))
    np.testing.assert_array_equal(kept.ranking("raw"), table.scores["raw"][0])


def balanced(table: ScoreTable) -> ScoreTable:
    """As many controls as cases, as a case-control study samples them."""
    rows = np.sort(np.concatenate([np.flatnonzero(table.cases), np.flatnonzero(~table.cases)[: table.cases.sum()]]))
    scores = {name: score[:, rows] for name, score in table.scores.items()}
    return replace(table, patient=table.patient[rows], outcome=table.outcome[rows], scores=scores)


def test_a_case_control_sample_shows_no_utility_without_a_prevalence():
    table = balanced(risky())
    assert case_control(table, Options())
    section = utility(table, {})
    assert not section["shown"]
    assert "prevalence" in section["sentence"]
    assert precision(table, {})["sentence"].startswith("Not shown")
    assert utility(table, {"case_control": False, "replicates": 100})["shown"]


def test_case_control_risks_are_moved_to_the_sample_and_then_fit():
    table = balanced(risky(n=3000))
    naive = calibration(table, {"replicates": 100})
    assert "cannot be judged" in " ".join(naive["caveats"])
    moved = calibration(table, {"replicates": 100, "prevalence": float(risky(n=3000).cases.mean())})
    right = next(entry for entry in moved["scores"] if entry["name"] == "right")
    assert right["intercept"]["low"] < 0 < right["intercept"]["high"]
    assert right["slope"]["value"] == pytest.approx(1, abs=0.15)


def test_decision_curve_of_a_case_control_sample_is_that_of_the_population():
    population = risky(n=12_000)
    prevalence = float(population.cases.mean())
    whole = utility(population, {"replicates": 100, "thresholds": [0.2, 0.4]})
    sample = utility(balanced(population), {"replicates": 100, "thresholds": [0.2, 0.4], "prevalence": prevalence})
    for one, two in zip(whole["decision"]["scores"], sample["decision"]["scores"], strict=True):
        assert one["name"] == two["name"]
        np.testing.assert_allclose(one["net_benefit"], two["net_benefit"], atol=0.01)
    assert whole["decision"]["scores"][1]["net_benefit"][0] > whole["decision"]["treat_all"][0]


def test_per_1000_adds_up_and_names_the_price():
    section = utility(risky(), {"replicates": 100, "prevalence": 0.05})
    for row in section["per_1000"]:
        found = row["found"]
        assert found["low"] < found["value"] < found["high"]
        assert found["value"] + row["missed"] == pytest.approx(50)
        assert found["value"] + row["needless"] == pytest.approx(row["positives"])
        assert row["number_needed_to_screen"]["value"] == pytest.approx(1000 / found["value"])
        if row["name"] != "raw":
            first = next(r for r in section["per_1000"] if r["specificity"] == row["specificity"])
            assert row["more"]["value"] == pytest.approx(found["value"] - first["found"]["value"])
    assert "Of 1,000 patients, 50 of them cases" in section["sentence"]


def test_average_precision_of_noise_is_the_prevalence():
    table = risky(n=4000)
    table.scores["noise"] = np.random.default_rng(9).normal(size=(1, 4000))
    section = precision(table, {"replicates": 100})
    found = {entry["name"]: entry["average_precision"] for entry in section["scores"]}
    assert found["noise"]["value"] == pytest.approx(section["prevalence"], abs=0.03)
    assert found["right"]["low"] > section["prevalence"]


def with_groups(table: ScoreTable, **columns) -> ScoreTable:
    return replace(table, covariates=pd.DataFrame(columns))


def test_a_score_that_works_in_one_site_only_is_found(table_of):
    table = table_of({"density": 0.5, "ours": 1.5}, n=1200)
    site = np.array(["A", "B", "C"])[np.arange(1200) % 3]
    broken = table.scores["ours"].copy()
    broken[0, site == "C"] = np.random.default_rng(1).normal(size=(site == "C").sum())
    table = with_groups(replace(table, scores={**table.scores, "ours": broken}), site=site)
    section = subgroups(table, {})
    entry = section["covariates"][0]
    by_question = {row["question"]: row["p_adjusted"] for row in entry["interactions"]}
    assert by_question["AUC of ours"] < 1e-6
    assert by_question["AUC of density"] > 0.05
    assert "AUC of ours differs" in section["sentence"]
    sites = next(row for row in entry["sites"] if row["name"] == "ours")
    without = {rest["site"]: rest["auc"]["value"] for rest in sites["without"]}
    assert without["C"] == max(without.values())
    assert sites["heterogeneity"] > 0.8


def test_small_subgroups_are_too_few_to_say_and_missing_is_a_group(table_of):
    table = with_groups(table_of({"density": 0.5, "ours": 1.0}), race=["rare"] * 5 + [None] * 95 + ["common"] * 300)
    section = subgroups(table, {"subgroups": ["race"]})
    groups = {group["name"]: group for group in section["covariates"][0]["groups"]}
    assert groups["rare"]["aucs"] is None
    assert "too few to say" in groups["rare"]["note"]
    assert groups["not recorded"]["n"] == 95
    assert "1 of 3 groups too few to say" in section["sentence"]


def test_a_number_is_cut_at_its_median_and_a_wrong_name_refused(table_of):
    table = with_groups(
        table_of({"density": 0.5, "ours": 1.0}), age=np.arange(400.0), name=[f"n{i}" for i in range(400)]
    )
    groups = subgroups(table, {"subgroups": "age"})["covariates"][0]["groups"]
    assert sorted(group["name"] for group in groups) == ["above 199.5", "up to 199.5"]
    with pytest.raises(TableError, match="did you mean 'age'"):
        subgroups(table, {"subgroups": ["agee"]})
    with pytest.raises(TableError, match="too many for subgroups"):
        subgroups(table, {"subgroups": ["name"]})


def test_what_was_matched_on_is_worth_nothing_within_the_sets():
    random = np.random.default_rng(2)
    pairs = 300
    age = np.repeat(random.normal(60, 10, pairs), 2)
    cases = np.tile([1, 0], pairs)
    truth = random.normal(size=2 * pairs) + 0.8 * cases
    table = ScoreTable(
        patient=np.array([f"P{i}" for i in range(2 * pairs)]),
        outcome=cases.astype(np.int8),
        scores={"age score": (age + random.normal(size=2 * pairs))[None], "ours": (truth + age / 5)[None]},
        standard="age score",
        covariates=pd.DataFrame({"match_set": np.repeat(np.arange(pairs), 2), "age": age}),
    )
    section = matched(table, {"adjust": ["age"], "replicates": 100})
    age_score, ours = section["scores"]
    assert section["n_sets"] == pairs
    assert age_score["concordance"]["low"] < 0.5 < age_score["concordance"]["high"]
    assert section["markers"][0]["verdict"] == "beats"
    # Within sets, age drops out and the planted distance of 0.8 remains: Phi(0.8 / sqrt 2) = 0.714.
    assert ours["concordance"]["low"] < 0.714 < ours["concordance"]["high"]
    assert ours["adjusted"]["low"] < 0.714 < ours["adjusted"]["high"]
    assert ours["odds_ratio"]["low"] > 1
    lost = replace(table, covariates=table.covariates.assign(match_set=[None, *table.covariates["match_set"][1:]]))
    assert matched(lost, {})["n_sets"] == pairs - 1
    with pytest.raises(TableError, match="no such covariate"):
        matched(table, {"adjust": ["weight"]})


def scale_table(n: int = 300) -> ScoreTable:
    random = np.random.default_rng(6)
    truth = np.clip(random.gamma(3, 3, n).round(), 0, 27)
    return ScoreTable(
        patient=np.array([f"P{i}" for i in range(n)]),
        outcome=truth,
        scores={
            "mean": random.normal(truth.mean(), 1, (1, n)),
            "voice": (truth + 1 + random.normal(0, 2, n))[None],
            "odds": (1 / (1 + np.exp(-(truth - 10)))) [None],
        },
        standard="mean",
        outcome_kind="scale",
        cutoff=10,
        outcome_title="PHQ-9",
    )  # fmt: skip


def test_agreement_finds_bias_limits_and_who_is_off_the_scale():
    section = agreement(scale_table(), {"bands": [5, 10, 15, 20]})
    found = {entry["name"]: entry for entry in section["scores"]}
    voice = found["voice"]
    assert voice["bias"]["low"] < 1 < voice["bias"]["high"]
    assert voice["upper_limit"]["value"] - voice["lower_limit"]["value"] == pytest.approx(2 * 1.96 * 2, rel=0.12)
    assert voice["against_standard"]["high"] < 0
    assert "nearer than mean" in section["sentence"]
    assert not found["odds"]["on_scale"]
    assert "mean_absolute_error" not in found["odds"]
    assert voice["kappa"]["value"] > found["mean"]["kappa"]["value"]
    sections = analyse(scale_table(), {"replicates": 100})
    assert "with PHQ-9 of 10 or more" in sections["comparison"]["sentence"]


def test_change_over_visits_is_judged_from_first_to_last():
    n = 60
    before = np.full(n, 20.0)
    after = np.where(np.arange(n) % 2, 8.0, 18.0)
    truth = np.column_stack([before, (before + after) / 2, after]).ravel()
    shuffled = np.random.default_rng(0).permutation(3 * n)
    table = ScoreTable(
        patient=np.repeat([f"P{i}" for i in range(n)], 3)[shuffled],
        outcome=truth[shuffled],
        scores={"flat": (truth * 0 + 15 + np.arange(3 * n) % 2)[shuffled][None], "exact": truth[shuffled][None]},
        standard="flat",
        outcome_kind="scale",
        cutoff=10,
        covariates=pd.DataFrame({"visit": np.tile([0, 1, 2], n)[shuffled]}),
    )
    options = {"scale_spread": 5, "scale_reliability": 0.84, "on_scale": ["flat", "exact"]}
    found = {row["name"]: row for row in agreement(table, options)["changes"]["scores"]}
    for change in ("response", "remission", "improved"):
        assert found["exact"][change]["n_true"] == 30
        assert found["exact"][change]["sensitivity"]["value"] == 1
        assert found["exact"][change]["specificity"]["value"] == 1
        assert found["flat"][change]["sensitivity"]["value"] == 0


def timed(n: int = 500, seed: int = 2) -> ScoreTable:
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    time, censored = random.exponential(8 * np.exp(-0.9 * x)), random.uniform(1, 10, n)
    outcome = np.empty(n, dtype=[("event", bool), ("time", float)])
    outcome["event"], outcome["time"] = time <= censored, np.minimum(time, censored)
    risk, noise = 1 - np.exp(-5 / (8 * np.exp(-0.9 * x))), random.normal(size=(1, n))
    return ScoreTable(
        patient=np.array([f"P{i}" for i in range(n)]),
        outcome=outcome,
        scores={
            "weak": (0.2 * x + random.normal(size=n))[None],
            "ours": risk[None],
            "noise": noise,
        },
        standard="weak",
        outcome_kind="time-to-event",
        outcome_title="cancer",
        probabilities=("ours",),
    )


def test_survival_tells_order_risk_and_verdict():
    section = survival(timed(), {"horizon": 5})
    ours = next(entry for entry in section["scores"] if entry["name"] == "ours")
    assert ours["calibration"]["observed_to_expected"]["low"] < 1 < ours["calibration"]["observed_to_expected"]["high"]
    assert ours["calibration"]["slope"]["value"] == pytest.approx(1, abs=0.4)
    assert ours["uno"]["value"] == pytest.approx(0.73, abs=0.05)
    curves = ours["groups"]["curves"]
    assert [curve["group"] for curve in curves] == ["lowest third", "middle third", "highest third"]
    assert curves[0]["survival"][-1] > curves[2]["survival"][-1]
    assert ours["groups"]["log_rank_p"] < 1e-6
    verdicts = {row["name"]: row["verdict"] for row in section["markers"]}
    assert verdicts["ours"] == "beats"
    assert verdicts["noise"] in ("does not beat", "worse than")
    assert section["sentence"].startswith("In these 500 patients")


def test_a_time_has_no_sections_that_need_a_class_alone():
    sections = evaluate(timed(), {"horizon": 5}).document["sections"]
    assert set(sections) == {"survival"}


def test_survival_without_a_better_marker_is_a_null_result():
    table = timed()
    scores = {"weak": table.scores["weak"], "noise": table.scores["noise"]}
    section = survival(replace(table, scores=scores, probabilities=()), {"horizon": 5})
    assert section["null_result"]
    assert "This is a null result." in section["sentence"]


def test_people_in_the_text_are_people_in_the_table():
    table = replace(scale_table(), patient=np.array([f"P{i // 3}" for i in range(300)]))
    sections = analyse(table, {"replicates": 100})
    assert "In these 100 patients" in sections["comparison"]["sentence"]
    assert "300 rows" in sections["comparison"]["sentence"]


def test_decisions_count_and_compare(table_of):
    table = table_of({"density": 0.2, "ours": 1.4}, n=600)
    section = decisions(table, {"specificities": [0.8], "prevalence": 0.01, "replicates": 100})
    point = section["points"][0]
    ours = point["scores"][1]
    found, needless, missed, spared = ours["counts"]
    assert (found + missed, needless + spared) == (300, 300)
    assert ours["sensitivity"]["value"] == pytest.approx(found / 300)
    ratio = (found / 300) / (needless / 300)
    assert ours["positive_likelihood_ratio"]["value"] == pytest.approx(ratio)
    assert ours["positive_predictive_value"]["value"] == pytest.approx(0.01 * ratio / (0.01 * ratio + 0.99))
    gap = point["markers"][0]["sensitivity"]
    assert gap["value"] == pytest.approx(ours["sensitivity"]["value"] - point["scores"][0]["sensitivity"]["value"])
    assert "ours finds more cases than density" in section["sentence"]
    partial = {entry["name"]: entry["auc"] for entry in section["partial"]["scores"]}
    assert partial["density"]["low"] < 0.57
    assert partial["ours"]["low"] > 0.6


def test_predictive_values_of_a_case_control_sample_are_left_out(table_of):
    section = decisions(table_of({"density": 0.2, "ours": 1.0}), {"replicates": 100})
    assert section["prevalence"] is None
    assert "positive_predictive_value" not in section["points"][0]["scores"][0]
    assert "option prevalence" in " ".join(section["caveats"])


def test_absolute_risk_moves_with_age_and_keeps_the_order(table_of):
    random = np.random.default_rng(1)
    table = with_groups(table_of({"density": 0.2, "ours": 1.0}), age=random.uniform(40, 75, 400))
    assert absolute(table, {}) is None
    section = absolute(table, {"absolute_years": 5})
    ours = section["scores"][1]
    assert 0.003 < section["average_risk"][1] < 0.03
    assert ours["all"][0] < section["average_risk"][1] < ours["highest_tenth"]
    assert "bundled example" in section["caveats"][0]
    with pytest.raises(TableError, match="no covariate 'years'"):
        absolute(table, {"absolute_years": 5, "age": "years"})
    rates = {
        "ages": [40, 90],
        "incidence": [0.01],
        "other_deaths": [0.0],
        "disease": "d",
        "population": "p",
        "source": "s",
    }
    flat = absolute(table, {"absolute_years": 5, "rates": rates})
    assert flat["average_risk"][0] == pytest.approx(1 - np.exp(-0.05), rel=1e-4)
    del rates["source"]
    with pytest.raises(TableError, match="lacks source"):
        absolute(table, {"absolute_years": 5, "rates": rates})
