"""The run folder: all that tasks need as plain tables and JSON, so that any process (or machine) can do any task.

``study.yaml`` the study, resolved; ``cohort/`` the tables of the patients and recordings that entered (private);
``splits.csv`` (private); ``key.csv`` patient id -> code (private); ``plan.json`` what is common to all tasks;
``tasks/`` results; ``examples/`` pictures; ``findings.json``; ``run.json`` dates, durations and the machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from presage.cohort import Cohort, InputError, Outcome
from presage.cohort.reading import TEXT_COLUMNS, cohort_files, read_description
from presage.cohort.splits import Fold, GroupBy
from presage.cohort.tables import parse_csv, typed
from presage.study.cache import EncoderCache
from presage.study.folder import Folder
from presage.study.plan import MarkerPlan


@dataclass(frozen=True)
class Plan:
    """What is common to all tasks of a run; ``plan.json``.

    Attributes
    ----------
    markers
        The standard and the markers as in the study (marker, name, settings).
    slugs
        The folder of each marker's results below ``tasks/``.
    fitted_by
        For each marker, a digest of what decides its scores beside the fold: settings, encoders, cohort, outcome,
        software.
    outcome
        The fields of :class:`presage.cohort.Outcome`.
    splits
        SHA-256 of ``splits.csv`` as it was written.
    seed
        Of the study.
    cache
        Where the encoder cache is.
    device
        Handed to the markers.
    explaining
        Position of the marker whose explanations go into the gallery, or None.
    group_by
        Who is never on both sides of a fold, inner folds of a tuned marker included.
    trainings
        For each marker, into how many tasks a fit is divided: one for each of its trainings with other seeds.
    """

    markers: list[dict[str, Any]]
    slugs: list[str]
    fitted_by: list[str]
    outcome: dict[str, Any]
    splits: str
    seed: int
    cache: str
    device: str
    explaining: int | None
    group_by: GroupBy = "patient"
    trainings: list[int] = field(default_factory=list)

    def write(self, folder: Folder) -> None:
        """Write ``plan.json``."""
        folder.write_text("plan.json", json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Folder) -> Plan:
        """Read ``plan.json``."""
        given = json.loads(folder.read("plan.json"))
        # Of a run by an earlier version, whose fits were never divided.
        return cls(**{"trainings": [1] * len(given["markers"]), **given})

    def entry(self, position: int) -> MarkerPlan:
        """A marker as the study gives it, with what is tuned of it."""
        return MarkerPlan.model_validate(self.markers[position])

    def name(self, position: int) -> str:
        """What the report calls it."""
        return str(self.markers[position]["name"])


def seed_of(study_seed: int, marker: str, repeat: int, fold: int) -> int:
    """The seed of one task, below 2**32: the same for the same study, marker, repeat and fold, wherever it runs."""
    text = json.dumps([study_seed, marker, repeat, fold])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def slugs(names: list[str]) -> list[str]:
    """Names as folder names, told apart by ``--`` and a number (which no name gives) where they would be equal."""
    plain = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "marker" for name in names]
    return [slug if plain.count(slug) == 1 else f"{slug}--{i}" for i, slug in enumerate(plain)]


def task_digest(plan: Plan, marker: int, fold: Fold, training: int | None = None) -> str:
    """SHA-256 (hex) of everything that a task's scores depend on: a result with another digest is not reused."""
    seed = seed_of(plan.seed, plan.name(marker), fold.repeat, fold.fold)
    parts = [plan.fitted_by[marker], seed, fold.train, fold.test, plan.device, marker == plan.explaining]
    if training is not None:
        parts.append(training)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def cohort_digest(cohort: Cohort, cache: EncoderCache) -> str:
    """SHA-256 (hex) of the tables and of every file's bytes; paths do not count, so that a cohort may move."""
    recordings = cohort.recordings.drop(columns="path")
    recordings = recordings.assign(content=[cache.content(path) for path in cohort.recordings["path"]])
    text = cohort.patients.to_csv(lineterminator="\n") + recordings.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def codes(patient_ids: tuple[str, ...], seed: int) -> dict[str, str]:
    """A code such as ``P0007`` for each patient, dealt out at random so that it says nothing about the id's order."""
    width = max(4, len(str(len(patient_ids))))
    drawn = np.random.default_rng([seed, 0x70726573]).permutation(len(patient_ids)) + 1
    return {pid: f"P{number:0{width}d}" for pid, number in zip(patient_ids, drawn.tolist(), strict=True)}


def write_key(folder: Folder, by_id: dict[str, str]) -> None:
    """Write ``key.csv``, the only place where ids and codes meet."""
    table = pd.DataFrame({"patient_id": list(by_id), "code": list(by_id.values())}).sort_values("code")
    folder.write_text("key.csv", table.to_csv(index=False, lineterminator="\n"))


def read_key(folder: Folder) -> dict[str, str]:
    """Code by patient id."""
    table = parse_csv(folder.read("key.csv"), "key.csv")
    return dict(zip(table["patient_id"], table["code"], strict=True))


def code_of(folder: Folder, patient_id: str) -> str:
    """The code of a patient in a run.

    Raises
    ------
    InputError
        If there is no such patient, or the folder is no run.
    """
    known = read_key(folder) if folder.exists("key.csv") else {}
    if patient_id not in known:
        raise InputError(
            f"no patient of this run has the id {patient_id!r}",
            where=folder.place("key.csv"),
            cure="the file lists ids and codes; who was left out of the study has none",
        )
    return known[patient_id]


def write_snapshot(cohort: Cohort, folder: Folder) -> None:
    """The tables of the cohort as it entered the study, in a folder for its owner alone."""
    place = folder.child("cohort", private=True)
    for name, data in cohort_files(cohort, place.address).items():
        place.write(name, data)


def read_snapshot(folder: Folder, outcome: Outcome) -> Cohort:
    """The cohort of :func:`write_snapshot`, without checking files again and without a way back to its folder."""
    patients = parse_csv(folder.read("cohort/patients.csv"), "patients.csv")
    recordings = parse_csv(folder.read("cohort/recordings.csv"), "recordings.csv")
    hidden = read_description(folder.place("cohort")).outcomes
    table = typed(patients, TEXT_COLUMNS).set_index("patient_id").sort_index()
    return Cohort(table, recordings.reset_index(drop=True), outcome=outcome, outcome_columns=hidden)
