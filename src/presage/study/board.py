"""What is known of a run at a moment: counts by marker, what runs where, throughput and an honest time left.

A :class:`Board` is told of everything that happens; its snapshot is plain JSON without patients, so that a terminal, a
file and a script show the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from presage.study.progress import Progress

if TYPE_CHECKING:
    from presage.study.backlog import Report
    from presage.study.task import Task


@dataclass
class Row:
    """Tasks of one marker and kind.

    Attributes
    ----------
    kind, marker
        ``score`` or ``explain``, and the marker's name; or ``encode``, and the encoder's.
    tasks, done, failed
        How many there are, and what became of them.
    timed, seconds
        How many of the done ones have a known duration, and its sum.
    """

    kind: str
    marker: str
    tasks: int = 0
    done: int = 0
    failed: int = 0
    timed: int = 0
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Tasks that have not ended."""
        return self.tasks - self.done - self.failed

    @property
    def mean(self) -> float | None:
        """Mean seconds of a task, or None where none has ended."""
        return self.seconds / self.timed if self.timed else None


@dataclass
class Running:
    """A task that runs: since when (seconds since 1970), where, and what its training logged last."""

    task: Task
    where: str
    since: float
    latest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until the tasks are done.

    Attributes
    ----------
    seconds
        By marker, mean seconds of its finished tasks x what is left, over the number that run at once; never less than
        what the longest of them still needs. None where nothing is known.
    unknown
        Markers of which no task has finished: their share is missing, and `seconds` is a lower bound.
    """

    seconds: float | None
    unknown: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Such as ``about 12 min left``."""
        from presage.study.progress import duration

        named = ", ".join(self.unknown)
        if self.seconds is None:
            return f"time left not known before a task of {named} has finished" if named else "time left not known yet"
        if named:
            return f"more than {duration(self.seconds)} left (no task of {named} has finished yet)"
        return f"about {duration(self.seconds)} left"


def time_left(rows: Sequence[Row], elapsed: Sequence[tuple[Row, float]], width: int) -> TimeLeft:
    """What is left to do, from what was measured in this run.

    Parameters
    ----------
    rows
        All of them.
    elapsed
        For each task that runs, its row and the seconds it has been running.
    width
        How many run at once.
    """
    work, longest = 0.0, 0.0
    known = False
    for row in rows:
        if row.left and row.mean is not None:
            known = True
            work += row.mean * row.left
            longest = max(longest, row.mean if row.left > sum(r is row for r, _ in elapsed) else 0.0)
    for row, seconds in elapsed:
        if row.mean is not None:
            work -= min(seconds, row.mean)
            longest = max(longest, row.mean - seconds)
    unknown = tuple(row.marker for row in rows if row.left and row.mean is None)
    if not known:
        return TimeLeft(None if unknown else 0.0, unknown)
    return TimeLeft(max(work / max(1, width), longest), unknown)


class Board(Progress):
    """Keeps what it is told. Safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.changes = 0
        self._stage, self._total, self._done, self._before = "", 0, 0, 0
        self._began = time.time()
        self._rows: dict[tuple[str, int], Row] = {}
        self._running: dict[Task, Running] = {}
        self._failed: list[dict[str, Any]] = []
        self._names: Sequence[str] = ()
        self._width = 0
        self._with_tasks = False

    def start(self, stage: str, total: int) -> None:
        """A stage begins."""
        with self._lock:
            self._stage, self._total, self._done, self._before = stage, total, 0, 0
            self._began, self._with_tasks = time.time(), False
            self.changes += 1

    def lay_out(self, names: Sequence[str], tasks: Sequence[Task], seconds: Mapping[Task, float]) -> None:
        """Count what there is to do."""
        with self._lock:
            self._names, self._with_tasks = names, True
            self._before = len(seconds)
            for kind in {task.kind for task in tasks}:
                self._rows = {key: row for key, row in self._rows.items() if key[0] != kind}
            for task in tasks:
                row = self._rows.setdefault((task.kind, task.marker), Row(task.kind, names[task.marker]))
                row.tasks += 1
                if task in seconds:
                    row.done, row.timed, row.seconds = row.done + 1, row.timed + 1, row.seconds + seconds[task]
            self.changes += 1

    def advance(self, steps: int = 1) -> None:
        """Count steps."""
        with self._lock:
            self._done += steps
            self.changes += 1

    def finish(self) -> None:
        """The stage is over: whatever still ran was ended with it."""
        with self._lock:
            self._running.clear()
            self.changes += 1

    def began(self, task: Task, where: str) -> None:
        """Note where a task runs."""
        with self._lock:
            self._running[task] = Running(task, where, time.time())
            self._width = max(self._width, len(self._running))
            self.changes += 1

    def ended(self, report: Report) -> None:
        """Count a task, and how long it took."""
        from presage.study.holes import reason

        with self._lock:
            task = report.task
            running = self._running.pop(task, None)
            row = self._rows.get((task.kind, task.marker))
            if row is not None and report.done:
                row.done += 1
                if running is not None:
                    row.timed, row.seconds = row.timed + 1, row.seconds + time.time() - running.since
            if not report.done:
                if row is not None:
                    row.failed += 1
                self._failed.append({**self._described(task), "why": reason(report)})
            self.changes += 1

    def latest(self, task: Task, values: Mapping[str, float]) -> None:
        """Keep the last values."""
        with self._lock:
            if task in self._running and self._running[task].latest != values:
                self._running[task].latest = dict(values)
                self.changes += 1

    def running(self) -> list[Task]:
        """Tasks that run now."""
        with self._lock:
            return list(self._running)

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON: ``stage``, ``markers``, ``running``, ``failed``, ``per_minute``, ``left``."""
        with self._lock:
            now = time.time()
            passed = max(now - self._began, 1e-9)
            here = self._done - self._before
            left = self._time_left(now, passed)
            failed = sum(row.failed for row in self._rows.values()) if self._with_tasks else 0
            return {
                "stage": {
                    "name": self._stage,
                    "total": self._total,
                    "done": self._done - (failed if self._with_tasks else 0),
                    "failed": failed,
                    "began": self._began,
                    "tasks": self._with_tasks,
                },
                "markers": [
                    {
                        "kind": row.kind,
                        "name": row.marker,
                        "tasks": row.tasks,
                        "done": row.done,
                        "failed": row.failed,
                        "mean_seconds": row.mean,
                    }
                    for row in self._rows.values()
                ],
                "running": [
                    {**self._described(r.task), "where": r.where, "since": r.since, "latest": dict(r.latest)}
                    for r in sorted(self._running.values(), key=lambda r: r.since)
                ],
                "failed": list(self._failed),
                "per_minute": 60 * here / passed if here > 0 else None,
                "left": {"seconds": left.seconds, "unknown": list(left.unknown), "words": left.in_words()},
            }

    def _time_left(self, now: float, passed: float) -> TimeLeft:
        if self._with_tasks:
            elapsed = [(self._rows[r.task.kind, r.task.marker], now - r.since) for r in self._running.values()]
            return time_left(list(self._rows.values()), elapsed, self._width)
        here = self._done - self._before
        return TimeLeft(passed / here * (self._total - self._done) if here else None)

    def _described(self, task: Task) -> dict[str, Any]:
        return {
            "kind": task.kind,
            "marker": self._names[task.marker],
            "repeat": task.repeat,
            "fold": task.fold,
            "training": task.training,
        }
