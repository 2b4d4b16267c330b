"""Whose tumour an id of a table is, and the tables of a cohort matched by patient."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from presage.cohort import Flow, InputError
from presage.tumor.readers import Mutations, match, patient_of
from presage.tumor.readers.barcodes import in_preference
from presage.tumor.readers.tables import read_table

#: The word before the ids of made-up patients.
PHANTOM = "PHANTOM"
#: Why a sample of mutations is left out.
FURTHER = "further or normal sample of a patient in mutations"


def owners_in(path: Path | None) -> dict[str, str]:
    """Whose tumour each id is, from a table with the columns `id` and `patient`; nothing where there is none."""
    if path is None:
        return {}
    table = read_table(path, dtype=str)
    if not {"id", "patient"} <= set(table):
        raise InputError("has no columns id and patient", where=path.name, cure="one row for each id of any table")
    hollow = np.flatnonzero(table[["id", "patient"]].isna().any(axis=1).to_numpy())
    if hollow.size:
        told = f"row {int(hollow[0]) + 2} has no id or no patient ({hollow.size} such)"
        raise InputError(told, where=path.name, cure="Fill or remove them.")
    owners = dict(zip(table["id"], table["patient"], strict=True))
    unclear = [who for who in dict.fromkeys(owners.values()) if owners.get(who, who) != who]
    if unclear:
        raise InputError(
            f"{unclear[0]!r} is a patient, and also an id of patient {owners[unclear[0]]!r} ({len(unclear)} such): in "
            "a table it would mean two people",
            where=path.name,
            cure="give the patients names that no table has as an id of somebody else, such as P001",
        )
    return owners


def matched(
    ids: dict[str, list[str]], path: Path | None, *, settled: Collection[str] = ()
) -> tuple[tuple[str, ...], dict[str, list[str]], Flow]:
    """Match tables by patient, see :func:`presage.tumor.readers.match`.

    Parameters
    ----------
    ids
        Name of a table -> its ids.
    path
        Of :func:`owners_in`.
    settled
        Tables whose ids are patients already: a map is not asked again, in which their names may stand for others.

    Returns
    -------
    patients
        Those that every table has.
    ids
        Name of a table -> its own id of each of them, in the same order.
    flow
        Who was lost.
    """
    owners = owners_in(path)
    maps = {
        name: {one: one if name in settled else owners.get(one, patient_of(one)) for one in own}
        for name, own in ids.items()
    }
    try:
        found = match(ids, maps if owners else None)
    except InputError as error:
        cure = "tell whose ids they are: --patients FILE.csv with the columns id and patient"
        raise InputError(error.what, where=error.where, cure=cure) from None
    return found.patients, {name: [found.ids[name][who] for who in found.patients] for name in ids}, found.flow


def one_tumour_each(mutations: Mutations, owners: Mapping[str, str] | None = None) -> tuple[Mutations, Flow]:
    """The calls of one tumour of each patient: a recurrence or a metastasis is another tumour than the primary.

    Parameters
    ----------
    owners
        Sample -> patient, for samples whose patient is another one than was read.

    Returns
    -------
    Mutations
        Of the primary where barcodes tell which it is (``SAMPLE_TYPES`` of the readers), else of the
        first sample by name; normal samples never count.
    Flow
        Samples that were left out.
    """
    read = mutations.table[["sample", "patient"]].astype(str).drop_duplicates("sample")
    known = dict(zip(read["sample"], read["patient"], strict=True)) | dict(owners or {})
    whose = {name: known.get(name, patient_of(name)) for name in mutations.samples}
    chosen: dict[str, str] = {}
    for name in in_preference(mutations.samples):
        chosen.setdefault(whose[name], name)
    kept = {name: patient for patient, name in chosen.items()}
    flow = Flow()
    flow.add("match", FURTHER, "recording", [name for name in mutations.samples if name not in kept])
    table = mutations.table[mutations.table["sample"].isin(list(kept))]
    counts, dropped = dict(mutations.counts), len(mutations.table) - len(table)
    if dropped:
        counts["calls of further or normal samples of a patient"] = dropped
    table = table.assign(patient=table["sample"].astype(str).map(kept)).reset_index(drop=True)
    patients, samples = tuple(sorted(chosen)), tuple(sorted(kept))
    return replace(mutations, table=table, patients=patients, samples=samples, counts=counts), flow


def by_patient(table: pd.DataFrame, path: Path | None = None) -> pd.DataFrame:
    """Rows by patient, one sample of each."""
    patients, rows_of, _ = matched({"copy number": list(table.index)}, path)
    return table.loc[rows_of["copy number"]].set_axis(list(patients))
