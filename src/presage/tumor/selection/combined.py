"""The excess of protein-changing patients in one gene over all classes: Fisher's statistic with its exact distribution.

Fisher's chi-square would be wrong twice: most counts are 0 or 1, and the classes share the gene's uncertain rate. So
the statistic (the sum of -ln mid-p over missense, truncating and indel) is kept and its distribution is summed up
exactly: the substitution classes are negative-multinomial (one gamma), indels are independent of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from presage.tumor.selection.background import Background, upper_tail
from presage.tumor.selection.counts import CHANGING, Counts

Floats = NDArray[np.floating[Any]]

# Beyond this statistic 1 - P is lost to rounding; the chi-square tail is used, which is the larger of the two
# for counts as sparse as these.
_EXACT = 25.0
_SAME = 1e-9


def class_tests(counts: Counts, background: Background) -> dict[str, tuple[Floats, Floats]]:
    """Class -> P(X >= count) and P(X = count) of each gene."""
    substitution, indel = background.shapes, background.indel_shape
    shapes: dict[str, Floats | float] = {"missense": substitution, "truncating": substitution, "indel": indel}
    return {name: upper_tail(getattr(counts, name), background.expected[name], shapes[name]) for name in CHANGING}


def excess(counts: Counts, background: Background) -> tuple[Floats, Floats]:
    """P(T > t) and P(T = t) of the combined statistic under the background, each of shape (genes,)."""
    tests = class_tests(counts, background)
    observed = np.zeros(len(counts.missense))
    for tail, mass in tests.values():
        observed += -np.log(np.maximum(tail - mass / 2, 1e-300))
    above, equal = np.empty(len(observed)), np.zeros(len(observed))
    none = counts.missense + counts.truncating + counts.indel == 0
    # All counts nought is the smallest statistic there is.
    nothing = _nothing(background)
    above[none], equal[none] = 1.0 - nothing[none], nothing[none]
    far = ~none & (observed > _EXACT)
    above[far] = stats.chi2.sf(2 * observed[far], 2 * len(CHANGING))
    for gene in np.flatnonzero(~none & ~far):
        above[gene], equal[gene] = _exact(
            float(observed[gene]),
            tuple(float(background.expected[name][gene]) for name in CHANGING),
            float(background.shapes[gene]),
            background.indel_shape,
        )
    return above, equal


def _nothing(background: Background) -> Floats:
    both = background.expected["missense"] + background.expected["truncating"]
    shape, indel = background.shapes, background.indel_shape
    substitutions = shape * np.log1p(-both / (both + shape))
    nothing: Floats = np.exp(substitutions + indel * np.log(indel / (indel + background.expected["indel"])))
    return nothing


def _exact(observed: float, means: tuple[float, ...], shape: float, indel_shape: float) -> tuple[float, float]:
    """P(T > observed) and P(T = observed) by summing over the counts whose statistic is smaller or the same."""
    first, _ = _statistics(means[0], shape, observed)
    second, _ = _statistics(means[1], shape, observed)
    third, mass = _statistics(means[2], indel_shape, observed)
    a, b = np.arange(len(first))[:, None], np.arange(len(second))[None, :]
    both = means[0] + means[1]
    joint = np.exp(
        special.gammaln(shape + a + b) - special.gammaln(shape) - special.gammaln(a + 1.0) - special.gammaln(b + 1.0)
        + shape * np.log1p(-both / (shape + both)) + a * np.log(means[0] / (shape + both))
        + b * np.log(means[1] / (shape + both))
    )  # fmt: skip
    left = observed - first[:, None] - second[None, :]
    below = np.append(0.0, np.cumsum(mass))
    smaller = below[np.searchsorted(third, left - _SAME)]
    up_to = below[np.searchsorted(third, left + _SAME)]
    below_it, with_it = float((joint * smaller).sum()), float((joint * up_to).sum())
    return max(1.0 - with_it, 0.0), max(with_it - below_it, 0.0)


def _statistics(mean: float, shape: float, most: float) -> tuple[Floats, Floats]:
    """-ln mid-p and mass of the counts 0, 1, ... whose -ln mid-p is not above `most`."""
    size = int(mean + 8.0 * np.sqrt(mean + mean * mean / shape)) + 12
    while True:
        counts = np.arange(size)
        tail, mass = upper_tail(counts, np.full(size, mean), shape)
        statistic = -np.log(np.maximum(tail - mass / 2, 1e-300))
        if statistic[-1] > most + _SAME:
            kept = statistic <= most + _SAME
            return statistic[kept], mass[kept]
        size *= 2
