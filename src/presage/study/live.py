"""What a person sees of a running study: a live view in a terminal, plain lines in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from presage.study.board import Board
from presage.study.progress import clock, duration

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

#: Times a second that a terminal is drawn: enough to look alive, too little to cost anything.
REFRESH = 2.0
#: What is said of tasks that do not score.
_ASIDE = {"explain": " (explaining)", "encode": " (encoding)"}


class LiveProgress(Board):
    """A board that draws itself in a terminal (standard error)."""

    def __init__(self) -> None:
        super().__init__()
        self._live: Any = None

    def start(self, stage: str, total: int) -> None:
        """Show the stage."""
        from rich.console import Console
        from rich.live import Live

        super().start(stage, total)
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._drawn,
            refresh_per_second=REFRESH,
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def finish(self) -> None:
        """Leave the last view as it is."""
        super().finish()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Write a line above the view."""
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _drawn(self) -> RenderableType:
        # Other lines need room too: a view higher than the terminal would be cut at its end.
        height = self._live.console.height if self._live is not None else 24
        return view(self.snapshot(), height - 2)


class PlainProgress(Board):
    """A line at the beginning and the end of a stage, and every `every` seconds between: for log files."""

    def __init__(self, every: float = 20.0) -> None:
        super().__init__()
        self._every = every
        self._told = 0.0

    def start(self, stage: str, total: int) -> None:
        """Say the stage and its steps."""
        super().start(stage, total)
        self._told = time.monotonic()
        self.say(f"{stage}: {total}")

    def advance(self, steps: int = 1) -> None:
        """Count, and say how far it is when it is time again."""
        super().advance(steps)
        now = time.monotonic()
        if now - self._told >= self._every:
            self._told = now
            self.say(headline(self.snapshot()))

    def finish(self) -> None:
        """Say how long it took."""
        super().finish()
        stage = self.snapshot()["stage"]
        failed = f", {stage['failed']} failed" if stage["failed"] else ""
        # A stage that was interrupted ends here too, and is not done.
        ended = "done" if stage["done"] + stage["failed"] >= stage["total"] else f"{stage['done']} of {stage['total']}"
        self.say(f"{stage['name']}: {ended}{failed} in {duration(time.time() - stage['began'])}")

    def say(self, text: str) -> None:
        """Write a line to standard error."""
        print(text, file=sys.stderr, flush=True)


def headline(snapshot: Mapping[str, Any]) -> str:
    """One line: stage, done, failed, tasks a minute, time left."""
    stage = snapshot["stage"]
    parts = [f"{stage['done']:,} of {stage['total']:,} done"]
    if stage["failed"]:
        parts.append(f"{stage['failed']:,} failed")
    if snapshot["per_minute"]:
        rate = snapshot["per_minute"]
        parts.append(f"{rate:,.0f} a minute" if rate >= 10 else f"{rate:.1f} a minute")
    if stage["done"] + stage["failed"] < stage["total"]:
        parts.append(snapshot["left"]["words"])
    return f"{stage['name']}: {', '.join(parts)}"


def view(snapshot: Mapping[str, Any], height: int, now: float | None = None) -> RenderableType:
    """A snapshot for a terminal of `height` lines: headline, bar, markers, and as many running tasks as fit."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    stage = snapshot["stage"]
    bar = ProgressBar(max(1, stage["total"]), stage["done"] + stage["failed"])
    # The padding ends the bar's line, which it does not do itself.
    parts: list[Any] = [Text(headline(snapshot), style="bold"), Padding(bar, 0)]
    if stage["tasks"]:
        parts.append(_markers(snapshot))
        room = height - len(snapshot["markers"]) - 8
        if snapshot["running"]:
            parts.append(_running(snapshot["running"], max(1, room), time.time() if now is None else now))
    return Group(*parts)


def _markers(snapshot: Mapping[str, Any]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("marker", "done", "failed", "left", "a task takes"):
        table.add_column(title, justify="left" if title == "marker" else "right", no_wrap=title != "marker")
    for row in snapshot["markers"]:
        name = row["name"] + _ASIDE.get(row["kind"], "")
        left = row["tasks"] - row["done"] - row["failed"]
        mean = "" if row["mean_seconds"] is None else _precise(row["mean_seconds"])
        failed = Text(str(row["failed"]), style="red") if row["failed"] else ""
        table.add_row(Text(name), f"{row['done']:,}", failed, f"{left:,}", mean)
    return table


def _running(running: list[dict[str, Any]], room: int, now: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("running", "repeat", "fold", "where", "since", "for", "latest"):
        table.add_column(title, justify="right" if title in ("repeat", "fold", "for") else "left", no_wrap=True)
    for entry in running[:room]:
        table.add_row(
            Text(entry["marker"]),
            *(("", "") if entry["kind"] == "encode" else (str(entry["repeat"]), _fold(entry))),
            Text(entry["where"]),
            clock(entry["since"]),
            duration(max(0.0, now - entry["since"])),
            Text(metrics(entry["latest"])),
        )
    if len(running) > room:
        table.add_row(Text(f"and {len(running) - room} more", style="dim"))
    return table


def _fold(entry: Mapping[str, Any]) -> str:
    """The fold, and which training with another seed where a fit is several tasks: ``3 t7``."""
    training = entry.get("training")
    return str(entry["fold"]) if training is None else f"{entry['fold']} t{training}"


def metrics(values: Mapping[str, float]) -> str:
    """Logged values in a few words: ``epoch 12: train_loss 0.613``."""
    named = [f"{name} {value:.4g}" for name, value in values.items() if name != "step"]
    return f"epoch {values.get('step', 0):.0f}: {', '.join(named)}" if named else ""


def _precise(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else duration(seconds)
