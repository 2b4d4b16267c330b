"""What `presage cost` foresees against what a run then takes: encoding, and fitting and scoring.

Run: python benchmarks/cost_forecast.py [--women 40] [--workers 2] [--measure 2]

On the phantom breast demonstration (made-up mammograms). The run starts in a folder of its own, so that no measured
task shortens it, with the recordings encoded, as after `presage cost`.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from presage.breast.demo import BreastDemo
from presage.study import Study
from presage.study.cost import forecast
from presage.study.measure import measure
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.schedule import Machines


class Stages(Progress):
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def start(self, stage: str, total: int) -> None:
        self._stage, self._began = stage, time.perf_counter()

    def finish(self) -> None:
        self.seconds[self._stage] = time.perf_counter() - self._began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--women", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--measure", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["PRESAGE_CACHE"] = f"{scratch}/cache"
        study = Study.read(BreastDemo().build(Path(scratch) / "demo", women=chosen.women)).with_workers(chosen.workers)
        seen, real = Stages(), Stages()
        known = measure(study, Path(scratch) / "measured", seen, tasks=chosen.measure)
        (row,) = forecast(known.markers, [Machines(cpus=chosen.workers)])
        loads = [os.getloadavg()[0]]
        began = time.perf_counter()
        run_study(study, Path(scratch) / "run", progress=real)
        whole = time.perf_counter() - began
        loads.append(os.getloadavg()[0])
    tasks = sum(group.n_tasks for group in known.markers)
    print(f"{platform.platform()}, {os.cpu_count()} processors; phantom cohort of {chosen.women} women, {tasks} tasks")
    print(f"{known.done} tasks measured on one worker; run on {chosen.workers} workers")
    print(f"load of the machine after measuring and after the run: {loads[0]:.1f} and {loads[1]:.1f}")
    print(f"{'':<22}{'forecast':>20}{'measured':>12}{'measured/forecast':>20}")
    foreseen = sum(encoding.seconds for encoding in known.encoding)
    taken = seen.seconds["Encoding recordings"]
    print(f"{'encoding':<22}{foreseen:>18.1f} s{taken:>10.1f} s{taken / foreseen:>20.2f}")
    taken = real.seconds["Fitting and scoring"]
    print(f"{'fitting and scoring':<22}{row.hours * 3600:>18.1f} s{taken:>10.1f} s{taken / (row.hours * 3600):>20.2f}")
    print(f"  range of the forecast: {row.low * 3600:.1f} to {row.high * 3600:.1f} s")
    print(f"  not foreseen (examples, statistics, files): {whole - taken:.1f} s")


if __name__ == "__main__":
    main()
