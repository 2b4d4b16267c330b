"""The Emotional Audio-Textual Depression Corpus (Shen, Yang and Lin, ICASSP 2022, arXiv:2202.08210)."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from presage.cohort import InputError, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables
from presage.depression.kinds import ANSWERS
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


def import_eatd(source: str, cohort: str, *, processed: bool = False) -> ImportSummary:
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

    Raises
    ------
    InputError
        If no folder looks like a volunteer's, a label is missing or no number, or raw score and index contradict each
        other (index = 1.25 x raw score).
    """
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    folders: dict[str, tuple[str, set[str]]] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        match = _FOLDER.fullmatch(folder)
        if match:
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
    patients, recordings, absent = [], [], []
    for volunteer in sorted(folders, key=lambda name: (name[0], int(name[2:]))):
        folder, names = folders[volunteer]
        patients.append({"patient_id": volunteer, **_labels(storage.join(root, folder), names)})
        for answer in ANSWERS:
            rows, missing = _answer(answer, names, processed)
            recordings += [
                {
                    "patient_id": volunteer,
                    "visit": "1",
                    "kind": kind,
                    "path": storage.join(storage.join(root, folder), name),
                    "task": "question",
                    "answer": answer,
                    "language": "zh",
                    # Nobody else speaks: a colon in an answer is no speaker's name.
                    "participant_label": "*" if kind == "transcript" else "",
                }
                for kind, name in rows
            ]
            absent += [(f"{folder}/{name}", f"{kind} missing in the corpus") for kind, name in missing]
    table = pd.DataFrame(patients)
    columns = ("sds_index", "sds")
    write_tables(target, table, pd.DataFrame(recordings), name=_NAME, description=_DESCRIPTION, outcomes=columns)
    write_excluded(storage.join(target, "excluded.csv"), absent)
    summary = _summary(table, len(recordings), absent)
    write_study(
        target,
        title="Depression (SDS) from spoken answers: EATD-Corpus",
        column="sds_index",
        label="SDS index",
        cutoff=SDS_INDEX_CUTOFF,
        kinds={row["kind"] for row in recordings},
        prompts=False,
        english=False,
        cases=summary.facts["cases"],
        controls=summary.facts["controls"],
    )
    return summary


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
        text = storage.read_bytes(where).decode("ascii", errors="replace").strip()
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
