"""False discovery rates of p-values that come in groups, some of which hold more true findings than others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
# A p-value above this is one of nothing; of nothing, half lie above.
_MIDDLE = 0.5
# Share of the level that groups in which nothing is seen keep.
_EVEN = 0.1


def null_share(p: Floats) -> float:
    """Share of p-values that are of nothing: twice those above one half, plus one and their standard error (Storey)."""
    above = float((p > _MIDDLE).sum())
    return min(1.0, float((1 + above + np.sqrt(above)) / ((1 - _MIDDLE) * max(1, len(p)))))


def grouped_rates(p: Floats, group: NDArray[np.int64]) -> Floats:
    """False discovery rate at which each p-value would be called.

    Benjamini and Hochberg (1995) with p-values weighted by group (Hu, Zhao and Zhou, JASA 2010): a group of which the
    share s is of nothing has a weight in proportion to (1 - s) / s, so that the weights of what is of nothing sum to
    the number of all. One tenth of the level is dealt out evenly: a group in which nothing is seen may hold single
    findings. Where no group holds anything it is the procedure without weights.

    Parameters
    ----------
    p
        Shape (n,). Uniform, or larger, where there is nothing.
    group
        Of each, shape (n,); it may not depend on the p-value where there is nothing.
    """
    nothing = np.ones(len(p))
    for one in np.unique(group):
        nothing[group == one] = null_share(p[group == one])
    weight = (1 - nothing) / nothing
    whole = float((nothing * weight).sum())
    if whole > 0:
        p = np.minimum(1.0, p / (_EVEN + (1 - _EVEN) * weight * len(p) / whole))
    return np.asarray(stats.false_discovery_control(p)) if len(p) else p
