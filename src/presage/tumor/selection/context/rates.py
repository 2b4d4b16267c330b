"""Mutation rates by context: Poisson regressions on the whole cohort, as fine as the number of mutations allows.

The changes of class k in context c are Poisson with mean `opportunities[k, c] * rate[group of c] * ratio[k]`, the ratio
of silent changes being 1 (Martincorena et al., Cell 2017;171:1029, equation of the global model). Contexts may share a
rate: from one for all, over the six or twelve kinds of change with CpG apart, to the 96 or 192 trinucleotide changes.
The grouping with the smallest AIC is taken. Its likelihood is that of all changes, and no gene list is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from presage.tumor.selection.context.changes import CLASSES, CONTEXTS, FOLDED, bases_of

Floats = NDArray[np.floating[Any]]
Groups = NDArray[np.int64]
_ROUNDS = 200


@dataclass(frozen=True)
class ContextRates:
    """The rates of a cohort.

    Attributes
    ----------
    groups
        Number of different rates, the one of the smallest AIC.
    rates
        Mutations per possible change in the cohort, shape (192,).
    errors
        Standard errors of their logarithms, shape (192,).
    ratios
        `missense`, `truncating` -> changes per possible change over silent ones given their contexts, with the limits
        of 95 %: dN/dS of the whole cohort.
    aic
        Number of rates -> AIC of every grouping that was tried.
    """

    groups: int
    rates: Floats
    errors: Floats
    ratios: dict[str, tuple[float, float, float]]
    aic: dict[int, float]

    def told(self) -> str:
        """What was fitted, in a sentence."""
        ratios = ", ".join(f"{name} {v:.2f} ({low:.2f} to {high:.2f})" for name, (v, low, high) in self.ratios.items())
        return f"{self.groups} rates by context (smallest AIC); observed over expected from silent changes: {ratios}."


def groupings(stranded: bool) -> dict[int, Groups]:
    """Number of rates -> the group of each of the 192 contexts.

    Both strands: 1; 6 kinds of change; 7, C>T at CpG apart; 15, changes of C by whether they are at CpG and behind T;
    96. On the strand of the gene also 12, 14, 30 and 192.
    """
    before, base, behind, becomes = bases_of(FOLDED)
    kind = base * 4 + becomes
    cpg = (base == 1) & (behind == 2)
    after_t = (base == 1) & (before == 3)
    folded = (kind * 0, kind, kind * 2 + (cpg & (becomes == 3)), kind * 4 + cpg * 2 + after_t, FOLDED)
    own = bases_of(np.arange(CONTEXTS))[1]
    purine = ((own == 0) | (own == 2)).astype(np.int64)
    all_ = [*folded, *(group * 2 + purine for group in folded[1:])] if stranded else list(folded)
    found = {}
    for group in all_:
        names, index = np.unique(group, return_inverse=True)
        found[len(names)] = index.astype(np.int64)
    return found


def fit_rates(opportunities: NDArray[Any], observed: NDArray[Any], *, stranded: bool) -> ContextRates:
    """Fit every grouping and take that of the smallest AIC.

    Parameters
    ----------
    opportunities, observed
        Possible changes, and those that were seen, shape (3 classes, 192 contexts).
    stranded
        Whether `observed` is on the strand of the gene; otherwise it is folded, and so are the opportunities here.
    """
    room = np.asarray(opportunities, float) if stranded else _fold(np.asarray(opportunities, float))
    seen = np.asarray(observed, float)
    # A change that the sequences have no room for (another class in the file than here) says nothing of rates.
    seen = np.where(room > 0, seen, 0.0)
    fits = {number: _fit(room, seen, group) for number, group in groupings(stranded).items()}
    aic = {number: -2.0 * found[2] + 2.0 * (number + len(CLASSES) - 1) for number, found in fits.items()}
    best = min(aic, key=lambda number: (aic[number], number))
    rates, ratios, _ = fits[best]
    group = groupings(stranded)[best]
    number = np.maximum(np.bincount(group, weights=seen.sum(axis=0), minlength=best), 0.5)
    errors = 1.0 / np.sqrt(number)
    return ContextRates(best, rates[group], errors[group], _limits(ratios, seen.sum(axis=1)), aic)


def _fold(values: Floats) -> Floats:
    folded = np.zeros_like(values)
    for row in range(len(values)):
        folded[row] = np.bincount(FOLDED, weights=values[row], minlength=CONTEXTS)
    return folded


def _fit(room: Floats, seen: Floats, group: Groups) -> tuple[Floats, Floats, float]:
    """Rates of groups, ratios of classes, log-likelihood: each in turn given the other, which ends at the maximum."""
    size = int(group.max()) + 1
    in_groups = np.stack([np.bincount(group, weights=row, minlength=size) for row in room])
    changes = np.bincount(group, weights=seen.sum(axis=0), minlength=size)
    ratios = np.ones(len(CLASSES))
    rates = np.zeros(size)
    for _ in range(_ROUNDS):
        # Half a change in a group without any keeps its rate above nought.
        rates = np.maximum(changes, 0.5) / np.maximum(ratios @ in_groups, 1e-9)
        expected = in_groups @ rates
        new = np.maximum(seen.sum(axis=1), 0.5) / np.maximum(expected, 1e-9)
        new = new / new[0]
        done = np.max(np.abs(np.log(new / ratios))) < 1e-9
        ratios = new
        if done:
            break
    rates = np.maximum(changes, 0.5) / np.maximum(ratios @ in_groups, 1e-9)
    mean = room * rates[group] * ratios[:, None]
    return rates, ratios, float((special.xlogy(seen, mean) - mean).sum())


def _limits(ratios: Floats, numbers: Floats) -> dict[str, tuple[float, float, float]]:
    """With 95 % limits on the log scale, from the Poisson counts of the class and of silent changes."""
    found = {}
    for place, name in enumerate(CLASSES[1:], start=1):
        error = float(np.sqrt(1.0 / max(numbers[place], 0.5) + 1.0 / max(numbers[0], 0.5)))
        reach = float(stats.norm.ppf(0.975)) * error
        value = float(ratios[place])
        found[name] = (value, value * float(np.exp(-reach)), value * float(np.exp(reach)))
    return found
