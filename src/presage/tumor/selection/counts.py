"""How many patients have a gene changed, by class of change, and where the changes fall in the protein."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers.maf import Mutations
from presage.tumor.selection.genes import Genes

Integers = NDArray[np.int64]
#: The protein-changing classes that are tested.
CHANGING = ("missense", "truncating", "indel")


@dataclass(frozen=True)
class Counts:
    """A cohort as the tests see it. A patient counts once for a gene and a class, however many samples or calls.

    Attributes
    ----------
    genes
        The genes that are tested.
    silent, missense, truncating, indel
        Patients with such a change, shape (genes,).
    changed
        Patients with any protein-changing one, shape (genes,).
    placed, peak, peak_codon
        Patients' missense changes whose codon is known (a patient once per codon), the most that share a
        codon, and that codon (0 where there is none); shape (genes,).
    silent_pairs, silent_chance
        Pairs of silent changes of two patients in one codon, and how many are expected if all codons were alike.
    patients
        Number of patients, those without a mutation among them.
    unknown
        Symbols without a length and their protein-changing and silent calls: not tested.
    sites
        `silent`, `missense`, `truncating` -> single-base changes that each gene's sequence lets expect, in any unit,
        shape (genes,): what stands in the place of length; None where there are no sequences.
    """

    genes: Genes
    silent: Integers
    missense: Integers
    truncating: Integers
    indel: Integers
    changed: Integers
    placed: Integers
    peak: Integers
    peak_codon: Integers
    silent_pairs: float
    silent_chance: float
    patients: int
    unknown: dict[str, int] = field(default_factory=dict)
    sites: Mapping[str, NDArray[np.floating[Any]]] | None = None


def count(mutations: Mutations, genes: Genes) -> Counts:
    """Count a cohort's mutations.

    Raises
    ------
    InputError
        When none of its gene symbols has a length.
    """
    table = mutations.table
    symbols = table["gene"].astype("category")
    named = genes.named_as(str(symbol) for symbol in symbols.cat.categories)
    place_of = np.array([named.alias.get(str(symbol), -1) for symbol in symbols.cat.categories], dtype=np.int64)
    place = place_of[symbols.cat.codes.to_numpy()]
    coding = (table["class"] != "noncoding").to_numpy() & table["class"].notna().to_numpy()
    if not (place >= 0).any():
        example = f"{symbols.iloc[0]!r} against {genes.names[0]!r}"
        raise InputError(
            f"none of the mutated genes has a protein length ({example})", cure="Use HUGO symbols in both."
        )
    lost = table.loc[coding & (place < 0), "gene"].astype(str).value_counts()
    frame = pd.DataFrame(
        {
            "gene": place,
            "patient": table["patient"].astype("category").cat.codes.to_numpy(),
            "class": table["class"].astype(object).to_numpy(),
            "codon": table["codon"].to_numpy(float) if "codon" in table else np.nan,
        }
    )[coding & (place >= 0)]
    size = len(genes.names)

    def patients_with(rows: pd.DataFrame, keys: list[str]) -> Integers:
        return np.bincount(rows.drop_duplicates(keys)["gene"].to_numpy(np.int64), minlength=size)

    by = {name: frame[frame["class"] == name] for name in ("silent", *CHANGING)}
    placed, peak, codon, _ = _codons(by["missense"], size)
    silent_placed, _, _, pairs = _codons(by["silent"], size)
    chance = float((silent_placed * (silent_placed - 1) / 2 / genes.lengths).sum())
    return Counts(
        genes=named,
        silent=patients_with(by["silent"], ["gene", "patient"]),
        missense=patients_with(by["missense"], ["gene", "patient"]),
        truncating=patients_with(by["truncating"], ["gene", "patient"]),
        indel=patients_with(by["indel"], ["gene", "patient"]),
        changed=patients_with(frame[frame["class"] != "silent"], ["gene", "patient"]),
        placed=placed,
        peak=peak,
        peak_codon=codon,
        silent_pairs=pairs,
        silent_chance=chance,
        patients=len(mutations.patients),
        unknown={str(symbol): int(number) for symbol, number in lost.items()},
    )


def _codons(rows: pd.DataFrame, size: int) -> tuple[Integers, Integers, Integers, float]:
    """Placed changes, the most in one codon, that codon, of every gene; and the pairs within codons."""
    rows = rows.dropna(subset="codon").drop_duplicates(["gene", "patient", "codon"])
    at = rows.groupby(["gene", "codon"], sort=True).size().reset_index(name="n")
    placed = np.bincount(at["gene"].to_numpy(np.int64), weights=at["n"].to_numpy(float), minlength=size).astype(
        np.int64
    )
    peak = np.zeros(size, dtype=np.int64)
    codon = np.zeros(size, dtype=np.int64)
    best = at.sort_values(["n", "codon"], ascending=[False, True], kind="stable").drop_duplicates("gene")
    peak[best["gene"].to_numpy(np.int64)] = best["n"]
    codon[best["gene"].to_numpy(np.int64)] = best["codon"]
    return placed, peak, codon, float((at["n"] * (at["n"] - 1) / 2).sum())
