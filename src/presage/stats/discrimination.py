"""The area under the ROC curve with DeLong's variance: exact with ties, in the time of a sort.

Everything rests on *placements*. A case's placement is the share of controls that score below it (ties count half), a
control's is the share of cases above it. Their means are both the AUC, and their spread is its variance.

Sources: DeLong ER, DeLong DM, Clarke-Pearson DL (1988) Biometrics 44:837-845, eq. 3-6; Sun X, Xu W (2014) IEEE Signal
Processing Letters 21:1389-1393 (ranks in place of all pairs). The intervals are those of
`presage.stats.auc_intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.auc_intervals import FEW, IntervalMethod, difference_of_aucs, interval_of_auc
from presage.stats.checks import Bools, Floats, Ints
from presage.stats.results import Comparison, Estimate

# From here on a sort takes longer than starting a thread for it.
LARGE = 50_000


def placements(cases: Bools, score: Floats) -> Floats:
    """Placement of every patient, shape (n,), in the order given. The arrays are trusted (bool, finite float64)."""
    n_cases = int(np.count_nonzero(cases))
    n_controls = len(cases) - n_cases
    order = np.argsort(score)
    ordered, is_case = score[order], cases[order]
    # 32 bits hold any number of patients and halve the memory that is walked through.
    cases_so_far = np.cumsum(is_case, dtype=np.int32)
    differs = ordered[1:] != ordered[:-1]
    if differs.all():
        controls_so_far = np.arange(1, len(cases) + 1, dtype=np.int32) - cases_so_far
        counted = np.where(is_case, controls_so_far, n_cases - cases_so_far)
    else:
        last: Ints = np.flatnonzero(np.append(differs, True))
        sizes = np.diff(last, prepend=-1)
        cases_to = cases_so_far[last].astype(np.float64)
        controls_to = (last + 1) - cases_to
        # Half of the group's own members count: the middle between the totals before and after the group.
        below = (controls_to + np.concatenate(([0.0], controls_to[:-1]))) / 2
        above = n_cases - (cases_to + np.concatenate(([0.0], cases_to[:-1]))) / 2
        counted = np.where(is_case, np.repeat(below, sizes), np.repeat(above, sizes))
    values = np.empty(len(cases))
    values[order] = counted
    values /= np.where(cases, float(n_controls), float(n_cases))
    return values


def placements_of(cases: Bools, matrix: Floats) -> Floats:
    """Placements of several markers, shape (markers, n); the sorts of large ones run beside each other."""
    if len(matrix) == 1 or len(cases) < LARGE:
        return np.stack([placements(cases, row) for row in matrix])
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda row: placements(cases, row), matrix)))


def auc(cases: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a case scores above a control, ties counting half.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Shape (n,), higher = more likely a case.

    Raises
    ------
    StatsError
        One class only, a missing or infinite or constant score, arrays of different lengths.
    """
    checked = checks.binary(cases)
    return float(placements(checked, checks.score(scores, len(checked)))[checked].mean())


