"""Genes under selection in a cohort: more patients with a protein-changing mutation than the background explains."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from presage.cohort import InputError
from presage.tumor.readers.hypermutation import EXOME, Hypermutators, Policy, hypermutators, tame
from presage.tumor.readers.maf import Mutations
from presage.tumor.selection.background import LEAST_SILENT, Background, fit_background
from presage.tumor.selection.combined import class_tests, excess
from presage.tumor.selection.context import CodingSequences, Context, Genome, expect, with_sequences
from presage.tumor.selection.counts import CHANGING, Counts, count
from presage.tumor.selection.genes import Genes
from presage.tumor.selection.hotspots import codon_weight, hotspots

Floats = NDArray[np.floating[Any]]
#: Protein-changing changes and patients below which no p-value is given: expectations would rest on a handful of genes.
LEAST_CHANGES = 200
LEAST_PATIENTS = 10
# Genes below which the background of a panel is said to lean on its drivers.
_SMALL_PANEL = 300


@dataclass(frozen=True)
class Selection:
    """The tests of every gene.

    Attributes
    ----------
    table
        One row per gene, the smallest q first: `gene`, `length`, `patients` (with any protein-changing mutation),
        `silent`, `missense`, `truncating`, `indel` (patients), `expected_*` of each, `p_*` of each (mid-p), `peak`,
        `peak_codon`, `p_hotspot`, `p_excess` (the classes together), `p` (with the hotspot) and `q`.
    background
        What was expected and how it was learned.
    counts
        What went in.
    codon_weight
        See :func:`~presage.tumor.selection.hotspots.codon_weight`.
    hypermutators
        Who was found, and by which limits; None where they were not looked for.
    limits
        What the cohort is too small or too poor for, in sentences.
    context
        How expectations came from sequences; None where they follow protein length.
    """

    table: pd.DataFrame
    background: Background
    counts: Counts
    codon_weight: float
    hypermutators: Hypermutators | None = None
    limits: tuple[str, ...] = field(default=())
    context: Context | None = None

    def selected(self, q: float = 0.1) -> list[str]:
        """The genes with a false discovery rate below `q`, the surest first."""
        return list(self.table.loc[self.table["q"] < q, "gene"])


def select_genes(
    mutations: Mutations,
    genes: Genes | None,
    *,
    sequences: CodingSequences | None = None,
    genome: Path | str | Genome | None = None,
    covariates: Floats | None = None,
    hypermutated: Policy = "exclude",
    megabases: float = EXOME,
) -> Selection:
    """Test every gene of an exome or a panel.

    Parameters
    ----------
    mutations
        With silent calls where the background is to be learned from them.
    genes
        The genes that were looked at: `genes.panel([...])` for a panel. None: those that have a sequence.
    sequences
        With them a gene's expectations are the rates of the cohort's mutations by context times the changes that its
        sequence has room for; see :mod:`presage.tumor.selection.context`. Genes without one are not tested, and
        counted.
    genome
        Indexed FASTA, for the contexts of mutations whose file has no coding changes (`c.742C>T`).
    covariates
        Of the mutation rate, standardised, shape (genes, covariates); of all `genes`, also those without a sequence.
    hypermutated
        What happens to hypermutated patients, see :func:`~presage.tumor.readers.hypermutation.tame`.
    megabases
        Coding sequence that was looked at, for the rule of who is hypermutated.

    Raises
    ------
    InputError
        When the cohort is too small to give a p-value, or the sequences do not fit it.
    """
    found = hypermutators(mutations, megabases=megabases)
    kept = tame(mutations, hypermutated, found)
    if sequences is None:
        if genes is None or genome is not None:
            what = "genes need their protein lengths or their coding sequences; a genome needs the latter, too"
            raise InputError(what, cure="Give genes=read_genes(...) or sequences=read_coding_sequences(...).")
        counts, context = count(kept, genes), None
        told = _limits(counts)
    else:
        counts, context, covariates, told = _by_context(kept, genes, sequences, genome, covariates)
    if found.patients:
        done = {"exclude": "left out", "thin": "thinned", "keep": "kept"}[hypermutated]
        who = "patient was" if len(found.patients) == 1 else "patients were"
        told += (f"{len(found.patients)} hypermutated {who} {done} (--hypermutated {hypermutated}).",)
    return select_from_counts(counts, covariates=covariates, hypermutated=found, limits=told, context=context)


def _by_context(
    mutations: Mutations,
    genes: Genes | None,
    sequences: CodingSequences,
    genome: Path | str | Genome | None,
    covariates: Floats | None,
) -> tuple[Counts, Context, Floats | None, tuple[str, ...]]:
    """Counts over the genes that have a sequence, and what it lets expect of each."""
    chosen, sequences, without = with_sequences(genes, sequences)
    counts = count(mutations, chosen)
    told = _limits(counts, of="coding sequence")
    if covariates is not None and genes is not None and without:
        lost = set(without)
        covariates = covariates[[name not in lost for name in genes.names]]
    counts, context = expect(mutations, counts, sequences, genome=genome, covariates=covariates)
    if without:
        told += (
            f"{len(without)} gene(s) have no coding sequence and are not tested, such as {', '.join(without[:5])}.",
        )
    return counts, context, covariates, (*told, *context.told())


def select_from_counts(
    counts: Counts,
    *,
    covariates: Floats | None = None,
    hypermutated: Hypermutators | None = None,
    limits: tuple[str, ...] = (),
    context: Context | None = None,
) -> Selection:
    """The same from counts (also drawn ones)."""
    background = fit_background(counts, covariates)
    weight = codon_weight(counts)
    columns: dict[str, Any] = {
        "gene": counts.genes.names,
        "length": counts.genes.lengths.astype(int),
        "patients": counts.changed,
        "silent": counts.silent,
        **{name: getattr(counts, name) for name in CHANGING},
        **{f"expected_{name}": background.expected[name] for name in CHANGING},
        **{f"p_{name}": tail - mass / 2 for name, (tail, mass) in class_tests(counts, background).items()},
        "peak": counts.peak,
        "peak_codon": counts.peak_codon,
    }
    above, equal = excess(counts, background)
    hot_above, hot_equal = hotspots(counts, weight)
    columns["p_hotspot"] = hot_above + hot_equal / 2
    columns["p_excess"] = above + equal / 2
    columns["p"] = fisher(columns["p_excess"], columns["p_hotspot"])
    columns["q"] = benjamini_hochberg(columns["p"])
    table = pd.DataFrame(columns).sort_values(["q", "p", "p_excess", "gene"], kind="stable", ignore_index=True)
    return Selection(table, background, counts, weight, hypermutated, limits, context)


def randomised(counts: Counts, covariates: Floats | None = None, *, seed: int = 0) -> dict[str, Floats]:
    """Randomised p-values, which are uniform when the background is true: what a QQ plot of discrete tests needs.

    Returns
    -------
    dict
        `excess`, `hotspot` and `all` -> shape (genes,), in the order of the genes.
    """
    background = fit_background(counts, covariates)
    rng = np.random.default_rng(seed)
    found = {}
    for name, (above, equal) in {
        "excess": excess(counts, background),
        "hotspot": hotspots(counts, codon_weight(counts)),
    }.items():
        found[name] = np.clip(above + rng.random(len(above)) * equal, 1e-300, 1.0)
    found["all"] = fisher(found["excess"], found["hotspot"])
    return found


def fisher(*values: Floats) -> Floats:
    """Fisher's combination of independent p-values (the hotspot is tested given the count, so the two are)."""
    statistic = -2.0 * sum(np.log(np.maximum(value, 1e-300)) for value in values)
    return np.asarray(stats.chi2.sf(statistic, 2 * len(values)))


