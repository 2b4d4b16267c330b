"""Recordings from a table that says what each file is."""

from __future__ import annotations

from typing import Any

from presage.cohort import InputError, storage
from presage.cohort.tables import check_ids, check_near_names, parse_csv, some
from presage.depression.importers.folders import ENDINGS, kind_of

_KNOWN = ("patient_id", "path", "visit", "kind", "task", "answer", "channel", "language")
_LABELS = ("participant_label", "interviewer_label")


def from_table(root: str, files: list[str], path: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows of ``recordings.csv``, and files left out with the reason.

    Raises
    ------
    InputError
        If the table or a column is missing, a row names no file of the source, or a kind is unknown.
    """
    try:
        table = parse_csv(storage.read_bytes(path), path)
    except OSError as error:
        raise InputError(f"the table cannot be read: {error.strerror}", where=path, cure="check the path") from error
    check_near_names(table.columns, (*_KNOWN, *_LABELS), ("patient_id", "path"), path)
    check_ids(table, path)
    there = set(files)
    paths = table["path"].fillna("").str.replace("\\", "/").str.removeprefix("./")
    unknown = [f"{name!r} (line {line})" for line, name in paths.items() if name not in there]
    if unknown:
        raise InputError(
            f"{len(unknown)} row(s) name a file that is not in {root}: {some(unknown, 5)}",
            where=path,
            cure="paths are relative to the source folder",
        )
    columns = [column for column in (*_KNOWN, *_LABELS) if column in table.columns]
    rows = []
    for line, values in zip(table.index, table[columns].fillna("").to_numpy(), strict=True):
        cells = dict(zip(columns, values, strict=True))
        kind = cells.get("kind") or kind_of(paths[line])
        if kind not in ENDINGS.values():
            raise InputError(
                f"{cells['path']!r} is of kind {kind or 'unknown'!r}",
                where=f"{path}, line {line}",
                cure="write transcript, audio or video into a column kind",
            )
        rows.append(
            {**cells, "visit": cells.get("visit") or "1", "kind": kind, "path": storage.join(root, paths[line])}
        )
    listed = set(paths)
    return rows, [(file, "not in the table") for file in files if file not in listed]