def delong(cases: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs of several markers on the same patients and their covariance.

    Parameters
    ----------
    cases
        0/1, shape (n,); at least two of each.
    scores
        Shape (markers, n) or (n,).

    Returns
    -------
    aucs, covariance
        Shapes (markers,) and (markers, markers).

    Raises
    ------
    StatsError
        As :func:`auc`, or fewer than two cases or controls.
    """
    checked = checks.binary(cases)
    checks.enough(checked)
    matrix = checks.score_matrix(scores, len(checked))
    return from_placements(checked, placements_of(checked, matrix))


def from_placements(cases: Bools, placed: Floats) -> tuple[Floats, Floats]:
    """AUCs (markers,) and covariance (markers, markers) from placements (markers, n)."""
    n_cases = int(np.count_nonzero(cases))
    n_controls = len(cases) - n_cases
    # The mean over cases and the mean over controls are both the AUC, so that one subtraction serves both.
    aucs: Floats = placed @ cases.astype(np.float64) / n_cases
    excess = placed - aucs[:, None]
    weights = np.where(cases, 1 / (n_cases * (n_cases - 1)), 1 / (n_controls * (n_controls - 1)))
    covariance: Floats = (excess * weights) @ excess.T
    return aucs, covariance


def few_freedom(cases: Bools, difference: Floats) -> float | None:
    """Satterthwaite's degrees of freedom of a mean placement difference (n,), None where each class has 30 or more.

    With few cases the variance among them is itself a guess, and the normal rejects up to twice too often
    (benchmarks/type_one_error.py).
    """
    return few_satterthwaite([difference[cases], difference[~cases]])


def few_satterthwaite(groups: Sequence[Floats]) -> float | None:
    """Satterthwaite's degrees of freedom of a sum of independent group means; None where no group is under 30."""
    if min(len(group) for group in groups) >= FEW:
        return None
    parts = np.array([np.var(group, ddof=1) / len(group) for group in groups])
    freedoms = np.array([len(group) - 1 for group in groups])
    total = float(parts.sum())
    return None if total <= 0 else float(total**2 / (parts**2 / freedoms).sum())


def auc_interval(
    cases: ArrayLike, scores: ArrayLike, *, level: float = 0.95, method: IntervalMethod = "auto"
) -> Estimate:
    """AUC of one marker with its interval, which never leaves [0, 1].

    Parameters
    ----------
    cases, scores
        As in :func:`auc`; at least two cases and two controls.
    level
        Confidence level.
    method
        ``wald``: estimate +- z * standard error (DeLong), cut at 0 and 1, as R's pROC prints it. ``logit``: the same on
        the log-odds of the AUC. ``score``: Newcombe's method 5, which is defined at 0 and 1 too. ``auto``: Wald; logit
        for an AUC beyond 0.15 or 0.85; score where the smaller class has under 30 patients, or under 100 and under a
        third of the larger for an AUC beyond 0.15 or 0.85. Chosen by coverage (benchmarks/interval_coverage.py).

    Raises
    ------
    StatsError
        As :func:`delong`.
    """
    checked = checks.binary(cases)
    values, covariance = delong(checked, scores)
    n_cases = int(checked.sum())
    return interval_of_auc(
        float(values[0]), float(covariance[0, 0]), n_cases, len(checked) - n_cases, level=level, method=method
    )


def compare_paired(cases: ArrayLike, first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Comparison:
    """Difference in AUC (first minus second) of two markers on the same patients, with DeLong's test.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    first, second
        Shape (n,) each. The same curve twice gives difference 0, Z 0, p 1.

    Notes
    -----
    The reference is the normal, as in R's pROC, and Student's t (Satterthwaite) where a class has under 30 patients.

    Raises
    ------
    StatsError
        As :func:`delong`.
    """
    checked = checks.binary(cases)
    n = len(checked)
    pair = np.stack([checks.score(first, n, "the first score"), checks.score(second, n, "the second score")])
    checks.enough(checked)
    placed = placements_of(checked, pair)
    values, covariance = from_placements(checked, placed)
    n_cases = int(checked.sum())
    counts = (n_cases, n_cases), (n - n_cases, n - n_cases)
    freedom = few_freedom(checked, placed[0] - placed[1])
    return difference_of_aucs(values, covariance, *counts, level=level, freedom=freedom)


def compare_unpaired(
    first_cases: ArrayLike,
    first_scores: ArrayLike,
    second_cases: ArrayLike,
    second_scores: ArrayLike,
    *,
    level: float = 0.95,
) -> Comparison:
    """Difference in AUC (first minus second) between independent groups of patients.

    The reference is Student's t with Welch-Satterthwaite degrees of freedom, as in R's pROC; where a class has under 30
    patients they are taken from cases and controls, of which the few decide.

    Raises
    ------
    StatsError
        As :func:`delong`, for either group.
    """
    groups = [checks.binary(first_cases), checks.binary(second_cases)]
    placed = []
    for group, scores in zip(groups, (first_scores, second_scores), strict=True):
        checks.enough(group)
        placed.append(placements(group, checks.score(scores, len(group))))
    fits = [from_placements(group, row[None]) for group, row in zip(groups, placed, strict=True)]
    values, variances = (np.array([fit[0][0] for fit in fits]), np.array([fit[1][0, 0] for fit in fits]))
    sizes = np.array([len(group) for group in groups])
    total = float(variances.sum())
    freedom = few_satterthwaite(
        [row[part] for group, row in zip(groups, placed, strict=True) for part in (group, ~group)]
    )
    if freedom is None and total > 0:
        freedom = float(total**2 / (variances**2 / (sizes - 1)).sum())
    n_cases = (int(groups[0].sum()), int(groups[1].sum()))
    n_controls = (int((~groups[0]).sum()), int((~groups[1]).sum()))
    return difference_of_aucs(values, np.diag(variances), n_cases, n_controls, level=level, freedom=freedom)
