from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from study_running import Here, run, study_of

from presage.study.folder import folder_at
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.status import read_status
from presage.study.task import Task
from presage.study.tasks import execute

Make = Callable[..., Path]
VOTERS = {"marker": "labpack:Voters", "name": "Voters", "noise": 20.0}


class Counting(Here):
    """Keeps which tasks were done."""

    def __init__(self) -> None:
        self.done: list[Task] = []

    def run(self, tasks, on_done, on_start=lambda task, where: None):
        self.done += tasks
        super().run(tasks, on_done, on_start)


def test_each_training_is_a_task_and_the_score_is_the_mean_of_all(make_cohort: Make, tmp_path: Path) -> None:
    engine = Counting()
    study = study_of(make_cohort(), VOTERS)
    findings = run_study(study, tmp_path / "run", progress=Progress(), engine=engine).document
    assert len(engine.done) == 4 * 2 * (1 + 3)
    assert sorted({task.training for task in engine.done if task.marker == 1}) == [0, 1, 2]
    assert {task.training for task in engine.done if task.marker == 0} == {None}

    # The marker as a whole, in one task, gives the very same scores.
    whole = next(task for task in engine.done if task.marker == 1)
    folder, parts = tmp_path / "run" / "tasks" / "voters", []
    for number in range(3):
        parts.append(json.loads((folder / f"r00-f00-t{number:02d}.json").read_text())["scores"])
    execute(Task(whole.run, "score", 1, 0, 0, "whole"))
    together = json.loads((folder / "r00-f00.json").read_text())["scores"]
    assert np.mean(parts, axis=0).tolist() == together
    assert parts[0] != parts[1]
    given = np.array(findings["scores"]["scores"]["Voters"])
    assert set(together) <= set(given[0].tolist())
    assert "The score is the mean of 3 trainings with other seeds." in findings["markers"][1]["notes"]


def test_findings_tell_mean_and_spread_and_never_the_best(make_cohort: Make, tmp_path: Path) -> None:
    document = json.loads(run(study_of(make_cohort(), VOTERS), tmp_path / "run"))
    (entry,) = document["sections"]["trainings"]["markers"]
    assert entry["count"] == len(entry["auc"]["values"]) == 3
    np.testing.assert_allclose(entry["auc"]["mean"], np.mean(entry["auc"]["values"]), atol=1e-6)
    np.testing.assert_allclose(entry["auc"]["sd"], np.std(entry["auc"]["values"], ddof=1), atol=1e-6)
    judged = next(e for e in document["sections"]["discrimination"]["scores"] if e["name"] == "Voters")
    assert entry["auc"]["together"] == judged["auc"]["value"]
    assert judged["auc"]["value"] not in entry["auc"]["values"]
    sentence = document["sections"]["trainings"]["sentence"]
    assert f"{max(entry['auc']['values']):.3f}" not in sentence


def test_a_training_that_is_gone_is_done_again_alone(make_cohort: Make, tmp_path: Path) -> None:
    study, folder = study_of(make_cohort(), VOTERS), tmp_path / "run"
    expected = run(study, folder)
    (folder / "findings.json").unlink()
    (folder / "done.json").unlink(missing_ok=True)
    (folder / "tasks" / "voters" / "r01-f02-t01.json").unlink()
    (folder / "status.json").unlink()
    status = read_status(folder_at(folder))
    voters = next(row for row in status["markers"] if row["name"] == "Voters")
    assert (voters["tasks"], voters["done"]) == (24, 23)
    engine = Counting()
    run_study(study, folder, progress=Progress(), engine=engine)
    assert [(task.marker, task.repeat, task.fold, task.training) for task in engine.done] == [(1, 1, 2, 1)]
    assert (folder / "findings.json").read_bytes() == expected


def test_another_number_of_trainings_is_another_marker(make_cohort: Make, tmp_path: Path) -> None:
    """Nothing of it is taken over silently."""
    cohort, folder = make_cohort(), tmp_path / "run"
    run(study_of(cohort, VOTERS), folder)
    engine = Counting()
    run_study(study_of(cohort, {**VOTERS, "votes": 2}), folder, progress=Progress(), engine=engine)
    assert len([task for task in engine.done if task.marker == 1]) == 4 * 2 * 2


def test_a_tuned_marker_chooses_once_for_all_its_trainings(make_cohort: Make, tmp_path: Path) -> None:
    tune = {"space": {"penalty": {"choice": [0.1, 10.0]}}, "trials": 2, "folds": 2}
    engine = Counting()
    study = study_of(make_cohort(), {**VOTERS, "tune": tune}, validation={"folds": 2, "repeats": 1, "seed": 3})
    findings = run_study(study, tmp_path / "run", progress=Progress(), engine=engine).document
    assert {task.training for task in engine.done} == {None}
    assert "trainings" not in findings["sections"]
