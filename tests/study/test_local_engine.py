from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study_running import run, study_of

from presage.cohort import InputError
from presage.study import local_engine
from presage.study.local_engine import LocalEngine
from presage.study.progress import Progress
from presage.study.run import run_study

Make = Callable[..., Path]


def test_a_card_is_given_to_each_task_that_asks(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards that are only said to be there: which ones a task sees is decided here, not by CUDA."""
    monkeypatch.setattr(local_engine, "cards", lambda: ("4", "7"))
    log = tmp_path / "fits.jsonl"
    place = {"cpus": 0.5, "gpus": 0.5}
    timed = {"marker": "labpack:Timed", "name": "Timed", "log": str(log), "together": 4, "place": place}
    both = {"marker": "labpack:Timed", "name": "Both", "log": str(tmp_path / "both"), "place": {"gpus": 2}}
    study = study_of(make_cohort(), timed, both, validation={"folds": 2, "repeats": 2})
    engine, where = LocalEngine(2), []
    started = engine.run
    monkeypatch.setattr(engine, "run", lambda tasks, done, *_: started(tasks, done, lambda t, w: where.append(w)))
    try:
        run_study(study, tmp_path / "run", progress=Progress(), engine=engine)
    finally:
        engine.close()
    fits = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(fits) == 8
    assert {fit["cards"] for fit in fits} == {"4", "7"}
    assert [json.loads(line)["cards"] for line in (tmp_path / "both").read_text().splitlines()] == ["4,7"] * 8
    # A process keeps the cards that it saw first.
    assert all(len({f["cards"] for f in fits if f["pid"] == fit["pid"]}) == 1 for fit in fits)
    assert len(where) >= 12
    assert set(where) <= {f"worker {n}" for n in range(1, 9)}


def test_cards_that_are_not_there_are_refused_before_anything_runs(
    make_cohort: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "cards", lambda: ())
    study = study_of(make_cohort(), {"marker": "learner", "name": "Learner", "place": {"gpus": 0.5}})
    with pytest.raises(InputError) as raised:
        run_study(study, tmp_path / "run", progress=Progress(), engine=LocalEngine(1))
    assert raised.value.what == "a task of this marker asks for 0.5 of a graphics card (this machine has none)"
    assert raised.value.where == "marker 'Learner'"
    assert "place:" in raised.value.cure
    assert not list((tmp_path / "run").glob("tasks/*/*.json"))


def test_an_error_of_the_machine_is_tried_again_at_last_in_a_new_process(make_cohort: Make, tmp_path: Path) -> None:
    log = tmp_path / "fits.jsonl"
    stutters = {"marker": "labpack:Timed", "name": "Stutters", "log": str(log), "mood": "raises-twice"}
    study = study_of(make_cohort(), stutters, validation={"folds": 2}, engine={"workers": 1})
    findings: dict[str, Any] = json.loads(run(study, tmp_path / "run", processes=True))
    assert "incomplete" not in findings
    fits = [json.loads(line) for line in log.read_text().splitlines()]
    assert [fit["step"] for fit in fits] == ["begin", "begin", "begin", "end", "begin", "end"]
    first, second, last = (fit["pid"] for fit in fits[:3])
    assert first == second != last
