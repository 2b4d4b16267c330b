"""Follow-up of tumour patients: overall survival and progression-free interval from several makes of table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from presage.cohort import Flow, InputError
from presage.tumor.readers.barcodes import patient_of
from presage.tumor.readers.columns import plain
from presage.tumor.readers.tables import read_table

#: Days of a year.
YEAR = 365.25

_IDS = ("tumor_sample_barcode_min", "bcr_patient_barcode", "patient_id", "patient", "case_submitter_id",
        "submitter_id", "tumor_sample_barcode", "sample_id")  # fmt: skip
_EVENT = {
    "os": ("cdr_os", "os", "os_status", "overall_survival_status", "vital_status", "cdr_vital_status"),
    "pfi": ("cdr_pfi", "pfi", "pfs_status", "pfi_status", "pfs"),
}
_DAYS = {
    "os": ("cdr_os_time", "os_time", "os_days", "days_to_last_followup"),
    "pfi": ("cdr_pfi_time", "pfi_time", "pfi_days"),
}
_MONTHS = {"os": ("os_months", "overall_survival_months"), "pfi": ("pfs_months", "pfi_months")}
_DEATH, _LAST = ("days_to_death",), ("days_to_last_follow_up", "days_to_last_followup")
_AGE = ("cdr_age_at_initial_pathologic_diagnosis", "age_at_initial_pathologic_diagnosis", "age_at_diagnosis", "age")
_HAPPENED = {
    "1",
    "1.0",
    "true",
    "dead",
    "deceased",
    "1:deceased",
    "1:progressed",
    "progressed",
    "progression",
    "1:progression",
}
_NOT = {"0", "0.0", "false", "alive", "living", "0:living", "0:censored", "censored", "censorfree", "disease free"}
_MISSING = {
    "",
    "na",
    "nan",
    "none",
    "#n/a",
    "[not available]",
    "[not applicable]",
    "[unknown]",
    "'--",
    "--",
    "not reported",
}
# A mean Gregorian month, for tables that give months.
_MONTH = 30.436875


@dataclass(frozen=True)
class Clinical:
    """Follow-up of patients.

    Attributes
    ----------
    table
        Indexed by patient: `os_event`, `os_days`, `pfi_event`, `pfi_days` (NaN where not known), `age` in years where
        the file has it, then the file's other columns as they are.
    flow
        Patients without a usable outcome, with the reason.
    """

    table: pd.DataFrame
    flow: Flow


def read_clinical(path: Path | str, patients: Mapping[str, str] | None = None) -> Clinical:
    """Read a clinical table (TCGA-CDR and MC3, GDC, cBioPortal, or columns named like theirs).

    Parameters
    ----------
    path
        Tab- or comma-separated, plain or gzipped; lines that start with `#` are passed over.
    patients
        The table's id -> patient; without it TCGA barcodes give their patients.

    Raises
    ------
    InputError
        When there is no id or no survival, a status is not understood, or a patient has two rows that differ.
    """
    where = Path(path).name
    table = read_table(path, dtype=str, comment="#", keep_default_na=False)
    by_plain = {plain(name): name for name in table.columns}
    key = _one(by_plain, _IDS)
    if key is None:
        raise InputError(
            "has no column of patients or samples", where=where, cure=f"It has {', '.join(by_plain)[:300]}."
        )
    given = patients or {}
    who = table[key].map(lambda name: given.get(name, patient_of(name)))
    found = pd.DataFrame({"patient": who})
    for outcome in ("os", "pfi"):
        found[f"{outcome}_event"], found[f"{outcome}_days"] = _outcome(table, by_plain, outcome, where)
    if found[["os_days", "pfi_days"]].isna().all(axis=None):
        raise InputError(
            "has no survival or progression with its time",
            where=where,
            cure="It needs a status and days, as OS and OS.time.",
        )
    age = _one(by_plain, _AGE)
    if age is not None:
        found["age"] = _numbers(table[age])
    joined = pd.concat([found, table.drop(columns=key).rename(columns={"age": "age as given"})], axis=1)
    return _one_row_each(joined, found, where)


def _one_row_each(joined: pd.DataFrame, found: pd.DataFrame, where: str) -> Clinical:
    flow = Flow()
    distinct = found.drop_duplicates()
    twice = distinct[distinct["patient"].duplicated(keep=False)]
    if len(twice):
        raise InputError(
            f"{twice['patient'].nunique()} patient(s) have rows whose follow-up differs (first in row "
            f"{int(twice.index[0]) + 2})",
            where=where,
            cure="Keep the row of the last follow-up.",
        )
    table = joined[~joined["patient"].duplicated()].set_index("patient")
    for outcome in ("os", "pfi"):
        event, days = table[f"{outcome}_event"], table[f"{outcome}_days"]
        flow.add("clinical", f"no {outcome.upper()} status or time", "patient", table.index[event.isna() | days.isna()])
        negative = days < 0
        flow.add("clinical", f"{outcome.upper()} time below nought", "patient", table.index[negative])
        table.loc[event.isna() | days.isna() | negative, [f"{outcome}_event", f"{outcome}_days"]] = np.nan
    return Clinical(table, flow)


def _outcome(table: pd.DataFrame, by_plain: Mapping[str, str], outcome: str, where: str) -> tuple[pd.Series, pd.Series]:
    nothing = pd.Series(np.nan, index=table.index)
    column = _one(by_plain, _EVENT[outcome])
    if column is None:
        return nothing, nothing
    words = table[column].str.strip().str.lower()
    event = pd.Series(np.where(words.isin(_HAPPENED), 1.0, np.where(words.isin(_NOT), 0.0, np.nan)), index=table.index)
    strange = sorted(set(words[event.isna()]) - _MISSING)
    if strange:
        raise InputError(f"{column} has {strange[0]!r}", where=where, cure="Understood are 0 and 1, alive and dead.")
    days = _one(by_plain, _DAYS[outcome])
    months = _one(by_plain, _MONTHS[outcome])
    death, last = _one(by_plain, _DEATH), _one(by_plain, _LAST)
    if outcome == "os" and death is not None and last is not None:
        return event, _numbers(table[death]).where(event == 1, _numbers(table[last]))
    if days is not None:
        return event, _numbers(table[days])
    return event, nothing if months is None else _numbers(table[months]) * _MONTH


def _one(by_plain: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((by_plain[name] for name in names if name in by_plain), None)


def _numbers(column: pd.Series) -> pd.Series:
    # R writes the maximum of nothing as -Inf: that is a missing time.
    return pd.to_numeric(column, errors="coerce").replace([np.inf, -np.inf], np.nan)
