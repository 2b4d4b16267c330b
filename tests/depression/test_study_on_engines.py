"""A whole study of interviews, its folds and its trainings with other seeds side by side, on both engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from presage.depression.phantom.cohort import make_phantom
from presage.study import Study
from presage.study.engine import Report
from presage.study.local_engine import LocalEngine
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.task import Task

pytest.importorskip("ray")


class Watching(Progress):
    """Keeps which tasks began, and how many trainings of the fused marker ran at once."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.running: set[tuple[int, int | None]] = set()
        self.most = 0

    def began(self, task: Task, where: str) -> None:
        self.tasks.append(task)
        if task.training is not None:
            self.running.add((task.fold, task.training))
            self.most = max(self.most, len(self.running))

    def ended(self, report: Report) -> None:
        self.running.discard((report.task.fold, report.task.training))


def study_of(cohort: Path) -> Study:
    quick = {"epochs": 2, "seeds": 2, "validation": 0.25, "batch_size": 8, "new_learning_rate": 0.01}
    return Study(
        cohort=str(cohort),
        outcome={"column": "hamd", "kind": "scale", "cutoff": 17},
        standard={"marker": "questionnaire", "name": "PHQ-9", "column": "phq9"},
        markers=[
            {"marker": "language", "name": "Text"},
            {"marker": "prosody", "name": "Voice"},
            {"marker": "face", "name": "Face"},
            {"marker": "fusion", "name": "Fused", **quick},
            {"marker": "late-fusion", "name": "Late", "inner_folds": 2},
            {"marker": "prompts-only", "name": "Prompts"},
            {"marker": "demographics-only", "name": "Demographics"},
        ],
        validation={"folds": 2, "seed": 4},
        report={"replicates": 100},
    )


@pytest.mark.slow
@pytest.mark.timeout(900)  # two starts of workers that load large libraries
def test_the_same_bytes_on_this_machine_and_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from presage.study.ray_engine import RayEngine

    make_phantom(tmp_path / "cohort", people=16, seed=9, visits=1)
    study, told = study_of(tmp_path / "cohort"), {}
    for name, engine in (("here", LocalEngine(2)), ("ray", RayEngine(workers=2))):
        monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / f"cache of {name}"))
        told[name] = Watching()
        try:
            run_study(study, tmp_path / name, progress=told[name], engine=engine)
        finally:
            engine.close()
    here, ray = [(tmp_path / name / "findings.json").read_bytes() for name in told]
    assert ray == here

    document = json.loads(here)
    assert document["phantom"] is True
    assert [marker["role"] for marker in document["markers"]] == ["standard", *["marker"] * 5, "control", "control"]
    (entry,) = document["sections"]["trainings"]["markers"]
    assert (entry["name"], entry["count"]) == ("Fused", 2)
    for name, watching in told.items():
        trainings = sorted((task.fold, task.training) for task in watching.tasks if task.training is not None)
        assert trainings == [(fold, training) for fold in (0, 1) for training in range(2)], name
    # Two workers may do two trainings of one marker at the same time. On Ray no upper limit is asked for: the start of
    # a task may be told before the end of the one whose place it took.
    assert told["here"].most <= 2
    assert max(watching.most for watching in told.values()) >= 2
