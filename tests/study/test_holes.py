"""A task that fails for good leaves a hole: the rest is finished, and nobody can overlook what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from study_running import run, study_of

from presage.cohort import InputError
from presage.findings import Findings
from presage.report import answer, missing, to_html, to_markdown
from presage.study import Study
from presage.study.backlog import Report
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.task import Task
from presage.study.tasks import execute
from presage.study.worker import described

Make = Callable[..., Path]


class Patient:
    """An engine without processes that reports what fails, as a worker does."""

    def run(self, tasks: Sequence[Task], on_done: Callable[[Report], None], on_start: Any = None) -> None:
        for task in tasks:
            try:
                execute(task)
            except Exception as error:
                told = described(error)
                on_done(Report(task, told["what"], told["where"], told["cure"], told["trace"]))
            else:
                on_done(Report(task))

    def close(self) -> None: ...


def run_here(study: Study, folder: Path) -> bytes:
    run_study(study, folder, progress=Progress(), engine=Patient())
    return (folder / "findings.json").read_bytes()


LEARNER = {"marker": "learner", "name": "Learner"}


def moody(mood: str, **settings: Any) -> dict[str, Any]:
    return {"marker": "moody", "name": "Moody", "mood": mood, **settings}


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("raises", "the marker raised ZeroDivisionError"),
        ("nan", "its input could not be used"),
        ("dies", "its worker died"),
    ],
)
def test_the_rest_is_finished_and_the_hole_is_named(make_cohort: Make, tmp_path: Path, mood: str, why: str) -> None:
    dying = mood == "dies"
    repeats = 1 if dying else 2  # every death is tried again in two new processes
    folder, validation = make_cohort(), {"folds": 2, "repeats": repeats, "seed": 11}
    whole = json.loads(run(study_of(folder, LEARNER, validation=validation), tmp_path / "whole"))
    study = study_of(folder, LEARNER, moody(mood), validation=validation)
    document = json.loads(run(study, tmp_path / "run", processes=True) if dying else run_here(study, tmp_path / "run"))
    assert document["incomplete"] == [
        {
            "marker": "Moody",
            "failed": [[r, f] for r in range(repeats) for f in range(2)],
            "of": 2 * repeats,
            "why": [why],
        }
    ]
    # What is computed is what a study without the marker computes: no statistic knows the hole.
    assert document["scores"] == whole["scores"]
    assert document["sections"] == whole["sections"]
    assert [marker["name"] for marker in document["markers"]] == ["Level", "Learner"]
    findings = Findings(document)
    told = missing(findings)
    assert told.startswith(
        f"Moody is left out of every statistic: {2 * repeats} of its {2 * repeats} tasks failed (repeat 0 fold 0"
    )
    assert why in told
    assert "Incomplete." in to_html(findings)
    assert "**Incomplete.** Moody" in to_markdown(findings)
    assert answer(findings) == answer(Findings(whole))


def test_after_the_cure_the_same_run_becomes_whole(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    other = study_of(folder, LEARNER, moody("fine"))
    expected = json.loads(run(other, tmp_path / "never-failed"))
    run_here(study_of(folder, LEARNER, moody("raises")), tmp_path / "run")
    assert list((tmp_path / "run").glob("tasks/*/*.error.txt"))
    whole = json.loads(run(other, tmp_path / "run"))
    assert whole == expected
    assert "incomplete" not in whole
    assert not list((tmp_path / "run").glob("tasks/*/*.error.txt"))


def test_without_the_primary_marker_nothing_is_answered(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), LEARNER, moody("raises"), report={"replicates": 100, "primary": "Moody"})
    with pytest.raises(InputError, match="ZeroDivisionError"):
        run_here(study, tmp_path / "run")
    assert not (tmp_path / "run" / "findings.json").exists()
