"""Tasks that wait for an engine: which goes next, and which is tried again."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from presage.study.task import Task

#: How often a task is tried in all where its worker died or its marker raised an error of its own.
ATTEMPTS = 3
#: How often a task is tried again where the machine below it was lost, which says nothing about the task.
LOSSES = 20

#: Tasks of one group take about as long as each other: what is done, which marker, and what is set aside.
Group = tuple[str, int, float, float, float]


@dataclass(frozen=True)
class Report:
    """What became of a task.

    Attributes
    ----------
    task
        The task.
    error
        What is wrong, where and the cure; empty if it is done.
    trace
        For an error of a program rather than of an input: where in it.
    died
        Whether it failed because its workers died.
    """

    task: Task
    error: str = ""
    where: str = ""
    cure: str = ""
    trace: str = ""
    died: bool = False

    @property
    def done(self) -> bool:
        """Whether its result is on disk."""
        return not self.error


class Backlog:
    """Tasks that wait, in the order in which they had best begin.

    Those that ask for most begin first, since they fit least easily later; among equals, those that take longest by
    what has been measured in this run, so that no long task is left for the end, when other workers have nothing to do.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._waiting: dict[Group, deque[Task]] = {}
        for task in tasks:
            self._waiting.setdefault(group_of(task), deque()).append(task)
        self._seconds: dict[Group, float] = {}
        self._taken: Counter[Group] = Counter()
        self._began: dict[Task, float] = {}
        self._tries: Counter[Task] = Counter()
        self._losses: Counter[Task] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def take(self, fits: Callable[[Task], bool]) -> Task | None:
        """The first task of those that fit now, or None."""
        for group in sorted((g for g, tasks in self._waiting.items() if tasks), key=self._rank):
            if fits(self._waiting[group][0]):
                self._taken[group] += 1
                return self._waiting[group].popleft()
        return None

    def put_back(self, task: Task) -> None:
        """It was taken and has not been tried."""
        self._waiting[group_of(task)].appendleft(task)

    def began(self, task: Task) -> None:
        """Remember when."""
        self._began[task] = time.monotonic()

    def last_try(self, task: Task) -> bool:
        """Whether the task fails for good if it fails once more."""
        return self._tries[task] == ATTEMPTS - 1

    def settle(self, task: Task, answer: Mapping[str, Any]) -> Report | None:
        """What to report of a task that ended, or None if it waits to be tried again.

        Parameters
        ----------
        answer
            ``{"ok": True}``; the fields of an error (what, where, cure, trace); ``{"died": words}`` where its process
            did; ``{"lost": words}`` where the machine below it did.
        """
        if answer.get("ok"):
            began = self._began.get(task)
            if began is not None:
                self._seconds[group_of(task)] = time.monotonic() - began
            return Report(task)
        if "lost" in answer:
            self._losses[task] += 1
            if self._losses[task] <= LOSSES:
                self.put_back(task)
                return None
            return Report(task, f"the machine below this task was lost {LOSSES} times{answer['lost']}", died=True)
        if "died" in answer or answer["trace"]:
            self._tries[task] += 1
            if self._tries[task] < ATTEMPTS:
                self.put_back(task)
                return None
        if "died" in answer:
            return Report(
                task,
                f"the worker process died {ATTEMPTS} times on this task{answer['died']}",
                cure="this is often too little memory: use fewer workers, or smaller images or batches",
                died=True,
            )
        return Report(task, answer["what"], answer["where"], answer["cure"], answer["trace"])

    def _rank(self, group: Group) -> tuple[float, ...]:
        _, marker, cpus, gpus, memory = group
        # Those of unknown length first, in turns: then the length is known soon, and whether the marker works at all.
        seconds = self._seconds.get(group, math.inf)
        turns = self._taken[group] if seconds == math.inf else 0
        return (-gpus, -cpus, -seconds, turns, -memory, marker)


def group_of(task: Task) -> Group:
    """Which tasks it is like."""
    return (task.kind, task.marker, task.cpus, task.gpus, task.memory_gb)
