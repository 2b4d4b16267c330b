"""What the second start of a finished study takes: `presage run` of a study of a thousand tasks with nothing to do.

Run: python benchmarks/bench_resume.py [--tasks 1000] [--starts 5]

Beside it, in the same run: a Python that does nothing, one that imports pandas, and one that imports presage.study;
what is left is the start's own. Wall time depends on what else the machine does; processor time hardly.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_study import LABPACK, write_cohort
from presage.study import Study

COMMAND = [sys.executable, "-c", "from presage.cli import main; main()"]


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a command that must succeed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000, help="trivial tasks")
    parser.add_argument("--starts", type=int, default=5, help="of each command; medians are printed")
    arguments = parser.parse_args()
    repeats = max(1, arguments.tasks // 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "PYTHONPATH": str(LABPACK), "PRESAGE_CACHE": str(folder / "cache")}
        environment.pop("LABPACK_LOG", None)
        write_cohort(folder / "cohort", 40, 1, seed=1)
        sys.path.insert(0, str(LABPACK))
        study = Study(
            cohort=str(folder / "cohort"),
            outcome="cancer",
            standard="level",
            markers=["labpack:Moody"],
            validation={"folds": 10, "repeats": repeats},
            report={"replicates": 100},
        )
        (folder / "study.yaml").write_text(study.to_yaml())
        run = [*COMMAND, "run", str(folder / "study.yaml"), "--out", str(folder / "run"), "--workers", "2"]
        first, _ = timed(run, environment)
        findings = (folder / "run" / "findings.json").stat()
        commands = {
            "python that does nothing": [sys.executable, "-c", "pass"],
            "import pandas": [sys.executable, "-c", "import pandas"],
            "import presage.study": [sys.executable, "-c", "import presage.study"],
            "second start": run,
        }
        spent: dict[str, list[tuple[float, float]]] = {label: [] for label in commands}
        for _ in range(arguments.starts):  # in turns: the load changes
            for label, command in commands.items():
                spent[label].append(timed(command, environment))
        if (folder / "run" / "findings.json").stat().st_mtime_ns != findings.st_mtime_ns:
            raise SystemExit("a later start wrote findings anew: was the code edited meanwhile? run this again")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors")
    print(f"load {os.getloadavg()[0]:.1f}; medians of {arguments.starts}")
    print(f"{'first start, ' + str(20 * repeats) + ' tasks':<40}{first:8.2f} s wall")
    for label, each in spent.items():
        wall, cpu = (statistics.median(values) for values in zip(*each, strict=True))
        print(f"{label:<40}{wall:8.2f} s wall{cpu:8.2f} s processor")


if __name__ == "__main__":
    main()
