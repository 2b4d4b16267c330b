"""The Emotional Audio-Textual Depression Corpus (Shen, Yang and Lin, ICASSP 2022, arXiv:2202.08210)."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from presage.cohort import InputError, UnusableRecording, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables
from presage.cohort.splits import COLUMNS, Splits
from presage.depression.channels import compare_channels
from presage.depression.importers.coverage import having_all_kinds
from presage.depression.kinds import ANSWERS
from presage.depression.media import media_facts
from presage.depression.scales import SDS_INDEX_CUTOFF, SDS_INDEX_PER_POINT, scale_named
from presage.depression.study_template import write_study

_FOLDER = re.compile(r"(?:.*/)?(?P<id>[tv]_\d+)")
# Beside the recordings as they were made lie versions that the corpus' authors processed.
_SOUND = ("{answer}.wav", "{answer}.flac")
_NAME = "EATD-Corpus"
_DESCRIPTION = (
    "Spoken answers in Mandarin to a positive, a neutral and a negative question, with transcripts, of student "
    "volunteers; the outcome is a self-rating scale (SDS), not a diagnosis."
)


def import_eatd(source: str, cohort: str, *, processed: bool = False, official_split: bool = False) -> ImportSummary:
    """Make a cohort of the EATD corpus; its files stay where they are.

    Parameters
    ----------
    source
        Folder with one folder per volunteer (``t_1``, ``v_1`` ...), each with ``label.txt`` (raw SDS),
        ``new_label.txt`` (SDS index), and positive, neutral, negative answers as ``.wav`` or ``.flac``, and ``.txt``.
    cohort
        Folder to make.
    processed
        Take the sound that the corpus' authors cleaned (``positive_out.wav``) instead of what was recorded.
    official_split
        Write ``splits.csv`` with the corpus' own split, for the study to use: who is in the training part (``t_``)
        trains, who is in the validation part (``v_``) is tested. By default all of them are cross-validated.

    Raises
    ------
    InputError
        If no folder looks like a volunteer's, nobody has a recording, a label is missing or no number, raw score and
        index contradict each other (index = 1.25 x raw score), or the official split is asked for and one part of the
        corpus is not there.
    """
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    folders, excluded = _folders(root, files)
    patients, recordings = [], []
    for volunteer in sorted(folders, key=lambda name: (name[0], int(name[2:]))):
        folder, names = folders[volunteer]
        patients.append({"patient_id": volunteer, **_labels(storage.join(root, folder), names)})
        for answer in ANSWERS:
            there, missing = _answer(answer, names, processed)
            recordings += [
                _row(volunteer, answer, kind, storage.join(root, f"{folder}/{name}")) for kind, name in there
            ]
            excluded += [(f"{folder}/{name}", f"{kind} missing in the corpus") for kind, name in missing]
    if not recordings:
        raise InputError(
            f"none of {len(patients)} volunteers has a recording",
            where=root,
            cure="copy positive.wav, positive.txt ... beside the labels" + (", or leave --processed" * processed),
        )
    table = pd.DataFrame(patients)
    split = _official(table, recordings, root) if official_split else None
    columns = ("sds_index", "sds")
    write_tables(target, table, pd.DataFrame(recordings), name=_NAME, description=_DESCRIPTION, outcomes=columns)
    write_excluded(storage.join(target, "excluded.csv"), excluded)
    summary = _summary(table, len(recordings), excluded)
    if split is not None:
        split.write(storage.join(target, "splits.csv"))
        sides = split.table["role"].value_counts()
        summary.notes.append(
            f"splits.csv holds the official split: {sides['train']} train, {sides['test']} are tested."
        )
    if not processed:
        summary.notes.extend(_only_processed(folders))
    write_study(
        target,
        title="Depression (SDS) from spoken answers: EATD-Corpus",
        column="sds_index",
        label="SDS index",
        cutoff=SDS_INDEX_CUTOFF,
        kinds={row["kind"] for row in recordings},
        prompts=False,
        language="mandarin",
        official_split=official_split,
        cases=summary.facts["cases"],
        controls=summary.facts["controls"],
    )
    return summary


def _folders(root: str, files: list[str]) -> tuple[dict[str, tuple[str, set[str]]], list[tuple[str, str]]]:
    """Folder and file names of each volunteer, and files left out with the reason."""
    folders: dict[str, tuple[str, set[str]]] = {}
    excluded = []
    for file in files:
        folder, _, name = file.rpartition("/")
        match = _FOLDER.fullmatch(folder)
        if match is None:
            continue
        if name.startswith("._") or "__MACOSX" in folder:
            # Copies made by a Macintosh carry such shadows.
            excluded.append((file, "shadow file of another system"))
            continue
        known = folders.setdefault(match["id"], (folder, set()))
        if known[0] != folder:
            raise InputError(
                f"volunteer {match['id']} has two folders, {known[0]} and {folder}",
                where=root,
                cure="import one copy of the corpus",
            )
        known[1].add(name)
    if not folders:
        raise InputError(
            "no folder is named like a volunteer's (t_1, v_1)", where=root, cure="name the folder that holds them"
        )
    return folders, excluded


def _row(volunteer: str, answer: str, kind: str, path: str) -> dict[str, Any]:
    return {
        "patient_id": volunteer,
        "visit": "1",
        "kind": kind,
        "path": path,
        "task": "question",
        "answer": answer,
        "language": "zh",
        # Nobody else speaks: a colon in an answer is no speaker's name, and channels that differ are two microphones.
        "participant_label": "*" if kind == "transcript" else "",
        "channel": "mix" if kind == "audio" and _channels_differ(path) else "",
    }


def _channels_differ(path: str) -> bool:
    try:
        return media_facts(path).channels > 1 and compare_channels(path).differ
    except UnusableRecording:
        return False  # checking the cohort counts it with its own reason


def _official(patients: pd.DataFrame, recordings: list[dict[str, Any]], root: str) -> Splits:
    """The training part trains and the validation part is tested: of both, who has sound and words."""
    complete = having_all_kinds(recordings)
    known = [pid for pid in patients["patient_id"] if pid in complete]
    rows = [(0, 0, pid, "train" if pid.startswith("t_") else "test") for pid in known]
    if len({role for *_, role in rows}) < 2:
        raise InputError(
            "the official split needs both parts of the corpus: t_1 ... to train and v_1 ... to test",
            where=root,
            cure="copy the other part beside this one, or leave --official-split: everybody is then cross-validated",
        )
    return Splits(pd.DataFrame(rows, columns=list(COLUMNS)))


def _only_processed(folders: dict[str, tuple[str, set[str]]]) -> list[str]:
    n = sum(
        not {f"{answer}.wav", f"{answer}.flac"} & names and bool({f"{answer}_out.wav", f"{answer}_out.flac"} & names)
        for _, names in folders.values()
        for answer in ANSWERS
    )
    return (
        [f"{n} answer(s) are there as processed sound alone (positive_out.wav ...): --processed takes it."] if n else []
    )


def _answer(answer: str, names: set[str], processed: bool) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(kind, file) of what is there of one answer, and of what is missing."""
    sounds = [pattern.format(answer=f"{answer}_out" if processed else answer) for pattern in _SOUND]
    sound = next((name for name in sounds if name in names), None)
    wanted = [
        ("audio", sound or sounds[0], sound is not None),
        ("transcript", f"{answer}.txt", f"{answer}.txt" in names),
    ]
    there = [(kind, name) for kind, name, is_there in wanted if is_there]
    return there, [(kind, name) for kind, name, is_there in wanted if not is_there]


