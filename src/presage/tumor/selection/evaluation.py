"""A ranking of genes against a list of known cancer genes: for evaluation, never for training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

Floats = NDArray[np.floating[Any]]
CAVEAT = (
    "A list of known cancer genes is no truth: it holds genes of other cancers and of fusions that this cohort "
    "cannot show, lacks drivers "
    "not yet described, and was itself built in part by counting mutations, which favours the frequent."
)


@dataclass(frozen=True)
class AgainstKnown:
    """How a ranking agrees with a list.

    Attributes
    ----------
    precision, recall
        After each gene of the ranking, shape (genes,).
    average_precision
        Mean precision at the known genes; known genes outside the ranking count as never found.
    known
        Known genes that the ranking could have found.
    caveat
        To be printed beside the numbers.
    """

    precision: Floats
    recall: Floats
    average_precision: float
    known: int
    caveat: str = CAVEAT

    def at(self, k: int) -> tuple[int, float, float]:
        """Known genes among the first `k`, and the precision and the recall there."""
        if not 1 <= k <= len(self.precision):
            raise InputError(f"k = {k} is not a rank of {len(self.precision)} genes", cure="Give a rank of the list.")
        return round(float(self.precision[k - 1]) * k), float(self.precision[k - 1]), float(self.recall[k - 1])


def against_known(ranking: Sequence[str], known: Collection[str]) -> AgainstKnown:
    """Precision and recall of a ranking, the best gene first.

    Parameters
    ----------
    ranking
        Every gene that was tested, once.
    known
        Symbols of known genes; those that were not tested are left out of the recall's denominator.
    """
    if len(set(ranking)) != len(ranking):
        raise InputError("a gene is ranked twice", cure="Give each gene once, the best first.")
    hit = np.array([gene in set(known) for gene in ranking]) if len(ranking) < 100 else np.isin(ranking, list(known))
    if not hit.any():
        raise InputError("none of the known genes was tested", cure="Use the same kind of symbols in both.")
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    recall = np.cumsum(hit) / hit.sum()
    return AgainstKnown(precision, recall, float(precision[hit].mean()), int(hit.sum()))