def benjamini_hochberg(values: Floats) -> Floats:
    """False discovery rates (Benjamini and Hochberg 1995)."""
    return np.asarray(stats.false_discovery_control(np.clip(values, 0.0, 1.0), method="bh"))


def _limits(counts: Counts, of: str = "protein length") -> tuple[str, ...]:
    changes = int(sum(getattr(counts, name).sum() for name in CHANGING))
    if counts.patients < LEAST_PATIENTS or changes < LEAST_CHANGES:
        raise InputError(
            f"{counts.patients} patients with {changes} protein-changing mutations are too few: selection in a "
            f"cohort needs "
            f"{LEAST_PATIENTS} patients and {LEAST_CHANGES} mutations",
            cure="Count known driver genes instead, or join cohorts of one cancer. Metastases of one patient "
            "are one patient.",
        )
    said = []
    silent = int(counts.silent.sum())
    if silent == 0:
        said.append(
            "No silent calls: the rate of single genes, the effect of covariates and how uneven codons are "
            "cannot be computed. "
            f"Expectations follow {of} alone, and their spread is that of missense changes."
        )
    elif silent < LEAST_SILENT:
        said.append(f"{silent} silent calls are too few to learn rates from; expectations follow {of} alone.")
    if len(counts.genes.names) < _SMALL_PANEL:
        said.append(
            f"{len(counts.genes.names)} genes: in a panel of cancer genes the background leans on genes under "
            f"selection, "
            "which makes the tests miss rather than invent."
        )
    if counts.unknown:
        calls = sum(counts.unknown.values())
        said.append(f"{calls} coding call(s) in {len(counts.unknown)} symbol(s) without a {of} are not tested.")
    return tuple(said)
