"""How long tasks take on machines of a given size: list scheduling, longest first; no clock, no files."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from presage.cohort import InputError
from presage.study.placement import Placement

#: Shares of a card and of a processor are counted in units of this size, so that four quarters are exactly one.
UNIT = 10_000


@dataclass(frozen=True)
class Machines:
    """What there is to run on, taken as one pool.

    Attributes
    ----------
    cpus
        Processors.
    gpus
        Graphics cards. A task that needs a share of a card gets it on one card; one that needs several gets whole ones.
    memory_gb
        Main memory, gigabytes; infinite where it does not limit.
    """

    cpus: float
    gpus: int = 0
    memory_gb: float = math.inf


@dataclass(frozen=True)
class Schedule:
    """When each task begins.

    Attributes
    ----------
    starts
        Seconds from the beginning, one for each task, in the order given.
    wall
        Seconds until the last task ends.
    """

    starts: tuple[float, ...]
    wall: float


def schedule(seconds: Sequence[float], places: Sequence[Placement], machines: Machines) -> Schedule:
    """List scheduling, longest first: whenever something is free, the longest waiting task that fits begins.

    An engine that is given its tasks longest first does no better; R. L. Graham, "Bounds on multiprocessing timing
    anomalies" (SIAM J. Appl. Math. 17, 1969): with tasks of one card each, at most 4/3 of the best order's time.

    Parameters
    ----------
    seconds
        How long each task takes, shape (n,), finite, not negative.
    places
        What each task needs, shape (n,).
    machines
        What there is.

    Raises
    ------
    InputError
        If a task needs more than there is.
    """
    free = _Free(machines)
    for place in set(places):
        if not free.fits(place):
            raise InputError(
                f"a task needs {_words(place)}, and there are {machines.cpus:g} CPUs, {machines.gpus} GPUs"
                + ("" if math.isinf(machines.memory_gb) else f" and {machines.memory_gb:g} GB"),
                cure="reckon with larger machines, or change `place:` of the marker",
            )
    # Tasks of a study come in few shapes: only the longest of each shape need be looked at.
    waiting: dict[Placement, list[int]] = {}
    for task in sorted(range(len(seconds)), key=lambda task: (seconds[task], -task)):
        waiting.setdefault(places[task], []).append(task)
    starts = [0.0] * len(seconds)
    running: list[tuple[float, int, tuple[int, ...]]] = []
    now = 0.0
    while waiting:
        while fitting := [place for place in waiting if free.fits(place)]:
            place = min(fitting, key=lambda place: (-seconds[waiting[place][-1]], waiting[place][-1]))
            task = waiting[place].pop()
            starts[task] = now
            heapq.heappush(running, (now + seconds[task], task, free.take(place)))
            if not waiting[place]:
                del waiting[place]
        now = running[0][0]
        while running and running[0][0] <= now:
            _, task, cards = heapq.heappop(running)
            free.give_back(places[task], cards)
    wall = max((start + length for start, length in zip(starts, seconds, strict=True)), default=0.0)
    return Schedule(tuple(starts), wall)


def lower_bound(seconds: Sequence[float], places: Sequence[Placement], machines: Machines) -> float:
    """Seconds that no order of the tasks can beat: the longest task, or all work shared out evenly."""
    bounds = [max(seconds, default=0.0)]
    pairs = list(zip(seconds, places, strict=True))
    bounds.append(sum(length * place.cpus for length, place in pairs) / machines.cpus)
    if machines.gpus:
        bounds.append(sum(length * place.gpus for length, place in pairs) / machines.gpus)
    return max(bounds)


class _Free:
    """What is free at a moment, in whole units."""

    def __init__(self, machines: Machines) -> None:
        self._cpus = round(machines.cpus * UNIT)
        self._memory = machines.memory_gb
        self._cards = [UNIT] * machines.gpus

    def fits(self, place: Placement) -> bool:
        if round(place.cpus * UNIT) > self._cpus or place.memory_gb > self._memory + 1e-9:
            return False
        return not place.gpus or self._chosen(place) is not None

    def take(self, place: Placement) -> tuple[int, ...]:
        self._cpus -= round(place.cpus * UNIT)
        self._memory -= place.memory_gb
        cards = self._chosen(place) or ()
        for card in cards:
            self._cards[card] -= _share(place)
        return cards

    def give_back(self, place: Placement, cards: tuple[int, ...]) -> None:
        self._cpus += round(place.cpus * UNIT)
        self._memory += place.memory_gb
        for card in cards:
            self._cards[card] += _share(place)

    def _chosen(self, place: Placement) -> tuple[int, ...] | None:
        """Cards for a task: the fullest card on which a share fits (whole cards are kept whole), or whole ones."""
        if not place.gpus:
            return ()
        share = _share(place)
        if share < UNIT:
            fitting = [(left, card) for card, left in enumerate(self._cards) if left >= share]
            return (min(fitting)[1],) if fitting else None
        count = math.ceil(place.gpus)
        whole = [card for card, left in enumerate(self._cards) if left == UNIT][:count]
        return tuple(whole) if len(whole) == count else None


def _share(place: Placement) -> int:
    """Of each card that a task is on."""
    return min(UNIT, round(place.gpus * UNIT))


def _words(place: Placement) -> str:
    return f"{place.cpus:g} CPUs, {place.gpus:g} GPUs and {place.memory_gb:g} GB"
