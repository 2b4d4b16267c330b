"""A study over the visits of made-up people: every visit scored out of fold, the page of one patient, its reasons."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from presage.cli import app
from presage.cohort import Cohort, InputError, Outcome
from presage.depression.markers.face import Face
from presage.depression.markers.language import LanguageMeasures
from presage.depression.networks.linear import RidgeLogistic
from presage.depression.phantom.cohort import make_phantom
from presage.depression.phantom.signs import MODALITIES, PLANTED, oracle_course
from presage.findings import Findings
from presage.report.patient import patient_page
from presage.report.standing import above
from presage.study import Reason, Resources, Study
from presage.study.course import open_visits, score_visits
from presage.study.finished_run import finished_run
from presage.study.fitted import first_folds
from presage.study.folder import folder_at
from presage.study.patient import gather_patient, largest
from presage.study.run import run_study
from presage.study.runfolder import code_of
from presage.study.standing import gather_standing

PEOPLE, VISITS = 16, 2


def study_of(cohort: Path, **more: object) -> dict[str, object]:
    return {
        "title": "Phantom interviews",
        "cohort": str(cohort),
        "outcome": {"column": "hamd", "kind": "scale", "cutoff": 13, "label": "HAM-D"},
        "standard": {"marker": "questionnaire", "name": "PHQ-9", "column": "phq9"},
        "markers": [{"marker": "language-measures", "name": "Words"}, {"marker": "face", "name": "Face"}],
        "recordings": {"visit": ["1"]},
        "validation": {"folds": 2, "seed": 3},
        "report": {"replicates": 100},
        "engine": {"workers": 1, "cache": str(cohort.parent / "cache")},
        **more,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom, its finished run, and its visits scored."""
    place = tmp_path_factory.mktemp("over-time")
    make_phantom(place / "phantom", people=PEOPLE, visits=VISITS)
    (place / "study.yaml").write_text(yaml.safe_dump(study_of(place / "phantom")))
    run_study(Study.read(place / "study.yaml"), place / "run")
    score_visits(open_visits(folder_at(place / "run"), ["phq9"]), remission=8)
    return place


@pytest.fixture(scope="module")
def table(place: Path) -> pd.DataFrame:
    return pd.read_csv(place / "run" / "course" / "course.csv", dtype={"visit": str})


def test_the_first_visit_is_scored_as_in_the_study(place: Path, table: pd.DataFrame) -> None:
    scores = Findings.read(place / "run").document["scores"]
    first = table[table["visit"] == "1"].set_index("patient").loc[scores["patients"]]
    for name in ("PHQ-9", "Words", "Face"):
        np.testing.assert_allclose(first[name], scores["scores"][name][0], rtol=1e-12)
    np.testing.assert_array_equal(first["outcome"], scores["outcome"])
    assert len(table) == PEOPLE * VISITS


def test_a_later_visit_is_scored_by_what_was_known_then(place: Path, table: pd.DataFrame) -> None:
    key = pd.read_csv(place / "run" / "key.csv").set_index("code")["patient_id"]
    known = pd.read_csv(place / "phantom" / "patients.csv").set_index("patient_id")
    second = table[table["visit"] == "2"]
    ids = key.loc[second["patient"]]
    np.testing.assert_array_equal(second["PHQ-9"], known.loc[ids, "phq9_2"])
    np.testing.assert_array_equal(second["outcome"], known.loc[ids, "hamd_2"])
    assert (second["Words"].to_numpy() != table[table["visit"] == "1"]["Words"].to_numpy()).all()


def test_nobody_is_scored_by_a_model_that_knew_them(place: Path) -> None:
    visits = open_visits(folder_at(place / "run"), ["phq9"])
    for fold in visits.folds():
        assert not set(fold.train) & set(fold.test)
        marker, resources = visits.fitted(1, fold)
        fresh = LanguageMeasures().fit(visits.run.cohort.select(fold.train), resources)
        part = visits.at("2").select(fold.test).blinded()
        np.testing.assert_array_equal(marker.score(part, resources), fresh.score(part, resources))


def test_the_findings_say_what_the_table_says(place: Path, table: pd.DataFrame) -> None:
    document = json.loads((place / "run" / "course" / "findings.json").read_text())
    section = document["sections"]["course"]
    assert document["phantom"] is True
    wide = table.pivot(index="patient", columns="visit", values="outcome")
    assert section["response"]["count"] == int((wide["2"] <= wide["1"] / 2).sum())
    assert section["remission"]["count"] == int((wide["2"] < 8).sum())
    assert [entry["name"] for entry in section["scores"]] == ["PHQ-9", "Words", "Face"]
    words = section["scores"][1]
    centred = table[["outcome", "Words"]] - table.groupby("patient")[["outcome", "Words"]].transform("mean")
    assert words["within"]["value"] == pytest.approx(np.corrcoef(centred["outcome"], centred["Words"])[0, 1])
    assert words["within"]["low"] < words["within"]["value"] < words["within"]["high"]
    assert words["against_standard"]["value"] == pytest.approx(
        words["within"]["value"] - section["scores"][0]["within"]["value"]
    )
    assert "none of the markers" in section["sentence"]


