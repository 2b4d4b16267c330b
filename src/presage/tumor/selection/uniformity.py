"""Whether p-values are what they say: a QQ plot's points, and how far they are from uniform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Uniformity:
    """P-values against the uniform distribution.

    Attributes
    ----------
    expected, observed
        -log10 of the expected and the observed p-values, the largest first, shape (tests,).
    low, high
        The 95 % band of each point when all are uniform (order statistics are beta).
    inflation
        Median chi-square (1 df) over its expectation: 1 when the bulk is right.
    ks
        P-value of the Kolmogorov-Smirnov test.
    """

    expected: Floats
    observed: Floats
    low: Floats
    high: Floats
    inflation: float
    ks: float


def uniformity(values: Floats) -> Uniformity:
    """Compare p-values (randomised ones, where the test is discrete) with the uniform distribution."""
    ordered = np.sort(np.maximum(values, 1e-300))
    rank = np.arange(1, len(ordered) + 1)
    low, high = (stats.beta.ppf(share, rank, len(ordered) - rank + 1) for share in (0.975, 0.025))
    median = stats.chi2.isf(np.median(ordered), 1) / stats.chi2.isf(0.5, 1)
    ks = stats.kstest(ordered, "uniform").pvalue
    expected = (rank - 0.5) / len(ordered)
    return Uniformity(
        -np.log10(expected), -np.log10(ordered), -np.log10(low), -np.log10(high), float(median), float(ks)
    )
