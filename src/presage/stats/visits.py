"""Does a marker follow its patients over visits? Correlation within patients, compared, and the error of one visit.

Sources: Bakdash JZ, Marusich LR (2017) Front Psychol 8:456 and Bland JM, Altman DG (1995) BMJ 310:446 (correlation
within patients); Efron B, Tibshirani RJ (1993) An Introduction to the Bootstrap (whole patients are drawn); Bonett DG,
Wright TA (2000) Psychometrika 65:23-28 (Spearman's interval); Jacobson NS, Truax P (1991) J Consult Clin Psychol
59:12-19 (what error a change must exceed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.agreement import pearson
from presage.stats.checks import Floats, Ints, StatsError
from presage.stats.resampling import percentile_comparison, percentile_interval
from presage.stats.results import Comparison, Estimate


@dataclass(frozen=True)
class Changes:
    """Correlation of two changes, one pair a patient: Pearson's, and Spearman's on ranks."""

    n: int
    pearson: Estimate
    spearman: Estimate


@dataclass(frozen=True)
class VisitError:
    """How much a score varies from visit to visit for no reason that the scale knows.

    Attributes
    ----------
    error
        Standard error of measurement of one visit: the residual of the patients' parallel lines, in the score's unit.
    spread
        Standard deviation of the score over patients at their first visit.
    reliability
        ``1 - error**2 / spread**2``, not below 0: what Jacobson and Truax call the reliability.
    smallest
        The smallest change between two visits that is more than error at the level asked for.
    """

    error: float
    spread: float
    reliability: float
    smallest: float


def repeated_correlation_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    patients: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Correlation within patients with an interval from drawing whole patients: it needs no normal residuals.

    Parameters
    ----------
    first, second
        Shape (visits,), all visits of all patients.
    patients
        The patient of each visit.

    Raises
    ------
    StatsError
        As :func:`presage.stats.agreement.repeated_measures_correlation`.
    """
    sums = _sums(first, [second], patients)
    value = float(_correlation(sums.sum(axis=0)[None])[0, 0])
    drawn = _correlation(_draws(len(sums), replicates, seed) @ sums.reshape(len(sums), -1), 1)
    return percentile_interval(value, drawn[:, 0], level=level)


def compare_repeated_correlations(
    scale: ArrayLike,
    marker: ArrayLike,
    standard: ArrayLike,
    patients: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Correlation within patients of marker and scale minus that of standard and scale, by drawing whole patients.

    Raises
    ------
    StatsError
        As :func:`repeated_correlation_bootstrap`.
    """
    sums = _sums(scale, [marker, standard], patients)
    found = _correlation(sums.sum(axis=0)[None])[0]
    drawn = _correlation(_draws(len(sums), replicates, seed) @ sums.reshape(len(sums), -1), 2)
    return percentile_comparison(float(found[0] - found[1]), drawn[:, 0] - drawn[:, 1], level=level)


def correlation_of_changes(scale_change: ArrayLike, score_change: ArrayLike, *, level: float = 0.95) -> Changes:
    """Do those whose scale fell more have a score that fell more? One change each, shape (patients,).

    Raises
    ------
    StatsError
        Missing values, fewer than four patients, a change that is the same for everybody.
    """
    linear = pearson(scale_change, score_change, level=level)
    ranks = [stats.rankdata(np.asarray(values, dtype=np.float64)) for values in (scale_change, score_change)]
    value = float(np.clip(np.corrcoef(*ranks)[0, 1], -1, 1))
    name = "Bonett and Wright"
    n = len(ranks[0])
    if abs(value) >= 1 - 1e-12:
        return Changes(n, linear, Estimate(value, value, value, level, name))
    half = float(stats.norm.ppf(0.5 + level / 2)) * ((1 + value**2 / 2) / (n - 3)) ** 0.5
    centre = float(np.arctanh(value))
    return Changes(
        n, linear, Estimate(value, float(np.tanh(centre - half)), float(np.tanh(centre + half)), level, name)
    )


def visit_error(scale: ArrayLike, score: ArrayLike, patients: ArrayLike, *, level: float = 0.95) -> VisitError:
    """The error of one visit of a score, from its scatter about the patients' parallel lines over the scale.

    What changes in the score without a change of the scale counts as error, so that the patients themselves say how
    reliable the score is. The first row of a patient is the first visit.

    Raises
    ------
    StatsError
        As :func:`presage.stats.agreement.repeated_measures_correlation`; no spread between patients.
    """
    sums = _sums(scale, [score], patients).sum(axis=0)
    values = np.asarray(score, dtype=np.float64)
    names, first_rows = np.unique(np.asarray(patients), return_index=True)
    freedom = len(values) - len(names) - 1
    residual = float(max(sums[0, 2] - sums[0, 0] ** 2 / sums[0, 1], 0.0))
    error = (residual / freedom) ** 0.5
    spread = float(values[first_rows].std(ddof=1))
    if not spread > 0:
        raise StatsError("the score is the same for all patients at their first visit: its reliability is undefined")
    limit = float(stats.norm.ppf(0.5 + checks.fraction(level, "the confidence level") / 2))
    return VisitError(error, spread, max(0.0, 1 - (error / spread) ** 2), limit * 2**0.5 * error)


def _sums(scale: ArrayLike, scores: list[ArrayLike], patients: ArrayLike) -> Floats:
    """Within-patient products with the scale, squares of the scale and of each score, shape (patients, scores, 3)."""
    truth = checks.finite(scale, "the scale")
    names, numbers = checks.labels(patients, len(truth), "the patient")
    if len(truth) - len(names) - 1 < 2:
        raise StatsError("too few repeated visits: correlation within patients needs patients seen several times")
    x = _within(truth, numbers)
    sums = np.zeros((len(names), len(scores), 3))
    for column, values in enumerate(scores):
        y = _within(checks.score(values, len(truth), "the score", varied=False), numbers)
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            raise StatsError("a score never changes within a patient, so no correlation of changes exists")
        for place, product in enumerate((x * y, x * x, y * y)):
            sums[:, column, place] = np.bincount(numbers, weights=product)
    return sums


def _within(values: Floats, numbers: Ints) -> Floats:
    return np.asarray(values - (np.bincount(numbers, weights=values) / np.bincount(numbers))[numbers])


def _draws(n: int, replicates: int, seed: int) -> Floats:
    """How often each patient is drawn, shape (replicates, n)."""
    if replicates < 2:
        raise StatsError(f"a bootstrap needs at least 2 replicates, not {replicates}; 2000 is customary")
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates).astype(np.float64)


def _correlation(sums: Floats, scores: int | None = None) -> Floats:
    """Correlations of sums, shape (replicates, scores); 0 where a draw holds nobody who changes."""
    table = sums.reshape(len(sums), -1 if scores is None else scores, 3)
    size = np.sqrt(table[..., 1] * table[..., 2])
    return np.asarray(np.clip(np.where(size > 0, table[..., 0] / np.where(size > 0, size, 1), 0), -1, 1))
