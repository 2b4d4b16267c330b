from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from study_running import study_of

from presage.cohort import InputError
from presage.study import Study, ray_engine
from presage.study.engine import Engine, Report, engine_for
from presage.study.local_engine import LocalEngine
from presage.study.plan import EnginePlan
from presage.study.processes import in_session
from presage.study.progress import Progress
from presage.study.ray_engine import RayEngine
from presage.study.run import run_study
from presage.study.task import Task

pytest.importorskip("ray")
Make = Callable[..., Path]
CARDS = 2


@pytest.fixture(scope="module")
def ray_two() -> Iterator[RayEngine]:
    """Two workers and two cards that are only said to be there."""
    engine = RayEngine(workers=2, cards=CARDS)
    yield engine
    close(engine)


class Started(Progress):
    """Keeps which kinds of tasks began, and where."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, str]] = []

    def began(self, task: Task, where: str) -> None:
        self.tasks.append((task.kind, where))


def on(engine: Engine, study: Study, folder: Path, progress: Progress | None = None) -> bytes:
    run_study(study, folder, progress=progress or Progress(), engine=engine)
    return (folder / "findings.json").read_bytes()


def close(engine: Engine) -> None:
    """Close it; of a cluster of our own nothing is left."""
    driver = engine._driver if isinstance(engine, RayEngine) else None
    assert driver is None or len(in_session(driver._process.pid)) > 4
    engine.close()
    assert driver is None or in_session(driver._process.pid) == []


def phantom_study(folder: Path) -> Study:
    """Women, density, and a network trained end to end: small, and the article's comparison all the same."""
    pytest.importorskip("torch")
    from presage.breast.phantom import make_phantom

    make_phantom(folder, women=20, seed=3)
    network = {
        "marker": "googlenet",
        "name": "Network",
        "views": ["CC"],
        "size": [96, 64],
        "spacing_mm": 2.4,
        "freeze": "stage6.3",
        "copies": 1,
        "epochs": 2,
        "batch_size": 4,
    }
    return Study(
        cohort=str(folder),
        outcome="cancer",
        standard={"marker": "percent-density", "name": "Density", "views": ["CC"]},
        markers=[network],
        validation={"folds": 2, "seed": 1},
        report={"replicates": 100},
    )


