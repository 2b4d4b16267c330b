"""The table of recordings: each row has a known patient, a file inside the folder, and what its kind needs."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pandas as pd

from presage.cohort import storage
from presage.cohort.companions import left_alone
from presage.cohort.errors import InputError
from presage.cohort.flow import Flow
from presage.cohort.kinds import RecordingKind, kind_named
from presage.cohort.recording import CORE_COLUMNS
from presage.cohort.tables import check_ids, check_near_names, read_table, some

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
# Two people may give the same answer of a sentence; longer texts, sound and pictures never coincide.
_COINCIDENCE_BYTES = 100


def read_recordings(root: str, patients: pd.DataFrame, flow: Flow, *, external: bool) -> tuple[pd.DataFrame, set[str]]:
    """The usable recordings with absolute paths, and the patients for whom any recording was listed.

    Parameters
    ----------
    root
        The cohort folder.
    patients
        The table of patients, indexed by id.
    flow
        Where the recordings that cannot be used are counted.
    external
        Whether paths may lead out of the folder.
    """
    recordings, where = _read(root, patients)
    listed = set(recordings["patient_id"])
    recordings["path"] = _resolve(recordings["path"], root, where, external)
    _refuse_repeated_rows(recordings, where)
    named = recordings
    recordings = _with_allowed_values(recordings, root, where, flow)
    recordings = _with_files(recordings, root, where, flow)
    recordings = _without_left_alone(recordings, named, root, flow)
    _refuse_shared_files(recordings, root, where)
    return recordings.drop(columns="size").reset_index(drop=True), listed


def _read(root: str, patients: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    table, where = read_table(root, "recordings")
    names = sorted(set(table["kind"].dropna())) if "kind" in table.columns else []
    kinds = [kind_named(name) for name in names]
    needed = [column for kind in kinds for column in kind.required]
    known = dict.fromkeys((*CORE_COLUMNS, *needed, *(column for kind in kinds for column in kind.optional)))
    check_near_names(table.columns, tuple(known), ("patient_id", "kind", "path", *dict.fromkeys(needed)), where)
    check_ids(table, where)
    for column in ("kind", "path"):
        if table[column].isna().any():
            lines = some(table.index[table[column].isna()])
            raise InputError(f"rows without {column}: lines {lines}", where=where, cure="fill the cells in")
    if table.empty:
        raise InputError("the table lists no recording", where=where, cure="one row per file")
    unknown = ~table["patient_id"].isin(patients.index)
    if unknown.any():
        rows = [f"{pid} (line {line})" for line, pid in table.loc[unknown, "patient_id"].items()]
        raise InputError(
            f"{len(rows)} recording(s) belong to patients that patients.csv does not list: {some(rows)}",
            where=where,
            cure=_id_hint(table.loc[unknown, "patient_id"], patients.index),
        )
    if "visit" not in table.columns:
        table.insert(1, "visit", "1")
    table["visit"] = table["visit"].fillna("1")
    return table, where


def _id_hint(unknown: pd.Series, known: pd.Index) -> str:
    """What to do about unknown ids; a spreadsheet's usual damage is recognised."""

    def bare(pid: str) -> str:
        return pid.removesuffix(".0").lstrip("0").casefold()

    by_bare = {bare(pid): pid for pid in known}
    for pid in unknown:
        if bare(pid) in by_bare:
            return (
                f"{pid!r} looks like patient {by_bare[bare(pid)]!r}, changed by a spreadsheet: "
                "export both tables again with patient_id formatted as text"
            )
    return "add the patients to patients.csv, or delete the rows"


def _resolve(paths: pd.Series, root: str, where: str, external: bool) -> pd.Series:
    """Absolute paths; what leaves the folder is refused unless the cohort says that this is meant."""
    resolved = []
    for line, path in paths.items():
        outside = storage.is_address(path) or path.startswith("/") or bool(_WINDOWS_DRIVE.match(path))
        path = storage.local_path(path) if outside else path.replace("\\", "/")
        inside = outside and path.startswith(root + "/") and ".." not in path.split("/")
        if not outside:
            parts: list[str] = []
            for part in path.split("/"):
                if part == ".." and not parts:
                    raise InputError(
                        f"the path {path!r} leads out of the cohort folder",
                        where=f"{where}, line {line}",
                        cure="move the file into the folder, or give its absolute path and write "
                        "`external_paths: true` into cohort.yaml",
                    )
                if part == "..":
                    parts.pop()
                elif part not in ("", "."):
                    parts.append(part)
            path = storage.join(root, "/".join(parts))
        elif not inside and not external:
            raise InputError(
                f"the path {path!r} lies outside the cohort folder",
                where=f"{where}, line {line}",
                cure="give paths relative to the folder, or write `external_paths: true` into cohort.yaml",
            )
        resolved.append(path)
    return pd.Series(resolved, index=paths.index, dtype=object)


def _refuse_repeated_rows(recordings: pd.DataFrame, where: str) -> None:
    repeated = recordings.duplicated(keep=False)
    if repeated.any():
        raise InputError(
            f"the same recording is listed twice: lines {some(recordings.index[repeated])}",
            where=where,
            cure="delete the repeated rows: they would count a patient's file twice",
        )


