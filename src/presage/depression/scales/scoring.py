"""Totals from items, and whether the totals that came with them agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.cohort.tables import some
from presage.depression.scales.catalogue import scales
from presage.depression.scales.scale import Scale

# Prorated totals may have been rounded by whoever wrote them.
_ROUNDING = 0.5


@dataclass(frozen=True)
class Scored:
    """Totals of one scale.

    Attributes
    ----------
    scale
        The scale.
    totals
        Total of each row (float64), missing where there is neither a total nor enough items.
    bands
        Name of each total's band; missing where the total is.
    prorated
        Rows whose missing items were replaced by the mean of the others.
    incomplete
        Rows with some items, too many of them missing for a total.
    notes
        In words, without ids: what was prorated, and what was left without a total.
    """

    scale: Scale
    totals: pd.Series
    bands: pd.Series
    prorated: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def scored_columns(columns: pd.Index) -> list[Scale]:
    """The known scales that a table has a total or any item of."""
    present = set(map(str, columns))
    return [scale for scale in scales().values() if present & {scale.name, *scale.item_columns}]


def score(
    table: pd.DataFrame,
    scale: Scale,
    *,
    where: str = "patients.csv",
    prorate: int = 0,
    reversed_already: bool = False,
) -> Scored:
    """Totals of one scale from its items, its total, or both.

    Parameters
    ----------
    table
        Indexed by patient id. Items in ``NAME_1`` ..., total in ``NAME``; either may be lacking, and cells be empty.
    scale
        Whose items they are.
    where
        The table's name, for messages.
    prorate
        How many items may be missing; the mean of the answered ones takes their place. No rule is agreed upon, so none
        is followed unless it is asked for; two is a common choice for the PHQ-9.
    reversed_already
        Whether items that count the other way round are stored as they count, and not as they were ticked.

    Raises
    ------
    InputError
        If `prorate` is not below half of the items, neither items nor total are there, only some of the items have a
        column, a value is no whole number in the item's range or the total's, or a total contradicts its items (patient
        and both numbers are named).
    """
    if not 0 <= prorate < scale.n_items / 2:
        raise InputError(
            f"at most {(scale.n_items - 1) // 2} of the {scale.n_items} items of the {scale.title} may be prorated, "
            f"not {prorate}"
        )
    items = _items(table, scale, where, reversed_already)
    given = _given(table, scale, where)
    if items is None and given is None:
        raise InputError(
            f"there is neither a column {scale.name} nor {scale.item_columns[0]} ... {scale.item_columns[-1]}",
            where=where,
            cure=f"add the total of the {scale.title} or its items",
        )
    if items is None:
        assert given is not None
        return Scored(scale, given, _bands(given, scale))
    missing = items.isna().sum(axis=1)
    enough = missing <= prorate
    computed = (items.mean(axis=1) * scale.n_items).where(enough)
    complete = missing == 0
    computed[complete] = items[complete].sum(axis=1)
    totals = computed
    if given is not None:
        _refuse_contradictions(given, computed, scale, where)
        totals = computed.where(computed.notna(), given)
    prorated = tuple(map(str, items.index[enough & ~complete]))
    incomplete = tuple(map(str, items.index[~enough & (missing < scale.n_items) & totals.isna()]))
    notes = []
    if prorated:
        notes.append(
            f"{scale.title}: {len(prorated)} total(s) with at most {prorate} missing item(s) were prorated: "
            "the mean of the answered ones took their place."
        )
    if incomplete:
        notes.append(f"{scale.title}: {len(incomplete)} patient(s) lack more than {prorate} item(s): no total.")
    return Scored(scale, totals, _bands(totals, scale), prorated, incomplete, notes)


def _items(table: pd.DataFrame, scale: Scale, where: str, reversed_already: bool) -> pd.DataFrame | None:
    """Items as they count, shape (patients, items); None where the table has none."""
    absent = [column for column in scale.item_columns if column not in table.columns]
    if len(absent) == scale.n_items:
        return None
    if absent:
        raise InputError(
            f"some items of the {scale.title} have a column and {some(absent)} not",
            where=where,
            cure="add the columns (cells may be empty), or give the total alone",
        )
    beyond = f"{scale.name}_{scale.n_items + 1}"
    if beyond in table.columns:
        raise InputError(
            f"the {scale.title} has {scale.n_items} items, and there is a column {beyond}",
            where=where,
            cure="the columns hold another scale: correct their names",
        )
    columns = {}
    for number, column in enumerate(scale.item_columns, start=1):
        low, high = scale.item_ranges[number - 1]
        values = _numbers(table[column], column, low, high, where, whole=True)
        turned = number in scale.reversed_items and not reversed_already
        columns[column] = low + high - values if turned else values
    return pd.DataFrame(columns, index=table.index)


def _given(table: pd.DataFrame, scale: Scale, where: str) -> pd.Series | None:
    if scale.name not in table.columns:
        return None
    return _numbers(table[scale.name], scale.name, scale.lowest, scale.highest, where, whole=False)


def _numbers(column: pd.Series, name: str, low: int, high: int, where: str, *, whole: bool) -> pd.Series:
    blank = column.isna() | column.astype(str).str.strip().eq("")
    numbers = pd.to_numeric(column.mask(blank), errors="coerce").astype(np.float64)
    bad = ~blank & ~(numbers.between(low, high) & (numbers.eq(numbers.round()) | (not whole)))
    if bad.any():
        rows = [f"{pid}: {value}" for pid, value in column[bad].items()]
        kind = "a whole number" if whole else "a number"
        raise InputError(
            f"{name} must be {kind} from {low} to {high}: {some(rows, 5)}",
            where=where,
            cure="correct the cells, or leave them empty where there is no answer (a code such as 99 is none)",
        )
    return numbers


def _refuse_contradictions(given: pd.Series, computed: pd.Series, scale: Scale, where: str) -> None:
    both = given.notna() & computed.notna()
    wrong = both & ((given - computed).abs() > _ROUNDING)
    if wrong.any():
        rows = [f"{pid}: total {given[pid]:g}, items {computed[pid]:g}" for pid in given.index[wrong]]
        hint = (
            "; if its reversed items are stored as they count, say so (reversed_already)"
            if scale.reversed_items
            else ""
        )
        raise InputError(
            f"{scale.title}: {int(wrong.sum())} total(s) contradict their items: {some(rows, 5)}",
            where=where,
            cure=f"correct the items or the totals, or delete the column {scale.name} to have it computed{hint}",
        )


def _bands(totals: pd.Series, scale: Scale) -> pd.Series:
    names = [None if math.isnan(total) else scale.band(total) for total in totals]
    return pd.Series(names, index=totals.index, dtype=object)
