"""Recordings encoded by tasks of an engine: the same cohort and the same bytes as in threads of this process."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from study_running import Here, run, study_of

from presage.cohort import InputError
from presage.study.board import Board
from presage.study.engine import Report, refuse
from presage.study.folder import folder_at
from presage.study.planning import planned
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.status import errors_of, read_status
from presage.study.task import ENCODINGS, Task
from presage.study.worker import described

Make = Callable[..., Path]


class There(Here):
    """An engine that says it is elsewhere; what it is asked to encode is kept, and it may be killed after some."""

    elsewhere = True

    def __init__(self, folder: Path, most: int | None = None) -> None:
        self.folder, self.most = folder, most
        self.chunks: list[Task] = []
        self.modes: set[int] = set()
        self.read: list[list[str]] = []

    def run(self, tasks: Sequence[Task], on_done: Any, on_start: Any = lambda task, where: None) -> None:
        for task in tasks:
            if task.kind != ENCODINGS:
                super().run([task], on_done, on_start)
                continue
            if len(self.chunks) == self.most:
                raise KeyboardInterrupt
            self.chunks.append(task)
            file = self.folder / "encode" / f"{task.digest}.json"
            self.modes |= {stat.S_IMODE(os.stat(path).st_mode) for path in (file, file.parent)}
            self.read.append([entry["path"] for entry in json.loads(file.read_text())["recordings"]])
            on_start(task, "there")
            try:
                super().run([task], lambda report: None)
                on_done(Report(task))
            except Exception as error:
                said = described(error)
                on_done(Report(task, said["what"], said["where"], said["cure"], said["trace"]))


def encoded(tmp_path: Path) -> int:
    return len((tmp_path / "encoded.log").read_text().splitlines())


BLANK = {"003L", "004L", "004R", "017R", "020L"}


@pytest.fixture
def spoilt(make_cohort: Make) -> Path:
    """A cohort in which slides cannot be encoded; one patient has none left."""
    folder = make_cohort(both=True)
    for name in BLANK:
        (folder / "slides" / f"{name}.bin").write_bytes(b"blank" + name.encode())
    (folder / "slides" / "030L.bin").write_bytes(b"not a slide")
    return folder


MARKERS: tuple[dict[str, Any], ...] = (
    {"marker": "learner", "name": "Scaled", "scale": 2.0},
    {"marker": "learner", "name": "Tuned", "tune": {"trials": 2, "space": {"scale": {"choice": [1.0, 3.0]}}}},
)


def test_tasks_encode_and_the_findings_are_the_same_bytes(
    spoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna")
    study = study_of(spoilt, *MARKERS, validation={"folds": 2, "seed": 11}, engine={"workers": 2})
    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache of threads"))
    expected = run(study, tmp_path / "threads")
    in_threads = encoded(tmp_path)
    flow = json.loads(expected)["cohort"]["flow"]
    assert "blank slide" in json.dumps(flow)

    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache of tasks"))
    there = There(tmp_path / "tasks")
    run_study(study, tmp_path / "tasks", progress=Progress(), engine=there)
    assert (tmp_path / "tasks" / "findings.json").read_bytes() == expected
    assert encoded(tmp_path) == 2 * in_threads
    assert {task.marker for task in there.chunks} == {0, 1, 2}  # three scales, that of tuning among them
    assert len(there.chunks) == 3 * 8  # four for each of two processors
    assert {len(paths) for paths in there.read} <= {9, 10}
    assert there.modes == {0o600, 0o700}
    assert not (tmp_path / "tasks" / "encode").exists()

    # Everything is in the cache but what cannot be: only that is tried again.
    again = There(tmp_path / "again")
    planned(study, folder_at(tmp_path / "again"), Progress(), again)
    assert {Path(path).stem for paths in again.read for path in paths} == BLANK
    assert encoded(tmp_path) == 2 * in_threads


def test_a_run_killed_while_it_encodes_goes_on(spoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(spoilt, validation={"folds": 2}, engine={"workers": 2})
    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache of threads"))
    expected = run(study, tmp_path / "threads")
    in_threads = encoded(tmp_path)

    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache of tasks"))
    first = There(tmp_path / "run", most=6)
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path / "run", progress=Progress(), engine=first)
    status = read_status(folder_at(tmp_path / "run"))
    assert (status["state"], status["stage"]["name"]) == ("stopped", "Encoding recordings")
    assert 0 < status["stage"]["done"] < status["stage"]["total"]
    [row] = status["markers"]
    assert (row["kind"], row["name"], row["tasks"], row["done"]) == ("encode", "bytes", 8, 6)

    second = There(tmp_path / "run")
    run_study(study, tmp_path / "run", progress=Progress(), engine=second)
    # Not even those that cannot be encoded are tried again.
    before, after = ({path for paths in each.read for path in paths} for each in (first, second))
    assert before.isdisjoint(after)
    assert encoded(tmp_path) == 2 * in_threads
    assert (tmp_path / "run" / "findings.json").read_bytes() == expected


def test_an_encoder_that_fails_ends_the_study_with_the_recording_named(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import labpack

    folder = make_cohort()

    def unreadable(self: Any, recording: Any) -> Any:
        raise InputError("half a slide", where=recording.path, cure="copy it again")

    monkeypatch.setattr(labpack.Bytes, "encode", unreadable)
    study = study_of(folder, engine={"workers": 2})
    with pytest.raises(InputError, match="half a slide") as raised:
        run_study(study, tmp_path / "run", progress=Progress(), engine=There(tmp_path / "run"))
    assert raised.value.where.startswith(str(folder / "slides"))
    status = read_status(folder_at(tmp_path / "run"))
    assert status["state"] == "failed"
    assert [why for _, why in errors_of(folder_at(tmp_path / "run"), status)] == ["its input could not be used"]

    def broken(self: Any, recording: Any) -> Any:
        raise ZeroDivisionError("no light")

    monkeypatch.setattr(labpack.Bytes, "encode", broken)
    with pytest.raises(InputError, match="ZeroDivisionError: no light") as raised:
        run_study(study, tmp_path / "run", progress=Progress(), engine=There(tmp_path / "run"))
    assert raised.value.where == "encoder 'bytes'"
    [trace] = (tmp_path / "run" / "encode").glob("*.error.txt")
    assert str(trace) in raised.value.cure
    assert "no light" in trace.read_text()


def test_another_version_of_the_encoder_on_a_node_is_refused(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import labpack

    class Older(There):
        def run(self, tasks: Sequence[Task], *others: Any) -> None:
            monkeypatch.setattr(labpack.Bytes, "version", 0)
            super().run(tasks, *others)

    with pytest.raises(InputError, match="another one here") as raised:
        run_study(study_of(make_cohort()), tmp_path / "run", progress=Progress(), engine=Older(tmp_path / "run"))
    assert "same versions" in raised.value.cure


def test_encoding_that_asks_for_too_much_says_so() -> None:
    with pytest.raises(InputError, match="encoding asks for 2 cards") as raised:
        refuse(Task("nowhere", "encode", 0, 0, 3, ""), "2 cards", "there is one")
    assert raised.value.where == "encoder number 1; there is one"


def test_a_board_counts_recordings_and_chunks(make_cohort: Make, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    class Keeping(Board):
        def ended(self, report: Report) -> None:
            super().ended(report)
            seen.append(self.snapshot())

    study = study_of(make_cohort(), validation={"folds": 2}, engine={"workers": 1})
    run_study(study, tmp_path / "run", progress=Keeping(), engine=There(tmp_path / "run"))
    encoding = [each for each in seen if each["stage"]["name"] == "Encoding recordings"]
    assert [each["stage"]["done"] for each in encoding] == [0, 10, 20, 30]
    assert {each["stage"]["total"] for each in encoding} == {40}
    assert [each["markers"][0]["done"] for each in encoding] == [1, 2, 3, 4]
