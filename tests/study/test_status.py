"""``presage status``: what the run folder says of a run that runs, was killed, failed or is finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from study_running import Here, run, study_of

from presage import cli
from presage.cohort import InputError
from presage.study.backlog import Report
from presage.study.folder import folder_at
from presage.study.lease import STALE
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.status import read_status
from presage.study.task import Task
from presage.study.tasks import execute
from presage.study.worker import described

Make = Callable[..., Path]
Typed = Callable[..., tuple[int, str]]
LABPACK = Path(__file__).parent / "labpack"
DRIVER = f"""
import sys
sys.path.insert(0, {str(LABPACK)!r})
from presage.study import Study
from presage.study.progress import Progress
from presage.study.run import run_study
run_study(Study.read(sys.argv[1]), sys.argv[2], progress=Progress())
"""


def trainee(**settings: Any) -> dict[str, Any]:
    return {"marker": "trainee:Trainee", "name": "Trainee", **settings}


class Enduring(Here):
    """Reports what a worker process would: a task that raises fails alone."""

    def run(
        self,
        tasks: Sequence[Task],
        on_done: Callable[[Report], None],
        on_start: Callable[[Task, str], None] = lambda task, where: None,
    ) -> None:
        for task in tasks:
            on_start(task, "here")
            try:
                execute(task)
            except Exception as error:
                what = described(error)
                on_done(Report(task, what["what"], what["where"], what["cure"], what["trace"]))
            else:
                on_done(Report(task))


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    monkeypatch.setenv("COLUMNS", "140")

    def typed(*words: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["presage", "status", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out + said.err

    return typed


def test_a_finished_run_says_so(make_cohort: Make, tmp_path: Path, status: Typed) -> None:
    run(study_of(make_cohort()), tmp_path / "run")
    code, said = status(tmp_path / "run")
    assert code == 0
    assert said.startswith("finished at ")
    assert "of 16 done" not in said  # explanations are tasks too
    assert "private: key.csv, splits.csv, study.yaml, cohort/, tasks/; may be shared: findings.json" in said
    (tmp_path / "run" / "pages" / "some").mkdir(parents=True)
    (tmp_path / "run" / "pages" / "some" / "key.csv").write_text("patient,code\n")
    assert "cohort/, tasks/, pages/; may be shared" in status(tmp_path / "run")[1]
    text = (tmp_path / "run" / "status.json").read_text()
    assert "id-0" not in text
    document = json.loads(text)
    assert document["state"] == "finished"
    assert [(row["name"], row["kind"], row["done"]) for row in document["markers"]][:2] == [
        ("Level", "score", 8),
        ("Learner", "score", 8),
    ]
    assert document["running"] == []


def test_a_run_without_the_file_is_counted_from_its_results(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    run(study, tmp_path / "run")
    (tmp_path / "run" / "status.json").unlink()
    assert read_status(folder_at(tmp_path / "run"))["state"] == "finished"
    (tmp_path / "run" / "tasks" / "learner" / "r01-f02.json").unlink()
    document = read_status(folder_at(tmp_path / "run"))
    assert document["state"] == "stopped"
    assert [(row["name"], row["tasks"], row["done"]) for row in document["markers"]] == [
        ("Level", 8, 8),
        ("Learner", 8, 7),
    ]


def test_a_folder_without_a_run_is_refused(tmp_path: Path, status: Typed) -> None:
    code, said = status(tmp_path / "nothing")
    assert code == 2
    assert "no study was run here" in said
    (tmp_path / "status.json").write_text("{}")
    assert status(tmp_path)[0] == 2


def test_killed_it_is_told_from_running_and_what_is_done_is_counted(
    make_cohort: Make, tmp_path: Path, status: Typed
) -> None:
    slow = trainee(epochs=600, seconds=0.1)
    study = tmp_path / "study.yaml"
    study.write_text(study_of(make_cohort(), slow, validation={"folds": 2, "seed": 1}).to_yaml())
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", DRIVER, str(study), str(folder)])
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # until the status file tells what the training logged
            assert process.poll() is None
            if '"train_loss"' in (folder / "status.json").read_text() if (folder / "status.json").exists() else False:
                break
            time.sleep(0.05)
        code, said = status(folder, "--json")
        document = json.loads(said)
        assert (code, document["state"], document["exit"]) == (3, "running", 3)
        [running] = document["running"]
        assert (running["marker"], running["fold"], running["where"]) == ("Trainee", 0, "worker 1")
        assert running["latest"]["train_loss"] == pytest.approx(1 / (running["latest"]["step"] + 1))
        assert document["left"]["unknown"] == ["Trainee"]
        code, said = status(folder)
        assert code == 3
        assert f"(process {process.pid}); sign of life" in said
    finally:
        process.kill()
        process.wait()
    code, said = status(folder)
    assert code == 4
    assert said.startswith("no sign of life for ")
    assert "the run was probably stopped; the same command goes on" in said
    assert "Tasks: 1 of 4 done" in said or "Tasks: 2 of 4 done" in said
    assert json.loads((folder / "status.json").read_text())["state"] == "running"  # it could not say more


def test_in_a_store_a_run_is_alive_as_long_as_it_beats(make_cohort: Make, tmp_path: Path, status: Typed) -> None:
    folder = folder_at("memory://watched/run")
    run_study(study_of(make_cohort()), "memory://watched/run", progress=Progress(), engine=Here())
    assert read_status(folder)["state"] == "finished"
    document = json.loads(folder.read("status.json"))
    elsewhere = document | {"state": "running", "host": "another machine", "pid": 1, "beat": time.time() - STALE / 2}
    folder.write_text("status.json", json.dumps(elsewhere))
    assert read_status(folder)["state"] == "running"
    folder.write_text("status.json", json.dumps(elsewhere | {"beat": time.time() - 14 * 60}))
    code, said = status("memory://watched/run")
    assert code == 4
    assert "no sign of life for 14 min" in said
    folder.remove_tree("")


def test_failed_tasks_are_shown_with_their_error_which_the_file_does_not_hold(
    make_cohort: Make, tmp_path: Path, status: Typed
) -> None:
    study = study_of(make_cohort(), {"marker": "learner", "name": "Learner"}, trainee(fails_on="image of"))
    run_study(study, tmp_path / "run", progress=Progress(), engine=Enduring())
    code, said = status(tmp_path / "run")
    assert code == 5
    assert "ended with failed tasks" in said
    assert "failed: Trainee, repeat 0, fold 0: KeyError: 'image of id-0" in said
    assert "and 3 more" in said
    (tmp_path / "run" / "pages" / "some").mkdir(parents=True)
    (tmp_path / "run" / "pages" / "some" / "key.csv").write_text("patient,code\n")
    assert "cohort/, tasks/, pages/; may be shared" in status(tmp_path / "run")[1]
    text = (tmp_path / "run" / "status.json").read_text()
    assert "id-0" not in text
    assert json.loads(text)["failed"][0]["why"] == "the marker raised KeyError"


def test_an_error_on_the_way_is_no_failed_task(make_cohort: Make, tmp_path: Path, status: Typed) -> None:
    with pytest.raises(InputError):
        run(study_of(make_cohort(), recordings={"side": "X"}), tmp_path / "run")
    code, said = status(tmp_path / "run")
    assert code == 4
    assert "stopped (ended by an error (InputError)" in said


def test_watching_ends_with_the_run(make_cohort: Make, tmp_path: Path, status: Typed) -> None:
    run(study_of(make_cohort()), tmp_path / "run")
    code, said = status(tmp_path / "run", "--watch")
    assert code == 0
    assert "finished" in said
    assert os.listdir(tmp_path / "run").count("status.json") == 1


def test_ctrl_c_is_a_stop_by_hand(make_cohort: Make, tmp_path: Path, status: Typed) -> None:
    class Impatient(Here):
        def run(self, *arguments: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study_of(make_cohort()), tmp_path / "run", progress=Progress(), engine=Impatient())
    code, said = status(tmp_path / "run")
    assert code == 4
    assert "stopped (stopped by hand" in said
