from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from study_running import Here, run, study_of

from presage.study import Study, finished
from presage.study.folder import folder_at
from presage.study.progress import Progress
from presage.study.run import run_study

Make = Callable[..., Path]
SMALL: dict[str, Any] = {"validation": {"folds": 2, "seed": 11}, "report": {"replicates": 100}}


@pytest.fixture
def cohort(make_cohort: Make) -> Path:
    return make_cohort(16)


@pytest.fixture
def study(cohort: Path, tmp_path: Path) -> Study:
    made = study_of(cohort, **SMALL)
    run(made, tmp_path / "run")
    return made


def recalled(study: Study, folder: Path | str) -> bool:
    return finished.recall(folder_at(folder), study, [plan.build() for plan in study.plans]) is not None


def test_a_finished_run_is_known_by_what_it_was_made_of(study: Study, tmp_path: Path) -> None:
    before = (tmp_path / "run" / "findings.json").read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.json")}
    assert recalled(study, tmp_path / "run")
    assert recalled(study.with_workers(2), tmp_path / "run")  # where it runs changes nothing
    assert run(study, tmp_path / "run") == before
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.json")} == stamps


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def touch_recording(cohort: Path, run: Path) -> None:
    slide = cohort / "slides" / "003L.bin"
    content = slide.read_bytes()
    slide.write_bytes(content[::-1])  # as long as it was


CHANGES: dict[str, Callable[[Path, Path], Any]] = {
    "patients": lambda cohort, run: grow(cohort / "patients.csv"),
    "recordings": lambda cohort, run: grow(cohort / "recordings.csv"),
    "description": lambda cohort, run: grow(cohort / "cohort.yaml"),
    "another table": lambda cohort, run: (cohort / "patients.parquet").write_bytes(b"x"),
    "a recording": touch_recording,
    "a recording is gone": lambda cohort, run: (cohort / "slides" / "003L.bin").unlink(),
    "findings": lambda cohort, run: grow(run / "findings.json"),
    "findings gone": lambda cohort, run: (run / "findings.json").unlink(),
    "splits": lambda cohort, run: grow(run / "splits.csv"),
    "plan": lambda cohort, run: grow(run / "plan.json"),
    "key": lambda cohort, run: (run / "key.csv").unlink(),
    "a result": lambda cohort, run: next((run / "tasks").rglob("r0*.json")).unlink(),
    "a picture": lambda cohort, run: next((run / "examples").iterdir()).unlink(),
    "a torn record": lambda cohort, run: (run / "done.json").write_text('{"given": '),
    "a record of something else": lambda cohort, run: (run / "done.json").write_text("[]"),
}


def kept(*folders: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_whatever_changes_the_run_is_not_taken_for_finished(study: Study, cohort: Path, tmp_path: Path) -> None:
    before = kept(cohort, tmp_path / "run")
    for name, change in CHANGES.items():
        assert recalled(study, tmp_path / "run"), name
        change(cohort, tmp_path / "run")
        assert not recalled(study, tmp_path / "run"), name
        for path in set(kept(cohort, tmp_path / "run")) - set(before):
            path.unlink()
        for path, (content, date) in before.items():
            path.write_bytes(content)
            os.utime(path, ns=(date, date))


def test_another_study_or_other_software_is_not_taken_for_finished(
    study: Study, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    others: list[dict[str, Any]] = [
        {"title": "Another"},
        {"report": {"replicates": 101}},
        {"validation": {"folds": 2, "seed": 12}},
        {"engine": {"device": "cuda:0"}},
    ]
    for other in others:
        assert not recalled(study_of(cohort, **{**SMALL, **other}), folder)
    changed = {"marker": "learner", "name": "Learner", "penalty": 2.0}
    assert not recalled(study_of(cohort, changed, **SMALL), folder)
    with monkeypatch.context() as patch:
        patch.setattr(finished, "versions", lambda markers: {"numpy": "0.1"})
        assert not recalled(study, folder)
    with monkeypatch.context() as patch:
        patch.setattr("labpack.Bytes.version", 2)
        assert not recalled(study, folder)


def test_code_that_is_edited_under_the_same_version_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "deep.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    class Mine:
        __module__ = "mylab.deep"

    before = finished._code([Mine()])  # type: ignore[list-item]
    assert finished._code([Mine()]) == before  # type: ignore[list-item]
    grow(tmp_path / "mylab" / "deep.py")
    assert finished._code([Mine()]) != before  # type: ignore[list-item]


def test_a_file_that_settings_name_counts(cohort: Path, tmp_path: Path) -> None:
    log = tmp_path / "seen.jsonl"
    made = study_of(cohort, {"marker": "spy", "name": "Spy", "log": str(log)}, **SMALL)
    run(made, tmp_path / "run")
    run(made, tmp_path / "run")
    assert recalled(made, tmp_path / "run")
    grow(log)
    assert not recalled(made, tmp_path / "run")


def test_a_recording_that_changes_while_the_study_runs_is_noticed_by_the_next_start(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study_of(cohort, **SMALL)
    remember = finished.remember

    def late(*arguments: Any) -> None:
        touch_recording(cohort, tmp_path)
        remember(*arguments)

    monkeypatch.setattr("presage.study.run.remember", late)
    run(made, tmp_path / "run")
    assert not recalled(made, tmp_path / "run")


def test_an_unfinished_run_is_not_finished_and_the_record_is_private(study: Study, tmp_path: Path) -> None:
    assert not recalled(study, tmp_path / "nothing")
    assert os.stat(tmp_path / "run" / "done.json").st_mode & 0o077 == 0
    assert "id-0" not in (tmp_path / "run" / "findings.json").read_text()


def test_a_finished_run_in_a_store(cohort: Path, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    address = f"memory://{tmp_path.name}"
    for path in cohort.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/{tmp_path.name}/cohort/{path.relative_to(cohort)}", path.read_bytes())
    made = study_of(f"{address}/cohort", **SMALL)
    findings = run_study(made, f"{address}/run", progress=Progress(), engine=Here())
    assert recalled(made, f"{address}/run")
    again = run_study(made, f"{address}/run", progress=Progress(), engine=Here())
    assert json.loads(again.to_json()) == json.loads(findings.to_json())
    memory.pipe_file(f"/{tmp_path.name}/cohort/slides/003L.bin", bytes(34))
    assert not recalled(made, f"{address}/run")
