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
    """Kills one process each time some more results are there, in a thread of its own; then stops the run.

    `targets` are functions that give the processes of which one is killed, by chance.
    """

    def __init__(self, folder: Path, chance: random.Random, targets: list[Callable[[], list[int]]]) -> None:
        self._folder, self._chance, self._targets = folder, chance, targets
        self.kills = self.advanced = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hunt, daemon=True)

    def start(self, stage: str, total: int) -> None:
        if stage.startswith("Fitting") and not self._thread.is_alive():
            self._thread.start()

    def advance(self, steps: int = 1) -> None:
        self.advanced += steps
        if self.kills == len(self._targets):
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
        shared = RayEngine(cluster.address)
        raylet_of_node = node.all_processes["raylet"][0].process.pid
        killer = Killer(folder, chance, [lambda: [raylet_of_node]])
        hunted(study, folder, shared, killer)
        kills += killer.kills
        assert not is_alive(raylet_of_node)

        # To the end, on what is left.
        engine = RayEngine(cluster.address)
        counting = Killer(folder, chance, [lambda: []])
        counting._thread = threading.Thread()  # kills no more
        done_before = results(folder)
        try:
            run_study(study, folder, progress=counting, engine=engine)
        finally:
            engine.close()
    finally:
        cluster.shutdown()
    assert kills == 10
    assert done_before < 72
    assert results(folder) == 72
    assert (folder / "findings.json").read_bytes() == expected
    deadline = time.monotonic() + 20
    while (left := set(children_of(mine)) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [names(pid) for pid in left]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds processes through /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_cluster_of_our_own_ends_with_whoever_started_it(
    make_cohort: Make, tmp_path: Path, number: signal.Signals
) -> None:
    pytest.importorskip("ray")
    slow = {"marker": "moody", "name": "Slow", "mood": "slow"}
    study = study_of(make_cohort(), slow, engine={"name": "ray", "workers": 1}, validation={"folds": 4, "repeats": 9})
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent / 'labpack')!r})\n"
        "from presage.study import Study; from presage.study.run import run_study\n"
        f"run_study(Study.read({str(tmp_path / 'study.yaml')!r}), {str(tmp_path / 'run')!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    while not results(tmp_path / "run"):
        assert process.poll() is None
        time.sleep(0.05)
    [driver] = children_of(process.pid)
    assert len(in_session(driver)) > 4
    folders = [word for pid in in_session(driver) for word in names(pid).split() if word.startswith("--session-dir=")]
    process.send_signal(number)
    process.wait(timeout=30)
    deadline = time.monotonic() + 30
    while in_session(driver) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [names(pid) for pid in in_session(driver)] == []
    assert folders
    assert not Path(folders[0].removeprefix("--session-dir=")).exists()
