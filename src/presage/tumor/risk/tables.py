"""A cohort for the study of risk from a mutation table (MAF) and a clinical table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from presage.cohort import Cohort, InputError, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, write_tables
from presage.tumor.doubts import doubts_of, left_out
from presage.tumor.people import PHANTOM, by_patient, one_tumour_each
from presage.tumor.readers import (
    Clinical,
    Mutations,
    gains_and_losses,
    gene_copies,
    read_clinical,
    read_maf,
    read_segments,
)
from presage.tumor.readers import gene_positions as called_positions
from presage.tumor.readers.columns import plain
from presage.tumor.reading import read_positions
from presage.tumor.risk.kind import COLUMNS
from presage.tumor.risk.markers import COPIES

#: Classes of mutations that change the protein.
CHANGES = ("missense", "truncating", "indel")
_STAGES = ("cdr_ajcc_pathologic_tumor_stage", "ajcc_pathologic_stage", "ajcc_pathologic_tumor_stage", "stage")
_GRADES = ("cdr_histological_grade", "histological_grade", "tumor_grade", "grade")
_OUTCOMES = ("os_days", "os_event", "pfi_days", "pfi_event")


def risk_table(
    mutations: Mutations, clinical: Clinical, *, least: float = 0.02, copies: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per patient of both tables: follow-up, `age`, `stage`, `burden` and a column `mut_GENE` for each gene.

    Parameters
    ----------
    mutations, clinical
        As read; of several samples of a patient the primary tumour's is kept.
    least
        Share of patients in whom a gene must be mutated to have a column. It looks at no outcome.
    copies
        Copy number of genes, patients x genes, -2 to 2: gives columns `cna_amplified_GENE` (2) and
        `cna_lost_GENE` (-2) of genes with that in a share `least` of its patients; NaN for patients whom it
        does not have.

    Raises
    ------
    InputError
        When no patient is in both tables, or there is neither stage nor grade.
    """
    mutations, _ = one_tumour_each(mutations)
    kept = mutations.table
    # Somebody whose sample has no row in the file cannot be told from somebody who was not sequenced.
    people = sorted(set(mutations.patients) & set(clinical.table.index))
    if not people:
        raise InputError("no patient is in both tables", cure="check that their ids are of one kind")
    table = clinical.table.loc[people, [c for c in (*_OUTCOMES, "age") if c in clinical.table]].copy()
    table["stage"] = _stage(clinical.table.loc[people])
    patients = kept["patient"].astype(str)
    table["burden"] = patients.value_counts().reindex(people, fill_value=0)
    changing = kept[kept["class"].isin(CHANGES)]
    pairs = pd.DataFrame({"patient": changing["patient"].astype(str), "gene": changing["gene"].astype(str)})
    pairs = pairs[pairs["patient"].isin(people)].drop_duplicates()
    counts = pairs["gene"].value_counts()
    frequent = sorted(counts.index[counts.to_numpy() >= least * len(people)])
    pairs = pairs[pairs["gene"].isin(frequent)]
    hits = pd.crosstab(pairs["patient"], pairs["gene"]).reindex(index=people, columns=frequent, fill_value=0)
    found = table.join(hits.add_prefix("mut_"))
    if copies is not None:
        found = found.join(_copy_columns(copies.loc[copies.index.intersection(people)], least).reindex(people))
    # A follow-up of no time tells nothing: such patients have no outcome, and the study counts them as excluded.
    for outcome in ("os", "pfi"):
        if f"{outcome}_days" in found:
            none = ~(found[f"{outcome}_days"] > 0)
            found.loc[none, [f"{outcome}_days", f"{outcome}_event"]] = float("nan")
    found.index.name = "patient_id"
    return found


def _copy_columns(copies: pd.DataFrame, least: float) -> pd.DataFrame:
    parts = []
    for prefix, has in zip(COPIES, (copies >= 2, copies <= -2), strict=True):
        parts.append(has.loc[:, has.mean() >= least].astype(float).add_prefix(prefix))
    return pd.concat(parts, axis=1)


