from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study_running import Here, run, study_of

from presage.cohort import InputError
from presage.study import files
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.runfolder import seed_of, slugs
from presage.study.worker import THREAD_VARIABLES

Make = Callable[..., Path]


def moody(mood: str, **settings: Any) -> dict[str, Any]:
    return {"marker": "moody", "name": "Moody", "mood": mood, **settings}


def results(folder: Path) -> int:
    return len(list(folder.glob("tasks/*/r??-f??.json")))


def test_a_worker_that_dies_is_replaced_and_its_task_done_again(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    study = study_of(folder, moody("dies-once", mark=str(tmp_path / "died")), engine={"workers": 2})
    findings = json.loads(run(study, tmp_path / "run", processes=True))
    assert (tmp_path / "died").exists()
    calm = json.loads(run(study_of(folder, moody("fine")), tmp_path / "calm"))
    assert findings["scores"] == calm["scores"]


def test_a_task_that_always_dies_fails_alone_and_by_name(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), moody("dies"), validation={"folds": 2})
    with pytest.raises(InputError) as raised:
        run(study, tmp_path / "run", processes=True)
    assert "died 3 times on this task (signal 9)" in raised.value.what
    assert "2 of 4 tasks failed" in raised.value.what
    assert raised.value.where == "marker 'Moody', repeat 0, fold 0"
    assert "too little memory" in raised.value.cure
    assert results(tmp_path / "run") == 2  # the standard's
    assert not (tmp_path / "run" / "findings.json").exists()


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("raises", "ZeroDivisionError: nothing to divide by"),
        ("nan", "score() gave NaN or infinity for 1 of 20 patients"),
        ("shape", "score() gave an array of shape (19,) for 20 patients"),
    ],
)
def test_a_marker_that_misbehaves_is_named_with_its_fold(
    make_cohort: Make, tmp_path: Path, mood: str, message: str
) -> None:
    study = study_of(make_cohort(), moody(mood), validation={"folds": 2})
    with pytest.raises(InputError) as raised:
        run(study, tmp_path / "run", processes=True)
    assert raised.value.what.startswith(message)
    assert raised.value.where == "marker 'Moody', repeat 0, fold 0"
    assert "start the same command again" in raised.value.cure
    if mood == "raises":
        trace = tmp_path / "run" / "tasks" / "moody" / "r00-f00.error.txt"
        assert str(trace) in raised.value.cure
        assert "nothing to divide by" in trace.read_text()
    assert results(tmp_path / "run") == 2


def test_what_a_marker_prints_does_not_disturb(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), moody("chatty"), validation={"folds": 2})
    assert run(study, tmp_path / "run", processes=True)


def test_a_full_disk_ends_in_one_message_and_the_run_goes_on(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_cohort()
    expected = run(study_of(folder), tmp_path / "whole")
    replace, left = files.os.replace, [0]

    def full(source: str, target: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    for room in (3, 60, 40, 12):  # in the cache, again, among the tasks, again
        left[0] = room
        monkeypatch.setattr(files.os, "replace", full)
        monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "other-cache"))
        with pytest.raises(InputError, match="the disk is full\nfree some space") as raised:
            run(study_of(folder), tmp_path / "run")
        assert raised.value.where
        monkeypatch.setattr(files.os, "replace", replace)
        assert not list(tmp_path.rglob("*.part"))
    assert run(study_of(folder), tmp_path / "run") == expected


def test_a_full_disk_met_by_a_worker_stops_the_run_at_once(make_cohort: Make, tmp_path: Path) -> None:
    """The worker's folder is a file: what it cannot write is told by the parent."""
    study = study_of(make_cohort(), validation={"folds": 2})
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tasks").write_text("in the way")
    with pytest.raises(InputError) as raised:
        run(study, tmp_path / "run", processes=True)
    assert str(tmp_path / "run" / "tasks") in str(raised.value)


def test_progress_is_told_of_every_task(make_cohort: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Counting(Progress):
        def __init__(self) -> None:
            self.stages: dict[str, list[int]] = {}

        def start(self, stage: str, total: int) -> None:
            self.stages[stage] = [total, 0]

        def advance(self, steps: int = 1) -> None:
            list(self.stages.values())[-1][1] += steps

    counting = Counting()
    run_study(study_of(make_cohort()), tmp_path / "run", progress=counting, engine=Here())
    assert counting.stages["Encoding recordings"] == [40, 40]
    assert counting.stages["Fitting and scoring"] == [16, 16]
    run_study(study_of(tmp_path / "cohort"), tmp_path / "again", engine=Here())
    assert "Fitting and scoring: 16\n" in capsys.readouterr().err  # plain lines where there is no terminal


def test_seeds_are_frozen_and_differ() -> None:
    # Frozen: a published study must be repeatable from its seed.
    assert seed_of(0, "GoogLeNet", 0, 0) == SEED
    seeds = {seed_of(s, m, r, f) for s in range(3) for m in ("a", "b") for r in range(5) for f in range(5)}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**32 for seed in seeds)


SEED = 1220513122


def test_folders_of_markers_are_told_apart() -> None:
    assert slugs(["GoogLeNet-LDA, CC", "Dichte (%)", "dichte %", "密度"]) == [
        "googlenet-lda-cc",
        "dichte--1",
        "dichte--2",
        "marker",
    ]


def test_workers_have_one_numerical_thread() -> None:
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} <= set(THREAD_VARIABLES)
