from __future__ import annotations

from typing import Any

import pytest

from presage.study.backlog import ATTEMPTS, LOSSES, Backlog
from presage.study.task import Task


def task(marker: int = 0, fold: int = 0, **wish: Any) -> Task:
    return Task("run", "score", marker, 0, fold, "digest", **wish)


def always(_: Task) -> bool:
    return True


def test_what_asks_for_most_begins_first_and_each_marker_once_early(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("presage.study.backlog.time.monotonic", lambda: clock[0])
    small, large = [task(0, f) for f in range(3)], [task(1, f, memory_gb=4.0) for f in range(3)]
    backlog = Backlog([*small, *large, task(2, 0, gpus=1.0)])
    order = []
    while (taken := backlog.take(always)) is not None:
        order.append((taken.marker, taken.fold))
        backlog.began(taken)
        clock[0] += 5.0 if taken.marker == 0 else 1.0
        report = backlog.settle(taken, {"ok": True})
        assert report is not None
        assert report.done
    # The card first; then one of each marker, the larger first; then the one that was seen to take longer.
    assert order == [(2, 0), (1, 0), (0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]


def test_a_task_that_does_not_fit_lets_others_pass() -> None:
    backlog = Backlog([task(0, cpus=4.0), task(1)])
    assert backlog.take(lambda waiting: waiting.cpus < 2) == task(1)
    assert backlog.take(lambda waiting: waiting.cpus < 2) is None
    assert len(backlog) == 1


@pytest.mark.parametrize(
    ("answer", "tries", "died"),
    [
        ({"died": " (signal 9)"}, ATTEMPTS, True),
        ({"ok": False, "what": "OSError: x", "where": "", "cure": "", "trace": "line 1"}, ATTEMPTS, False),
        ({"ok": False, "what": "no such file", "where": "a", "cure": "b", "trace": ""}, 1, False),
        ({"lost": " (NodeDiedError)"}, LOSSES + 1, True),
    ],
)
def test_how_often_a_task_is_tried(answer: dict[str, Any], tries: int, died: bool) -> None:
    backlog = Backlog([task()])
    for _ in range(tries - 1):
        assert backlog.take(always) == task()
        assert backlog.settle(task(), answer) is None
    assert backlog.take(always) == task()
    report = backlog.settle(task(), answer)
    assert report is not None
    assert (report.done, report.died) == (False, died)
    assert len(backlog) == 0