def _with_allowed_values(recordings: pd.DataFrame, root: str, where: str, flow: Flow) -> pd.DataFrame:
    """Recordings whose kind allows every value of the columns that it requires; the others go into the flow."""
    reasons = pd.Series(None, index=recordings.index, dtype=object)
    for name in sorted(set(recordings["kind"])):
        rows = recordings["kind"] == name
        for line, reason in _refusals(recordings[rows], kind_named(name), recordings):
            reasons.loc[line] = reason
    _exclude(recordings, reasons, root, flow)
    if reasons.notna().all():
        counts = reasons.value_counts()
        kinds = [kind_named(name) for name in sorted(set(recordings["kind"]))]
        raise InputError(
            f"no recording can be used: {some(f'{reason} ({n} times)' for reason, n in counts.items())}",
            where=where,
            cure=f"the allowed values are {'; '.join(map(_allowed, kinds))}",
        )
    return recordings[reasons.isna()].copy()


def _refusals(rows: pd.DataFrame, kind: RecordingKind, table: pd.DataFrame) -> list[tuple[Any, str]]:
    """(row, reason) of each cell that the kind does not allow; ``cc`` is written as the kind's ``CC`` into `table`."""
    refused = []
    for column, allowed in kind.required.items():
        spelling = {value.casefold(): value for value in allowed}
        for line, value in rows[column].items():
            if value is None or pd.isna(value):
                refused.append((line, f"{column} missing"))
            elif allowed and str(value).casefold() not in spelling:
                # The reason enters the findings: a long cell might be anything, a person's name included.
                shown = f" {value}," if re.fullmatch(r"\w{1,5}", str(value)) else ""
                refused.append((line, f"{column}{shown} not {' or '.join(allowed)}"))
            elif allowed:
                table.at[line, column] = spelling[str(value).casefold()]
    return refused


def _allowed(kind: RecordingKind) -> str:
    return f"{kind.name}: " + ", ".join(f"{c} = {' | '.join(v) or 'any text'}" for c, v in kind.required.items())


def _with_files(recordings: pd.DataFrame, root: str, where: str, flow: Flow) -> pd.DataFrame:
    """Recordings whose file is there, with a column ``size`` (bytes); the others go into the flow."""
    listing = storage.sizes_below(root) if storage.is_address(root) else {}
    sizes = [listing[path] if path in listing else storage.size_of(path) for path in recordings["path"]]
    recordings = recordings.assign(size=pd.array(sizes, dtype="Int64"))
    reasons = pd.Series(None, index=recordings.index, dtype=object)
    reasons[recordings["size"].isna()] = "file not found"
    reasons[(recordings["size"] == 0).fillna(False).astype(bool)] = "empty file"
    _exclude(recordings, reasons, root, flow)
    if reasons.notna().all():
        raise InputError(
            f"none of the {len(recordings)} files is there; the first is {recordings['path'].iloc[0]}",
            where=where,
            cure="paths are relative to the cohort folder; copy the files there, or correct the paths",
        )
    return recordings[reasons.isna()]


def _without_left_alone(recordings: pd.DataFrame, named: pd.DataFrame, root: str, flow: Flow) -> pd.DataFrame:
    refused = named.loc[named.index.difference(recordings.index)]
    reasons = left_alone(refused, recordings.drop(columns="size"))
    _exclude(recordings, reasons, root, flow)
    return recordings[reasons.isna()]


def _exclude(recordings: pd.DataFrame, reasons: pd.Series, root: str, flow: Flow) -> None:
    for reason in sorted(set(reasons.dropna())):
        paths = recordings.loc[reasons == reason, "path"]
        flow.add("read", reason, "recording", [path.removeprefix(f"{root.rstrip('/')}/") for path in paths])


def _refuse_shared_files(recordings: pd.DataFrame, root: str, where: str) -> None:
    """Refuse the same bytes under two patients: one person under two names would stand on both sides of a fold."""
    brief = recordings["path"].str.lower().str.endswith(".txt") & (recordings["size"] < _COINCIDENCE_BYTES)
    groups: list[pd.DataFrame] = [group for _, group in recordings[~brief].groupby("size")]
    for digest in (storage.sample_digest, lambda path, _: storage.content_digest(path)):
        finer = []
        for group in groups:
            if group["patient_id"].nunique() < 2:
                continue
            parts = defaultdict(list)
            for line, path, size in zip(group.index, group["path"], group["size"], strict=True):
                parts[digest(path, int(size))].append(line)
            finer += [group.loc[lines] for lines in parts.values() if len(lines) > 1]
        groups = finer
    shared = [group for group in groups if group["patient_id"].nunique() > 1]
    if shared:
        rows = [
            " = ".join(f"{r.patient_id}: {str(r.path).removeprefix(root).lstrip('/')}" for r in group.itertuples())
            for group in shared
        ]
        raise InputError(
            f"the same file stands under different patients: {some(rows, 5)}",
            where=where,
            cure="one person under two ids would leak between training and test: correct the ids or the files",
        )
