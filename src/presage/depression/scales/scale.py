"""A questionnaire as facts: how many items, their ranges, how a total is made and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """A range of totals with a name; both ends belong to it."""

    lowest: float
    highest: float
    name: str


@dataclass(frozen=True)
class Scale:
    """A clinical scale. Its items' wording is its authors'; only facts are kept.

    Attributes
    ----------
    name
        As columns are called: ``phq9`` for a total, ``phq9_1`` for an item.
    title
        As a reader is shown it.
    item_ranges
        Lowest and highest value of each item.
    reversed_items
        Numbers (from 1) of items that count the other way round.
    bands
        From the least to the most severe, covering every total.
    cutoff
        A total at or above it counts as a case.
    sources
        Of the scale, its bands and its cut-off.
    rated_by
        ``self`` or ``clinician``.
    suicidality
        Number of the item on thoughts of death or suicide; None where there is none.
    """

    name: str
    title: str
    item_ranges: tuple[tuple[int, int], ...]
    bands: tuple[Band, ...]
    cutoff: float
    sources: tuple[str, ...]
    reversed_items: frozenset[int] = frozenset()
    rated_by: str = "self"
    suicidality: int | None = None

    @property
    def n_items(self) -> int:
        """How many items make the total."""
        return len(self.item_ranges)

    @property
    def lowest(self) -> int:
        """Smallest possible total."""
        return sum(low for low, _ in self.item_ranges)

    @property
    def highest(self) -> int:
        """Largest possible total."""
        return sum(high for _, high in self.item_ranges)

    @property
    def item_columns(self) -> tuple[str, ...]:
        """Names of the items' columns."""
        return tuple(f"{self.name}_{number}" for number in range(1, self.n_items + 1))

    def band(self, total: float) -> str:
        """The name of the band that a total lies in; a prorated total is rounded half up first."""
        whole = int(total + 0.5)
        for band in self.bands:
            if band.lowest <= whole <= band.highest:
                return band.name
        raise ValueError(f"{total} is not between {self.lowest} and {self.highest}")