@pytest.mark.slow
def test_the_same_bytes_on_one_worker_and_two_here_and_on_ray(
    make_cohort: Make, tmp_path: Path, ray_two: RayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, phantom = study_of(make_cohort()), phantom_study(tmp_path / "women")
    one, two = LocalEngine(1), LocalEngine(2)
    try:
        expected = on(one, small, tmp_path / "small here")
        assert on(two, small, tmp_path / "small here, 2") == expected
        network = on(one, phantom, tmp_path / "phantom here")
        assert on(two, phantom, tmp_path / "phantom here, 2") == network
    finally:
        one.close()
        two.close()
    assert json.loads(network)["phantom"] is True
    # Ray encodes by tasks, and knows nothing of what was encoded here.
    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache of Ray"))
    started = Started()
    assert on(ray_two, small, tmp_path / "small ray", started) == expected
    encoding = [where for kind, where in started.tasks if kind == "encode"]
    assert len(encoding) == 4  # chunks, for the one processor of the study
    assert all(where.startswith("node ") for where in encoding)
    assert on(ray_two, phantom, tmp_path / "phantom ray", started) == network
    assert len([kind for kind, _ in started.tasks if kind == "encode"]) > 4
    ray_one = RayEngine(workers=1)
    try:
        assert on(ray_one, phantom, tmp_path / "phantom ray, 1") == network
    finally:
        ray_one.close()


@pytest.mark.slow
def test_parts_of_cards_on_ray(make_cohort: Make, tmp_path: Path, ray_two: RayEngine) -> None:
    log = tmp_path / "fits.jsonl"
    place = {"cpus": 0.5, "gpus": 0.5, "memory_gb": 0.1}
    timed = {"marker": "labpack:Timed", "name": "Timed", "log": str(log), "together": 4, "place": place}
    on(ray_two, study_of(make_cohort(), timed, validation={"folds": 3, "repeats": 2}), tmp_path / "ray")
    fits = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(fits) == 12
    assert {fit["cards"] for fit in fits} == {"0", "1"}
    at_once = {"0": 0, "1": 0}
    for fit in fits:
        at_once[fit["cards"]] += 1 if fit["step"] == "begin" else -1
        assert at_once[fit["cards"]] <= 2


@pytest.mark.slow
def test_what_goes_wrong_on_ray_is_told_as_on_this_machine(
    make_cohort: Make, tmp_path: Path, ray_two: RayEngine
) -> None:
    folder, log = make_cohort(), tmp_path / "fits.jsonl"
    stutters = {"marker": "labpack:Timed", "name": "Stutters", "log": str(log), "mood": "raises-twice"}
    dies_once = {"marker": "moody", "name": "Dies once", "mood": "dies-once", "mark": str(tmp_path / "died")}
    started: list[str] = []
    reports: list[Report] = []

    class Watched:
        def run(self, tasks: Any, on_done: Any, on_start: Any = None) -> None:
            ray_two.run(tasks, lambda r: (reports.append(r), on_done(r))[1], lambda task, where: started.append(where))

        def close(self) -> None: ...

    study = study_of(folder, stutters, dies_once, validation={"folds": 2})
    findings = json.loads(on(Watched(), study, tmp_path / "run"))
    assert (tmp_path / "died").exists()
    assert "incomplete" not in findings
    assert log.read_text().count("begin") == 4  # two folds, two stutters
    assert len(reports) == len({report.task for report in reports}) == 6
    assert len(started) >= 8
    assert all(where.startswith("node ") for where in started)

    hopeless = {"marker": "moody", "name": "Dies", "mood": "dies"}, {"marker": "moody", "name": "Nan", "mood": "nan"}
    reports.clear()
    with pytest.raises(InputError):
        on(Watched(), study_of(folder, *hopeless, validation={"folds": 2}), tmp_path / "bad")
    by_marker = {report.task.marker: report for report in reports if not report.done}
    assert "died 3 times on this task" in by_marker[1].error
    assert by_marker[1].died
    assert by_marker[2].error.startswith("score() gave NaN")
    assert by_marker[2].where.startswith("marker 'Nan'")


@pytest.mark.slow
def test_a_task_for_which_no_node_is_large_enough_is_refused_at_once(
    make_cohort: Make, tmp_path: Path, ray_two: RayEngine
) -> None:
    study = study_of(make_cohort(), {"marker": "learner", "name": "Learner", "place": {"gpus": 8}})
    with pytest.raises(InputError) as raised:
        on(ray_two, study, tmp_path / "run")
    assert "8 graphics cards" in raised.value.what
    assert raised.value.where.startswith("marker 'Learner'; the cluster's nodes have 1 x (2 processors, 2 cards, ")
    assert "place:" in raised.value.cure


def test_an_address_where_nothing_listens_ends_in_a_message() -> None:
    began = time.monotonic()
    engine = RayEngine("127.0.0.1:9")
    task = Task("nowhere", "score", 0, 0, 0, "")
    with pytest.raises(InputError, match=r"no Ray cluster to join at '127\.0\.0\.1:9'") as raised:
        engine.run([task], lambda report: None)
    assert "ray start --head" in raised.value.cure
    assert time.monotonic() - began < 60  # Ray itself would try for minutes


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="Ray is not installed") as raised:
        engine_for(EnginePlan(name="ray"))
    assert raised.value.cure == "pip install 'presage[ray]'"


def test_an_address_of_rays_client_protocol_is_refused() -> None:
    with pytest.raises(InputError, match="cannot say when a task begins") as raised:
        RayEngine("ray://10.0.0.7:10001")
    assert "host:6379" in raised.value.cure


def test_the_plan_chooses_the_engine() -> None:
    assert isinstance(engine_for(EnginePlan(workers=3)), LocalEngine)
    assert isinstance(engine_for(EnginePlan(name="ray", address="auto")), RayEngine)
    study = Study(cohort="c", outcome="cancer", standard="level", markers=["learner"])
    assert study.on_engine(None, "auto", None).engine == EnginePlan(name="ray", address="auto")
    assert study.on_engine("ray", None, 3).engine == EnginePlan(name="ray", workers=3)
    with pytest.raises(InputError, match="the engine is this machine"):
        study.on_engine("local", "auto", None)


def test_the_result_of_a_task_that_is_done_is_not_done_again(make_cohort: Make, tmp_path: Path) -> None:
    """Who did it may have died before it could say so."""
    log = tmp_path / "fits.jsonl"
    timed = {"marker": "labpack:Timed", "name": "Timed", "log": str(log)}

    class Twice:
        def run(self, tasks: list[Task], on_done: Callable[[Report], None], on_start: Any = None) -> None:
            from presage.study.tasks import execute

            for task in tasks:
                execute(task)
                execute(task)
                on_done(Report(task))

        def close(self) -> None: ...

    on(Twice(), study_of(make_cohort(), timed), tmp_path / "run")
    assert log.read_text().count("begin") == 8
