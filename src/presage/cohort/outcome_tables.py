"""The table of outcomes that comes with a folder of recordings, by original patient ids."""

from __future__ import annotations

import re

import pandas as pd

from presage.cohort import storage
from presage.cohort.errors import InputError
from presage.cohort.tables import parse_csv

_IDENTIFYING = re.compile(r"name|birth|dob$|address|phone|mail|postcode|zip|ssn|accession|mrn|insurance|national", re.I)
# Columns that group or describe patients; every other column of the outcomes table may reveal the outcome.
_COVARIATES = ("site", "match_set", "age")


def read_outcomes(path: str) -> pd.DataFrame:
    """The table as text. Raises InputError without ``patient_id``, for repeated patients and identifying columns."""
    try:
        table = parse_csv(storage.read_bytes(path), path).fillna("").reset_index(drop=True)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "there is no such outcomes table" if missing else f"the outcomes table cannot be read: {error.strerror}"
        raise InputError(what, where=path, cure="check the path") from error
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


def patients_with_outcomes(
    people: dict[str, str], table: pd.DataFrame | None, *, ids: str
) -> tuple[pd.DataFrame, list[str]]:
    """``patients.csv`` with the outcomes of each patient, and notes on who is missing on either side.

    Parameters
    ----------
    people
        Original id (after its issuer and a null character, where there is one) by pseudonym.
    table
        From :func:`read_outcomes`; None for none.
    ids
        What the ids of the table are, for messages ("the names of the folders").
    """
    patients = pd.DataFrame({"patient_id": sorted(people)})
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
            "no patient of the outcomes table has a usable recording in the folder",
            cure=f"check that its column patient_id holds {ids}, with leading zeros",
        )
    notes = [f"{unknown} patient(s) with recordings have no row in the outcomes table."] if unknown else []
    notes += [f"{unused} row(s) of the outcomes table have no usable recording."] if unused else []
    return pd.concat([patients, rows], axis=1), notes


def outcome_columns(patients: pd.DataFrame, covariates: str) -> tuple[str, ...]:
    """The columns that no marker may see: all but the known covariates and the named ones (comma separated)."""
    visible = {name.strip() for name in covariates.split(",") if name.strip()}
    unknown = visible - set(patients.columns)
    if unknown:
        raise InputError(f"the outcomes table has no column {', '.join(sorted(unknown))}", cure="correct `covariates`")
    return tuple(c for c in patients.columns if c not in {"patient_id", *_COVARIATES, *visible})