def _labels(folder: str, names: set[str]) -> dict[str, Any]:
    """Raw score and index of one volunteer."""
    values = {}
    for column, name in (("sds", "label.txt"), ("sds_index", "new_label.txt")):
        where = storage.join(folder, name)
        if name not in names:
            raise InputError(f"there is no {name}", where=folder, cure="copy it from the corpus")
        text = storage.read_bytes(where).decode("utf-8-sig", errors="replace").strip()
        try:
            values[column] = float(text)
        except ValueError:
            raise InputError(f"the label must be a number, not {text!r}", where=where) from None
    raw, index = values["sds"], values["sds_index"]
    scale = scale_named("sds")
    if not scale.lowest <= raw <= scale.highest or raw != int(raw):
        raise InputError(
            f"a raw SDS score is a whole number from {scale.lowest} to {scale.highest}, and this is {raw:g}",
            where=storage.join(folder, "label.txt"),
        )
    if not math.isclose(index, SDS_INDEX_PER_POINT * raw, abs_tol=0.5):
        raise InputError(
            f"the index must be 1.25 x the raw score: {index:g} is not 1.25 x {raw:g}",
            where=storage.join(folder, "new_label.txt"),
        )
    return {"sds_index": index, "sds": int(raw)}


def _summary(patients: pd.DataFrame, n_recordings: int, absent: list[tuple[str, str]]) -> ImportSummary:
    cases = int((patients["sds_index"] >= SDS_INDEX_CUTOFF).sum())
    facts = {
        "outcome": "sds_index",
        "cutoff": SDS_INDEX_CUTOFF,
        "cases": cases,
        "controls": len(patients) - cases,
    }
    notes = [
        f"{cases} of {len(patients)} volunteers have an SDS index of {SDS_INDEX_CUTOFF:g} or more.",
        "The corpus names no licence: use it for research, and do not pass it on.",
    ]
    return ImportSummary(len(patients), n_recordings, absent, notes, facts)
