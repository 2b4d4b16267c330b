"""Matched case-control studies: what is compared within a matched set, and the AUC with the matching taken out.

A study matched on age cannot show what age is worth, and its plain AUC mixes the score with the matching.

Sources: Breslow NE, Day NE (1980) Statistical Methods in Cancer Research I, chapter 7, and Gail MH, Lubin JH,
Rubinstein LV (1981) Biometrika 68:703-707 (conditional likelihood by recursion); Brentnall AR, Cuzick J, Field J,
Duffy SW (2015) Statistics in Medicine 34:3993-4004 (matched concordance); Janes H, Pepe MS (2009) Biometrika
96:371-382 (adjusted AUC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.resampling import bootstrap, percentile_interval, weighted_auc
from presage.stats.results import Comparison, Estimate


@dataclass(frozen=True)
class ConditionalFit:
    """Log odds ratios within matched sets (terms,), covariance, Wald z and p, likelihood-ratio test against none."""

    coefficients: Floats
    covariance: Floats
    z: Floats
    p: Floats
    log_likelihood: float
    likelihood_ratio: float
    likelihood_ratio_p: float
    n_sets: int

    def odds_ratios(self, level: float = 0.95) -> Floats:
        """Odds ratio, low, high of each term, shape (terms, 3)."""
        half = float(stats.norm.ppf(0.5 + checks.fraction(level, "the confidence level") / 2))
        error = half * np.sqrt(np.diag(self.covariance))
        return np.exp(np.stack([self.coefficients, self.coefficients - error, self.coefficients + error], axis=1))


def _sets(cases: ArrayLike, match_sets: ArrayLike) -> tuple[Bools, list[Ints], int]:
    """Rows of each set that holds both a case and a control; sets that do not are counted."""
    checked = checks.binary(cases)
    _, numbers = checks.labels(match_sets, len(checked), "the matched set")
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    useful = [rows for rows in groups if checked[rows].any() and not checked[rows].all()]
    if len(useful) < 2:
        raise StatsError(
            f"{len(useful)} matched set(s) hold both a case and a control; at least 2 are needed. Check that the set "
            "column gives a case and its controls the same value"
        )
    return checked, useful, len(groups) - len(useful)


def conditional_logistic(
    cases: ArrayLike, terms: ArrayLike, match_sets: ArrayLike, *, steps: int = 50
) -> ConditionalFit:
    """Exact conditional logistic regression, any number of cases and controls in a set.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    terms
        Shape (n, terms) or (n,).
    match_sets
        Set of each person, shape (n,). Sets without a case or without a control say nothing and are left out.

    Raises
    ------
    StatsError
        Fewer than two informative sets; terms constant within every set; no finite maximum.
    """
    checked, sets, _ = _sets(cases, match_sets)
    design = checks.finite(terms, "the terms", ndim=None)
    design = design[:, None] if design.ndim == 1 else design
    checks.same_length(len(design), len(checked), "the terms")
    scale = design.std(axis=0)
    varied = np.zeros(design.shape[1], dtype=bool)
    for rows in sets:
        varied |= np.ptp(design[rows], axis=0) > 0
    if not varied.all():
        raise StatsError(f"term {int(np.argmin(varied)) + 1} does not vary within any matched set; it was matched on")
    scaled = design / scale
    beta = np.zeros(design.shape[1])
    null, gradient, information = _conditional(beta, scaled, checked, sets)
    best = null
    for _ in range(steps):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError as error:
            raise StatsError("the terms repeat one another within the matched sets; leave one out") from error
        size = 1.0
        while True:
            found = _conditional(beta + size * step, scaled, checked, sets)
            if found[0] >= best - 1e-12 * abs(best) or size < 1e-6:
                break
            size /= 2
        beta = beta + size * step
        best, gradient, information = found
        # A term higher in every case sends its coefficient up without end; rounding would stop it somewhere.
        if np.abs(beta).max() > 20:
            break
        if np.abs(step).max() * size < 1e-9:
            covariance = np.linalg.inv(information) / np.outer(scale, scale)
            coefficients = beta / scale
            z = coefficients / np.sqrt(np.diag(covariance))
            ratio = 2 * (best - null)
            ratio_p = float(stats.chi2.sf(ratio, len(beta)))
            p = 2 * stats.norm.sf(np.abs(z))
            return ConditionalFit(coefficients, covariance, z, p, best, ratio, ratio_p, len(sets))
    raise StatsError("the conditional model has no finite maximum: in every set a term is higher in the case")


def _conditional(beta: Floats, design: Floats, cases: Bools, sets: list[Ints]) -> tuple[float, Floats, Floats]:
    """Conditional log-likelihood, gradient and information."""
    value, gradient = 0.0, np.zeros_like(beta)
    information = np.zeros((len(beta), len(beta)))
    for rows in sets:
        # Terms count from their mean in the set, which cancels; exp stays finite.
        x = design[rows] - design[rows].mean(axis=0)
        is_case = cases[rows]
        m = int(is_case.sum())
        linear = x @ beta
        shift = float(linear.max())
        weights = np.exp(linear - shift)
        # ways[k]: sum over all choices of k people of the product of their weights, with its two derivatives.
        ways = np.zeros(m + 1)
        first, second = np.zeros((m + 1, len(beta))), np.zeros((m + 1, len(beta), len(beta)))
        ways[0] = 1.0
        for weight, row in zip(weights, x, strict=True):
            outer = np.outer(row, row)
            cross = np.einsum("ki,j->kij", first[:-1], row)
            second[1:] += weight * (second[:-1] + cross + cross.transpose(0, 2, 1) + ways[:-1, None, None] * outer)
            first[1:] += weight * (first[:-1] + ways[:-1, None] * row)
            ways[1:] += weight * ways[:-1]
        mean = first[m] / ways[m]
        value += float(linear[is_case].sum()) - m * shift - float(np.log(ways[m]))
        gradient += x[is_case].sum(axis=0) - mean
        information += second[m] / ways[m] - np.outer(mean, mean)
    return value, gradient, information


def _set_wins(cases: Bools, score: Floats, sets: list[Ints]) -> tuple[Floats, Floats]:
    """Pairs won by cases and pairs in each set, (sets,)."""
    wins, pairs = np.empty(len(sets)), np.empty(len(sets))
    for number, rows in enumerate(sets):
        sick, well = score[rows][cases[rows]], score[rows][~cases[rows]]
        above = sick[:, None] - well[None, :]
        wins[number], pairs[number] = (above > 0).sum() + 0.5 * (above == 0).sum(), above.size
    return wins, pairs


def matched_concordance(cases: ArrayLike, scores: ArrayLike, match_sets: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Share of case-control pairs of the same set in which the case scores higher (ties half), interval over sets.

    Raises
    ------
    StatsError
        Fewer than two informative sets; missing or constant scores.
    """
    checked, sets, _ = _sets(cases, match_sets)
    score = checks.score(scores, len(checked))
    level = checks.fraction(level, "the confidence level")
    wins, pairs = _set_wins(checked, score, sets)
    value = float(wins.sum() / pairs.sum())
    n = len(sets)
    error = float(((wins - value * pairs) ** 2).sum() * n / (n - 1)) ** 0.5 / float(pairs.sum())
    if error == 0 or not 0 < value < 1:
        # No spread between sets: the exact interval of as many sets, all alike.
        limits = stats.binomtest(round(value * n), n).proportion_ci(level, "exact")
        return Estimate(value, float(limits.low), float(limits.high), level, "matched sets, exact")
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error / (value * (1 - value))
    centre = float(np.log(value / (1 - value)))
    low, high = (float(1 / (1 + np.exp(-(centre + sign * half)))) for sign in (-1, 1))
    return Estimate(value, low, high, level, f"matched sets, logit, t with {n - 1} degrees of freedom")


