"""The files of a study's pages looked at before the study runs: what would be refused after it is refused at once.

Mutations, segments, follow-up, the map of ids, gene sets, and lengths and positions of genes are read whole: that takes
seconds, and a wrong row stands anywhere. Of a matrix of expression the names of rows and columns and the first rows are
read, of coding sequences the first record, of a genome the index. What these do not show (a cell further down that is
no number, sequences of which none is intact, a cohort in which no gene is altered often enough) is said when the pages
are made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from presage.cohort import InputError
from presage.study.yaml_lines import Problem
from presage.tumor.analysis import refuse_too_few
from presage.tumor.gathering import Tumours, refuse_other_people
from presage.tumor.gene_sets import read_gene_sets
from presage.tumor.people import matched, one_tumour_each, owners_in
from presage.tumor.ranks import read_reference
from presage.tumor.readers import (
    Mutations,
    patient_of,
    read_alterations,
    read_clinical,
    read_expression,
    read_maf,
    read_segments,
)
from presage.tumor.readers.barcodes import plain_id
from presage.tumor.readers.build import BuildError
from presage.tumor.readers.expression import is_normal, refuse_twice
from presage.tumor.reading import names_of, read_positions, refuse_few_normals, rows_of
from presage.tumor.selection import Genome, read_genes
from presage.tumor.selection.context.coding import refuse_no_sequences

if TYPE_CHECKING:
    from presage.tumor.study_pages import TumorPages

# Rows of a matrix that are looked at.
_FIRST = 20


def files_problem(given: TumorPages) -> Problem | None:
    """The first thing that is wrong with the files of the pages; None where nothing is seen."""
    return _look(given)[0]


def patients_problem(given: TumorPages, patients: Sequence[str]) -> Problem | None:
    """What is wrong with the files, or that nobody of the mutations is in the study."""
    problem, people = _look(given)
    if problem is not None:
        return problem
    try:
        refuse_strangers(people, patients)
    except InputError as error:
        return _problem(given, "maf", error)
    return None


def _look(given: TumorPages) -> tuple[Problem | None, tuple[str, ...]]:
    """What is wrong, and the patients of the mutations; files that did not change are looked at once by a process."""
    files = (getattr(given, name) for name in given.files())
    stamps = tuple((about.st_mtime_ns, about.st_size) for about in (path.stat() for path in files if path is not None))
    return _looked_into(type(given), given.model_dump_json(), stamps)


@lru_cache(maxsize=4)
def _looked_into(
    kind: type[TumorPages], settings: str, stamps: tuple[tuple[int, int], ...]
) -> tuple[Problem | None, tuple[str, ...]]:
    given, setting = kind.model_validate_json(settings), ""
    looking = _looked_at(given)
    try:
        while True:
            setting = next(looking)
    except StopIteration as end:
        return None, end.value
    except InputError as error:
        if isinstance(error, BuildError) and setting == "maf" and given.build is not None:
            setting = "build"
        return _problem(given, setting, error), ()


def refuse_strangers(people: Sequence[str], of_study: Collection[str]) -> None:
    """Refuse mutations of people none of whom is in the study.

    Raises
    ------
    InputError
        An id of each is shown.
    """
    if set(people).isdisjoint(of_study):
        raise InputError(
            f"none of the {len(people)} patients of the mutation table is in the study: it has ids such as "
            f"{people[0]!r}, the study {next(iter(of_study))!r}",
            cure="name the mutations that the cohort was made from, or the ids' patients: patients: FILE.csv",
        )


def _problem(given: TumorPages, setting: str, error: InputError) -> Problem:
    path = getattr(given, setting)
    where = error.where or ("" if path is None else path.name)
    # The readers speak of the options of the command, which are settings here.
    cure = re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda found: f"`{found[1].replace('-', '_')}:`", error.cure)
    return Problem((setting,), f"{where}: {error.what}" if where else error.what, cure)


def _looked_at(given: TumorPages) -> Generator[str, None, tuple[str, ...]]:
    """Look at one file after another; each time the setting that is looked at next, at last the mutations' patients.

    Raises InputError.
    """
    yield "patients"
    owners = owners_in(given.patients)
    yield "maf"
    mutations = _mutations(given)
    ids = {"mutations": list(mutations.patients)}
    if given.expression is not None:
        yield "expression"
        measured = _expression(given, mutations, owners)
        if measured is not None:
            ids["expression"] = measured
            matched(ids, given.patients, settled=("mutations",))
    if given.copy_number is not None:
        yield "copy_number"
        segments = read_segments(given.copy_number, build=mutations.build)
        ids["copy number"] = [str(name) for name in segments.table["sample"].unique()]
        matched(ids, given.patients, settled=("mutations",))
    yield "maf"
    patients, _, _ = matched(ids, given.patients, settled=("mutations",))
    yield "clinical"
    cohort = _cohort(patients, mutations, owners, given)
    refuse_other_people(cohort, given.clinical)
    yield "maf"
    refuse_too_few(cohort)
    yield from _knowledge(given, mutations)
    return mutations.patients


def _knowledge(given: TumorPages, mutations: Mutations) -> Iterator[str]:
    """What is known of genes, as :func:`_looked_at`."""
    readers: dict[str, Callable[[Path], object]] = {
        "gene_positions": read_positions,
        "gene_lengths": read_genes,
        "gene_sets": read_gene_sets,
        "coding_sequences": refuse_no_sequences,
    }
    for setting, read in readers.items():
        path = getattr(given, setting)
        if path is not None:
            yield setting
            read(path)
    if given.genome is not None:
        yield "genome"
        Genome(given.genome)
        if given.coding_sequences is None:
            read_reference(mutations, None, given.genome)


def _mutations(given: TumorPages) -> Mutations:
    read = read_maf(given.maf, build=given.build, dates="repair" if given.repair_dates else "refuse")
    return one_tumour_each(read, owners_in(given.patients))[0]


def _cohort(patients: tuple[str, ...], mutations: Mutations, owners: Mapping[str, str], given: TumorPages) -> Tumours:
    """Its people alone, with follow-up: nothing of their tumours."""
    nothing = pd.DataFrame(index=list(patients))
    return Tumours(
        patients=patients,
        altered=nothing,
        kinds={},
        changed=None if given.expression is None else nothing,
        z=None,
        rule="",
        mutations=mutations,
        clinical=None if given.clinical is None else read_clinical(given.clinical, owners),
    )


def _expression(given: TumorPages, mutations: Mutations, owners: Mapping[str, str]) -> list[str] | None:
    """The tumours of the matrix of expression; None where the names do not tell which side they are."""
    path = given.expression
    assert path is not None
    down, across = names_of(path)
    if given.deg_rule == "given":
        read_alterations(path, first=_FIRST)
        return [plain_id(name) for name in down]
    here = set(mutations.patients)
    if not any(owners.get(name, patient_of(name)) in here for name in (*down, *across)):
        raise InputError(
            f"nobody of the mutations is in it: its rows are such as {down[0]!r}, its columns such as "
            f"{next(iter(across), '')!r}, the mutations of such as {mutations.patients[0]!r}",
            where=path.name,
            cure="Tell whose ids they are: --patients FILE.csv with the columns id and patient.",
        )
    rows = given.rows or rows_of(path, owners, here)
    if rows is None:
        return None
    read_expression(path, rows=rows, first=_FIRST)
    names, genes = (down, across) if rows == "tumours" else (across, down)
    tumours = pd.Index([plain_id(name) for name in names])
    refuse_twice(tumours, genes, path.name)
    if given.deg_rule == "normals":
        refuse_few_normals(sum(map(is_normal, tumours)), path)
    return [name for name in tumours if not is_normal(name)]
