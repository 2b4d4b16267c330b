"""The standards that a test of selection must beat: how often a gene is mutated, and how often for its length."""

from __future__ import annotations

import numpy as np
import pandas as pd

from presage.tumor.selection.background import upper_tail
from presage.tumor.selection.counts import CHANGING, Counts
from presage.tumor.selection.selection import benjamini_hochberg


def by_frequency(counts: Counts) -> pd.DataFrame:
    """Genes by the number of patients with a protein-changing mutation: `gene`, `patients`, the most first."""
    table = pd.DataFrame({"gene": counts.genes.names, "patients": counts.changed})
    return table.sort_values(["patients", "gene"], ascending=[False, True], kind="stable", ignore_index=True)


def by_length(counts: Counts) -> pd.DataFrame:
    """Genes by a Poisson test of all protein-changing changes against protein length: `gene`, `p`, `q`.

    No silent changes, no spread, no classes: the rate is the cohort's changes over all residues.
    """
    changes = sum(getattr(counts, name) for name in CHANGING)
    assert isinstance(changes, np.ndarray)
    expected = counts.genes.lengths * (changes.sum() / counts.genes.lengths.sum())
    p, _ = upper_tail(changes, expected, np.inf)
    table = pd.DataFrame({"gene": counts.genes.names, "changes": changes, "p": p, "q": benjamini_hochberg(p)})
    return table.sort_values(["p", "gene"], kind="stable", ignore_index=True)
