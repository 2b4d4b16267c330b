"""One file of one patient at one visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

#: Columns of ``recordings.csv`` that every kind has; the others are attributes.
CORE_COLUMNS = ("patient_id", "visit", "kind", "path")


@dataclass(frozen=True)
class Recording:
    """One file of one patient at one visit; nothing is read until its kind's reader is asked.

    Attributes
    ----------
    patient_id, visit, kind
        As in ``recordings.csv``; ``visit`` is ``"1"`` where the table has none.
    path
        Absolute path or fsspec address.
    attributes
        The remaining columns of the row, as text (``laterality``, ``view``, ...); empty cells are left out.
    """

    patient_id: str
    visit: str
    kind: str
    path: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str, default: str = "") -> str:
        """The value of a column, or `default` where the cell is empty."""
        return self.attributes.get(name, default)


def listed(table: pd.DataFrame) -> tuple[Recording, ...]:
    """The rows of a table of recordings, in its order."""
    columns = {
        str(name): ["" if missing else str(cell) for cell, missing in zip(column, column.isna(), strict=True)]
        for name, column in table.items()
    }
    extra = [name for name in columns if name not in CORE_COLUMNS]
    core = zip(*(columns[name] for name in CORE_COLUMNS), strict=True)
    return tuple(
        Recording(patient, visit, kind, path, {name: columns[name][row] for name in extra if columns[name][row]})
        for row, (patient, visit, kind, path) in enumerate(core)
    )
