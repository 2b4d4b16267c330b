"""What an engine costs, what a second worker is worth, and how much of a cluster's cards is used.

Run: python benchmarks/bench_engine.py [overhead] [speedup] [cluster]

- overhead: seconds of a study of trivial tasks on each engine, beside the same fits in a plain loop in this process.
- speedup: a study of tasks that only compute, on one worker and on two, on each engine.
- cluster: a Ray cluster simulated on this machine (logical nodes, cards that are only said to be there); tasks sleep,
  so that what is measured is placement alone. The share of card time in use is counted from the first fit, when every
  worker process has started, to the last; a real cluster starts its workers beside each other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_study import LABPACK, Stages, loop, write_cohort
from presage.study import Study
from presage.study.engine import Engine
from presage.study.local_engine import LocalEngine
from presage.study.ray_engine import RayEngine
from presage.study.run import run_study
from presage.study.worker import THREAD_VARIABLES

Row = tuple[str, str]
BASE: dict[str, Any] = {"outcome": "cancer", "standard": "level", "report": {"replicates": 100}}


def spent(study: Study, folder: Path, engine: Engine) -> float:
    """Seconds of fitting and scoring on an engine that has run a study before, so that its workers are there."""
    warm = study.model_copy(update={"validation": study.validation.model_copy(update={"folds": 4, "repeats": 1})})
    run_study(warm, folder.with_name(folder.name + "-warm"), progress=Stages(), engine=engine)
    stages = Stages()
    run_study(study, folder, progress=stages, engine=engine)
    return stages.seconds["Fitting and scoring"]


def overhead(folder: Path, tasks: int) -> list[Row]:
    trivial = Study(
        cohort=str(folder / "cohort"),
        markers=["labpack:Moody"],
        validation={"folds": 10, "repeats": tasks // 20},
        **BASE,
    )
    plain = loop(trivial, encode_again=False)
    rows = [(f"{tasks} trivial tasks in a plain loop", f"{plain:.2f} s")]
    engines: dict[str, tuple[Engine, int]] = {
        "this machine, 1 worker": (LocalEngine(1), 1),
        "this machine, 2 workers": (LocalEngine(2), 2),
        "Ray, 2 workers": (RayEngine(workers=2), 2),
    }
    for name, (engine, workers) in engines.items():
        try:
            seconds = spent(trivial, folder / name.replace(", ", "-"), engine)
        finally:
            engine.close()
        rows.append((f"  {name}: seconds", f"{seconds:.2f} s"))
        rows.append(
            ("    overhead per task and worker over the loop", f"{(seconds * workers - plain) / tasks * 1e3:.1f} ms")
        )
    return rows


def speedup(folder: Path) -> list[Row]:
    study = Study(
        cohort=str(folder / "cohort"),
        markers=[{"marker": "labpack:Computing", "name": "Computing", "steps": 60}],
        validation={"folds": 10, "repeats": 4},
        **BASE,
    )
    bare = [_bare(count) for count in (1, 2)]
    rows = [("the same work in 1 bare process, in each of 2 at once", f"{bare[0]:.1f} s, {bare[1]:.1f} s")]
    rows.append(("  speed-up that this machine can give now", f"{2 * bare[0] / bare[1]:.2f} x"))
    for name, make in (("this machine", LocalEngine), ("Ray", lambda workers: RayEngine(workers=workers))):
        seconds = []
        for workers in (1, 2):
            engine = make(workers)
            try:
                seconds.append(spent(study, folder / f"speed-{name}-{workers}", engine))
            finally:
                engine.close()
        rows.append((f"40 tasks that compute, {name}: 1 worker, 2 workers", f"{seconds[0]:.1f} s, {seconds[1]:.1f} s"))
        rows.append(("  speed-up of the second worker", f"{seconds[0] / seconds[1]:.2f} x"))
    return rows


def _bare(count: int) -> float:
    """Seconds of so many processes that compute at once, without any engine."""
    script = (
        "import numpy as np, time; m = np.random.default_rng(0).normal(size=(200, 200)); t = time.perf_counter()\n"
        "for _ in range(600): np.linalg.svd(m)\n"
        "print(time.perf_counter() - t)"
    )
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(count)
    ]
    return max(float(process.communicate()[0]) for process in processes)


def cluster(folder: Path, nodes: int, cards: int, repeats: int) -> list[Row]:
    from ray.cluster_utils import Cluster

    log = folder / "fits.jsonl"
    slots = nodes * cards
    place = {"cpus": 1, "gpus": 1, "memory_gb": 0.05}
    lengths = (0.0, 2.0, 5.0, 11.0)  # the first only starts the workers
    markers = [
        {"marker": "labpack:Timed", "name": f"{s:g} s", "log": str(log), "seconds": s, "place": place} for s in lengths
    ]
    markers[0] |= {"together": slots}
    study = Study(cohort=str(folder / "cohort"), markers=markers, validation={"folds": 4, "repeats": repeats}, **BASE)
    small: dict[str, Any] = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    simulated = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0, **small})
    try:
        for _ in range(nodes):
            # Ray keeps as many idle workers of a node as it has processors, and starts others anew for each task.
            simulated.add_node(num_cpus=cards, num_gpus=cards, memory=10**9, **small)
        engine = RayEngine(simulated.address)
        try:
            run_study(study, folder / "cluster", progress=Stages(), engine=engine)
        finally:
            engine.close()
    finally:
        simulated.shutdown()
    fits = [json.loads(line) for line in log.read_text().splitlines()]
    begun: dict[int, float] = {}
    busy, first, last, n = 0.0, float("inf"), 0.0, 0
    for fit in fits:
        if fit["step"] == "begin":
            begun[fit["pid"]] = fit["at"]
        elif fit["seconds"] > 0:
            began = begun[fit["pid"]]
            busy, n = busy + fit["at"] - began, n + 1
            first, last = min(first, began), max(last, fit["at"])
    share = busy / ((last - first) * slots)
    return [
        (
            f"{nodes} nodes x {cards} cards, {n} fits of {', '.join(f'{s:g}' for s in lengths[1:])} s",
            f"{last - first:.1f} s",
        ),
        ("  share of card time in use", f"{share:.1%}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["overhead", "speedup", "cluster"])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--cards", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=48, help="of the cluster's study: 12 fits each")
    arguments = parser.parse_args()
    sys.path.insert(0, str(LABPACK))
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    for what in arguments.what:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.environ["PRESAGE_CACHE"] = str(folder / "cache")
            os.environ.pop("LABPACK_LOG", None)
            write_cohort(folder / "cohort", 40, 1, seed=1)
            load = os.getloadavg()[0]
            began = time.perf_counter()
            if what == "overhead":
                rows = overhead(folder, arguments.tasks)
            elif what == "speedup":
                rows = speedup(folder)
            else:
                rows = cluster(folder, arguments.nodes, arguments.cards, arguments.repeats)
            print(
                f"{what}: load average {load:.1f} before, {os.getloadavg()[0]:.1f} after "
                f"{time.perf_counter() - began:.0f} s"
            )
            width = max(len(text) for text, _ in rows)
            for text, figure in rows:
                print(f"  {text:<{width}}  {figure:>10}")


if __name__ == "__main__":
    main()
