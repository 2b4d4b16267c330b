"""The tables of a cohort brought together: which tumour has which alteration, and which of its genes changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from presage.cohort import Flow, InputError
from presage.tumor.readers import (
    Clinical,
    Expression,
    Mutations,
    changed_genes,
    gains_and_losses,
    gene_copies,
    gene_positions,
    match,
    patient_of,
    read_alterations,
    read_clinical,
    read_expression,
    read_maf,
    read_segments,
    split_normals,
    z_scores,
)
from presage.tumor.readers.tables import read_table
from presage.tumor.risk.tables import PHANTOM

ChangeRule = Literal["auto", "normals", "cohort", "given"]
#: Kinds of alterations in the order in which they are told; the last is that of a plain 0/1 table.
KINDS = ("missense", "truncating", "indel", "amplification", "deep loss", "altered")
# What a scale is called, and what was done with it.
_SCALES = {
    "log-ratio": "log ratio, as it is",
    "log-intensity": "log2 intensity, as it is",
    "counts": "counts, log2 of counts per million + 1 taken",
    "intensity": "intensity, log2 of it + 1 taken",
}


@dataclass(frozen=True)
class Files:
    """What a cohort consists of on disk.

    Attributes
    ----------
    expression
        Matrix of expression, or of 0 and 1 (changed or not) under the rule `given`. Without one nothing is known of
        what an alteration does in a tumour.
    maf, alterations
        Mutations, or in their place a 0/1 table of tumours x genes; one of the two.
    copy_number, gene_positions
        Segments; where genes lie (`gene`, `chromosome`, `start`, `end`), by default from the first to the last of the
        cohort's own calls in each gene.
    clinical
        Follow-up.
    patients
        `id`, `patient`: whose tumour an id of any of the tables is, for ids that are no TCGA barcodes.
    build
        Genome build of mutations and segments, where the MAF does not say it.
    """

    expression: Path | None = None
    maf: Path | None = None
    alterations: Path | None = None
    copy_number: Path | None = None
    gene_positions: Path | None = None
    clinical: Path | None = None
    patients: Path | None = None
    build: str | None = None


@dataclass(frozen=True)
class Tumours:
    """A cohort of tumours that have everything.

    Attributes
    ----------
    patients
        Their ids, in the order of the rows below.
    altered
        Tumours x genes, 1 where the gene is altered in any way.
    kinds
        Kind of alteration -> tumours x genes, of the kinds that occur.
    changed
        Tumours x genes, 1 where the expression changed; None without a matrix of expression.
    z
        How far and in which direction, tumours x genes; None where the changes were given.
    expression
        As measured, on a log scale, tumours x genes; None where the changes were given.
    rule
        When a gene counts as changed, in words; empty without expression.
    rare
        Genes altered in too few tumours to be judged, which are left out.
    mutations, clinical
        As read, None where there is none.
    copies
        Copy number of genes, patients x genes, -2 to 2, of all patients that have it; None without segments.
    owners
        Id -> patient, where a map was given.
    flow
        Patients who were lost.
    phantom
        Whether they are made up.
    scale
        What the scale of the expression was taken for, in words; empty where the changes were given.
    unjudged
        Tumours x the rare genes, 1 where altered.
    at_least
        In fewer tumours a gene is rare.
    """

    patients: tuple[str, ...]
    altered: pd.DataFrame
    kinds: Mapping[str, pd.DataFrame]
    changed: pd.DataFrame | None
    z: pd.DataFrame | None
    rule: str
    rare: int = 0
    mutations: Mutations | None = None
    clinical: Clinical | None = None
    copies: pd.DataFrame | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    flow: Flow = field(default_factory=Flow)
    phantom: bool = False
    expression: pd.DataFrame | None = None
    scale: str = ""
    unjudged: pd.DataFrame | None = None
    at_least: int = 2


def gather(
    files: Files,
    *,
    deg_rule: ChangeRule = "auto",
    deg_threshold: float = 3.0,
    at_least: int = 2,
    rows: Literal["tumours", "genes"] | None = None,
    repair_dates: bool = False,
    coding: bool = False,
) -> Tumours:
    """Read and match the tables of a cohort.

    Parameters
    ----------
    deg_rule
        When the expression of a gene counts as changed: against the normal samples of the matrix, against the cohort
        itself, as `given` (a matrix of 0 and 1), or `auto`: normals where there are at least three.
    deg_threshold
        |z| above which it does.
    at_least
        Genes altered in fewer tumours are left out: nothing can be learned of them.
    rows
        What the rows of the expression matrix are, where that cannot be told.
    repair_dates
        Whether gene symbols that a spreadsheet made into dates are undone.
    coding
        Whether coding changes, transcripts and contexts of the mutations are read, too.

    Raises
    ------
    InputError
        When a table is bad, no patient is in all of them, or nothing is altered or changed.
    """
    if (files.maf is None) == (files.alterations is None):
        raise InputError("mutations or a table of alterations are needed, one of them", cure="--maf or --alterations")
    mutations = None
    if files.maf is not None:
        dates: Literal["refuse", "repair"] = "repair" if repair_dates else "refuse"
        mutations = read_maf(files.maf, build=files.build, dates=dates, coding=coding)
    kinds = _kinds(files, mutations)
    tables = {"mutations": kinds["mutations"]}
    changed, z, values, rule, scale = None, None, None, "", ""
    if files.expression is not None:
        changed, z, values, rule, scale = _changed(files.expression, files, kinds, deg_rule, deg_threshold, rows)
        tables["expression"] = changed
    if "copy number" in kinds:
        tables["copy number"] = kinds["copy number"]
    patients, rows_of, flow = _matched({name: list(table.index) for name, table in tables.items()}, files.patients)
    parts = _split(kinds, mutations, patients, rows_of)
    genes = sorted(set().union(*(part.columns for part in parts.values())))
    if not genes:
        raise InputError("no tumour of the cohort has an alteration", cure="check the calls and the ids of the tumours")
    parts = {kind: part.reindex(columns=genes, fill_value=0).astype(np.int8) for kind, part in parts.items()}
    altered = pd.DataFrame(np.maximum.reduce([part.to_numpy() for part in parts.values()]), patients, genes)
    kept = [gene for gene, number in altered.sum().items() if number >= at_least]
    if not kept:
        raise InputError(
            f"no gene is altered in {at_least} tumours ({len(patients)} tumours, {len(genes)} genes)",
            cure="join cohorts of one cancer, or lower --at-least",
        )
    if changed is not None:
        mine = rows_of["expression"]
        changed = changed.loc[mine].set_axis(list(patients))
        z = None if z is None else z.loc[mine].set_axis(list(patients))
        values = None if values is None else values.loc[mine].set_axis(list(patients))
        if not changed.to_numpy().any():
            raise InputError("no gene counts as changed in any tumour", cure="lower --deg-threshold")
    return Tumours(
        patients=patients,
        altered=altered[kept],
        kinds={kind: part[kept] for kind, part in parts.items() if part[kept].to_numpy().any()},
        changed=changed,
        z=z,
        expression=values,
        rule=rule,
        rare=len(genes) - len(kept),
        mutations=mutations,
        clinical=None if files.clinical is None else read_clinical(files.clinical, owners_in(files.patients)),
        copies=by_patient(kinds["copy number"], files.patients) if "copy number" in kinds else None,
        owners=owners_in(files.patients),
        flow=flow,
        scale=scale,
        unjudged=altered.drop(columns=kept),
        at_least=at_least,
        phantom=any(str(name).startswith(PHANTOM) for name in patients),
    )


def refuse_other_people(tumours: Tumours, clinical: Path | None) -> None:
    """Refuse a clinical table that has nobody of the cohort.

    Raises
    ------
    InputError
        An id of each is shown.
    """
    if tumours.clinical is None or clinical is None:
        return
    others = () if tumours.mutations is None else tumours.mutations.patients
    everyone = {*tumours.patients, *(tumours.owners.get(name, name) for name in others)}
    ids = tumours.clinical.table.index
    if everyone.isdisjoint(ids):
        raise InputError(
            f"no patient of the tumours is in it: it has ids such as {str(ids[0])!r}, the tumours such as "
            f"{tumours.patients[0]!r}",
            where=clinical.name,
            cure="tell whose ids they are: --patients FILE.csv with the columns id and patient",
        )


def _kinds(files: Files, mutations: Mutations | None) -> dict[str, pd.DataFrame]:
    """The tables of alterations: tumours with a call or a row each, and copy number -2 to 2."""
    if mutations is None:
        assert files.alterations is not None
        found = {"mutations": read_alterations(files.alterations)}
    else:
        table = mutations.table
        own = table[table["class"].isin(KINDS[:3])]
        counts = own.astype({"patient": str, "gene": str})[["patient", "gene"]].drop_duplicates()
        everyone = pd.Index(mutations.patients, name="patient")
        found = {"mutations": pd.DataFrame(index=everyone, columns=sorted(counts["gene"].unique()), data=0)}
    if files.copy_number is None:
        return found
    build = mutations.build if mutations is not None else files.build
    if build is None:
        raise InputError("the genome build of the segments is not said", cure="--build hg18, hg19 or hg38")
    segments = read_segments(files.copy_number, build=build)
    if files.gene_positions is not None:
        positions = read_positions(files.gene_positions)
    elif mutations is not None:
        positions = gene_positions(mutations)
    else:
        raise InputError(
            "copy number needs to know where genes lie",
            cure="--gene-positions FILE with the columns gene, chromosome, start, end",
        )
    found["copy number"] = gains_and_losses(gene_copies(segments, positions, segments.build))
    return found


def read_positions(path: Path) -> pd.DataFrame:
    """Where genes lie: `gene`, `chromosome`, `start`, `end`. Raises InputError where a column is missing."""
    table = read_table(path, dtype={"chromosome": str})
    missing = [name for name in ("gene", "chromosome", "start", "end") if name not in table]
    if missing:
        raise InputError(f"has no column {', '.join(missing)}", where=path.name, cure="gene, chromosome, start, end")
    table["chromosome"] = table["chromosome"].str.removeprefix("chr")
    for name in ("start", "end"):
        values = pd.to_numeric(table[name], errors="coerce")
        if values.isna().any():
            gene = table["gene"][values.isna()].iloc[0]
            raise InputError(f"{name} of {gene} is no number", where=path.name, cure="Correct or remove the row.")
        table[name] = values
    return table


def by_patient(table: pd.DataFrame, path: Path | None = None) -> pd.DataFrame:
    """Rows by patient, one sample of each."""
    patients, rows_of, _ = _matched({"copy number": list(table.index)}, path)
    return table.loc[rows_of["copy number"]].set_axis(list(patients))


def _changed(
    path: Path,
    files: Files,
    kinds: Mapping[str, pd.DataFrame],
    rule: ChangeRule,
    threshold: float,
    rows: Literal["tumours", "genes"] | None,
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None, str, str]:
    if rule == "given":
        return read_alterations(path), None, None, "as the given table of 0 and 1 says", ""
    rows = rows or _rows(path, files, {str(name) for name in kinds["mutations"].index})
    expression = read_expression(path, rows=rows, genes=set(kinds["mutations"].columns))
    tumours, normals = split_normals(expression)
    few = normals is None or len(normals.values) < 3
    if rule == "normals" and few:
        raise InputError(
            f"{0 if normals is None else len(normals.values)} normal sample(s) by TCGA sample type (10 to 14)",
            where=path.name,
            cure="three are needed; or measure against the cohort: --deg-rule cohort",
        )
    against: Expression | None = None if rule == "cohort" or few else normals
    z = z_scores(tumours, against)
    if against is None:
        told = f"more than {threshold:g} robust standard deviations from the median of this cohort's tumours"
    else:
        told = f"more than {threshold:g} standard deviations from the mean of {len(against.values)} normal samples"
    return changed_genes(tumours, against, threshold=threshold), z, tumours.logged(), told, _SCALES[tumours.scale]


def _rows(path: Path, files: Files, known: set[str]) -> Literal["tumours", "genes"] | None:
    """Which side of the expression matrix has the patients of the mutations; None where neither plainly does."""
    across = read_table(path, nrows=0).columns[1:]
    down = read_table(path, usecols=[0], dtype=str).iloc[:, 0]
    owners = owners_in(files.patients)
    sides = [sum(owners.get(str(name), patient_of(str(name))) in known for name in side) for side in (down, across)]
    if sides[0] == sides[1]:
        return None
    return "tumours" if sides[0] > sides[1] else "genes"


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
    return dict(zip(table["id"], table["patient"], strict=True))


def _matched(ids: dict[str, list[str]], path: Path | None) -> tuple[tuple[str, ...], dict[str, list[str]], Flow]:
    owners = owners_in(path)
    maps = {name: {one: owners.get(one, patient_of(one)) for one in own} for name, own in ids.items()}
    try:
        found = match(ids, maps if owners else None)
    except InputError as error:
        cure = "tell whose ids they are: --patients FILE.csv with the columns id and patient"
        raise InputError(error.what, where=error.where, cure=cure) from None
    return found.patients, {name: [found.ids[name][who] for who in found.patients] for name in ids}, found.flow


def _split(
    kinds: Mapping[str, pd.DataFrame],
    mutations: Mutations | None,
    patients: tuple[str, ...],
    rows_of: Mapping[str, list[str]],
) -> dict[str, pd.DataFrame]:
    """Kind of alteration -> patients x genes."""
    names = list(patients)
    parts: dict[str, pd.DataFrame] = {}
    if mutations is None:
        parts["altered"] = kinds["mutations"].loc[rows_of["mutations"]].set_axis(names)
    else:
        table = mutations.table.astype({"patient": str, "gene": str, "class": str})
        for kind in KINDS[:3]:
            pairs = table.loc[table["class"] == kind, ["patient", "gene"]].drop_duplicates()
            matrix = pd.crosstab(pairs["patient"], pairs["gene"])
            parts[kind] = matrix.reindex(rows_of["mutations"], fill_value=0).set_axis(names)
    if "copy number" in kinds:
        states = kinds["copy number"].loc[rows_of["copy number"]].set_axis(names)
        parts["amplification"] = (states >= 2).astype(np.int8)
        parts["deep loss"] = (states <= -2).astype(np.int8)
    return {kind: part[[gene for gene in part.columns if part[gene].any()]] for kind, part in parts.items()}
