"""What importers share: the folder they read, the cohort folder they make, and what they tell the person who called."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from presage.cohort import storage
from presage.cohort.cohort import Cohort
from presage.cohort.errors import InputError


@dataclass(frozen=True)
class ImportSummary:
    """What came into the cohort folder and what did not.

    Attributes
    ----------
    n_patients, n_recordings
        How many the cohort has.
    excluded
        (file, reason) of every file that was left out, in the order of their names. File names are those of the source
        and may hold identity: show them to whoever imports, store them nowhere.
    notes
        Sentences to print.
    facts
        Counts for a study file: outcome column, cases, controls, whatever the importer knows.
    """

    n_patients: int
    n_recordings: int
    excluded: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, int]:
        """How many files were left out for each reason, most frequent first."""
        return dict(Counter(reason for _, reason in self.excluded).most_common())


def new_cohort_folder(cohort: str) -> str:
    """The absolute address of a cohort folder that is still to be made.

    Raises
    ------
    InputError
        If there is a cohort in it already.
    """
    root = cohort if storage.is_address(cohort) else str(Path(cohort).expanduser().absolute())
    for table in ("patients.csv", "recordings.csv"):
        if storage.size_of(storage.join(root, table)) is not None:
            raise InputError(
                f"there is a {table} in the folder already",
                where=root,
                cure="name a new folder, or delete the old cohort",
            )
    return root.rstrip("/")


def source_files(source: str) -> tuple[str, list[str]]:
    """The absolute source folder and every file below it, as paths relative to it, sorted.

    Raises
    ------
    InputError
        If there is no such folder, or no file in it.
    """
    root = source if storage.is_address(source) else str(Path(source).expanduser().absolute())
    if not storage.folder_exists(root):
        raise InputError("there is no such folder to import from", where=root, cure="check the path")
    if storage.is_address(root):
        found = [address.removeprefix(root).lstrip("/") for address in storage.sizes_below(root)]
    else:
        found = [path.relative_to(root).as_posix() for path in Path(root).rglob("*") if path.is_file()]
    if not found:
        raise InputError("the folder to import from holds no file", where=root)
    return root, sorted(found)


def write_tables(
    root: str,
    patients: pd.DataFrame,
    recordings: pd.DataFrame,
    *,
    name: str,
    description: str,
    outcomes: tuple[str, ...],
    phantom: bool = False,
) -> None:
    """Write ``patients.csv``, ``recordings.csv`` and ``cohort.yaml`` of a new cohort."""
    Cohort(
        patients=patients.set_index("patient_id").sort_index(),
        recordings=recordings.reset_index(drop=True),
        root=root,
        name=name,
        description=description,
        phantom=phantom,
        outcome_columns=outcomes,
    ).write(root)


def write_excluded(path: str, rows: list[tuple[str, str]]) -> None:
    """Write a table (file, reason) as CSV."""
    text = io.StringIO()
    pd.DataFrame(rows, columns=["file", "reason"]).to_csv(text, index=False, lineterminator="\n")
    storage.write_bytes(path, text.getvalue().encode())