def test_a_standard_asked_once_is_said_to_be_so(place: Path, tmp_path: Path) -> None:
    found = score_visits(open_visits(folder_at(place / "run"), [])).document["sections"]["course"]
    score_visits(open_visits(folder_at(place / "run"), ["phq9"]), remission=8)
    assert found["scores"][0]["within"] is None
    assert found["scores"][1]["against_standard"] is None
    assert any("--columns" in caveat for caveat in found["caveats"])


def test_the_same_command_gives_the_same_bytes(place: Path) -> None:
    before = (place / "run" / "course" / "findings.json").read_bytes()
    result = CliRunner().invoke(
        app, ["course", str(place / "run"), "--columns", "phq9", "--remission", "8"], catch_exceptions=False
    )
    assert "Correlation with HAM-D within the 16 patients" in result.output
    assert (place / "run" / "course" / "findings.json").read_bytes() == before
    page = (place / "run" / "course" / "report.html").read_text()
    assert "Made-up data" in page
    assert "Smallest reliable change" in page


def test_what_cannot_be_followed_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not finished"):
        open_visits(folder_at(tmp_path), [])
    with pytest.raises(InputError, match="no column age_2"):
        open_visits(folder_at(place / "run"), ["age"])
    items = shutil.copytree(place / "phantom", tmp_path / "items")
    totals = pd.read_csv(items / "patients.csv")
    totals.assign(phq9_1=1).to_csv(items / "patients.csv", index=False)
    run = shutil.copytree(place / "run", tmp_path / "run")
    text = (run / "study.yaml").read_text().replace(str(place / "phantom"), str(items))
    (run / "study.yaml").write_text(text)
    with pytest.raises(InputError, match="phq9_1 beside the column of the first visit: are these items"):
        open_visits(folder_at(run), ["phq9"])
    with pytest.raises(InputError, match="nobody has the code 'P9999'"):
        gather_patient(folder_at(place / "run"), "P9999")


def test_reasons_add_up_to_the_score(place: Path) -> None:
    cohort = Cohort.read(str(place / "phantom")).with_outcome(Outcome("hamd", "scale", 13))
    for marker in (LanguageMeasures(), Face()):
        marker.fit(cohort)
        who = cohort.patient_ids[3]
        score = marker.score(cohort.select([who]).blinded())[0]
        parts = marker.reasons(cohort.blinded(), who)
        assert len(parts) > 5
        assert sum(part.contribution for part in parts) + marker.state()[1]["intercept"] == pytest.approx(score)


