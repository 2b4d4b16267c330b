"""The events of a cohort that an order is learnt from: one tumour of each patient, and what its reader must know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from presage.cohort import InputError
from presage.tumor.doubts import Doubt, doubts_of, left_out
from presage.tumor.people import matched, one_tumour_each, owners_in
from presage.tumor.readers import altered_genes, read_alterations, read_maf


@dataclass(frozen=True)
class Events:
    """A table of events.

    Attributes
    ----------
    table
        0/1, tumours x events: one tumour of each patient.
    where
        The file.
    doubts
        Samples that were left out, samples that may be one patient's, hypermutated patients, the build.
    """

    table: pd.DataFrame
    where: str
    doubts: list[Doubt]


def given_events(path: Path, patients: Path | None = None) -> Events:
    """Events from a table of 0 and 1, see :func:`presage.tumor.readers.read_alterations`.

    Parameters
    ----------
    patients
        `id`, `patient`: whose tumour an id is that is no TCGA barcode.
    """
    table = read_alterations(path)
    _, rows_of, flow = matched({"events": [str(name) for name in table.index]}, patients)
    kept = set(rows_of["events"])
    return Events(table[[name in kept for name in table.index]], path.name, left_out(flow))


def mutated_genes(path: Path, genes: Sequence[str], build: str | None = None, patients: Path | None = None) -> Events:
    """Events from mutations: a named gene with a mutation that changes its protein.

    Raises
    ------
    InputError
        A bad file, or genes that nobody has.
    """
    mutations, flow = one_tumour_each(read_maf(path, build=build), owners_in(patients))
    found = altered_genes(mutations)
    unknown = [name for name in genes if name not in found]
    if unknown:
        raise InputError(
            f"no patient has a mutation that changes {', '.join(unknown[:5])}",
            where=path.name,
            cure="leave the gene out, or check its symbol",
        )
    return Events(found[list(genes)], path.name, [*left_out(flow), *doubts_of(mutations)])
