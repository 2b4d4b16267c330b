"""Room for tasks on one machine: processors, memory and graphics cards that are not set aside yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from presage.study.task import Task

# Shares of a card are written as decimals: three times 0.333 and once 0.001 fill one.
_TINY = 1e-9


@dataclass(frozen=True)
class Share:
    """What is set aside for one task: processors, gigabytes, and a fraction (or the whole) of each of some cards."""

    cpus: float
    memory_gb: float
    cards: tuple[str, ...] = ()
    of_each: float = 0.0


class Room:
    """What is left of a machine.

    Parameters
    ----------
    cpus
        Processors that tasks may use. A task that asks for more has them all, alone.
    free_gb, total_gb
        Main memory that is free now, and in all. A task that asks for more than is free, though not than there is,
        runs alone.
    cards
        Names of the graphics cards.
    """

    def __init__(self, cpus: float, free_gb: float, total_gb: float, cards: Sequence[str]) -> None:
        self._cpus, self._memory = cpus, free_gb
        self._all_cpus, self._all_memory, self._total = cpus, free_gb, max(free_gb, total_gb)
        self._cards = dict.fromkeys(cards, 1.0)

    def lacks(self, task: Task) -> str:
        """What the task asks for and this machine does not have at all, in words; empty if it has everything."""
        if task.gpus > len(self._cards):
            has = f"{len(self._cards)}" if self._cards else "none"
            return f"{task.gpus:g} of a graphics card (this machine has {has})"
        if task.memory_gb > self._total:
            return f"{task.memory_gb:g} GB of memory (this machine has {self._total:.1f})"
        return ""

    def share(self, task: Task) -> Share | None:
        """What would be set aside for the task now, or None if it must wait."""
        cpus, memory = min(task.cpus, self._all_cpus), min(task.memory_gb, self._all_memory)
        if cpus > self._cpus + _TINY or memory > self._memory + _TINY:
            return None
        if task.gpus == 0:
            return Share(cpus, memory)
        whole = task.gpus >= 1
        of_each, wanted = (1.0, round(task.gpus)) if whole else (task.gpus, 1)
        fitting = [name for name, left in self._cards.items() if left + _TINY >= of_each]
        if len(fitting) < wanted:
            return None
        # The fullest first: whole cards stay free for those who need one.
        fitting.sort(key=lambda name: self._cards[name])
        return Share(cpus, memory, tuple(fitting[:wanted]), of_each)

    def take(self, share: Share) -> None:
        """Set it aside."""
        self._move(share, -1)

    def give(self, share: Share) -> None:
        """It is free again."""
        self._move(share, 1)

    def _move(self, share: Share, sign: int) -> None:
        self._cpus += sign * share.cpus
        self._memory += sign * share.memory_gb
        for name in share.cards:
            self._cards[name] += sign * share.of_each
