"""What a run folder holds, and what a store is asked: files, bytes and requests for each task.

Run: python benchmarks/run_folder_footprint.py [--patients 226] [--folds 10]

Two runs of one made-up study with 5 and with 10 repeats, run folder and cache in a store that lives in this process and
counts what it is asked. The difference of the two, shared out among the tasks that are more, is what one task costs;
what is left is what every run costs. Requests are the calls that reach the store (read, write, list, look, remove),
each at least one request to S3; scores and slides are tiny, tasks are done one after another in this process.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec

from presage.study import Study
from presage.study.engine import Report
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.task import Task
from presage.study.tasks import execute

LABPACK = Path(__file__).resolve().parents[1] / "tests" / "study" / "labpack"
KINDS = {
    "read": ("cat_file", "cat", "open"),
    "write": ("pipe_file",),
    "list": ("find", "ls"),
    "look": ("info", "exists"),
}


class Counting:
    """Counts what the store in memory is asked, below the run folder and below the cache."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self._inside = False
        files = fsspec.filesystem("memory")
        for kind, names in {**KINDS, "remove": ("rm", "rm_file")}.items():
            for name in names:
                setattr(type(files), name, self._counted(kind, getattr(type(files), name)))

    def _counted(self, kind: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def counted(files: Any, path: Any = "", *rest: Any, **named: Any) -> Any:
            if self._inside:  # one call that is made of others is one
                return method(files, path, *rest, **named)
            self._inside = True
            try:
                paths = path if isinstance(path, list) else [path]
                for one in paths:
                    place = "cache" if "/cache" in str(one) else "run"
                    what = "write" if kind == "read" and "w" in str(rest[:1] or named.get("mode", "")) else kind
                    self.asked[place, what] += 1
                return method(files, path, *rest, **named)
            finally:
                self._inside = False

        return counted


class Here:
    """Does tasks in this process and remembers what a driver would send."""

    def __init__(self, counting: Counting) -> None:
        self.counting, self.sent, self.tasks = counting, 0, 0
        self.in_tasks: Counter[tuple[str, str]] = Counter()

    def run(self, tasks: Sequence[Task], on_done: Callable[[Report], None], on_start: Any = None) -> None:
        for task in tasks:
            self.sent += len(task.to_json())
            self.tasks += 1
            before = Counter(self.counting.asked)
            execute(task)
            self.in_tasks += self.counting.asked - before
            on_done(Report(task))

    def close(self) -> None:
        """Nothing to close."""


def measured(study: Study, folder: str, counting: Counting) -> dict[str, Any]:
    counting.asked.clear()
    engine = Here(counting)
    run_study(study, folder, progress=Progress(), engine=engine)
    sizes = fsspec.filesystem("memory").find(folder.removeprefix("memory:/"), detail=True)
    tasks = {name: info["size"] for name, info in sizes.items() if "/tasks/" in name}
    return {
        "tasks": engine.tasks,
        "requests": Counter(counting.asked),
        "in tasks": engine.in_tasks,
        "files": Counter({"tasks": len(tasks), "rest": len(sizes) - len(tasks)}),
        "bytes": Counter(
            {"tasks": sum(tasks.values()), "rest": sum(info["size"] for info in sizes.values()) - sum(tasks.values())}
        ),
        "sent": engine.sent,
    }


def main() -> None:
    from bench_study import write_cohort

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=226)
    parser.add_argument("--folds", type=int, default=10)
    chosen = parser.parse_args()
    sys.path.insert(0, str(LABPACK))
    counting = Counting()
    with tempfile.TemporaryDirectory() as scratch:
        write_cohort(Path(scratch) / "cohort", chosen.patients, 1, 0)
        found = []
        for repeats in (5, 5, 10):  # the first fills the cache
            os.environ["PRESAGE_CACHE"] = "memory://cache"
            study = Study(
                cohort=f"{scratch}/cohort",
                outcome="cancer",
                standard={"marker": "level", "name": "Level"},
                markers=[{"marker": "learner", "name": "Learner"}],
                validation={"folds": chosen.folds, "repeats": repeats},
                report={"replicates": 100},
            )
            found.append(measured(study, f"memory://run-{len(found)}", counting))
    _, less, more = found
    extra = more["tasks"] - less["tasks"]
    print(f"{chosen.patients} patients, {chosen.folds} folds, two markers: {less['tasks']} and {more['tasks']} tasks")
    print(f"{'':<34}{'for each task':>16}{'for each run':>16}")

    def line(what: str, few: float, many: float) -> None:
        each = (many - few) / extra
        print(f"{what:<34}{each:>16.2f}{few - each * less['tasks']:>16.0f}")

    for place in ("tasks", "rest"):
        line(f"files, {place}", less["files"][place], more["files"][place])
        line(f"bytes, {place}", less["bytes"][place], more["bytes"][place])
    line("bytes from driver to worker", less["sent"], more["sent"])
    for key in sorted(more["requests"] | less["requests"]):
        line(f"requests, {key[0]} folder: {key[1]}", less["requests"][key], more["requests"][key])
        if more["in tasks"][key]:
            line("    of them by the worker", less["in tasks"][key], more["in tasks"][key])


if __name__ == "__main__":
    main()
