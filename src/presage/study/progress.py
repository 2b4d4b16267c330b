"""How far a run is: who is told of it, and what a terminal or a log file shows.

Those who are told never decide anything: a study runs the same with nobody listening.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from presage.study.backlog import Report
    from presage.study.task import Task


class Progress:
    """Told of stages and their steps, and of tasks; this one says nothing."""

    def start(self, stage: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def advance(self, steps: int = 1) -> None:
        """Steps of the stage are done."""

    def finish(self) -> None:
        """The stage is over."""

    def say(self, text: str) -> None:
        """Something a person should read."""

    def lay_out(self, names: Sequence[str], tasks: Sequence[Task], seconds: Mapping[Task, float]) -> None:
        """The stage's steps are `tasks`; those done before took `seconds`. `names`: of the markers, by position."""

    def began(self, task: Task, where: str) -> None:
        """A task begins (again, where it is tried again)."""

    def ended(self, report: Report) -> None:
        """A task is done, or failed for good."""

    def latest(self, task: Task, values: Mapping[str, float]) -> None:
        """What the training within a running task logged last: ``step`` and metrics."""


class Several(Progress):
    """Tells several."""

    def __init__(self, *told: Progress) -> None:
        self._told = told

    def start(self, stage: str, total: int) -> None:
        """Tell all."""
        for each in self._told:
            each.start(stage, total)

    def advance(self, steps: int = 1) -> None:
        """Tell all."""
        for each in self._told:
            each.advance(steps)

    def finish(self) -> None:
        """Tell all."""
        for each in self._told:
            each.finish()

    def say(self, text: str) -> None:
        """Tell all."""
        for each in self._told:
            each.say(text)

    def lay_out(self, names: Sequence[str], tasks: Sequence[Task], seconds: Mapping[Task, float]) -> None:
        """Tell all."""
        for each in self._told:
            each.lay_out(names, tasks, seconds)

    def began(self, task: Task, where: str) -> None:
        """Tell all."""
        for each in self._told:
            each.began(task, where)

    def ended(self, report: Report) -> None:
        """Tell all."""
        for each in self._told:
            each.ended(report)

    def latest(self, task: Task, values: Mapping[str, float]) -> None:
        """Tell all."""
        for each in self._told:
            each.latest(task, values)


def terminal_progress() -> Progress:
    """A live view where standard error is a terminal, plain lines where it is not."""
    from presage.study.live import LiveProgress, PlainProgress

    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


def duration(seconds: float) -> str:
    """Seconds for a reader: ``40 s``, ``12 min``, ``3.4 h``, ``2.1 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def clock(moment: float) -> str:
    """Local time of day of a moment (seconds since 1970), with the date where that is not today."""
    then, today = time.localtime(moment), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == today[:3] else "%d %b %H:%M", then)
