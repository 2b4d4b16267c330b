"""The patient bootstrap: whole patients are drawn, the same numbers for a seed whatever the number of threads.

A replicate is a row of weights (how often each patient was drawn), so that a statistic is computed for many replicates
at once from one sort. Patients are drawn within cases and controls: the numbers of each are fixed, as in DeLong's
variance.

Sources: Efron B, Tibshirani RJ (1993) An Introduction to the Bootstrap, chapters 6, 13, 14; Rutter CM (2000) Academic
Radiology 7:413-419 (whole patients drawn for clustered ROC data).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.results import Comparison, Estimate

# Replicates drawn together from one random stream; part of the definition of the numbers, so never tuned to a machine.
BLOCK = 25

Statistic = Callable[[Floats], Floats]


def bootstrap(
    statistic: Statistic,
    cases: Bools,
    clusters: Ints | None = None,
    *,
    replicates: int = 2000,
    seed: int = 0,
    threads: int | None = None,
) -> Floats:
    """Values of `statistic` on bootstrap replicates, shape (replicates, ...).

    Parameters
    ----------
    statistic
        Turns weights (block, n) into values (block, ...).
    cases
        Shape (n,), true for cases.
    clusters
        Number of the patient of each row, 0..patients-1, shape (n,); None where each row is a patient.
    replicates, seed
        How many, and from which seed.
    threads
        How many threads; None takes the processors at hand. It does not change the numbers.

    Raises
    ------
    StatsError
        Fewer than two replicates.
    """
    if replicates < 2:
        raise StatsError(f"a bootstrap needs at least 2 replicates, not {replicates}; 2000 is customary")
    strata = _strata(cases, clusters)
    sizes = [BLOCK] * (replicates // BLOCK) + ([replicates % BLOCK] if replicates % BLOCK else [])
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))

    def one(block: tuple[int, np.random.SeedSequence]) -> Floats:
        size, child = block
        drawn = _weights(strata, size, np.random.default_rng(child))
        return statistic(drawn if clusters is None else np.take(drawn, clusters, axis=1))

    workers = min(threads or os.cpu_count() or 1, len(sizes))
    if workers == 1:
        return np.concatenate([one(block) for block in zip(sizes, seeds, strict=True)])
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(one, zip(sizes, seeds, strict=True))))


def _strata(cases: Bools, clusters: Ints | None) -> list[Ints]:
    """Patients with a case, patients without: each drawn from its own."""
    if clusters is None:
        with_case = cases
    else:
        with_case = np.zeros(int(clusters.max()) + 1, dtype=bool)
        with_case[clusters[cases]] = True
    parts = [np.flatnonzero(with_case), np.flatnonzero(~with_case)]
    return [part for part in parts if len(part)]


def _weights(strata: list[Ints], size: int, random: np.random.Generator) -> Floats:
    total = sum(len(stratum) for stratum in strata)
    weights = np.empty((size, total))
    for stratum in strata:
        m = len(stratum)
        drawn = random.integers(0, m, size=(size, m), dtype=np.int32)
        drawn += (np.arange(size, dtype=np.int32) * np.int32(m))[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * m).reshape(size, m)
        if m == total:
            weights[:] = counts
        else:
            weights[:, stratum] = counts
    return weights


def weighted_auc(cases: Bools, score: Floats) -> Statistic:
    """The AUC as a function of weights: (block, n) -> (block,). The sort is done once."""
    order = np.argsort(score, kind="stable")
    ordered, is_case = score[order], cases[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    tied = len(starts) < len(order)
    case_columns, control_columns = order[is_case], order[~is_case]
    # Without ties a case only needs the weight of the controls before it: a cumulative sum over the controls.
    before = np.searchsorted(np.flatnonzero(~is_case), np.flatnonzero(is_case))

    def untied(weights: Floats) -> Floats:
        below = np.zeros((len(weights), len(control_columns) + 1))
        np.cumsum(np.take(weights, control_columns, axis=1), axis=1, out=below[:, 1:])
        of_cases = np.take(weights, case_columns, axis=1)
        wins = np.einsum("bi,bi->b", of_cases, np.take(below, before, axis=1))
        return np.asarray(wins / (of_cases.sum(axis=1) * below[:, -1]))

    def with_ties(weights: Floats) -> Floats:
        sorted_weights = np.take(weights, order, axis=1)
        of_cases = np.add.reduceat(sorted_weights * is_case, starts, axis=1)
        of_controls = np.add.reduceat(sorted_weights * ~is_case, starts, axis=1)
        below = np.cumsum(of_controls, axis=1)
        wins = np.einsum("bi,bi->b", of_cases, below - of_controls / 2)
        return np.asarray(wins / (of_cases.sum(axis=1) * below[:, -1]))

    return with_ties if tied else untied


def bootstrap_auc(
    cases: ArrayLike,
    scores: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    replicates: int = 2000,
    seed: int = 0,
    threads: int | None = None,
) -> Floats:
    """AUCs of several markers on the same patient-bootstrap replicates, shape (replicates, markers).

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Shape (markers, n) or (n,).
    clusters
        The patient of each row, shape (n,), where a patient has several rows.
    replicates, seed, threads
        As in :func:`bootstrap`.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`.
    """
    checked = checks.binary(cases)
    matrix = checks.score_matrix(scores, len(checked))
    numbers = None if clusters is None else checks.labels(clusters, len(checked), "the patient")[1]
    parts = [weighted_auc(checked, row) for row in matrix]

    def all_markers(weights: Floats) -> Floats:
        both_classes(weights, checked)
        return np.stack([part(weights) for part in parts], axis=1)

    return bootstrap(all_markers, checked, numbers, replicates=replicates, seed=seed, threads=threads)


def both_classes(weights: Floats, cases: Bools) -> None:
    """Refuse replicates (block, n) that hold one class only: whatever compares the classes is not a number there.

    Raises
    ------
    StatsError
        With the cure.
    """
    if not (weights[:, cases].any(axis=1) & weights[:, ~cases].any(axis=1)).all():
        raise StatsError("too few cases or controls: some bootstrap replicates hold one class only")


def percentile_interval(value: float, replicates: Floats, *, level: float = 0.95) -> Estimate:
    """Interval of `value` from its bootstrap replicates (replicates,): the middle `level` of them.

    Raises
    ------
    StatsError
        A statistic that some replicates leave undefined.
    """
    level = checks.fraction(level, "the confidence level")
    values = checks.finite(replicates, "the bootstrap replicates")
    low, high = (float(limit) for limit in np.quantile(values, [0.5 - level / 2, 0.5 + level / 2]))
    return Estimate(value, low, high, level, f"patient bootstrap, percentile, {len(values)} replicates")


def percentile_comparison(difference: float, replicates: Floats, *, level: float = 0.95) -> Comparison:
    """Comparison from bootstrap replicates of the difference; the p-value inverts the percentile interval."""
    interval = percentile_interval(difference, replicates, level=level)
    error = float(np.std(replicates, ddof=1))
    count = len(replicates)
    below = (np.count_nonzero(replicates < 0) + np.count_nonzero(replicates == 0) / 2 + 0.5) / (count + 1)
    p = float(min(1.0, 2 * min(below, 1 - below)))
    statistic = 0.0 if error == 0 else difference / error
    return Comparison(difference, interval.low, interval.high, statistic, p, interval.level, interval.method)
