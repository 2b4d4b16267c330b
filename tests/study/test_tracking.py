"""Runs in MLflow: what is kept, that it names nobody, and that a tracker that is away holds up no study."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study_running import Here, study_of

from presage.cohort import InputError
from presage.findings import Findings
from presage.study import Study
from presage.study.engine import Report
from presage.study.folder import folder_at
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.tracking import tracker_at

Make = Callable[..., Path]
LEARNER = {"marker": "learner", "name": "Learner, fast"}
TRAINEE = {"marker": "trainee:Trainee", "name": "Trainee"}


class Told(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Halting(Here):
    """Is stopped by hand after so many tasks."""

    def __init__(self, after: int) -> None:
        self.left = after

    def run(self, tasks: Any, on_done: Callable[[Report], None], on_start: Any = None) -> None:
        def counted(report: Report) -> None:
            on_done(report)
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

        super().run(tasks, counted, on_start)


def tracked(study: Study, folder: Path, address: str, engine: Here | None = None) -> tuple[Findings, list[str]]:
    tracker, told = tracker_at(address, folder), Told()
    findings = run_study(study, folder, progress=told, engine=engine or Here(), tracker=tracker)
    (folder / "report.html").write_text("<html>the page</html>")
    tracker.complete(findings, folder_at(folder))
    return findings, told.said


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def states(database: Path) -> dict[str, int]:
    return dict(rows(database, "select status, count(*) from runs group by status"))


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_study_that_was_stopped_goes_on_in_the_same_parent_run(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), LEARNER, TRAINEE, validation={"folds": 2, "seed": 1})
    folder, database = tmp_path / "runs" / "one", tmp_path / "runs" / "mlruns.db"
    # What was done before anybody tracked is logged too.
    with pytest.raises(KeyboardInterrupt):
        run_study(study, folder, progress=Progress(), engine=Halting(1))
    with pytest.raises(KeyboardInterrupt):
        tracked(study, folder, "", Halting(2))
    assert states(database) == {"KILLED": 1, "FINISHED": 3}
    findings, said = tracked(study, folder, "")
    assert said == []
    n_explained = len({entry["code"] for entry in findings.document["gallery"]})
    assert n_explained > 0
    children = rows(database, "select value from tags where key = 'presage.task'")
    assert len(children) == len(set(children)) >= 6 + 1
    assert states(database) == {"FINISHED": len(children) + 1}

    [(parent,)] = rows(database, "select run_uuid from tags where key = 'presage.plan'")
    assert rows(database, "select distinct value from tags where key = 'mlflow.parentRunId'") == [(parent,)]
    metrics = dict(rows(database, f"select key, value from metrics where run_uuid = '{parent}'"))
    auc = next(s for s in findings.document["sections"]["discrimination"]["scores"] if s["name"] == "Learner, fast")
    for part in ("value", "low", "high"):
        assert metrics[f"auc/learner-fast/{part}"] == pytest.approx(auc["auc"][part])
    params = dict(rows(database, f"select key, value from params where run_uuid = '{parent}'"))
    assert params["validation.folds"] == "2"
    assert params["learner-fast.penalty"] == "1.0"
    assert params["cohort"] == "Slides"

    [(child,)] = rows(database, "select run_uuid from runs where name = 'trainee r00 f01'")
    curve = rows(
        database, f"select step, value from metrics where key = 'train_loss' and run_uuid = '{child}' order by step"
    )
    assert curve == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    settings = dict(rows(database, f"select key, value from params where run_uuid = '{child}'"))
    assert settings["marker"] == "Trainee"
    assert (settings["repeat"], settings["fold"], settings["settings.epochs"]) == ("0", "1", "3")
    assert settings["settings.weights_file"] == "weights.safetensors"
    assert rows(database, f"select count(*) from metrics where key = 'seconds' and run_uuid = '{child}'") == [(1,)]

    artefacts = next((tmp_path / "runs" / "mlartifacts").glob("*/artifacts"))
    names = {str(path.relative_to(artefacts)) for path in artefacts.rglob("*") if path.is_file()}
    pictures = {entry["file"] for entry in findings.document["gallery"]}
    assert names == {"findings.json", "report.html", "study.json", *pictures}
    assert json.loads((artefacts / "study.json").read_text()) == findings.document["settings"]

    # Nobody is named, and no file of the cohort.
    kept = [database.read_bytes(), *(path.read_bytes() for path in artefacts.rglob("*") if path.is_file())]
    for data in kept:
        assert b"id-0" not in data
        assert b"slides/" not in data
        assert b"key.csv" not in data
        assert str(tmp_path / "cohort").encode() not in data
        assert b"/data/of/this/lab" not in data
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"

    # Nothing is logged twice.
    before = rows(database, "select count(*) from metrics")
    tracked(study, folder, "")
    assert rows(database, "select count(*) from metrics")[0][0] - before[0][0] <= 9
    assert len(rows(database, "select value from tags where key = 'presage.task'")) == len(children)


def test_a_server_that_is_down_is_said_once_and_holds_up_nothing(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    study = study_of(make_cohort(), validation={"folds": 2, "seed": 1})
    findings, said = tracked(study, tmp_path / "run", "http://127.0.0.1:9")
    assert findings.document["sections"]["discrimination"]
    assert [line for line in said if "tracking: http://127.0.0.1:9 does not take what is logged" in line] == said[:1]
    assert len(said) <= 2


def test_a_task_that_failed_says_why_without_naming_anybody(make_cohort: Make, tmp_path: Path) -> None:
    database = tmp_path / "mlruns.db"
    study = study_of(make_cohort(), LEARNER, TRAINEE, validation={"folds": 2, "seed": 1})

    class Failing(Here):
        def run(self, tasks: Any, on_done: Callable[[Report], None], on_start: Any = None) -> None:
            good = [task for task in tasks if task.marker != 2]
            super().run(good, on_done, on_start)
            for task in (task for task in tasks if task.marker == 2):
                on_start(task, "node 10.0.0.7, cuda:1")
                on_done(Report(task, "KeyError: 'id-007'", trace="Traceback"))

    findings, _ = tracked(study, tmp_path / "run", "", Failing())
    assert findings.document["incomplete"]
    assert states(database)["FAILED"] == 3  # two tasks and the study
    assert set(rows(database, "select value from tags where key = 'presage.failure'")) == {
        ("the marker raised KeyError",)
    }
    assert ("node 10.0.0.7, cuda:1",) in rows(database, "select value from tags where key = 'presage.where'")
    assert b"id-0" not in database.read_bytes()


def test_a_folder_is_refused_as_a_tracking_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a database"):
        tracker_at("mlruns", tmp_path / "run")


def test_without_tracking_mlflow_is_not_imported() -> None:
    import subprocess
    import sys

    code = "import sys, presage.study.run, presage.cli; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
