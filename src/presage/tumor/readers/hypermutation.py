"""Tumours with so many mutations that they would rule the cohort's background, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.readers.maf import Mutations

Policy = Literal["exclude", "thin", "keep"]
#: A tumour above this many coding mutations per megabase of coding sequence is called hypermutated (Campbell
#: et al., Cell 2017).
PER_MEGABASE = 10.0
#: Coding sequence that an exome covers, in megabases; give that of the panel where there is one.
EXOME = 30.0
# Tukey's outer fence: "far out".
FENCE = 3.0


@dataclass(frozen=True)
class Hypermutators:
    """Who is hypermutated, and by which rule.

    Attributes
    ----------
    counts
        Coding mutations (silent ones too) of every patient.
    patients
        The hypermutated, loudest first.
    fence, absolute
        The two limits in mutations; a patient is above both.
    """

    counts: pd.Series
    patients: tuple[str, ...]
    fence: float
    absolute: float


def hypermutators(mutations: Mutations, *, megabases: float = EXOME) -> Hypermutators:
    """Find the hypermutated patients of a cohort.

    A patient is one when the coding mutations are above Q3 + 3 IQR of the cohort's log10 counts (far out among its own)
    and above 10 per megabase (many by any measure). The first alone would call somebody in every quiet cohort,
    the second alone would call half of a cohort of melanomas.

    Parameters
    ----------
    megabases
        Coding sequence that was looked at.
    """
    if megabases <= 0:
        raise InputError(f"{megabases} megabases were looked at", cure="Give the size of the exome or panel, above 0.")
    coding = mutations.table["class"] != "noncoding"
    counts: pd.Series = mutations.table.loc[coding, "patient"].astype(str).value_counts()
    counts = counts.reindex(list(mutations.patients), fill_value=0).sort_values(ascending=False, kind="stable")
    # One is added so that a patient without mutations has a place on the log scale.
    low, high = np.quantile(np.log10(counts + 1), (0.25, 0.75))
    fence = float(10 ** (high + FENCE * (high - low)) - 1)
    absolute = PER_MEGABASE * megabases
    found = counts[counts.to_numpy() > max(fence, absolute)]
    return Hypermutators(counts, tuple(found.index), fence, absolute)


def tame(mutations: Mutations, policy: Policy, found: Hypermutators, *, seed: int = 0) -> Mutations:
    """The cohort with its hypermutators excluded, thinned or kept.

    Parameters
    ----------
    policy
        `exclude` takes their mutations and them out; `thin` keeps of each a random sample as large as the loudest
        other patient's, so that each weighs like one of them; `keep` changes nothing.
    """
    if policy == "keep" or not found.patients:
        return mutations
    table = mutations.table
    loud = table["patient"].isin(found.patients).to_numpy()
    counts = dict(mutations.counts)
    if policy == "exclude":
        counts["dropped: of a hypermutated patient"] = int(loud.sum())
        left = tuple(name for name in mutations.patients if name not in set(found.patients))
        samples = tuple(sorted(table.loc[~loud, "sample"].astype(str).unique()))
        return replace(
            mutations, table=table[~loud].reset_index(drop=True), patients=left, samples=samples, counts=counts
        )
    limit = int(found.counts.drop(list(found.patients)).max())
    rng = np.random.default_rng(seed)
    kept = ~loud
    for name in found.patients:
        rows = np.flatnonzero((table["patient"] == name).to_numpy())
        kept[rng.choice(rows, size=min(limit, rows.size), replace=False)] = True
    counts["dropped: thinned from a hypermutated patient"] = int((~kept).sum())
    return replace(mutations, table=table[kept].reset_index(drop=True), counts=counts)
