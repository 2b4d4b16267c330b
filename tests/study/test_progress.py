"""What is told of a running study: counts, an honest time left, and views for a terminal and for a log file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from presage.study import board as board_module
from presage.study.backlog import Report
from presage.study.board import Board, Row, TimeLeft, time_left
from presage.study.live import LiveProgress, PlainProgress, headline, metrics, view
from presage.study.progress import duration, terminal_progress
from presage.study.task import Task

NAMES = ["Density", "Network [0.3]"]


def task(marker: int, fold: int) -> Task:
    return Task("run", "score", marker, 0, fold, f"{marker}-{fold}")


TASKS = [task(marker, fold) for fold in range(4) for marker in range(2)]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(board_module, "time", clock)
    return clock


def drawn(board: Board, *, height: int = 40, now: float = 1000.0, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(view(board.snapshot(), height, now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("rows", "elapsed", "width", "expected"),
    [
        # 10 tasks of 6 s on 2 workers.
        ([Row("score", "a", 12, 2, 0, 2, 12.0)], [], 2, TimeLeft(30.0)),
        # Two of them have been running for 3 s each: 6 of 60 s are done.
        ([Row("score", "a", 12, 2, 0, 2, 12.0)], [3.0, 3.0], 2, TimeLeft(27.0)),
        # One long task at the end is not shared by 8 workers.
        ([Row("score", "a", 8, 7, 0, 7, 700.0)], [40.0], 8, TimeLeft(60.0)),
        # A task that takes longer than the others before it is not taken off twice.
        ([Row("score", "a", 3, 1, 0, 1, 10.0)], [25.0], 1, TimeLeft(10.0)),
        # Failed tasks are not left to do, and say nothing of how long one takes.
        ([Row("score", "a", 4, 1, 3, 1, 10.0)], [], 1, TimeLeft(0.0)),
        ([Row("score", "a", 4)], [5.0], 1, TimeLeft(None, ("a",))),
        ([Row("score", "a", 2, 1, 0, 1, 8.0), Row("score", "b", 5)], [], 1, TimeLeft(8.0, ("b",))),
    ],
)
def test_time_left_counts_markers_each_by_their_own_tasks(
    rows: list[Row], elapsed: list[float], width: int, expected: TimeLeft
) -> None:
    assert time_left(rows, [(rows[0], seconds) for seconds in elapsed], width) == expected


def test_what_is_not_known_is_said() -> None:
    assert TimeLeft(None, ("Network",)).in_words() == "time left not known before a task of Network has finished"
    assert TimeLeft(8.0, ("Network",)).in_words() == "more than 8 s left (no task of Network has finished yet)"
    assert TimeLeft(300.0).in_words() == "about 5 min left"


def test_a_board_counts_what_it_is_told(clock: Clock) -> None:
    board = Board()
    board.start("Fitting and scoring", len(TASKS))
    # Done by an earlier start, which took 4 s.
    board.lay_out(NAMES, TASKS, {task(0, 0): 4.0})
    board.advance(1)
    board.began(task(0, 1), "worker 1")
    board.began(task(1, 0), "node 10.0.0.7, cuda:1")
    board.latest(task(1, 0), {"step": 3, "train_loss": 0.25})
    clock.now += 8
    board.ended(Report(task(0, 1)))
    board.advance()
    shown = board.snapshot()
    assert [(r["name"], r["tasks"], r["done"], r["failed"], r["mean_seconds"]) for r in shown["markers"]] == [
        ("Density", 4, 2, 0, 6.0),
        ("Network [0.3]", 4, 0, 0, None),
    ]
    assert shown["per_minute"] == pytest.approx(60 / 8)
    assert shown["stage"]["done"] == 2
    running = {"kind": "score", "marker": "Network [0.3]", "repeat": 0, "fold": 0, "training": None}
    running |= {"where": "node 10.0.0.7, cuda:1"}
    assert shown["running"] == [{**running, "since": 1000.0, "latest": {"step": 3, "train_loss": 0.25}}]
    # 2 tasks of 6 s, two at once; a second one of the network is running, and none has finished.
    assert shown["left"] == {
        "seconds": 6.0,
        "unknown": ["Network [0.3]"],
        "words": "more than 6 s left (no task of Network [0.3] has finished yet)",
    }
    board.ended(Report(task(1, 0), "KeyError: patient 0815", trace="Traceback"))
    board.advance()
    shown = board.snapshot()
    assert (shown["stage"]["done"], shown["stage"]["failed"]) == (2, 1)
    assert shown["failed"][0]["why"] == "the marker raised KeyError"
    assert "0815" not in str(shown)


def test_a_task_that_is_tried_again_is_shown_where_it_runs_now(clock: Clock) -> None:
    board = Board()
    board.start("Fitting and scoring", 8)
    board.lay_out(NAMES, TASKS, {})
    board.began(task(0, 0), "worker 1")
    clock.now += 50
    board.began(task(0, 0), "worker 2")
    clock.now += 3
    assert [entry["where"] for entry in board.snapshot()["running"]] == ["worker 2"]
    board.ended(Report(task(0, 0)))
    assert board.snapshot()["markers"][0]["mean_seconds"] == 3.0


def test_encoding_has_a_time_left_too(clock: Clock) -> None:
    board = Board()
    board.start("Encoding recordings", 100)
    assert board.snapshot()["left"]["words"] == "time left not known yet"
    clock.now += 20
    board.advance(25)
    assert board.snapshot()["left"] == {"seconds": 60.0, "unknown": [], "words": "about 60 s left"}
    assert headline(board.snapshot()) == "Encoding recordings: 25 of 100 done, 75 a minute, about 60 s left"


def test_the_view_shows_markers_and_what_runs_where(clock: Clock) -> None:
    board = Board()
    board.start("Fitting and scoring", 8)
    board.lay_out(NAMES, TASKS, {task(0, 0): 4.0})
    board.advance()
    for fold in range(4):
        board.began(task(1, fold), f"worker {fold + 1}")
    board.latest(task(1, 2), {"step": 12, "train_loss": 0.61328})
    text = drawn(board, now=1065.0)
    assert "Fitting and scoring: 1 of 8 done" in text
    assert text.splitlines()[2].split() == ["marker", "done", "failed", "left", "a", "task", "takes"]
    assert "Network [0.3]" in text  # no markup
    assert "worker 3" in text
    assert "65 s" in text
    assert "epoch 12: train_loss 0.6133" in text
    assert len(drawn(board, height=12).splitlines()) <= 12
    assert "and 2 more" in drawn(board, height=12)


def test_a_log_file_gets_lines(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress(every=0.0)
    progress.start("Fitting and scoring", 8)
    progress.lay_out(NAMES, TASKS, {})
    progress.began(task(0, 0), "worker 1")
    clock.now += 2
    progress.ended(Report(task(0, 0)))
    progress.advance()
    progress.finish()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Fitting and scoring: 8"
    assert lines[1].startswith("Fitting and scoring: 1 of 8 done, 30 a minute, more than 6 s left")
    assert lines[2].startswith("Fitting and scoring: 1 of 8 in ")
    assert "\x1b" not in "".join(lines)


def test_no_terminal_means_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(terminal_progress(), PlainProgress)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(terminal_progress(), LiveProgress)


def test_a_terminal_keeps_the_last_view_and_what_was_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    progress = LiveProgress()
    progress.start("Fitting and scoring", 8)
    progress.lay_out(NAMES, TASKS, {})
    progress.say("failed: [Network]: too little")
    progress.finish()
    said = capsys.readouterr().err
    assert "failed: [Network]: too little" in said
    assert "Density" in said


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (720, "12 min"), (3.4 * 3600, "3.4 h"), (2.1 * 86400, "2.1 days")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_metrics_in_words() -> None:
    assert metrics({}) == ""
    assert metrics({"step": 2, "loss": 0.5, "auc": 0.75}) == "epoch 2: loss 0.5, auc 0.75"
