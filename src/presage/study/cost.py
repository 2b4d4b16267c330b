"""What a whole study will take on machines of several sizes, from a few tasks of which it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.study.placement import Placement
from presage.study.schedule import Machines, schedule

#: How often durations are drawn anew, and the share of draws inside the range.
DRAWS, INSIDE = 100, 0.95


@dataclass(frozen=True)
class MarkerTasks:
    """The tasks of one marker.

    Attributes
    ----------
    marker
        What the report calls it.
    n_tasks
        How many there are: folds times repeats.
    place
        What each needs.
    seconds
        How long those took that were done; at least one.
    loading
        Seconds more that the first task of a process takes, once.
    """

    marker: str
    n_tasks: int
    place: Placement
    seconds: tuple[float, ...]
    loading: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds that a task takes on average."""
        return sum(self.seconds) / len(self.seconds)

    def faster(self, factor: float) -> MarkerTasks:
        """The same tasks on a device that is `factor` times as fast."""
        return replace(self, seconds=tuple(seconds / factor for seconds in self.seconds))


@dataclass(frozen=True)
class Forecast:
    """What the tasks of a study take on some machines; hours are the median over draws.

    Attributes
    ----------
    machines
        Where.
    hours, low, high
        From the first task's beginning to the last one's end, with the range of the middle 95 % of draws.
    gpu_hours
        Cards times hours: what is paid for.
    busy
        Share of the cards' time in which they work (of the processors' time, where no task uses a card).
    """

    machines: Machines
    hours: float
    low: float
    high: float
    gpu_hours: float
    busy: float


def uses_cards(groups: Sequence[MarkerTasks]) -> bool:
    """Whether any task needs a graphics card."""
    return any(group.place.gpus > 0 for group in groups)


def on_faster(groups: Sequence[MarkerTasks], factor: float) -> list[MarkerTasks]:
    """The tasks where the device is `factor` times as fast: those on cards; all of them, where none is on a card.

    Raises
    ------
    InputError
        If the factor is not a positive number.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise InputError(f"a device cannot be {factor:g} times as fast", cure="give a positive number, such as 8")
    cards = uses_cards(groups)
    return [group.faster(factor) if group.place.gpus > 0 or not cards else group for group in groups]


def forecast(
    groups: Sequence[MarkerTasks], sizes: Sequence[Machines], *, draws: int = DRAWS, seed: int = 0
) -> list[Forecast]:
    """Lay out all tasks on machines of each size, many times, with durations drawn from those that were measured.

    Each draw resamples the measured durations of a marker (what is not known of their distribution) and then draws one
    of them for each of its tasks (what differs from task to task). With two or three measured durations the range is
    nearly the one from all tasks as short as the shortest to all as long as the longest; with one there is none. All
    sizes see the same draws. Tasks that a device would slow down for each other are not foreseen.

    Parameters
    ----------
    groups
        The tasks by marker.
    sizes
        On what.
    draws, seed
        Of the resampling.

    Raises
    ------
    InputError
        If a marker has no measured task, or a task fits on none of the machines.
    """
    for group in groups:
        if not group.seconds:
            raise InputError("no task of this marker was measured", where=group.marker, cure="measure at least one")
    generator = np.random.default_rng(seed)
    places = [group.place for group in groups for _ in range(group.n_tasks)]
    constant = all(len(set(group.seconds)) == 1 for group in groups)
    drawn = [_drawn(groups, generator) for _ in range(1 if constant else draws)]
    loading = sum(group.loading for group in groups)
    return [_on(machines, drawn, places, loading) for machines in sizes]


def enough(groups: Sequence[MarkerTasks]) -> int:
    """From how many cards (processors, where no task uses a card) on the longest task alone decides, on average."""
    cards = uses_cards(groups)
    work = sum(group.n_tasks * group.mean * (group.place.gpus if cards else group.place.cpus) for group in groups)
    longest = max(group.mean for group in groups)
    return max(1, math.ceil(work / longest)) if longest > 0 else 1


def longest(groups: Sequence[MarkerTasks]) -> MarkerTasks:
    """The marker whose longest measured task is the longest of all."""
    return max(groups, key=lambda group: max(group.seconds))


def _drawn(groups: Sequence[MarkerTasks], generator: np.random.Generator) -> NDArray[np.float64]:
    """One duration for each task, shape (tasks,), seconds."""
    parts = []
    for group in groups:
        known = generator.choice(np.asarray(group.seconds, dtype=np.float64), size=len(group.seconds))
        parts.append(generator.choice(known, size=group.n_tasks))
    return np.concatenate(parts)


def _on(
    machines: Machines, drawn: Sequence[NDArray[np.float64]], places: Sequence[Placement], loading: float
) -> Forecast:
    walls, busy = [], []
    cards = any(place.gpus > 0 for place in places)
    needs = np.array([place.gpus if cards else place.cpus for place in places])
    size = machines.gpus if cards else machines.cpus
    for seconds in drawn:
        # Processes load at the same time, each once, before or between their tasks.
        wall = schedule(seconds.tolist(), places, machines).wall + loading
        walls.append(wall / 3600)
        busy.append(float(needs @ seconds) / (size * wall) if wall > 0 else 0.0)
    low, hours, high = np.quantile(walls, [(1 - INSIDE) / 2, 0.5, (1 + INSIDE) / 2]).tolist()
    return Forecast(machines, hours, low, high, machines.gpus * hours if cards else 0.0, float(np.median(busy)))
