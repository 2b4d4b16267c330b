"""The tables of a cohort, each by itself: alterations of every kind, and which genes changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from presage.cohort import InputError
from presage.tumor.people import owners_in
from presage.tumor.readers import (
    Expression,
    Mutations,
    changed_genes,
    gains_and_losses,
    gene_copies,
    gene_positions,
    patient_of,
    read_alterations,
    read_expression,
    read_segments,
    split_normals,
    z_scores,
)
from presage.tumor.readers.tables import read_table

#: Normal samples that a spread needs.
NORMALS = 3
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


def altered_in(files: Files, mutations: Mutations | None) -> dict[str, pd.DataFrame]:
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


def changed_in(
    path: Path,
    files: Files,
    kinds: Mapping[str, pd.DataFrame],
    rule: ChangeRule,
    threshold: float,
    rows: Literal["tumours", "genes"] | None,
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None, str, str]:
    """Which genes changed in which tumour, z-scores, expression on a log scale, and rule and scale in words.

    Z-scores and expression are None, and there is no scale, where the changes are given.
    """
    if rule == "given":
        return read_alterations(path), None, None, "as the given table of 0 and 1 says", ""
    owners, here = owners_in(files.patients), {str(name) for name in kinds["mutations"].index}
    if files.maf is None:
        here = {owners.get(name, name) for name in here}
    rows = rows or rows_of(path, owners, here)
    expression = read_expression(path, rows=rows, genes=set(kinds["mutations"].columns))
    tumours, normals = split_normals(expression)
    number = 0 if normals is None else len(normals.values)
    few = number < NORMALS
    if rule == "normals":
        refuse_few_normals(number, path)
    against: Expression | None = None if rule == "cohort" or few else normals
    z = z_scores(tumours, against)
    if against is None:
        told = f"more than {threshold:g} robust standard deviations from the median of this cohort's tumours"
    else:
        told = f"more than {threshold:g} standard deviations from the mean of {len(against.values)} normal samples"
    return changed_genes(tumours, against, threshold=threshold), z, tumours.logged(), told, _SCALES[tumours.scale]


def refuse_few_normals(number: int, path: Path) -> None:
    """Refuse to measure change against fewer normal samples than a spread needs."""
    if number < NORMALS:
        raise InputError(
            f"{number} normal sample(s) by TCGA sample type (10 to 14)",
            where=path.name,
            cure="three are needed; or measure against the cohort: --deg-rule cohort",
        )


def names_of(path: Path) -> tuple[pd.Index, pd.Index]:
    """What the rows and the columns of a matrix are called; its cells are not kept."""
    across = read_table(path, nrows=0).columns[1:]
    down = read_table(path, usecols=[0], dtype=str).iloc[:, 0]
    return pd.Index(down.astype(str)), pd.Index([str(name) for name in across])


def rows_of(path: Path, owners: Mapping[str, str], here: set[str]) -> Literal["tumours", "genes"] | None:
    """Which side of a matrix of expression has the patients of the mutations; None where neither plainly does.

    Parameters
    ----------
    owners
        Id -> patient, of any of the tables.
    here
        Patients of the mutations.
    """
    sides = [sum(owners.get(name, patient_of(name)) in here for name in side) for side in names_of(path)]
    if sides[0] == sides[1]:
        return None
    return "tumours" if sides[0] > sides[1] else "genes"
