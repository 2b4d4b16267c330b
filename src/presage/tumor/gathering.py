"""The tables of a cohort brought together: which tumour has which alteration, and which of its genes changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from presage.cohort import Flow, InputError
from presage.tumor.people import PHANTOM, by_patient, matched, one_tumour_each, owners_in
from presage.tumor.readers import Clinical, Mutations, read_clinical, read_maf
from presage.tumor.reading import KINDS, ChangeRule, Files, altered_in, changed_in


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
    mutations, left_out = None, Flow()
    if files.maf is not None:
        dates: Literal["refuse", "repair"] = "repair" if repair_dates else "refuse"
        read = read_maf(files.maf, build=files.build, dates=dates, coding=coding)
        mutations, left_out = one_tumour_each(read, owners_in(files.patients))
    kinds = altered_in(files, mutations)
    tables = {"mutations": kinds["mutations"]}
    changed, z, values, rule, scale = None, None, None, "", ""
    if files.expression is not None:
        changed, z, values, rule, scale = changed_in(files.expression, files, kinds, deg_rule, deg_threshold, rows)
        tables["expression"] = changed
    if "copy number" in kinds:
        tables["copy number"] = kinds["copy number"]
    ids = {name: list(table.index) for name, table in tables.items()}
    settled = () if mutations is None else ("mutations",)
    patients, rows_of, flow = matched(ids, files.patients, settled=settled)
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
        flow=Flow([*left_out, *flow]),
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
    everyone = {*tumours.patients, *others}
    ids = tumours.clinical.table.index
    if everyone.isdisjoint(ids):
        raise InputError(
            f"no patient of the tumours is in it: it has ids such as {str(ids[0])!r}, the tumours such as "
            f"{tumours.patients[0]!r}",
            where=clinical.name,
            cure="tell whose ids they are: --patients FILE.csv with the columns id and patient",
        )


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
