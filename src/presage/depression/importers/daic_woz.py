"""The Distress Analysis Interview Corpus, Wizard-of-Oz part (Gratch et al., LREC 2014), as AVEC 2017 gave it out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import pandas as pd

from presage.cohort import InputError, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables
from presage.cohort.splits import Splits
from presage.cohort.tables import parse_csv, some
from presage.depression.importers.coverage import having_all_kinds, without_uncovered
from presage.depression.scales import scale_named, score
from presage.depression.study_template import write_study

Split = Literal["train", "dev", "test"]

_PARTICIPANT = re.compile(r"(?:.*/)?(?P<id>\d{3})_P/(?P=id)_(?P<what>[^/]+)")
_KINDS = {"TRANSCRIPT.csv": "transcript", "AUDIO.wav": "audio"}
_SPLIT_FILE = re.compile(r"(?:.*/)?(?P<full>full_)?(?P<split>train|dev|test)_split[^/]*\.csv")
# The order of the items of the PHQ-8, by the names that the label files give them.
_ITEMS = ("NoInterest", "Depressed", "Sleep", "Tired", "Appetite", "Failure", "Concentrating", "Moving")
# What users of the corpus have found; nothing is shifted or cut here.
_REMARKS = {
    **dict.fromkeys(("318", "321", "341", "362"), "transcript shifted against the sound"),
    **dict.fromkeys(("373", "444"), "interview interrupted"),
    **dict.fromkeys(("451", "458", "480"), "interviewer not transcribed"),
}
_DESCRIPTION = (
    "Interviews of adults by a virtual interviewer whom a person steers, with transcripts; the outcome is the "
    "self-rated PHQ-8, not a diagnosis."
)


@dataclass(frozen=True)
class _Labels:
    table: pd.DataFrame
    split_of: dict[str, Split]
    notes: list[str]


def import_daic_woz(source: str, cohort: str, *, evaluate: str = "") -> ImportSummary:
    """Make a cohort of the DAIC-WOZ interviews with their official split; the files stay where they are.

    Parameters
    ----------
    source
        Folder with ``300_P/300_AUDIO.wav``, ``300_P/300_TRANSCRIPT.csv`` ..., and the label files
        ``train_split_Depression_AVEC2017.csv``, ``dev_split_...`` and ``full_test_split.csv`` or ``test_split_...``.
    cohort
        Folder to make; ``splits.csv`` in it holds the official split.
    evaluate
        Who is the test side of that split: ``test`` (training and development set train) or ``dev`` (the training set
        trains, nobody of the test set is used). By default ``test`` where its labels are there, else ``dev``.

    Raises
    ------
    InputError
        If there are no interviews or no labels, a person is in two splits, an item or total is out of range, or a total
        contradicts its items.
    """
    if evaluate not in ("", "dev", "test"):
        raise InputError(f"--evaluate must be dev or test, not {evaluate!r}")
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    rows, excluded, derived = _recordings(root, files)
    if not rows:
        raise InputError(
            "no folder is like 300_P with 300_AUDIO.wav or 300_TRANSCRIPT.csv in it",
            where=root,
            cure="unpack the interviews, each into its folder",
        )
    rows, short = without_uncovered(rows, root)
    labels = _read_labels(root, files)
    people = sorted({row["patient_id"] for row in rows})
    patients = labels.table.reindex(people).rename_axis("patient_id").reset_index()
    outcomes = tuple(c for c in patients.columns if c.startswith("phq8"))
    write_tables(target, patients, pd.DataFrame(rows), name="DAIC-WOZ", description=_DESCRIPTION, outcomes=outcomes)
    excluded = sorted(excluded + short)
    write_excluded(storage.join(target, "excluded.csv"), excluded)
    notes = labels.notes + _absences(patients, labels, derived)
    notes += _write_splits(target, patients, labels, evaluate, having_all_kinds(rows))
    known = patients["phq8"].dropna()
    cutoff = scale_named("phq8").cutoff
    cases = int((known >= cutoff).sum())
    facts = {"outcome": "phq8", "cutoff": cutoff, "cases": cases, "controls": len(known) - cases}
    write_study(
        target,
        title="Depression (PHQ-8) from clinical interviews: DAIC-WOZ",
        column="phq8",
        label="PHQ-8",
        cutoff=cutoff,
        kinds={row["kind"] for row in rows},
        demographics=["gender"] if patients["gender"].nunique() > 1 else [],
        official_split=_exists(storage.join(target, "splits.csv")),
        cases=cases,
        controls=len(known) - cases,
    )
    return ImportSummary(len(patients), len(rows), excluded, notes, facts)


def _exists(path: str) -> bool:
    try:
        storage.size_of(path)
    except FileNotFoundError:
        return False
    return True


def _recordings(root: str, files: list[str]) -> tuple[list[dict[str, Any]], list[tuple[str, str]], int]:
    """Rows of ``recordings.csv``, files left out with the reason, and how many files of derived features there are."""
    rows, excluded, derived = [], [], 0
    for file in files:
        name = file.rsplit("/", 1)[-1]
        if name.startswith("._"):
            # Copies made by a Macintosh carry such shadows; read as a transcript, one would be noise.
            excluded.append((file, "shadow file of another system"))
            continue
        match = _PARTICIPANT.fullmatch(file)
        if match is None:
            continue
        kind = _KINDS.get(match["what"])
        if kind is None:
            derived += 1
            continue
        rows.append(
            {
                "patient_id": match["id"],
                "visit": "1",
                "kind": kind,
                "path": storage.join(root, file),
                "language": "en",
                "remark": _REMARKS.get(match["id"], ""),
            }
        )
    twice = [pair for pair, n in Counter((row["patient_id"], row["kind"]) for row in rows).items() if n > 1]
    if twice:
        raise InputError(
            f"participant {twice[0][0]} has more than one {twice[0][1]}",
            where=root,
            cure="import one copy of the corpus",
        )
    return rows, excluded, derived


def _read_labels(root: str, files: list[str]) -> _Labels:
    """Gender, PHQ-8 and split of each participant, from the label files of the three splits."""
    tables: list[pd.DataFrame] = []
    split_of: dict[str, Split] = {}
    seen: dict[str, str] = {}
    for split, file in _label_files(files):
        table = _label_table(storage.read_bytes(storage.join(root, file)), file)
        both = sorted(set(table.index) & set(split_of))
        if both:
            raise InputError(
                f"{len(both)} participant(s) are in two splits: {some(both)}",
                where=f"{seen[both[0]]} and {file}",
                cure="use the label files as they came: a person on both sides of a split leaks",
            )
        split_of |= dict.fromkeys(map(str, table.index), split)
        seen |= dict.fromkeys(map(str, table.index), file)
        tables.append(table)
    if not tables or all(table["phq8"].isna().all() for table in tables):
        raise InputError(
            "there are no labels: no file train_split_Depression_AVEC2017.csv (or dev_split..., full_test_split.csv) "
            "with a score",
            where=root,
            cure="copy the label files into the folder of the interviews",
        )
    table = pd.concat(tables)
    scored = score(table, scale_named("phq8"), where="the label files")
    notes = list(scored.notes)
    binary = pd.to_numeric(table.pop("binary"), errors="coerce")
    other = binary.notna() & scored.totals.notna() & ((scored.totals >= 10) != (binary == 1))
    if other.any():
        notes.append(
            f"The label files' own 0/1 contradicts the score of {some(table.index[other])} (10 or more): scores count."
        )
    table["phq8"] = scored.totals
    return _Labels(table, split_of, notes)


def _label_files(files: list[str]) -> list[tuple[Split, str]]:
    """One label file for each split; the one of the test set that has scores (``full_``) is preferred."""
    chosen: dict[Split, str] = {}
    for file in sorted(files, key=lambda name: ("full_" not in name, name)):
        match = _SPLIT_FILE.fullmatch(file)
        if match is not None:
            chosen.setdefault(cast(Split, match["split"]), file)
    return sorted(chosen.items())


def _label_table(data: bytes, where: str) -> pd.DataFrame:
    """Columns ``gender``, ``phq8``, ``phq8_1`` ... and ``binary`` by participant; cells without a value are missing."""
    table = parse_csv(data, where)
    names = {str(column).lower(): column for column in table.columns}
    if "participant_id" not in names:
        raise InputError("there is no column Participant_ID", where=where, cure="use the label file as it came")
    table = table.set_index(names["participant_id"])
    if table.index.has_duplicates:
        raise InputError(
            f"listed twice: {some(table.index[table.index.duplicated()])}", where=where, cure="one row per participant"
        )
    wanted = {"gender": ("gender",), "phq8": ("phq8_score", "phq_score"), "binary": ("phq8_binary", "phq_binary")}
    wanted |= {f"phq8_{number}": (f"phq8_{item.lower()}",) for number, item in enumerate(_ITEMS, start=1)}
    columns = {}
    for column, variants in wanted.items():
        found = next((names[variant] for variant in variants if variant in names), None)
        columns[column] = table[found] if found is not None else None
    return pd.DataFrame(columns, index=table.index)


def _absences(patients: pd.DataFrame, labels: _Labels, derived: int) -> list[str]:
    notes = []
    unlabelled = int(patients["phq8"].isna().sum())
    if unlabelled:
        notes.append(f"{unlabelled} participant(s) with recordings have no PHQ-8; a study leaves them out.")
    absent = set(labels.table.index) - set(patients["patient_id"])
    if absent:
        notes.append(f"{len(absent)} participant(s) of the label files have no recording here.")
    if derived:
        notes.append(
            f"{derived} file(s) of derived features (CLNF, COVAREP, FORMANT) stay unused: features are computed anew."
        )
    odd = sorted(set(patients["patient_id"]) & set(_REMARKS))
    if odd:
        notes.append(
            f"Transcript or sound of {some(odd)} are known to be faulty: see the column remark of recordings.csv."
        )
    return notes


def _write_splits(target: str, patients: pd.DataFrame, labels: _Labels, evaluate: str, complete: set[str]) -> list[str]:
    """Write ``splits.csv`` with the official split of who has a PHQ-8 and all recordings; notes on what it is."""
    labelled = patients.loc[patients["phq8"].notna(), "patient_id"]
    # A study that counts somebody out refuses a split that still lists them.
    known = [pid for pid in labelled if pid in complete]
    lacking = len(labelled) - len(known)
    left_out = [f"The split leaves out {lacking} participant(s) who lack sound or transcript."] if lacking else []
    members: dict[str, list[str]] = {name: [] for name in get_args(Split)}
    for pid in known:
        members[labels.split_of[pid]].append(pid)
    side = evaluate or ("test" if members["test"] else "dev")
    train = members["train"] + (members["dev"] if side == "test" else [])
    if not train or not members[side]:
        empty = "training set" if not train else f"{side} set"
        return [f"No splits.csv was written: nobody of the {empty} has recordings and a PHQ-8 here."]
    rows = [(0, 0, pid, "train") for pid in train] + [(0, 0, pid, "test") for pid in members[side]]
    Splits(pd.DataFrame(rows, columns=["repeat", "fold", "patient_id", "role"])).write(
        storage.join(target, "splits.csv")
    )
    what = f"splits.csv holds the official split: {len(train)} train, {len(members[side])} ({side} set) are tested."
    return [what, *left_out]