def make_risk_cohort(
    maf: Path | str,
    clinical: Path | str,
    cohort: str,
    *,
    build: str | None = None,
    least: float = 0.02,
    outcome: str = "os",
    copy_number: Path | str | None = None,
    gene_positions: Path | None = None,
) -> ImportSummary:
    """Write a cohort folder from a MAF and a clinical table: :func:`risk_table`, and each tumour's mutations as a file.

    Parameters
    ----------
    outcome
        `os` or `pfi`: whose events are told.
    copy_number, gene_positions
        Segments (log2 ratios) in the build of the MAF: amplified and lost genes get columns, too. Without a table of
        positions (gene, chromosome, start, end) a gene lies from its first to its last call.

    Raises
    ------
    InputError
        As the readers do; a cohort that is there already; nobody with this outcome; no gene that is mutated in the
        share `least`, or one that is no share.
    """
    if not 0 <= least < 1:
        raise InputError(
            f"the least share of patients in whom a gene is mutated is from 0 to below 1, not {least:g}",
            cure="for example --least 0.02",
        )
    target = new_cohort_folder(cohort)
    followed = read_clinical(clinical)
    mutations, further = one_tumour_each(read_maf(maf, build=build))
    copies = None if copy_number is None else _copies(copy_number, gene_positions, mutations)
    table = risk_table(mutations, followed, least=least, copies=copies)
    event = f"{outcome}_event"
    if event not in table or table[event].isna().all():
        raise InputError(
            f"nobody has {outcome.upper()} follow-up",
            where=Path(clinical).name,
            cure="it needs a status and days, as OS and OS.time",
        )
    if not any(str(column).startswith("mut_") for column in table):
        raise InputError(
            f"no gene is mutated in a share of {least:g} of the {len(table)} patients",
            where=Path(maf).name,
            cure="a lower --least, or check that the calls are not silent ones alone",
        )
    kept = mutations.table
    of = dict(list(kept[list(COLUMNS)].groupby(kept["patient"].astype(str))))
    rows = []
    for number, patient in enumerate(table.index, start=1):
        path = storage.join(target, f"mutations/{number:05d}.tsv")
        own = of.get(patient, kept.iloc[:0])
        storage.write_bytes(path, own.to_csv(sep="\t", index=False, lineterminator="\n").encode())
        rows.append({"patient_id": patient, "visit": "1", "kind": "mutations", "path": path})
    outcomes = tuple(column for column in _OUTCOMES if column in table)
    about = f"Mutated genes{'' if copies is None else ', changes of copy number'} (0/1), number of mutations, stage or "
    about += "grade, age and follow-up in days."
    write_tables(
        target,
        table.reset_index(),
        pd.DataFrame(rows),
        name=Path(maf).name,
        description=about,
        outcomes=outcomes,
        phantom=any(str(patient).startswith(PHANTOM) for patient in table.index),
    )
    genes = sum(str(column).startswith("mut_") for column in table)
    lost = len(set(followed.table.index)) - len(table)
    without = len(set(mutations.patients)) - len(table)
    notes = [
        f"{genes} genes have a column; {lost} patients of the clinical table have no mutation in the MAF, {without} of "
        f"the MAF no clinical row."
    ]
    cases, known = int(table[event].sum()), int(table[event].notna().sum())
    notes.append(f"{known} patients have {outcome.upper()} follow-up, {cases} of them the event.")
    if copies is not None:
        changes = sum(str(column).startswith(COPIES) for column in table)
        measured = len(set(table.index) & set(copies.index))
        notes.append(
            f"{changes} changes of copy number have a column; {measured} of {len(table)} patients have segments."
        )
    notes += [f"Warning: {doubt.terminal}" for doubt in (*left_out(further), *doubts_of(mutations))]
    facts = {"outcome": f"{outcome}_days", "cases": cases, "controls": known - cases}
    return ImportSummary(len(table), len(rows), [], notes, facts)


def _copies(path: Path | str, positions: Path | None, mutations: Mutations) -> pd.DataFrame:
    """Copy number of genes, patients x genes, -2 to 2, of one sample of each patient."""
    segments = read_segments(path, build=mutations.build)
    genes = called_positions(mutations) if positions is None else read_positions(positions)
    return by_patient(gains_and_losses(gene_copies(segments, genes, segments.build)))


def read_risk_cohort(maf: Path | str, clinical: Path | str, *, build: str | None = None) -> Cohort:
    """The same as a :class:`~presage.cohort.Cohort` in memory."""
    table = risk_table(read_maf(maf, build=build), read_clinical(clinical))
    outcomes = tuple(column for column in _OUTCOMES if column in table)
    empty = pd.DataFrame(columns=["patient_id", "visit", "kind", "path"])
    return Cohort(table, empty, name=Path(maf).name, outcome_columns=outcomes)


def _stage(table: pd.DataFrame) -> pd.Series:
    """Stage where anybody has one, else grade; what is not a stage or grade is missing."""
    by_plain = {plain(str(name)): name for name in table.columns}
    for names in (_STAGES, _GRADES):
        for name in names:
            if name not in by_plain:
                continue
            words = table[by_plain[name]].astype(str).str.strip()
            found = words.str.extract(r"^(?:Stage )?(IV|I{1,3}|G[1-4])[ABC]?\d?$", expand=False)
            if found.notna().any():
                return found
    raise InputError(
        "the clinical table has neither stage nor grade", cure="it needs a column such as histological_grade"
    )
