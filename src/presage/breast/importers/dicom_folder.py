"""A folder of DICOM mammograms to a de-identified cohort folder."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from presage.breast.importers.deidentify import deidentified
from presage.breast.importers.pseudonyms import Pseudonyms, open_key
from presage.breast.importers.scan import Found, scan, shared_ids, visits, without_duplicates
from presage.breast.importers.summary import (
    ImportSummary,
    new_cohort_folder,
    source_files,
    write_excluded,
    write_tables,
)
from presage.breast.reading.dicom import located, parse
from presage.breast.reading.source import read_all
from presage.cohort import InputError, UnusableRecording, storage

_IDENTIFYING = re.compile(r"name|birth|dob$|address|phone|mail|postcode|zip|ssn|accession|mrn|insurance|national", re.I)
# Columns that group or describe patients; every other column of the outcomes table may reveal the outcome.
_COVARIATES = ("site", "match_set", "age")


def import_dicom(
    source: str,
    cohort: str,
    *,
    outcomes: str = "",
    covariates: str = "",
    key: str = "",
    link: bool = False,
    name: str = "",
) -> ImportSummary:
    """Make a cohort of every mammogram in a folder of DICOM files.

    Files may have any name. What is no whole-breast CC or MLO mammogram is left out and counted by its reason. Patient
    ids become keyed hashes, visits are numbered by date, and the files are written anew with their pixels and the tags
    needed to read them alone.

    Parameters
    ----------
    source
        Folder to walk.
    cohort
        Folder to make.
    outcomes
        CSV table with the original ids in ``patient_id`` and one row per patient; its other columns come into
        ``patients.csv``.
    covariates
        Names, comma separated, of columns of that table that a marker may see; ``site``, ``match_set`` and ``age``
        always are. All others count as outcomes, which no marker sees when it scores.
    key
        File of the secret key; ``<cohort>.key`` beside the cohort folder by default, made where it is not there.
    link
        Refer to the original files instead of writing de-identified copies. The originals still hold the identity of
        the patients.
    name
        Name of the cohort, for the report.

    Raises
    ------
    InputError
        If there is no usable mammogram, the key lies in the cohort folder, or the outcomes table is missing, has
        duplicate patients, or has columns that identify persons.
    """
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    table = _read_outcomes(outcomes) if outcomes else None
    pseudonyms, key_path, made = open_key(key, target)
    found, excluded = scan(root, files, accept_burned_in=link)
    found, duplicates = without_duplicates(found)
    several, renamed = shared_ids(found)
    shared = [(image.file, "patient id shared by different persons") for image in found if image.person in several]
    found = [image for image in found if image.person not in several]
    recordings, damaged = _recordings(found, root, target, pseudonyms, link)
    excluded = sorted(excluded + duplicates + shared + damaged)
    if not recordings:
        raise InputError(
            f"none of {len(files)} files is a usable mammogram ({_most(excluded)})", where=root, cure="check the folder"
        )
    people = {pseudonyms.patient(image.person): image.person for image in found}
    patients, notes = _patients(sorted({row["patient_id"] for row in recordings}), people, table)
    write_tables(
        target,
        patients,
        pd.DataFrame(recordings),
        name=name or "Imported mammograms",
        description="Imported from DICOM; patient ids are keyed hashes.",
        outcomes=_outcome_columns(patients, covariates),
    )
    write_excluded(storage.join(target, "excluded.csv"), [(pseudonyms.file(file), reason) for file, reason in excluded])
    notes = _key_notes(key_path, made) + notes + _person_notes(several, renamed, pseudonyms)
    if link:
        notes.append(
            "The cohort refers to the original files, which still hold the identity of the patients: do not share or "
            "move them."
        )
    return ImportSummary(len(patients), len(recordings), excluded, notes, {"manufacturers": _makers(recordings)})


def _recordings(
    found: list[Found], root: str, target: str, pseudonyms: Pseudonyms, link: bool
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows of ``recordings.csv``; unless `link`, each image is copied without identity on the way."""
    number = visits(found)
    rows, damaged = [], []
    for image in found:
        patient, visit = pseudonyms.patient(image.person), number[image.person, image.study]
        path = storage.join(root, image.file)
        if not link:
            try:
                content = _copy(path, image, patient, pseudonyms)
            except UnusableRecording as unusable:
                damaged.append((image.file, unusable.reason))
                continue
            title = f"{visit}_{image.facts.laterality}_{image.facts.view}_{pseudonyms.file(image.instance)}.dcm"
            path = storage.join(target, f"images/{patient}/{title}")
            storage.write_bytes(path, content)
        rows.append(
            {
                "patient_id": patient,
                "visit": visit,
                "kind": "mammogram",
                "path": path,
                "laterality": image.facts.laterality,
                "view": image.facts.view,
                "origin": image.facts.origin,
                "manufacturer": image.manufacturer,
                "model": image.model,
            }
        )
    # The order of files would tell the order of their names in the source.
    rows.sort(key=lambda row: (row["patient_id"], row["visit"], row["laterality"], row["view"], row["path"]))
    return rows, damaged


