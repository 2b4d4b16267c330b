from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pytest
from numpy.typing import NDArray
from study_running import run, study_of

from presage.cohort import Cohort, InputError, Outcome, Recording
from presage.findings import Findings
from presage.report import to_html, to_markdown
from presage.stats import auc
from presage.study import EncoderCache, Explanation, Marker, Resources, Study
from presage.study.names import marker_class
from presage.study.runfolder import seed_of
from presage.study.saved import fit_and_save, read_card, score_cohort

Make = Callable[..., Path]

TUNE = {"trials": 4, "folds": 2, "space": {"penalty": {"low": 1e-2, "high": 1e6, "log": True}}}
LEARNER = {"marker": "learner", "name": "Learner", "noise": 5.0, "tune": TUNE}


def tuning_of(folder: Path, marker: str = "learner", fold: int = 0) -> dict[str, Any]:
    return json.loads((folder / "tasks" / marker / f"r00-f{fold:02d}.json").read_text())["tuning"]


def test_outcomes_of_the_test_fold_change_neither_choice_nor_trials(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    plan = {"validation": {"folds": 4, "seed": 11}}
    run(study_of(folder, LEARNER, **plan), tmp_path / "first")
    splits = (tmp_path / "first" / "splits.csv").read_text()
    (tmp_path / "splits.csv").write_text(splits)
    rows = [line.split(",") for line in splits.splitlines()[1:]]
    held_out = [pid for repeat, fold, pid, role in rows if (fold, role) == ("0", "test")]
    # Noise, drawn anew for these patients alone; both classes stay in every fold.
    drawn = np.random.default_rng(1).permutation([i % 2 for i in range(len(held_out))])
    noise = dict(zip(held_out, drawn, strict=True))
    table = [line.split(",") for line in (folder / "patients.csv").read_text().splitlines()]
    changed = [[pid, str(noise.get(pid, case)), *rest] for pid, case, *rest in table]
    assert sum(a != b for a, b in zip(table, changed, strict=True)) >= 3
    plan["validation"]["splits"] = str(tmp_path / "splits.csv")  # type: ignore[index]
    run(study_of(folder, LEARNER, **plan), tmp_path / "before")
    (folder / "patients.csv").write_text("\n".join(",".join(row) for row in changed) + "\n")
    run(study_of(folder, LEARNER, **plan), tmp_path / "after")
    before, after = (json.dumps(tuning_of(tmp_path / name)) for name in ("before", "after"))
    assert before == after
    results = [json.loads((tmp_path / name / "tasks/learner/r00-f00.json").read_text()) for name in ("before", "after")]
    assert results[0]["scores"] == results[1]["scores"]
    assert results[0]["digest"] != results[1]["digest"]
    # Another fold trains on those patients: there the noise is seen.
    assert tuning_of(tmp_path / "before", fold=1) != tuning_of(tmp_path / "after", fold=1)


def test_workers_kills_and_resumed_folds_do_not_change_a_byte(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    study = study_of(folder, LEARNER, validation={"folds": 3, "seed": 11})
    one = run(study, tmp_path / "one")
    assert run(study.with_workers(2), tmp_path / "two", processes=True) == one
    (tmp_path / "one" / "tasks" / "learner" / "r00-f01.json").unlink()
    assert run(study, tmp_path / "one") == one
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    script = (
        "import sys, os, signal\n"
        "from presage.study import inner, Study\n"
        "from study_running import run\n"
        "keep, calls = inner._keep, []\n"
        "def dying(*given):\n"
        "    keep(*given)\n"
        "    calls.append(1)\n"
        "    if len(calls) == int(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "inner._keep = dying\n"
        "from pathlib import Path\n"
        "run(Study.read(sys.argv[2]), Path(sys.argv[3]))\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent / "labpack")])
    for calls in ("3",):
        given = [sys.executable, "-c", script, calls, str(tmp_path / "study.yaml"), str(tmp_path / "killed")]
        done = subprocess.run(given, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert list((tmp_path / "killed").glob("tasks/learner/*.scratch/tuning.json"))
    assert run(study, tmp_path / "killed") == one
    assert not list((tmp_path / "killed").glob("tasks/*/*.scratch"))


def test_a_changed_space_is_tuned_anew_and_others_stay(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    other = {"marker": "learner", "name": "Other"}
    run(study_of(folder, LEARNER, other), tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "tasks").rglob("r*-f??.json")}
    changed = {**LEARNER, "tune": {**TUNE, "trials": 5}}
    findings = run(study_of(folder, changed, other), tmp_path / "run")
    assert {p.parent.name for p, stamp in before.items() if p.stat().st_mtime_ns != stamp} == {"learner"}
    assert findings == run(study_of(folder, changed, other), tmp_path / "fresh")


class Signed(Marker):
    """The mean of a slide, one way or the other: as given it is the wrong way."""

    sign: Literal[-1, 1] = -1

    def needs(self, recording: Recording) -> bool:
        return recording.kind == "slide"

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        read = {r.patient_id: np.frombuffer(Path(r.path).read_bytes()[:32], np.uint8) for r in cohort.iter_recordings()}
        return np.array([self.sign * read[pid].mean() for pid in cohort.patient_ids])

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        image = np.full((4, 8), 100, dtype=np.uint8)
        told = f"The sign is {self.sign}."
        return [Explanation(cohort.iter_recordings()[0], image, np.ones((4, 8), np.float32), told)]


class SignedAndSaved(Signed):
    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"nothing": np.zeros(1)}, {}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        return


@pytest.mark.parametrize("kind", ["Signed", "SignedAndSaved"])
def test_the_gallery_shows_the_model_that_was_chosen(make_cohort: Make, tmp_path: Path, kind: str) -> None:
    tune = {"trials": 2, "folds": 2, "space": {"sign": {"choice": [-1, 1]}}}
    marker = {"marker": f"test_tuned_run:{kind}", "name": "Signed", "tune": tune}
    findings = json.loads(run(study_of(make_cohort(), marker), tmp_path / "run"))
    outer = findings["sections"]["tuning"]["markers"][0]["outer"]
    assert {fold["chosen"]["sign"] for fold in outer} == {1}
    assert len(findings["gallery"]) == 6
    assert all(entry["caption"].endswith("The sign is 1.") for entry in findings["gallery"])
    means = np.array(findings["scores"]["scores"]["Signed"][0])
    assert auc(findings["scores"]["outcome"], means) > 0.7


def test_encoders_of_every_choice_are_prepared_and_a_range_of_them_is_refused(
    make_cohort: Make, tmp_path: Path
) -> None:
    folder = make_cohort()
    told = {**TUNE, "space": {"scale": {"choice": [1.0, 2.0, 3.0]}}}
    run(study_of(folder, {"marker": "learner", "name": "L", "tune": told}), tmp_path / "run")
    assert (tmp_path / "encoded.log").read_text().count("encoded") == 3 * 40
    told = {**TUNE, "space": {"scale": {"low": 1.0, "high": 3.0}}}
    with pytest.raises(
        InputError, match=r"'L', tune, space, scale: scale changes what is computed[^\n]*\nlist the val"
    ):
        run(study_of(folder, {"marker": "learner", "name": "L", "tune": told}), tmp_path / "run")
    many = {"scale": {"choice": list(range(1, 18))}, "penalty": {"choice": list(range(1, 18))}}
    with pytest.raises(InputError, match="the choices of penalty, scale multiply to more than 256 combinations"):
        run(study_of(folder, {"marker": "learner", "name": "L", "tune": {**TUNE, "space": many}}), tmp_path / "run")


def test_patients_whom_a_choice_cannot_score_are_left_out_and_counted(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort(both=True)
    rows = (folder / "recordings.csv").read_text().splitlines()
    (folder / "recordings.csv").write_text("\n".join(row for row in rows if "003R" not in row) + "\n")
    (folder / "slides" / "003R.bin").unlink()
    marker = {"marker": "level", "name": "Side", "tune": {**TUNE, "space": {"side": {"choice": ["L", "R"]}}}}
    findings = json.loads(run(study_of(folder, marker), tmp_path / "run"))
    left_out = [row for row in findings["cohort"]["flow"] if row["unit"] == "patient"]
    assert [(row["reason"], row["n"]) for row in left_out] == [("lacks a recording that Side (side = R) needs", 1)]
    assert findings["cohort"]["n_patients"] == 39


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up cohort in which the default of the ridge regression is hopeless."""
    from test_tuning import table

    folder = tmp_path_factory.mktemp("noisy")
    table(90).drop(columns=["points", "time", "match_set"]).to_csv(folder / "patients.csv")
    (folder / "slides").mkdir()
    rows = ["patient_id,kind,path,side"]
    for i in range(90):
        (folder / "slides" / f"{i}.bin").write_bytes(bytes([i]) * 32)
        rows.append(f"id-{i:03d},slide,slides/{i}.bin,L")
    (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
    (folder / "cohort.yaml").write_text("name: Noisy\nphantom: true\noutcomes: [cancer]\n")
    return folder


def noisy_study(folder: Path, **changes: Any) -> Study:
    tune = {"trials": 10, "folds": 3, "space": {"penalty": {"low": 1e-3, "high": 1e8, "log": True}}}
    marker = {"marker": "test_tuning:Ridge", "name": "Tuned ridge", "tune": tune}
    settings = {"standard": {"marker": "test_tuning:Ridge", "name": "Ridge"}, "validation": {"folds": 5, "seed": 1}}
    return study_of(folder, marker, **{**settings, **changes})


def test_tuning_helps_out_of_fold_where_the_default_is_bad(noisy: Path, tmp_path: Path) -> None:
    findings = json.loads(run(noisy_study(noisy), tmp_path / "run"))
    scores, cases = findings["scores"]["scores"], findings["scores"]["outcome"]
    default, chosen = (auc(cases, np.array(scores[name][0])) for name in ("Ridge", "Tuned ridge"))
    assert default < 0.65
    assert chosen > 0.75
    section = findings["sections"]["tuning"]["markers"][0]
    assert len(section["outer"]) == 5
    assert all(fold["value"] >= fold["value_as_given"] for fold in section["outer"])


def test_a_marker_that_looks_everywhere_sees_its_fold_alone_in_a_whole_run(noisy: Path, tmp_path: Path) -> None:
    from test_tuning import table

    folder, log = tmp_path / "cohort", tmp_path / "seen.jsonl"
    shutil.copytree(noisy, folder)
    # Outcomes that no other number equals, so that one can be told wherever it turns up.
    points = {f"id-{i:03d}": 9001.0 + i + 200 * (i % 2) for i in range(90)}
    table(90).drop(columns=["cancer", "time", "match_set"]).assign(points=points.values()).to_csv(
        folder / "patients.csv"
    )
    (folder / "cohort.yaml").write_text("name: Noisy\nphantom: true\noutcomes: [points]\n")
    tune = {"trials": 3, "folds": 2, "space": {"penalty": {"low": 1e-3, "high": 1e8, "log": True}}}
    marker = {"marker": "test_tuning:Cheat", "name": "Cheat", "log": str(log), "tune": tune}
    outcome = {"column": "points", "kind": "scale", "cutoff": 9150}
    plan = {"outcome": outcome, "validation": {"folds": 3, "seed": 1}}
    run(study_of(folder, marker, standard={"marker": "test_tuning:Ridge", "name": "Ridge"}, **plan), tmp_path / "run")
    seen = [json.loads(line) for line in log.read_text().splitlines()]
    rows = [line.split(",") for line in (tmp_path / "run" / "splits.csv").read_text().splitlines()[1:]]
    sides = {side: [{p for _, f, p, r in rows if (f, r) == (n, side)} for n in "012"] for side in ("train", "test")}
    assert not [entry for entry in seen if entry["step"] == "usable" and set(entry["outcomes"]) - {9150.0}]
    # A study asks once, before it is divided, who can be scored.
    inside = [entry for entry in seen if entry["step"] != "usable" or len(entry["given"]) < 90]
    assert {entry["step"] for entry in inside} == {"usable", "fit", "score"}
    outer = []
    for entry in inside:
        given = set(entry["given"])
        assert set(entry["ids"]) == given
        if entry["step"] == "fit":
            assert set(entry["outcomes"]) - {9150.0} == {points[pid] for pid in given}  # the cut-off is known
        else:
            assert entry["outcomes"] == []
        if given in sides["test"]:
            outer.append(given)
        else:
            assert any(given <= train for train in sides["train"])
    assert sorted(map(sorted, outer)) == sorted(map(sorted, sides["test"]))


def test_the_page_shows_what_was_tuned_and_says_that_inner_scores_flatter(noisy: Path, tmp_path: Path) -> None:
    run(noisy_study(noisy), tmp_path / "run")
    findings = Findings.read(tmp_path / "run")
    assert "optuna" in findings.document["software"]
    assert findings.document["settings"]["markers"][0]["tune"]["trials"] == 10
    text = to_markdown(findings)
    for page in (to_html(findings, None), text):
        assert "The outer test folds played no part in the choice" in page
        assert "optimistic" in page
        assert "Settings that were tuned" in page
    assert "| penalty | 0.001 to 1e+08, logarithmic | 1e+07 |" in text
    assert text.count("| 1.5 |") == 1
    assert "Tuned: Tuned ridge: penalty by up to 10 trials on 3 inner folds" in text
    assert 'id="tuning"' in to_html(findings, None)
    assert "id-0" not in (tmp_path / "run" / "findings.json").read_text()
    plain = json.loads(run(study_of(noisy, {"marker": "test_tuning:Ridge", "name": "R", "penalty": 1.0},
        standard={"marker": "test_tuning:Ridge", "name": "S"}), tmp_path / "plain"))  # fmt: skip
    assert "tuning" not in plain["sections"]
    assert "optuna" not in plain["software"]


def test_a_saved_marker_is_tuned_on_everybody(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    saved = fit_and_save(study_of(folder, LEARNER), "Learner", tmp_path / "model")
    card = read_card(saved)
    assert card["settings"]["penalty"] == card["tuning"]["chosen"]["settings"]["penalty"]
    assert len(card["tuning"]["trials"]) == 4
    assert "optuna" in card["software"]
    assert "id-0" not in json.dumps(card)
    cohort = Cohort.read(str(folder)).with_outcome(Outcome("cancer"))
    fitted = marker_class("learner")(**card["settings"])
    fitted.fit(cohort, Resources(cache=EncoderCache(), seed=seed_of(11, "Learner", -1, -1)))
    np.testing.assert_array_equal(
        score_cohort(saved, Cohort.read(str(folder)))["score"], fitted.score(cohort.blinded())
    )


STUDY = """\
cohort: cohort
outcome: cancer
standard: {marker: level, name: Level}
markers:
  - marker: learner
    tune:
      trials: 4
      space:
        penalty: {low: 0.1, high: 10, log: true}
        noise: {choice: [0.0, 1.0]}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (
            "        penalty: {low",
            "        penaltie: {low",
            9,
            "has no setting 'penaltie' to tune\ndid you mean 'penalty'?",
        ),
        ("low: 0.1, high: 10,", "low: 10, high: 0.1,", 9, "the range from 10 to 0.1 is empty"),
        ("low: 0.1, high: 10,", "low: 10, high: 10,", 9, "the range from 10 to 10 is empty"),
        ("low: 0.1,", "low: 0,", 9, "a logarithmic range cannot begin at 0"),
        ("low: 0.1,", "lov: 0.1,", 9, "unknown setting 'lov' of penalty\ndid you mean 'low'?"),
        ("low: 0.1, high: 10, log: true", "high: 10", 9, "a range has a `low` and a `high`"),
        ("choice: [0.0, 1.0]", "choice: [0.0]", 10, "at least two different values"),
        ("choice: [0.0, 1.0]", "choice: [0.0, loud]", 10, "the marker refuses this value: noise = 'loud'"),
        ("choice: [0.0, 1.0]", "choice: [1, 2], low: 3", 10, "a choice and a range are given together"),
        ("trials: 4", "trials: 1", 7, "greater than or equal to 2"),
        ("trials: 4", "trails: 4", 7, "unknown setting 'trails' of tune\ndid you mean 'trials'?"),
        ("trials: 4", "score: brier", 7, "the score brier needs probabilities"),
        (
            "trials: 4",
            "score: mae",
            7,
            "the score mae does not judge a binary outcome\nthere are: auc, brier, log-loss",
        ),
        ("trials: 4", "prune: sometimes", 7, "prune = 'sometimes'"),
    ],
)
def test_mistakes_in_what_is_tuned_are_told_with_their_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    assert old in STUDY
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace(old, new))
    with pytest.raises(InputError) as caught:
        Study.read(path)
    assert f"line {line}" in str(caught.value), str(caught.value)
    assert told in str(caught.value)


def test_without_optuna_a_study_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    monkeypatch.setattr("presage.study.search_space.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"line 6, markers.0.tune: .*Optuna.*\npip install"):
        Study.read(path)


def test_a_study_that_tunes_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("trials: 4", "prune: false"))
    study = Study.read(path)
    assert study.markers[0].tune is not None
    assert study.markers[0].tune.prune is False
    path.write_text(study.to_yaml())
    assert Study.read(path) == study
    assert "tune" not in study.standard.model_dump()