def test_turns_are_the_reasons_of_language(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from presage.depression.markers.language import Language
    from presage.study import Resources

    def vectors(self: Resources, encoder: object, recordings: list[object]) -> list[dict[str, np.ndarray]]:
        return [{"vectors": np.eye(8, 3), "tokens": np.arange(1, 9)} for _ in recordings]

    def derived(
        self: Resources, encoder: object, recordings: list[object], what: str, work: object
    ) -> list[np.ndarray]:
        return [work(arrays, one) for arrays, one in zip(vectors(self, encoder, recordings), recordings, strict=True)]

    monkeypatch.setattr(Resources, "encoded", vectors)
    monkeypatch.setattr(Resources, "derived", derived)
    cohort = Cohort.read(str(place / "phantom"))
    marker = Language()
    marker._model = RidgeLogistic(np.full(3, 0.1), np.full(3, 2.0), np.array([1.0, -2.0, 0.5]), 0.3, 1.0)
    who = cohort.patient_ids[0]
    parts = marker.reasons(cohort, who)
    assert len(parts) == 8 * VISITS
    assert all(part.start is not None and part.words for part in parts)
    assert sum(part.contribution for part in parts) + 0.3 == pytest.approx(marker.score(cohort.select([who]))[0])


def test_the_largest_reasons_on_either_side_are_kept() -> None:
    parts = [Reason(f"{value}", value) for value in (0.1, -5.0, 3.0, 2.0, 1.0, -0.2, 0.0)]
    assert [part["words"] for part in largest(parts)] == ["3.0", "2.0", "1.0", "-5.0", "-0.2"]


def test_the_page_of_a_patient_names_nobody_and_loads_nothing(
    place: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = str(table["patient"][0])
    # Two visits' sound need not be analysed for this.
    monkeypatch.setattr("presage.depression.overview.DETAILED", 0)
    result = CliRunner().invoke(app, ["patient", str(place / "run"), code], catch_exceptions=False)
    page = Path(result.output.split("wrote ")[1].strip())
    text = page.read_text()
    assert page == place / "run" / "patients" / code / "patient.html"
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert "Made-up data" in text
    assert text.count('<image href="data:image/png;base64,') == VISITS
    for foreign in ("http://", "https://"):
        assert foreign not in text.replace("http://www.w3.org/2000/svg", "")
    document = json.loads((page.parent / "patient.json").read_text())
    rows = table[table["patient"] == code]
    assert [visit["outcome"] for visit in document["visits"]] == rows["outcome"].tolist()
    assert [visit["scores"]["Face"] for visit in document["visits"]] == rows["Face"].tolist()
    ids = [str(pid).encode() for pid in pd.read_csv(place / "run" / "key.csv")["patient_id"]]
    for file in (place / "run").rglob("*"):
        if file.parent.name in ("course", code) and file.suffix in (".json", ".csv", ".html"):
            content = file.read_bytes()
            assert not any(pid in content for pid in ids), file


def test_a_page_without_its_pictures_says_so(place: Path, table: pd.DataFrame) -> None:
    document = {
        "code": "P0001",
        "phantom": False,
        "title": "Clinic",
        "scale": {"title": "HAM-D", "cutoff": 17, "remission_below": 8},
        "scores": [
            {"name": "PHQ-9", "role": "standard", "smallest": None},
            {"name": "Voice", "role": "marker", "smallest": 1.0},
        ],
        "visits": [
            {
                "visit": name,
                "outcome": outcome,
                "scores": {"PHQ-9": 9.0, "Voice": voice},
                "reasons": {"Voice": [{"words": "I <sleep> badly", "contribution": 0.5, "start": 1.0, "stop": None}]},
                "pictures": [{"file": "gone.png", "caption": ""}],
            }
            for name, outcome, voice in (("1", 20.0, 2.0), ("2", 9.0, 0.5))
        ],
        "software": {},
    }
    text = patient_page(document, {})
    assert "HAM-D was 20 → 9, a fall of 55\u00a0% (response: half or more)" in text
    assert "Voice fell by more than error" in text
    assert "gone.png is not in this folder" in text
    assert "<sleep>" not in text
    assert "Made-up" not in text


def test_the_planted_course_is_weaker_than_within_a_visit_and_ordered() -> None:
    found = {name: oracle_course(name, people=1500) for name in (*MODALITIES, "all", "phq9")}
    assert found["language"] > found["prosody"] > found["face"] > 0.25
    assert all(found[name] < PLANTED[name] for name in MODALITIES)
    assert found["all"] > found["language"]


@pytest.fixture(scope="module")
def one_visit(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, its visits not scored."""
    run = tmp_path_factory.mktemp("one-visit") / "run"
    shutil.copytree(place / "run", run, ignore=shutil.ignore_patterns("course", "patients"))
    return run


def test_a_patient_without_a_course_is_shown_among_the_others(one_visit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("presage.depression.overview.DETAILED", 0)
    findings = Findings.read(one_visit).document["scores"]
    code, outcome = findings["patients"][0], np.array(findings["outcome"])
    # Who treats the patient knows the id.
    who = pd.read_csv(one_visit / "key.csv", dtype=str).set_index("code")["patient_id"][code]
    result = CliRunner().invoke(app, ["patient", str(one_visit), who, "--id"], catch_exceptions=False)
    page = Path(result.output.split("wrote ")[1].strip())
    document = json.loads((page.parent / "patient.json").read_text())
    case = outcome[0] >= 13
    assert document["outcome"]["words"] == f"{outcome[0]:g}, {'a case' if case else 'no case'} (cases from 13)"
    for score in document["scores"]:
        values = np.array(findings["scores"][score["name"]][0])
        assert score["value"] == values[0]
        assert score["others"]["cases"] == sorted(values[1:][outcome[1:] >= 13])
        assert score["others"]["controls"] == sorted(values[1:][outcome[1:] < 13])
    words = next(score for score in document["scores"] if score["name"] == "Words")
    model = LanguageMeasures()
    # All its reasons add up to the score; the page keeps the largest of either sign.
    run = finished_run(folder_at(one_visit), Findings.read(one_visit))
    patient = next(pid for pid, given in run.codes.items() if given == code)
    fold = next(fold for fold in first_folds(run.run) if patient in fold.test)
    model.fit(run.run.cohort.select(fold.train), Resources(cache=run.run.cache))
    every = run.reasons_of("Words", patient, "patients")
    assert sum(part.contribution for part in every) + model.state()[1]["intercept"] == pytest.approx(words["value"])
    assert words["reasons"] == largest(every)
    text = page.read_text()
    assert "Made-up data" in text
    assert "Seconds from the beginning" in text
    assert text.count('<image href="data:image/png;base64,') == 1
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert who == patient
    assert who not in text
    assert page.parent.name == code


def test_the_place_among_the_others_counts_ties_as_half() -> None:
    score = {"value": 2.0, "others": {"cases": [1.0, 2.0, 3.0, 4.0], "controls": []}}
    assert above(score, "cases") == (1 + 0.5) / 4
    assert above(score, "controls") is None


def test_who_is_not_there_has_no_page(one_visit: Path, tmp_path: Path) -> None:
    # A code is no id, although both may look alike.
    with pytest.raises(InputError, match="no patient of this run has the id 'P0001'"):
        code_of(folder_at(one_visit), "P0001")
    with pytest.raises(InputError, match="nobody has the code 'P9999'"):
        gather_standing(folder_at(one_visit), "P9999")
    with pytest.raises(InputError, match="not finished"):
        gather_standing(folder_at(tmp_path), "P0001")
