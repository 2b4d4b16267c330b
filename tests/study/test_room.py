from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from presage.study import machine
from presage.study.placement import Placement, placed
from presage.study.room import Room
from presage.study.task import Task


def task(**wish: Any) -> Task:
    return Task("run", "score", 0, 0, 0, "digest", **wish)


def filled(room: Room, *wishes: dict[str, Any]) -> list[tuple[str, ...] | None]:
    """The cards that each task gets, None where it must wait."""
    given = []
    for wish in wishes:
        share = room.share(task(**wish))
        if share is not None:
            room.take(share)
        given.append(None if share is None else share.cards)
    return given


def test_shares_of_a_card_fill_one_before_the_next() -> None:
    room = Room(16, 64, 64, ("0", "1", "2", "3"))
    quarter, half, two = {"gpus": 0.25}, {"gpus": 0.5}, {"gpus": 2.0}
    assert filled(room, quarter, half, quarter) == [("0",), ("0",), ("0",)]
    assert filled(room, half, two) == [("1",), ("2", "3")]
    assert filled(room, {"gpus": 0.75}, half, quarter) == [None, ("1",), None]


def test_thirds_fill_a_card_and_are_given_back() -> None:
    room = Room(16, 64, 64, ("0",))
    third = task(gpus=1 / 3)
    shares = []
    for _ in range(3):
        share = room.share(third)
        assert share is not None
        room.take(share)
        shares.append(share)
    assert room.share(third) is None
    for share in shares:
        room.give(share)
    assert filled(room, {"gpus": 1.0}) == [("0",)]


def test_processors_and_memory_bound_how_many_run() -> None:
    assert filled(Room(3, 64, 64, ()), *[{}] * 4) == [(), (), (), None]
    assert filled(Room(8, 5, 64, ()), *[{"memory_gb": 2.0}] * 3) == [(), (), None]
    assert filled(Room(1, 64, 64, ()), *[{"cpus": 0.5}] * 3) == [(), (), None]


def test_who_asks_for_more_than_is_free_runs_alone() -> None:
    for wish in ({"cpus": 8.0}, {"memory_gb": 20.0}):
        room = Room(4, 16, 32, ())
        assert room.lacks(task(**wish)) == ""
        assert filled(room, wish, {}) == [(), None]
        room = Room(4, 16, 32, ())
        assert filled(room, {}, wish) == [(), None]


def test_what_is_nowhere_is_said() -> None:
    room = Room(4, 16, 32, ("0",))
    assert room.lacks(task(gpus=2.0)) == "2 of a graphics card (this machine has 1)"
    assert Room(4, 16, 32, ()).lacks(task(gpus=0.5)) == "0.5 of a graphics card (this machine has none)"
    assert room.lacks(task(memory_gb=40.0)) == "40 GB of memory (this machine has 32.0)"


@pytest.mark.parametrize(
    ("visible", "seen"), [("", ()), ("-1", ()), ("2, 0", ("2", "0")), ("0,-1,1", ("0",)), ("MIG-a", ("MIG-a",))]
)
def test_cards_that_cuda_may_see(monkeypatch: pytest.MonkeyPatch, visible: str, seen: tuple[str, ...]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine.cards() == seen


def test_cards_of_a_container_are_counted_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine.os, "listdir", lambda folder: ["nvidia5", "nvidia7", "nvidiactl", "null"])
    assert machine.cards() == ("0", "1")


def test_memory_of_this_machine_is_read() -> None:
    free, total = machine.memory_gb()
    assert 0.1 < free <= total
    if Path("/proc/meminfo").exists():
        kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
        assert total <= kilobytes * 1024 / 1e9 * 1.001


def test_where_a_study_computes_on_processors_a_marker_needs_no_card() -> None:
    own = Placement(gpus=0.5, memory_gb=3.0)
    assert placed(own, None, "cpu") == Placement(gpus=0.0, memory_gb=3.0)
    assert placed(own, None, "cuda") == own
    assert placed(own, Placement(gpus=0.25), "cpu") == Placement(gpus=0.25)
    with pytest.raises(ValidationError, match=r"1\.5 cards cannot be set aside"):
        Placement(gpus=1.5)