def compare_matched(
    cases: ArrayLike, first: ArrayLike, second: ArrayLike, match_sets: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Difference in matched concordance (first minus second) of two scores, tested over sets.

    Raises
    ------
    StatsError
        As :func:`matched_concordance`.
    """
    checked, sets, _ = _sets(cases, match_sets)
    level = checks.fraction(level, "the confidence level")
    both = [_set_wins(checked, checks.score(score, len(checked)), sets) for score in (first, second)]
    total, n = float(both[0][1].sum()), len(sets)
    gaps = both[0][0] - both[1][0]
    difference = float(gaps.sum()) / total
    error = float(((gaps - difference * both[0][1]) ** 2).sum() * n / (n - 1)) ** 0.5 / total
    name = f"matched sets, t with {n - 1} degrees of freedom"
    if error == 0 and difference == 0:
        return Comparison(0.0, 0.0, 0.0, 0.0, 1.0, level, name)
    if error == 0:
        return _all_alike(difference, n, level)
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * error
    p = float(2 * stats.t.sf(abs(difference / error), n - 1))
    low, high = max(-1.0, difference - half), min(1.0, difference + half)
    return Comparison(difference, low, high, difference / error, p, level, name)


def _all_alike(difference: float, n: int, level: float) -> Comparison:
    """Every set differs by the same share of its pairs, so that there is no spread to test with: the sign test.

    The limit is this difference times (2 q - 1), with q the exact lower limit of the share of sets on one side.
    """
    far = abs(difference) * (2 * (0.5 - level / 2) ** (1 / n) - 1)
    low, high = (far, difference) if difference > 0 else (difference, -far)
    p = max(2.0 * 0.5**n, float(np.finfo(float).tiny))
    statistic = float(np.sign(difference) * stats.norm.isf(p / 2))
    return Comparison(difference, low, high, statistic, p, level, "matched sets, sign test")


def adjusted_auc(
    cases: ArrayLike,
    scores: ArrayLike,
    covariates: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Covariate-adjusted AUC: the chance that a case scores above a control with the same covariates.

    Parameters
    ----------
    cases, scores
        Shape (n,) each.
    covariates
        Numbers, shape (n, covariates) or (n,): age, breast density; categories as 0/1 columns.
    replicates, seed
        Of the percentile interval from the patient bootstrap, in which the model of the controls is fitted again.

    Notes
    -----
    The score of the controls is modelled as linear in the covariates, with the same spread at all of them (Janes and
    Pepe's semiparametric estimator); what is left of each score over that line is compared.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`; more covariates than controls.
    """
    checked = checks.binary(cases)
    score = checks.score(scores, len(checked))
    design = checks.finite(covariates, "the covariates", ndim=None)
    design = design[:, None] if design.ndim == 1 else design
    checks.same_length(len(design), len(checked), "the covariates")
    design = np.column_stack([np.ones(len(checked)), design - design.mean(axis=0)])
    if (~checked).sum() <= design.shape[1] + 1:
        raise StatsError(f"{int((~checked).sum())} controls are too few for {design.shape[1] - 1} covariate(s)")

    def one(weights: Floats) -> float:
        root = np.sqrt(weights[~checked])
        line = np.linalg.lstsq(design[~checked] * root[:, None], score[~checked] * root, rcond=None)[0]
        left = score - design @ line
        return float(weighted_auc(checked, left)(weights[None])[0])

    drawn = bootstrap(lambda block: np.array([one(row) for row in block]), checked, replicates=replicates, seed=seed)
    return percentile_interval(one(np.ones(len(checked))), drawn, level=level)
