"""The test of selection on the files of one cohort: what is found, the standards beside it, and tables for others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.doubts import kin, unverified
from presage.tumor.exports import write_text
from presage.tumor.people import PHANTOM, owners_in
from presage.tumor.ranks import read_reference
from presage.tumor.readers import Mutations, hypermutators, read_maf, tame
from presage.tumor.readers.hypermutation import EXOME, Policy
from presage.tumor.selection import (
    Genes,
    Selection,
    against_known,
    by_frequency,
    by_length,
    count,
    randomised,
    read_genes,
    select_genes,
    silent_density,
)

Floats = NDArray[np.floating[Any]]
SCHEMA = "presage-selection/1"
#: The three rankings: the test, and the standards that need no model.
RANKINGS = ("selection", "length", "frequency")
# Ranks at which a ranking is judged, and points of a drawn curve.
_AT, _POINTS = (10, 20, 50, 100), 400
_NAMED, _SURE = 14, 0.01


@dataclass(frozen=True)
class Sources:
    """Files: mutations, what is known of genes, other cohorts, whose samples ids are, and genes to judge by."""

    maf: Path
    gene_lengths: Path | None = None
    coding_sequences: Path | None = None
    genome: Path | None = None
    panel: Path | None = None
    others: tuple[Path, ...] = ()
    patients: Path | None = None
    known: Path | None = None


@dataclass(frozen=True)
class Screen:
    """What was found.

    Attributes
    ----------
    table
        :attr:`presage.tumor.selection.Selection.table` with `rank_length` and `rank_frequency`.
    document
        What the page tells: counts, genes, limits, the QQ plot, and how each ranking agrees with known genes.
    """

    table: pd.DataFrame
    document: dict[str, Any]


def screen(
    sources: Sources,
    *,
    build: str | None = None,
    megabases: float | None = None,
    hypermutated: Policy = "exclude",
    dates: Literal["refuse", "repair"] = "refuse",
    q: float = 0.1,
    progress: Callable[[], None] = lambda: None,
) -> Screen:
    """Read the files and test every gene; see :func:`presage.tumor.selection.select_genes`.

    Known genes are read last, and no test sees them. `progress` is called after each file of mutations, the test, and
    the comparison with the standards.

    Raises
    ------
    InputError
        When neither lengths nor sequences are given, a file is bad, or the cohort is too small.
    """
    if sources.gene_lengths is None and sources.coding_sequences is None:
        raise InputError(
            "what genes there are and how long they are is not known", cure="--gene-lengths or --coding-sequences"
        )
    owners = owners_in(sources.patients)
    mutations = _read(sources.maf, build, owners, dates, coding=sources.coding_sequences is not None)
    progress()
    genes = _genes(sources)
    reference = read_reference(mutations, sources.coding_sequences, sources.genome)
    covariates = _densities(sources, genes, mutations.build, dates, progress)
    size = megabases or (_panel_size(genes) if sources.panel is not None else EXOME)
    found = select_genes(
        mutations,
        genes,
        sequences=None if reference is None else reference.sequences,
        genome=None if reference is None else reference.genome,
        covariates=covariates,
        hypermutated=hypermutated,
        megabases=size,
    )
    progress()
    table = _ranked(found)
    if covariates is not None and genes is not None:
        # Of the genes that were tested; they may be called by another of their symbols.
        covariates = covariates[[name in found.counts.genes.alias for name in genes.names]]
    document = _document(found, table, mutations, covariates, q)
    if sources.known is not None:
        document["known"] = _judged(table, _symbols(sources.known), sources.known.name)
    progress()
    return Screen(table, document)


def write_screen(found: Screen, folder: Path) -> list[Path]:
    """Write `selection.tsv` and `selection.json`; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = found.table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    made_up = "# PHANTOM: made-up tumours\n" if found.document["phantom"] else ""
    texts = {
        "selection.tsv": made_up + rows,
        "selection.json": json.dumps(found.document, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    return [write_text(folder / name, text) for name, text in texts.items()]


def _read(
    path: Path, build: str | None, owners: dict[str, str], dates: Literal["refuse", "repair"], coding: bool = False
) -> Mutations:
    return read_maf(path, build=build, patient_of=owners or None, dates=dates, coding=coding)


def _genes(sources: Sources) -> Genes | None:
    genes = None if sources.gene_lengths is None else read_genes(sources.gene_lengths)
    if sources.panel is None:
        return genes
    if genes is None:
        raise InputError("a panel needs the lengths of its genes", where=sources.panel.name, cure="--gene-lengths")
    return genes.panel(_symbols(sources.panel))


def _panel_size(genes: Genes | None) -> float:
    """Coding megabases of the genes."""
    assert genes is not None
    return max(3e-6 * float(genes.lengths.sum()), 1e-3)


def _symbols(path: Path) -> list[str]:
    """One symbol a line; empty lines and comments are left out."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("is not a list of symbols", where=path.name, cure="one symbol a line, UTF-8") from error
    found = [line.split("\t")[0].strip().strip('"') for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise InputError("holds no symbol", where=path.name, cure="one symbol a line")
    return list(dict.fromkeys(found))


def _densities(
    sources: Sources,
    genes: Genes | None,
    build: str,
    dates: Literal["refuse", "repair"],
    progress: Callable[[], None],
) -> Floats | None:
    """How dense silent changes are in each gene in other cohorts, shape (genes, 1)."""
    if not sources.others:
        return None
    if genes is None:
        raise InputError("other cohorts need one list of genes for all", cure="--gene-lengths")
    counts = []
    for path in sources.others:
        if path.resolve() == sources.maf.resolve():
            raise InputError("is the cohort that is tested", where=path.name, cure="--others names other cohorts")
        other = _read(path, build, {}, dates)
        counts.append(count(tame(other, "exclude", hypermutators(other)), genes))
        progress()
    return silent_density(counts)


def _ranked(found: Selection) -> pd.DataFrame:
    table = found.table.copy()
    for name, own in (("length", by_length(found.counts)), ("frequency", by_frequency(found.counts))):
        ranks = pd.Series(np.arange(1, len(own) + 1), index=own["gene"])
        table[f"rank_{name}"] = ranks.loc[table["gene"]].to_numpy()
    return table


def _document(
    found: Selection, table: pd.DataFrame, mutations: Mutations, covariates: Floats | None, q: float
) -> dict[str, Any]:
    uniform = randomised(found.counts, covariates)["all"]
    by_name = dict(zip(found.counts.genes.names, uniform.tolist(), strict=True))
    columns = ["gene", "patients", "silent", "missense", "truncating", "indel", "peak", "peak_codon", "p", "q"]
    told = table[table["q"] < q]
    expected = table[["expected_missense", "expected_truncating", "expected_indel"]].sum(axis=1)
    rows = told[[*columns, "rank_length", "rank_frequency"]].assign(expected=expected[told.index])
    limits = [
        *found.limits,
        *[f"{doubt.page} Say whose they are (--patients)." for doubt in kin(mutations)],
        *(doubt.page for doubt in unverified(mutations)),
    ]
    return {
        "schema": SCHEMA,
        "phantom": any(str(name).startswith(PHANTOM) for name in mutations.patients),
        "build": mutations.build,
        "patients": found.counts.patients,
        "tested": len(table),
        "by_context": found.context is not None,
        "covariates": covariates is not None,
        "q": q,
        "hypermutated": len(found.hypermutators.patients) if found.hypermutators is not None else 0,
        "genes": [{key: _plain(value) for key, value in row.items()} for row in rows.to_dict("records")],
        "p": [float(f"{p:.4g}") for p in sorted(uniform.tolist())],
        "named": [(float(f"{by_name[g]:.4g}"), g) for g in table["gene"][:_NAMED] if by_name[g] < _SURE],
        "read": dict(mutations.counts),
        "limits": limits,
        "version": version("presage"),
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _judged(table: pd.DataFrame, known: list[str], name: str) -> dict[str, Any]:
    """How each ranking agrees with known genes: for evaluation alone."""
    orders = {"selection": table["gene"].tolist()}
    for other in RANKINGS[1:]:
        orders[other] = table.sort_values(f"rank_{other}", kind="stable")["gene"].tolist()
    found: dict[str, Any] = {"list": name, "size": len(known), "rankings": {}}
    for ranking, order in orders.items():
        own = against_known(order, known)
        keep = np.unique(np.geomspace(1, len(own.precision), _POINTS).astype(int)) - 1
        found["rankings"][ranking] = {
            "average_precision": own.average_precision,
            "at": [{"k": k, "known": own.at(k)[0], "recall": own.at(k)[2]} for k in _AT if k <= len(order)],
            "precision": [float(f"{value:.4g}") for value in own.precision[keep]],
            "recall": [float(f"{value:.4g}") for value in own.recall[keep]],
        }
        found |= {"tested": own.known, "caveat": own.caveat}
    return found