def _copy(path: str, image: Found, patient: str, pseudonyms: Pseudonyms) -> bytes:
    data = read_all(path)
    with located(path):
        dataset = parse(data)
        if "PixelData" not in dataset:
            raise UnusableRecording("no pixel data", "the DICOM object has no Pixel Data (7FE0,0010)")
        return deidentified(dataset, image.facts, patient, pseudonyms)


def _read_outcomes(path: str) -> pd.DataFrame:
    try:
        with storage.open_file(path) as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"the outcomes table cannot be read ({type(error).__name__})", where=path) from error
    if "patient_id" not in table.columns:
        raise InputError(
            f"no column patient_id; the columns are {', '.join(map(str, table.columns))}",
            where=path,
            cure="name the column of original patient ids patient_id",
        )
    personal = [column for column in table.columns if _IDENTIFYING.search(str(column))]
    ids = set(table["patient_id"].str.strip()) - {""}
    # A second column of the same ids would undo the pseudonyms.
    personal += [
        c for c in table.columns if c != "patient_id" and len(ids & set(table[c].str.strip())) > len(ids) / 2 > 1
    ]
    if personal:
        raise InputError(
            f"the column(s) {', '.join(map(repr, personal))} may identify persons and would come into the cohort",
            where=path,
            cure="delete these columns, or rename them where they do not",
        )
    table["patient_id"] = table["patient_id"].str.strip()
    repeated = int(table["patient_id"].duplicated().sum())
    if repeated:
        raise InputError(f"{repeated} patient(s) have more than one row", where=path, cure="one row per patient")
    return table


def _patients(
    pseudonyms: list[str], people: dict[str, str], table: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    """``patients.csv``: pseudonyms with their outcomes, joined by the original id (with or without its issuer)."""
    patients = pd.DataFrame({"patient_id": pseudonyms})
    if table is None:
        return patients, [
            "No outcomes were given: add outcome columns to patients.csv, or import again with `outcomes`."
        ]
    original = patients["patient_id"].map(lambda pseudonym: people[pseudonym].rsplit("\0", 1)[-1])
    rows = table.set_index("patient_id").reindex(original).reset_index(drop=True)
    unknown = int((~original.isin(table["patient_id"])).sum())
    unused = int((~table["patient_id"].isin(original)).sum())
    if unknown == len(patients):
        raise InputError(
            "no patient of the outcomes table has a usable mammogram in the folder",
            cure="check that its column patient_id holds the ids of Patient ID (0010,0020), with leading zeros",
        )
    notes = [f"{unknown} patient(s) with mammograms have no row in the outcomes table."] if unknown else []
    notes += [f"{unused} row(s) of the outcomes table have no usable mammogram."] if unused else []
    return pd.concat([patients, rows], axis=1), notes


def _outcome_columns(patients: pd.DataFrame, covariates: str) -> tuple[str, ...]:
    visible = {name.strip() for name in covariates.split(",") if name.strip()}
    unknown = visible - set(patients.columns)
    if unknown:
        raise InputError(f"the outcomes table has no column {', '.join(sorted(unknown))}", cure="correct `covariates`")
    return tuple(c for c in patients.columns if c not in {"patient_id", *_COVARIATES, *visible})


def _key_notes(path: object, made: bool) -> list[str]:
    said = "A new secret key was written to" if made else "The secret key was read from"
    return [
        f"{said} {path}. Keep it apart from the cohort and private: with it, pseudonyms can be traced to patient ids."
    ]


def _person_notes(several: set[str], renamed: set[str], pseudonyms: Pseudonyms) -> list[str]:
    notes = []
    if several:
        notes.append(
            f"{len(several)} patient id(s) stand for different persons (birth date or sex differ) and were left out "
            f"with all "
            "their images: give these persons ids of their own in the source."
        )
    if renamed:
        listed = ", ".join(sorted(pseudonyms.patient(person) for person in renamed)[:5])
        notes.append(
            f"{len(renamed)} patient id(s) come with different names but one birth date and sex, as after a "
            f"marriage; they were "
            f"kept. Check that each is one person: {listed}{' ...' if len(renamed) > 5 else ''}."
        )
    return notes


def _makers(recordings: list[dict[str, Any]]) -> dict[str, int]:
    counts = pd.Series([row["manufacturer"] or "unknown" for row in recordings]).value_counts()
    return {str(maker): int(count) for maker, count in counts.items()}


def _most(excluded: list[tuple[str, str]]) -> str:
    return ", ".join(f"{reason}: {n}" for reason, n in ImportSummary(0, 0, excluded).reasons.items()) or "nothing there"
