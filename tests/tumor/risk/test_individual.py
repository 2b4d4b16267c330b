"""The risk of each patient without the patient, against planted truth; and what the pages say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from presage.cohort import Cohort, Outcome
from presage.report.documents import page_of
from presage.study import Resources
from presage.tumor.gathering import Tumours, gather
from presage.tumor.pages.risk import cohort_risk, quality, tumour_risk
from presage.tumor.pages.risk_figures import horizon_words
from presage.tumor.phantom import PhantomTumours, draw_tumours
from presage.tumor.phantom_files import write_phantom
from presage.tumor.prognosis import risks_of
from presage.tumor.readers import Clinical
from presage.tumor.risk import TumorRisk, risk_table
from presage.tumor.risk.individual import MARKER, Risks, cross_validated

SIZE = 300


@pytest.fixture(scope="module")
def phantom() -> PhantomTumours:
    return draw_tumours(SIZE, drivers=6, passengers=20, genes=60, seed=2020)


@pytest.fixture(scope="module")
def tumours(phantom: PhantomTumours, tmp_path_factory: pytest.TempPathFactory) -> Tumours:
    files, _, _ = write_phantom(phantom, tmp_path_factory.mktemp("risk"), seed=2020)
    return gather(replace(files, expression=None))


@pytest.fixture(scope="module")
def risks(tumours: Tumours) -> Risks:
    return risks_of(tumours, repeats=1)


@pytest.fixture(scope="module")
def table(tumours: Tumours) -> pd.DataFrame:
    assert tumours.mutations is not None
    assert tumours.clinical is not None
    return risk_table(tumours.mutations, tumours.clinical, copies=tumours.copies)


def logs(risks: Risks, name: str) -> dict[str, float]:
    return {patient: float(np.log(-np.log1p(-own[name]))) for patient, own in risks.patients.items()}


def test_planted_drivers_are_found_by_the_marker_and_not_by_the_standard(phantom: PhantomTumours, risks: Risks) -> None:
    true = {f"PHANTOM-{row + 1:04d}": value for row, value in enumerate(phantom.risk.tolist())}
    marker, standard = logs(risks, "marker"), logs(risks, "standard")
    people = list(marker)
    by = [np.corrcoef([true[p] for p in people], [one[p] for p in people])[0, 1] for one in (marker, standard)]
    assert by[0] > 0.7
    assert by[0] > by[1] + 0.1
    against = risks.document["section"]["markers"][0]
    assert against["verdict"] == "beats"
    assert against["difference"]["low"] > 0
    ratio = next(e for e in risks.document["section"]["scores"] if e["name"] == MARKER)["calibration"]
    assert ratio["observed_to_expected"]["low"] < 1 < ratio["observed_to_expected"]["high"]


@pytest.fixture(scope="module")
def few(table: pd.DataFrame) -> pd.DataFrame:
    """Enough to run, and quickly."""
    return table[["os_days", "os_event", "age", "stage", "burden", "mut_DRIVER01", "mut_DRIVER02"]].iloc[:120].copy()


@pytest.fixture(scope="module")
def of_few(few: pd.DataFrame) -> Risks:
    return cross_validated(few, repeats=1, seed=3)


def test_what_happens_to_a_patient_does_not_change_the_patients_risk(few: pd.DataFrame, of_few: Risks) -> None:
    first = of_few
    who = few.index[few["os_event"] == 1][0]
    other = few.copy()
    # Still an event, so that the folds are the same; but decades later.
    other.loc[who, "os_days"] = 40 * 365.0
    second = cross_validated(other, repeats=1, seed=3)
    assert second.patients[who]["marker"] == first.patients[who]["marker"]
    assert second.patients[who]["standard"] == first.patients[who]["standard"]
    changed = [p for p in first.patients if first.patients[p]["marker"] != second.patients[p]["marker"]]
    assert len(changed) > len(few) / 2


def test_same_seed_same_risks(few: pd.DataFrame, of_few: Risks) -> None:
    again = cross_validated(few, repeats=1, seed=3)
    assert again.patients == of_few.patients
    assert again.document == of_few.document


def test_somebody_without_follow_up_has_a_risk_and_teaches_nothing(few: pd.DataFrame) -> None:
    some = few.copy()
    who = some.index[:2]
    some.loc[who, ["os_days", "os_event"]] = np.nan
    one = cross_validated(some, repeats=1, seed=3)
    assert not one.patients[who[0]]["known"]
    assert 0 < one.patients[who[0]]["marker"] < 1
    assert one.document["n"] == len(some) - 2
    assert one.of("nobody")["not_computed"].startswith("the patient has no row")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="age"), "no age"),
        (lambda t: t.drop(columns=["os_days", "os_event"]), "no OS follow-up"),
        (lambda t: t.assign(os_event=(np.arange(len(t)) < 5).astype(float)), "5 of"),
    ],
)
def test_why_there_is_no_risk(few: pd.DataFrame, change: Any, words: str) -> None:
    found = cross_validated(change(few), repeats=1)
    assert words in found.document["not_computed"]
    assert words in found.of(str(few.index[0]))["not_computed"]


def test_a_horizon_beyond_the_follow_up_and_missing_tables_are_said(table: pd.DataFrame, tumours: Tumours) -> None:
    assert "beyond the horizon" in cross_validated(table, horizon=1e5).document["not_computed"]
    assert "PFI follow-up" in cross_validated(table, "pfi").document["not_computed"]
    assert "--clinical" in risks_of(replace(tumours, clinical=None)).document["not_computed"]
    assert "--maf" in risks_of(replace(tumours, mutations=None)).document["not_computed"]
    assert tumours.clinical is not None
    bare = Clinical(tumours.clinical.table.drop(columns="stage"), tumours.clinical.flow)
    assert "neither stage nor grade" in risks_of(replace(tumours, clinical=bare)).document["not_computed"]


def test_copy_number_enters_and_neighbours_count_once(table: pd.DataFrame) -> None:
    column = next(name for name in table if str(name).startswith("cna_amplified_"))
    outcome = Outcome("os_days", "time-to-event", event="os_event")
    given = table.assign(**{f"{column}_NEIGHBOUR": table[column]})
    empty = pd.DataFrame(columns=["patient_id", "visit", "kind", "path"])
    cohort = Cohort(given, empty, outcome_columns=outcome.columns).with_outcome(outcome)
    marker = TumorRisk().fit(cohort, Resources(seed=1))
    assert column in marker._copied
    assert f"{column}_NEIGHBOUR" not in marker._copied
    words = [reason.words for reason in marker.reasons(cohort.blinded(), str(given.index[0]))]
    gene = column.removeprefix("cna_amplified_")
    assert any(one.startswith(f"{gene} amplified: ") for one in words)
    assert sum(one.startswith("stage: ") for one in words) == 1
    again = TumorRisk()
    again.restore(*marker.state())
    assert np.array_equal(again.score(cohort.blinded()), marker.score(cohort.blinded()))


def test_a_column_that_tells_the_outcome_is_not_taken_for_copy_number(table: pd.DataFrame) -> None:
    outcome = Outcome("os_days", "time-to-event", event="os_event")
    given = table.assign(lost_to_followup=1 - table["os_event"].fillna(0), amplified_RNA_kit=1.0)
    empty = pd.DataFrame(columns=["patient_id", "visit", "kind", "path"])
    cohorts = [Cohort(one, empty, outcome_columns=outcome.columns).with_outcome(outcome) for one in (table, given)]
    scores = [TumorRisk().fit(one, Resources(seed=1)).score(one.blinded()) for one in cohorts]
    assert np.array_equal(*scores)
    marker = TumorRisk().fit(cohorts[1], Resources(seed=1))
    assert all(column.startswith(("cna_amplified_", "cna_lost_")) for column in marker._copied)


def test_pages_say_whether_the_marker_beats_the_standard(risks: Risks) -> None:
    document = risks.document
    found = {"risk": document}
    patient = max(risks.patients, key=lambda one: risks.patients[one]["marker"])
    own = tumour_risk({"risk": risks.of(patient)}, found)
    page = page_of({"title": "t", "sentence": "s", "phantom": True, "parts": [own]})
    assert "Risk of death by 3 years" in page
    assert "By stage and age alone" in page
    assert "played no part" in page
    assert "raises the risk" in page
    assert "(this patient)" in page
    assert "puts early events first better than stage and age does" in page
    assert patient not in page
    whole = page_of({"title": "t", "sentence": "s", "phantom": True, "parts": [cohort_risk(found)]})
    for words in ("Observed / expected", "Do as many have it as was foretold", "Treatment is not in the model"):
        assert words in whole
    against = document["section"]["markers"][0]
    null = {**document, "section": {**document["section"], "markers": [{**against, "verdict": "does not beat"}]}}
    assert "was not shown to put early events first better" in quality(null)
    assert "This is a null result: go by the standard" in quality(null)
    worse = {**document, "section": {**document["section"], "markers": [{**against, "verdict": "worse than"}]}}
    assert "null result" not in quality(worse)
    assert "It is worse than the standard: go by the standard" in quality(worse)


def test_where_there_is_no_risk_the_page_says_why() -> None:
    part = tumour_risk({"risk": {"not_computed": "no clinical table was given (--clinical)"}}, {})
    assert part["blocks"] == [{"text": "No risk is told: no clinical table was given (--clinical)."}]
    assert "No risks are told" in cohort_risk({"risk": {"not_computed": "x"}})["blocks"][0]["text"]


@pytest.mark.parametrize(
    ("horizon", "unit", "words"),
    [(1095.75, "days", "3 years"), (365.25, "days", "1 year"), (100, "days", "100 days"), (60, "months", "5 years")],
)
def test_a_horizon_in_words(horizon: float, unit: str, words: str) -> None:
    assert horizon_words({"horizon": horizon, "unit": unit}) == words


def test_files_of_a_phantom_name_the_stage(tmp_path: Path, phantom: PhantomTumours) -> None:
    files, _, _ = write_phantom(phantom, tmp_path)
    assert files.clinical is not None
    stages = pd.read_csv(files.clinical, sep="\t")["stage"]
    assert set(stages) == {"Stage I", "Stage II", "Stage III", "Stage IV"}
