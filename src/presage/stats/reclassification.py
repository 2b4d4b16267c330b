"""Net reclassification and integrated discrimination: offered because reviewers ask, with what is wrong with them said.

Sources: Pencina MJ et al. (2008) Statistics in Medicine 27:157-172 (categorical NRI, IDI) and (2011) 30:11-21
(continuous NRI); Hilden J, Gerds TA (2014) Statistics in Medicine 33:3405-3414, Pepe MS et al. (2015) Statistics in
Biosciences 7:282-295 and Kerr KF et al. (2014) Epidemiology 25:114-121 (why they mislead).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.checks import Floats, StatsError
from presage.stats.resampling import bootstrap, both_classes, percentile_interval
from presage.stats.results import Estimate

NRI_CAVEAT = (
    "The net reclassification index is no share of anything: it adds a share of the cases to a share of the controls, "
    "and a useless or badly calibrated marker can raise it (Hilden & Gerds 2014; Pepe 2015). Read its two parts, the "
    "decision curve and the difference in AUC; report none of them for a model on the patients that trained it."
)
IDI_CAVEAT = (
    "The integrated discrimination improvement grows with overconfident risks, depends on the prevalence, and its "
    "usual test is invalid for nested models (Kerr 2014; Hilden & Gerds 2014). Read calibration and the decision "
    "curve first."
)


@dataclass(frozen=True)
class Reclassification:
    """Net reclassification of the new risk against the old: cases moved up less down, controls moved down less up."""

    total: Estimate
    cases: Estimate
    controls: Estimate
    caveat: str


@dataclass(frozen=True)
class DiscriminationImprovement:
    """Difference of the discrimination slopes (mean risk of cases less that of controls), new less old."""

    total: Estimate
    old_slope: float
    new_slope: float
    caveat: str


def net_reclassification(
    cases: ArrayLike,
    old: ArrayLike,
    new: ArrayLike,
    cuts: ArrayLike | None = None,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> Reclassification:
    """Categorical (with `cuts`) or continuous (without) net reclassification index.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    old, new
        Predicted probabilities, shape (n,).
    cuts
        Risks that part the categories, a value at a cut belonging to the higher one; None counts every rise and fall.
    level, replicates, seed, patients
        Of the percentile intervals from the patient bootstrap.

    Raises
    ------
    StatsError
        Risks outside [0, 1], cuts outside (0, 1), one class only.
    """
    checked, before, after = _risks(cases, old, new)
    if cuts is not None:
        edges = np.sort(checks.finite(cuts, "the cuts"))
        for edge in edges:
            checks.fraction(float(edge), "a cut between categories of risk")
        before, after = (np.searchsorted(edges, risk, side="right").astype(np.float64) for risk in (before, after))
    moved = np.sign(after - before)

    def parts(weights: Floats) -> Floats:
        of_cases, of_controls = weights[:, checked], weights[:, ~checked]
        both_classes(weights, checked)
        up = of_cases @ moved[checked] / of_cases.sum(axis=1)
        down = -(of_controls @ moved[~checked]) / of_controls.sum(axis=1)
        return np.stack([up + down, up, down], axis=1)

    numbers = None if patients is None else checks.labels(patients, len(checked), "the patient")[1]
    values = parts(np.ones((1, len(checked))))[0]
    drawn = bootstrap(parts, checked, numbers, replicates=replicates, seed=seed)
    total, up, down = (percentile_interval(float(values[i]), drawn[:, i], level=level) for i in range(3))
    return Reclassification(total, up, down, NRI_CAVEAT)


def discrimination_improvement(
    cases: ArrayLike,
    old: ArrayLike,
    new: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> DiscriminationImprovement:
    """Integrated discrimination improvement (IDI); parameters and errors as :func:`net_reclassification`."""
    checked, before, after = _risks(cases, old, new)

    def slopes(weights: Floats) -> Floats:
        of_cases, of_controls = weights[:, checked], weights[:, ~checked]
        both_classes(weights, checked)
        both = [
            of_cases @ risk[checked] / of_cases.sum(axis=1) - of_controls @ risk[~checked] / of_controls.sum(axis=1)
            for risk in (before, after)
        ]
        return np.stack([both[1] - both[0], *both], axis=1)

    numbers = None if patients is None else checks.labels(patients, len(checked), "the patient")[1]
    difference, first, second = slopes(np.ones((1, len(checked))))[0]
    drawn = bootstrap(slopes, checked, numbers, replicates=replicates, seed=seed)
    total = percentile_interval(float(difference), drawn[:, 0], level=level)
    return DiscriminationImprovement(total, float(first), float(second), IDI_CAVEAT)


def _risks(cases: ArrayLike, old: ArrayLike, new: ArrayLike) -> tuple[checks.Bools, Floats, Floats]:
    checked = checks.binary(cases)
    n = len(checked)
    before, after = checks.probabilities(old, n, "the old risk"), checks.probabilities(new, n, "the new risk")
    if np.array_equal(before, after):
        raise StatsError("the old and the new risk are the same numbers: nothing is reclassified")
    return checked, before, after
