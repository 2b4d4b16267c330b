"""Clinical utility: what acting on a risk above a threshold gains, against acting on everyone or on no one.

Sources: Vickers AJ, Elkin EB (2006) Medical Decision Making 26:565-574 (net benefit); Pfeiffer RM, Gail MH (2020)
Biometrical Journal 62:764-776 and Kerr KF et al. (2016) J Clin Oncol 34:2534-2540 (standardised net benefit,
case-control with a known prevalence); Rembold CM (1998) BMJ 317:307-312 (number needed to screen).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.checks import Floats, StatsError
from presage.stats.operating import accuracy
from presage.stats.resampling import bootstrap, both_classes
from presage.stats.results import Estimate


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit per person over risk thresholds; arrays are (thresholds,) or (markers, thresholds).

    Attributes
    ----------
    thresholds
        Risk at and above which one acts; its odds are the harm of a needless action against the gain of a needed one.
    prevalence
        Share of cases for which the curve holds.
    net_benefit, low, high
        Of each marker, with bootstrap limits.
    difference, difference_low, difference_high
        Each marker minus the first.
    treat_all, treat_all_low, treat_all_high
        Acting on everyone. Acting on no one has net benefit 0. With a stated prevalence its limits equal it.
    standardised
        `net_benefit` / `prevalence`: 1 is the gain of a perfect marker.
    positives
        Share of people with a risk at or above the threshold.
    """

    thresholds: Floats
    prevalence: float
    net_benefit: Floats
    low: Floats
    high: Floats
    difference: Floats
    difference_low: Floats
    difference_high: Floats
    treat_all: Floats
    treat_all_low: Floats
    treat_all_high: Floats
    standardised: Floats
    positives: Floats
    level: float
    method: str


@dataclass(frozen=True)
class Screening:
    """What a programme that acts on a positive decision does per 1,000 people, at a stated prevalence.

    `number_needed_to_screen` people must be screened to find one case; `number_needed_to_recall` positives hold one
    case.
    """

    prevalence: float
    positives_per_1000: float
    cases_found_per_1000: float
    cases_missed_per_1000: float
    needless_per_1000: float
    number_needed_to_screen: Estimate
    number_needed_to_recall: Estimate


def decision_curve(
    cases: ArrayLike,
    risks: ArrayLike,
    thresholds: ArrayLike | None = None,
    *,
    prevalence: float | None = None,
    patients: ArrayLike | None = None,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> DecisionCurve:
    """Decision curves of one or several markers on the same people.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    risks
        Predicted probabilities, shape (markers, n) or (n,), calibrated to the population of use.
    thresholds
        Shape (thresholds,), strictly between 0 and 1; by default 0.01 to 0.50 in steps of 0.01.
    prevalence
        Share of cases in the population, needed for a case-control study; None takes that of these patients.
    patients
        The patient of each row, where a patient has several.
    level, replicates, seed, threads
        Of the percentile intervals from the patient bootstrap. Without a stated prevalence, cases and controls are
        drawn together, so that the uncertainty of the prevalence is in the interval.

    Raises
    ------
    StatsError
        Risks outside [0, 1], thresholds or prevalence outside (0, 1), one class only.
    """
    checked = checks.binary(cases)
    n = len(checked)
    matrix = np.stack([checks.probabilities(row, n) for row in np.atleast_2d(checks.finite(risks, "the risks", None))])
    grid = np.arange(1, 51) / 100 if thresholds is None else checks.finite(thresholds, "the thresholds")
    if (grid <= 0).any() or (grid >= 1).any():
        raise StatsError("thresholds are risks strictly between 0 and 1 (10 % is 0.1)")
    level = checks.fraction(level, "the confidence level")
    stated = prevalence is not None
    share = float(checked.mean()) if prevalence is None else checks.fraction(prevalence, "the prevalence")
    numbers = None if patients is None else checks.labels(patients, n, "the patient")[1]
    odds = grid / (1 - grid)
    # (n, markers * thresholds), so that every replicate is one product of matrices.
    positive = (matrix.T[:, :, None] >= grid).reshape(n, -1).astype(np.float64)
    sick, well = positive[checked], positive[~checked]

    def rates(weights: Floats) -> tuple[Floats, Floats, Floats]:
        both_classes(weights, checked)
        of_cases, of_controls = weights[:, checked], weights[:, ~checked]
        n_cases, n_controls = (part.sum(axis=1, keepdims=True) for part in (of_cases, of_controls))
        shape = (len(weights), len(matrix), len(grid))
        found = (of_cases @ sick / n_cases).reshape(shape)
        needless = (of_controls @ well / n_controls).reshape(shape)
        here = np.full((len(weights), 1, 1), share) if stated else (n_cases / (n_cases + n_controls))[:, :, None]
        return found, needless, here

    def benefit(weights: Floats) -> Floats:
        found, needless, here = rates(weights)
        everyone = here - (1 - here) * odds
        return np.concatenate([found * here - needless * (1 - here) * odds, everyone], axis=1)

    found, needless, _ = rates(np.ones((1, n)))
    values = benefit(np.ones((1, n)))[0]
    # One stratum for all unless the prevalence is stated: see `level` above.
    strata = checked if stated else np.zeros(n, dtype=bool)
    drawn = bootstrap(benefit, strata, numbers, replicates=replicates, seed=seed, threads=threads)
    limits = [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.quantile(drawn, limits, axis=0)
    difference_low, difference_high = np.quantile(drawn[:, :-1] - drawn[:, :1], limits, axis=0)
    return DecisionCurve(
        grid,
        share,
        values[:-1],
        low[:-1],
        high[:-1],
        values[:-1] - values[0],
        difference_low,
        difference_high,
        values[-1],
        low[-1],
        high[-1],
        values[:-1] / share,
        found[0] * share + needless[0] * (1 - share),
        level,
        f"patient bootstrap, percentile, {replicates} replicates",
    )


def screening(
    cases: ArrayLike, positive: ArrayLike, *, prevalence: float | None = None, level: float = 0.95
) -> Screening:
    """What acting on a yes/no decision does per 1,000 people.

    Parameters
    ----------
    cases, positive
        0/1, shape (n,).
    prevalence
        Share of cases in the population screened; None takes that of these patients (meaningless in a case-control
        study).

    Raises
    ------
    StatsError
        As :func:`presage.stats.accuracy`; a decision that finds no case at all.
    """
    found = accuracy(cases, positive, prevalence=prevalence, level=level)
    if found.true_positive == 0:
        raise StatsError("the decision finds no case, so no number of people screened finds one")
    share, sensitivity = found.prevalence, found.sensitivity
    false_positive = (1 - found.specificity.value) * (1 - share)
    value = found.positive_predictive_value
    recall = Estimate(1 / value.value, 1 / value.high, 1 / value.low, level, value.method)
    needed = [1 / (share * max(x, 1e-12)) for x in (sensitivity.value, sensitivity.high, sensitivity.low)]
    return Screening(
        share,
        1000 * (share * sensitivity.value + false_positive),
        1000 * share * sensitivity.value,
        1000 * share * (1 - sensitivity.value),
        1000 * false_positive,
        Estimate(needed[0], needed[1], needed[2], level, f"{sensitivity.method}, prevalence {share:g} as known"),
        recall,
    )
