"""Everything that a study runs on is killed under it; its findings are the same bytes as those of a calm run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from study_running import run, study_of

from presage.study import Study
from presage.study.engine import Engine
from presage.study.local_engine import LocalEngine
from presage.study.processes import children_of, in_session, is_alive
from presage.study.progress import Progress
from presage.study.ray_engine import RayEngine
from presage.study.run import run_study

Make = Callable[..., Path]


class Enough(Exception):
    """This engine was killed often enough."""


def names(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def results(folder: Path) -> int:
    return len(list(folder.glob("tasks/*/r??-f??.json")))


class Killer(Progress):
    """Kills one process each time some more results are there, in a thread of its own; then `stops` the run.

    `targets` are functions that give the processes of which one is killed, by chance.
    """

    def __init__(
        self, folder: Path, chance: random.Random, targets: list[Callable[[], list[int]]], *, stops: bool = True
    ) -> None:
        self._folder, self._chance, self._targets, self._stops = folder, chance, targets, stops
        self.kills = self.advanced = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hunt, daemon=True)

    def start(self, stage: str, total: int) -> None:
        if stage.startswith("Fitting") and not self._thread.is_alive():
            self._thread.start()

    def advance(self, steps: int = 1) -> None:
        self.advanced += steps
        if self._stops and self.kills == len(self._targets):
            raise Enough

    def _hunt(self) -> None:
        for target in self._targets:
            seen = results(self._folder)
            while results(self._folder) < seen + 2 and not self._over.is_set():
                time.sleep(0.01)
            time.sleep(0.1 * self._chance.random())
            while not self._over.is_set():
                prey = sorted(target())
                if prey:
                    os.kill(self._chance.choice(prey), signal.SIGKILL)
                    self.kills += 1
                    break
                time.sleep(0.01)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


def ray_processes(engine: RayEngine, *words: str) -> Callable[[], list[int]]:
    """Processes of the engine's own cluster whose command line says one of the words."""

    def found() -> list[int]:
        session = engine._driver._process.pid if engine._driver else -1
        return [pid for pid in in_session(session) if any(word in names(pid) for word in words)]

    return found


def hunted(study: Study, folder: Path, engine: Engine, killer: Killer) -> None:
    with pytest.raises(Enough):
        run_study(study, folder, progress=killer, engine=engine)
    killer.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds processes through /proc")
def test_ten_kills_on_three_engines_and_the_same_bytes(make_cohort: Make, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    slow = {"marker": "moody", "name": "Slow", "mood": "slow"}
    study = study_of(
        make_cohort(), {"marker": "learner", "name": "Learner"}, slow, validation={"folds": 4, "repeats": 6}
    )
    expected = run(study, tmp_path / "calm")
    folder, chance = tmp_path / "hunted", random.Random(20)
    kills = 0

    # Four workers of this machine.
    here = LocalEngine(2)
    mine = os.getpid()
    killer = Killer(folder, chance, [lambda: [p for p in children_of(mine) if "presage.study.worker" in names(p)]] * 4)
    hunted(study, folder, here, killer)
    kills += killer.kills
    assert not [p for p in children_of(mine) if "presage.study.worker" in names(p)]

    # Workers of a Ray cluster, its only node, its head, and the process that drives it.
    own = RayEngine(workers=2)
    sessions: set[int] = set()
    raylet, driver = ray_processes(own, "raylet/raylet"), ray_processes(own, "ray_driver import main")
    workers = ray_processes(own, "ray::perform")

    def remembered(target: Callable[[], list[int]]) -> Callable[[], list[int]]:
        def found() -> list[int]:
            if own._driver is not None:
                sessions.add(own._driver._process.pid)
            return target()

        return found

    targets = [remembered(target) for target in (workers, raylet, workers, driver, workers)]
    killer = Killer(folder, chance, targets)
    hunted(study, folder, own, killer)
    kills += killer.kills
    assert len(sessions) >= 3  # a new cluster after its node, and after its driver
    assert not [pid for session in sessions for pid in in_session(session)]

    # A node of a cluster that was there before; what it did is done by the one that is left.
    small: dict[str, Any] = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    soon = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}
    before = set(children_of(mine))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": soon, **small})
    try:
        node = cluster.add_node(num_cpus=1, **small)
        raylet_of_node = node.all_processes["raylet"][0].process.pid
        done_before = results(folder)
        # To the end, on what is left.
        engine = RayEngine(cluster.address)
        killer = Killer(folder, chance, [lambda: [raylet_of_node]], stops=False)
        try:
            run_study(study, folder, progress=killer, engine=engine)
        finally:
            killer.stop()
            engine.close()
        kills += killer.kills
        assert not is_alive(raylet_of_node)
    finally:
        cluster.shutdown()
    assert kills == 10
    assert done_before < 60  # the node had tasks to lose
    assert results(folder) == 72
    assert (folder / "findings.json").read_bytes() == expected
    deadline = time.monotonic() + 20
    while (left := set(children_of(mine)) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [names(pid) for pid in left]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds processes through /proc")
def test_a_cluster_of_our_own_ends_with_whoever_started_it(make_cohort: Make, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    slow = {"marker": "moody", "name": "Slow", "mood": "slow"}
    study = study_of(make_cohort(), slow, engine={"name": "ray", "workers": 1}, validation={"folds": 4, "repeats": 40})
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent / 'labpack')!r})\n"
        "from presage.study import Study; from presage.study.run import run_study\n"
        f"run_study(Study.read({str(tmp_path / 'study.yaml')!r}), sys.argv[1])\n"
    )
    # Both at once: a cluster takes seconds to start, most of which it waits.
    ended = {signal.SIGKILL: tmp_path / "killed", signal.SIGINT: tmp_path / "stopped"}
    started = {
        number: subprocess.Popen([sys.executable, "-c", script, str(folder)], stderr=subprocess.DEVNULL)
        for number, folder in ended.items()
    }
    while not all(map(results, ended.values())):
        assert [process.poll() for process in started.values()] == [None, None]
        time.sleep(0.05)
    drivers = {number: children_of(process.pid)[0] for number, process in started.items()}
    folders = []
    for number, driver in drivers.items():
        session = in_session(driver)
        assert len(session) > 4
        words = [word for pid in session for word in names(pid).split() if word.startswith("--session-dir=")]
        folders.append(Path(words[0].removeprefix("--session-dir=")))
        assert folders[-1].exists()
        started[number].send_signal(number)
    deadline = time.monotonic() + 30
    for process in started.values():
        process.wait(timeout=30)
    while any(map(in_session, drivers.values())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [names(pid) for driver in drivers.values() for pid in in_session(driver)] == []
    assert not any(folder.exists() for folder in folders)
