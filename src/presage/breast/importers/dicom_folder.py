"""A folder of DICOM mammograms to a de-identified cohort folder."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import pandas as pd
from fsspec.core import url_to_fs

from presage.breast.importers.deidentify import deidentified
from presage.breast.importers.pseudonyms import Pseudonyms, open_key
from presage.breast.importers.scan import Found, scan, shared_ids, visits, without_duplicates
from presage.breast.importers.summary import write_study
from presage.breast.phantom.vendors import MODEL
from presage.breast.reading.dicom import parse
from presage.breast.reading.source import located, read_all
from presage.cohort import InputError, UnusableRecording, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables
from presage.cohort.outcome_tables import outcome_columns, patients_with_outcomes, read_outcomes


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
    table = read_outcomes(outcomes) if outcomes else None
    pseudonyms, key_path, made = open_key(key, target)
    found, excluded = scan(root, files, accept_burned_in=link)
    found, duplicates = without_duplicates(found)
    several, renamed = shared_ids(found)
    shared = [(image.file, "patient id shared by different persons") for image in found if image.person in several]
    found = [image for image in found if image.person not in several]
    people = {pseudonyms.patient(image.person): image.person for image in found}
    # What the tables get wrong is said before gigabytes are copied.
    patients, notes = patients_with_outcomes(people, table, ids="the ids of Patient ID (0010,0020)")
    outcome_names = outcome_columns(patients, covariates)
    recordings, unusable = _recordings(found, root, target, pseudonyms, link)
    excluded = sorted(excluded + duplicates + shared + unusable)
    if not recordings:
        raise InputError(
            f"none of {len(files)} files is a usable mammogram ({_most(excluded)})", where=root, cure="check the folder"
        )
    patients = patients[patients["patient_id"].isin({row["patient_id"] for row in recordings})]
    phantom = any(row["model"] == MODEL for row in recordings)
    write_tables(
        target,
        patients,
        pd.DataFrame(recordings),
        name=name or "Imported mammograms",
        description="Imported from DICOM; patient ids are keyed hashes.",
        outcomes=outcome_names,
        phantom=phantom,
    )
    write_excluded(storage.join(target, "excluded.csv"), [(pseudonyms.file(file), reason) for file, reason in excluded])
    notes += _study(target, patients, recordings, outcome_names, name)
    notes = _key_notes(key_path, made) + notes + _person_notes(several, renamed, pseudonyms)
    if phantom:
        notes.append("There are made-up (phantom) images among these: cohort.yaml says so, and so will every page.")
    if link:
        notes.append(
            "The cohort refers to the original files, which still hold the identity of the patients: do not share or "
            "move them."
        )
    return ImportSummary(len(patients), len(recordings), excluded, notes, {"manufacturers": _makers(recordings)})


def _study(
    target: str, patients: pd.DataFrame, recordings: list[dict[str, Any]], outcomes: tuple[str, ...], name: str
) -> list[str]:
    """Write ``study.yaml`` where there is one outcome of 0 and 1 with both classes; say why not where there is none."""
    binary = [c for c in outcomes if set(patients[c].fillna("").str.strip()) - {""} == {"0", "1"}]
    if len(binary) != 1:
        found = f"{len(binary)} columns are ({', '.join(binary)})" if binary else "no column is"
        return [f"No study.yaml was written: it needs one outcome column of 0 and 1, with both, and {found}."]
    counts = patients[binary[0]].str.strip().value_counts()
    write_study(
        target,
        title=name or f"Mammographic markers of {binary[0].replace('_', ' ')}",
        column=binary[0],
        cases=int(counts["1"]),
        controls=int(counts["0"]),
        views=sorted({row["view"] for row in recordings}),
    )
    return []


def _recordings(
    found: list[Found], root: str, target: str, pseudonyms: Pseudonyms, link: bool
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows of ``recordings.csv``; unless `link`, each image is copied without identity on the way."""
    number = visits(found)
    rows, excluded = [], []
    same: dict[str, list[tuple[Found, str]]] = defaultdict(list)
    for image in found:
        patient, visit = pseudonyms.patient(image.person), number[image.person, image.study]
        path = storage.join(root, image.file)
        if not link:
            try:
                content, digest = _copy(path, image, patient, pseudonyms)
            except UnusableRecording as unusable:
                excluded.append((image.file, unusable.reason))
                continue
            title = f"{visit}_{image.facts.laterality}_{image.facts.view}_{pseudonyms.file(image.instance)}.dcm"
            path = storage.join(target, f"images/{patient}/{title}")
            storage.write_bytes(path, content)
            same[digest].append((image, path))
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
    dropped = _same_pixels(same)
    rows = [row for row in rows if row["path"] not in dropped]
    for path in dropped:
        files, inner = url_to_fs(path)
        files.rm(inner)
    # The order of files would tell the order of their names in the source.
    rows.sort(key=lambda row: (row["patient_id"], row["visit"], row["laterality"], row["view"], row["path"]))
    return rows, excluded + list(dropped.values())


def _same_pixels(same: dict[str, list[tuple[Found, str]]]) -> dict[str, tuple[str, str]]:
    """Copies to drop, by path, as (file, reason): pixels seen before, and pixels that two patients share."""
    dropped = {}
    for images in same.values():
        shared = len({image.person for image, _ in images}) > 1
        for image, path in images if shared else images[1:]:
            # One woman under two ids would stand on both sides of a split; new UIDs would hide her.
            dropped[path] = (image.file, "same pixels under two patient ids" if shared else "same image twice")
    return dropped


def _copy(path: str, image: Found, patient: str, pseudonyms: Pseudonyms) -> tuple[bytes, str]:
    """The de-identified file, and the SHA-256 of its pixels."""
    data = read_all(path)
    with located(path):
        dataset = parse(data)
        pixels = dataset.get("PixelData")
        if not isinstance(pixels, bytes) or not pixels:
            raise UnusableRecording("no pixel data", "the DICOM object has no Pixel Data (7FE0,0010)")
        return deidentified(dataset, image.facts, patient, pseudonyms), hashlib.sha256(pixels).hexdigest()


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
