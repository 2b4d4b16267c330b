"""Who was dropped on the way into the study, and why: the numbers of a cohort flow diagram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from presage.cohort.tables import some

Unit = Literal["patient", "recording"]


@dataclass(frozen=True)
class Exclusion:
    """Patients or recordings dropped for one reason at one step.

    Attributes
    ----------
    step
        Where on the way ("read", "outcome", "recordings", "encode").
    reason
        A short phrase.
    unit
        What `ids` counts.
    ids
        Patient ids, or recording paths relative to the cohort folder. Never written into findings.
    """

    step: str
    reason: str
    unit: Unit
    ids: tuple[str, ...]


@dataclass
class Flow:
    """The exclusions of a cohort in the order in which they were made."""

    exclusions: list[Exclusion] = field(default_factory=list)

    def add(self, step: str, reason: str, unit: Unit, ids: Iterable[str]) -> None:
        """Record an exclusion; an empty one is not recorded."""
        dropped = tuple(sorted(ids))
        if dropped:
            self.exclusions.append(Exclusion(step, reason, unit, dropped))

    def __iter__(self) -> Iterator[Exclusion]:
        return iter(self.exclusions)

    def __len__(self) -> int:
        return len(self.exclusions)

    def copy(self) -> Flow:
        """A flow that can go on without changing this one."""
        return Flow(list(self.exclusions))

    def told(self) -> str:
        """The exclusions in one sentence, with ids, for an error that follows from them; empty where nobody was."""
        if not self.exclusions:
            return ""
        parts = [
            f"{len(e.ids)} {e.unit}{'s' if len(e.ids) > 1 else ''} ({e.reason}: {some(e.ids, 4)})"
            for e in self.exclusions
        ]
        return f"; left out on the way: {'; '.join(parts)}"

    def counts(self) -> list[dict[str, Any]]:
        """One row per exclusion with its count and no ids: the form that findings may keep."""
        return [{"step": e.step, "reason": e.reason, "unit": e.unit, "n": len(e.ids)} for e in self.exclusions]
