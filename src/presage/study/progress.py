"""How far a run is: a bar with the time left in a terminal, plain lines elsewhere, nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Told of stages and their steps; this one says nothing."""

    def start(self, stage: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def advance(self, steps: int = 1) -> None:
        """Steps of the stage are done."""

    def finish(self) -> None:
        """The stage is over."""

    def say(self, text: str) -> None:
        """Something a person should read."""


class PlainProgress(Progress):
    """A line at the beginning and the end of a stage, and every `every` seconds between: for log files."""

    def __init__(self, every: float = 20.0) -> None:
        self._every = every
        self._stage, self._total, self._done = "", 0, 0
        self._began = self._told = 0.0

    def start(self, stage: str, total: int) -> None:
        """Say the stage and its steps."""
        self._stage, self._total, self._done = stage, total, 0
        self._began = self._told = time.monotonic()
        self.say(f"{stage}: {total}")

    def advance(self, steps: int = 1) -> None:
        """Count, and say how far it is when it is time again."""
        self._done += steps
        now = time.monotonic()
        if now - self._told >= self._every and self._done:
            self._told = now
            left = (now - self._began) / self._done * (self._total - self._done)
            self.say(f"{self._stage}: {self._done} of {self._total}, about {_duration(left)} left")

    def finish(self) -> None:
        """Say how long it took."""
        self.say(f"{self._stage}: done in {_duration(time.monotonic() - self._began)}")

    def say(self, text: str) -> None:
        """Write a line to standard error."""
        print(text, file=sys.stderr, flush=True)


class BarProgress(Progress):
    """A bar with the time left."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._bar: Any = None

    def start(self, stage: str, total: int) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True))
        self._bars.start()
        self._bar = self._bars.add_task(stage, total=total)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._bars is not None:
            self._bars.advance(self._bar, steps)

    def finish(self) -> None:
        """Leave the bar as it is."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        if self._bars is not None:
            self._bars.console.print(text)
        else:
            print(text, file=sys.stderr, flush=True)


def terminal_progress() -> Progress:
    """A bar where standard error is a terminal, plain lines where it is not."""
    return BarProgress() if sys.stderr.isatty() else PlainProgress()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
