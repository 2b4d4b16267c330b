"""Reading and checking a cohort folder; writing one.

The folder holds ``patients.csv`` and ``recordings.csv`` (or ``.parquet``), and may hold ``cohort.yaml`` with ``name``,
``description``, ``phantom``, ``outcomes`` (columns that reveal an outcome) and ``external_paths``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd
import yaml

from presage.cohort import storage
from presage.cohort.cohort import Cohort
from presage.cohort.errors import InputError
from presage.cohort.flow import Flow
from presage.cohort.recordings import read_recordings
from presage.cohort.tables import check_ids, check_near_names, read_table, some, typed

PATIENT_COLUMNS = ("patient_id", "match_set", "site")
# Text even where every cell is a number: names of groups, not quantities.
TEXT_COLUMNS = frozenset({"patient_id", "match_set", "site"})


@dataclass(frozen=True)
class Description:
    """What ``cohort.yaml`` says."""

    name: str = ""
    description: str = ""
    phantom: bool = False
    outcomes: tuple[str, ...] = ()
    external_paths: bool = False


def read_cohort(folder: str) -> Cohort:
    """Read and check a cohort folder (local path or any fsspec address).

    Recordings whose file is missing or empty, or whose columns hold a value that their kind does not allow, and
    patients left without any recording, are excluded and counted in the flow. Paths in ``recordings.csv`` are relative
    to the folder; addresses and paths outside the folder are read only where ``cohort.yaml`` says
    ``external_paths: true``. A link inside the folder may lead anywhere: whoever made it meant it.

    Raises
    ------
    InputError
        For anything that must not be guessed: missing tables or columns, columns near a known name, duplicate or
        unknown patients, paths that leave the folder, one file under two patients, no usable recording at all.
    """
    root = storage.local_path(str(folder)).rstrip("/") or "/"
    if not storage.is_address(root):
        root = os.path.abspath(os.path.expanduser(root))
    if not storage.folder_exists(root):
        raise InputError("there is no such cohort folder", where=root, cure="check the path")
    about = read_description(root)
    patients = _read_patients(root, about)
    flow = Flow()
    recordings, listed = read_recordings(root, patients, flow, external=about.external_paths)
    cohort = Cohort(
        patients=patients,
        recordings=recordings,
        root=root,
        name=about.name,
        description=about.description,
        phantom=about.phantom,
        outcome_columns=about.outcomes,
        flow=flow,
    )
    left = set(cohort.recordings["patient_id"])
    cohort = cohort.exclude("read", "no recording listed", set(patients.index) - listed)
    return cohort.exclude("read", "no usable recording left", listed - left)


def write_cohort(cohort: Cohort, folder: str) -> None:
    """Write ``patients.csv``, ``recordings.csv`` and ``cohort.yaml``; see :func:`cohort_files`."""
    for name, data in cohort_files(cohort, folder).items():
        storage.write_bytes(storage.join(str(folder).rstrip("/"), name), data)


def cohort_files(cohort: Cohort, folder: str) -> dict[str, bytes]:
    """The files of a cohort in `folder`, by name.

    Recordings below `folder` get relative paths, so that the folder can be moved; where any lies elsewhere its path
    stays as it is and ``cohort.yaml`` says ``external_paths: true``.
    """
    root = str(folder).rstrip("/")
    recordings = cohort.recordings.copy()
    inside = recordings["path"].str.startswith(root + "/")
    recordings.loc[inside, "path"] = recordings.loc[inside, "path"].str[len(root) + 1 :]
    relative = ~recordings["path"].map(lambda path: path.startswith("/") or storage.is_address(path))
    about: dict[str, Any] = {"name": cohort.name, "description": cohort.description, "phantom": cohort.phantom}
    about["outcomes"] = list(cohort.outcome_columns)
    if not relative.all():
        about["external_paths"] = True
    patients = cohort.patients.rename_axis("patient_id").reset_index()
    files = {
        f"{name}.csv": table.to_csv(index=False, lineterminator="\n").encode("utf-8")
        for name, table in (("patients", patients), ("recordings", recordings))
    }
    text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    return {**files, "cohort.yaml": text.encode("utf-8")}


def read_description(root: str) -> Description:
    """``cohort.yaml``, or the defaults where there is none."""
    path = storage.join(root, "cohort.yaml")
    if storage.size_of(path) is None:
        return Description()
    try:
        content = yaml.safe_load(storage.read_bytes(path).decode("utf-8-sig")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"this is not YAML: {getattr(error, 'problem', error)}", where=f"cohort.yaml{line}") from error
    if not isinstance(content, dict):
        raise InputError("cohort.yaml must hold `key: value` lines", where="cohort.yaml", cure="e.g. `name: My cohort`")
    wanted = {"name": str, "description": str, "phantom": bool, "outcomes": list, "external_paths": bool}
    for key, value in content.items():
        if key not in wanted:
            near = get_close_matches(str(key), wanted, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(wanted)}"
            raise InputError(f"unknown key {key!r}", where="cohort.yaml", cure=cure)
        if not isinstance(value, wanted[key]):
            raise InputError(f"{key} must be a {wanted[key].__name__}, not {value!r}", where="cohort.yaml")
    return Description(**{**content, "outcomes": tuple(map(str, content.get("outcomes", ())))})


def _read_patients(root: str, about: Description) -> pd.DataFrame:
    table, where = read_table(root, "patients")
    known = (*PATIENT_COLUMNS, *about.outcomes)
    check_near_names(table.columns, known, ("patient_id", *about.outcomes), where)
    check_ids(table, where)
    ids = table["patient_id"]
    repeated = ids[ids.duplicated(keep=False)]
    if len(repeated):
        rows = [f"{pid} (lines {some(repeated.index[repeated == pid])})" for pid in sorted(set(repeated))]
        raise InputError(
            f"{len(rows)} patient id(s) stand for several rows: {some(rows)}",
            where=where,
            cure="one row per patient: give two persons two ids, or merge the rows of one person",
        )
    return typed(table, TEXT_COLUMNS).set_index("patient_id").sort_index()
