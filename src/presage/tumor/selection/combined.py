"""The excess of protein-changing patients in one gene over all classes: Fisher's statistic with its exact distribution.

Fisher's chi-square would be wrong twice: most counts are 0 or 1, and the classes share the gene's uncertain rate. So
the statistic (the sum of -ln mid-p over missense, truncating and indel) is kept and its distribution is summed up
exactly: the substitution classes are negative-multinomial (one gamma), indels are independent of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from presage.tumor.selection.background import Background, upper_tail
from presage.tumor.selection.counts import CHANGING, Counts

Floats = NDArray[np.floating[Any]]

# A larger statistic counts as this one: its probability is below any that matters, and the sums stay short.
_LARGEST = 100.0
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
    for gene in np.flatnonzero(~none):
        above[gene], equal[gene] = _exact(
            min(float(observed[gene]), _LARGEST),
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
    """P(T > observed) and P(T = observed), summed over upper tails so that small probabilities keep their digits.

    Given `a` missense patients, the truncating ones are negative-binomial with shape + a (the gamma has been updated).
    """
    first, mass_first = _statistics(means[0], shape, observed)
    second, _ = _statistics(means[1], shape, observed)
    third, mass_third = _statistics(means[2], indel_shape, observed)
    a, b = np.arange(len(first)), np.arange(len(second))
    share = means[1] / (shape + means[0] + means[1])
    given = shape + a[:, None]
    with np.errstate(under="ignore"):
        log_mass = special.gammaln(given + b) - special.gammaln(given) - special.gammaln(b + 1.0)
        joint = mass_first[:, None] * np.exp(log_mass + given * np.log1p(-share) + b * np.log(share))
    left = observed - first[:, None] - second[None, :]
    joint = np.where(left >= -_SAME, joint, 0.0)
    # How many truncating patients each `a` leaves room for: from there on the statistic is above, whatever the indels.
    room = (left >= -_SAME).sum(axis=1)
    beyond = np.where(room > 0, special.betainc(np.maximum(room, 1), shape + a, share), 1.0)
    indels = np.arange(len(third) + 1)
    tail = upper_tail(indels, np.full(len(indels), means[2]), indel_shape)[0]
    low, high = np.searchsorted(third, left - _SAME), np.searchsorted(third, left + _SAME)
    above = (joint * tail[high]).sum() + (mass_first * beyond).sum() + _tail(len(first), means[0], shape)
    equal = (joint * np.where(high > low, np.append(mass_third, 0.0)[low], 0.0)).sum()
    return float(above), float(equal)


def _tail(number: int, mean: float, shape: float) -> float:
    return float(upper_tail(np.array([number]), np.array([mean]), shape)[0][0])


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
