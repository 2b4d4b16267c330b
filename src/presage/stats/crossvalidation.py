"""AUC from repeated cross-validation: unbiased without a signal, with an interval that counts the training too.

**Estimate.** A case is compared only with the controls that the same fitted model scored: those of its own test fold.
Pooling scores over folds compares scores of different models and is biased below 0.5 without a signal (Airola A et al.
(2011) Computational Statistics & Data Analysis 55:1828-1844). The AUC is the share of won pairs over all folds and
repeats.

**Variance.** Averaged over repeats, each patient has one placement; their spread gives DeLong's variance of the
patients *as tested* (the influence-curve variance of LeDell E, Petersen M, van der Laan M (2015) Electronic Journal of
Statistics 9:1583-1607). It leaves out that the same patients trained the models: a pair of patients in different folds
acts twice, once each way, so that without a signal the true variance is twice the one above, and the usual intervals
cover 0.5 in 71 to 88 % of null studies (benchmarks/cv_auc.py). What is missing shows in how the AUC changes when the
folds are drawn again. In the second-order (Hoeffding) expansion of the estimate, a share f of the pairs shares a fold
and drops out of it; the variance over repeats, t2, is then f / (1 - f) times that of the pair terms, of which half is
already counted. Hence

    variance = DeLong variance of averaged placements + t2 * (1 - f) / (2 f),

with f = 1 / folds: the factor is (folds - 1) / 2. t2 comes from few repeats, so the reference is Student's t with
Satterthwaite's degrees of freedom. The correction is this project's; the correction of Nadeau C, Bengio Y
(2003) Machine Learning 52:239-281 covers 77 to 89 % there with several repeats. Fold-wise t-tests are never used: folds
are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.auc_intervals import difference_of_aucs, hanley_mcneil_variance, interval_of_auc
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.clustered import covariance_over_patients, patient_numbers
from presage.stats.discrimination import placements
from presage.stats.results import Comparison, Estimate


@dataclass(frozen=True)
class CrossValidated:
    """AUCs of markers from repeated cross-validation.

    Attributes
    ----------
    aucs
        Shape (markers,).
    covariance
        Of `aucs`, shape (markers, markers), with the training's share.
    training
        The training's share of `covariance`; zero where it was not estimated.
    by_repeat
        AUC of each repeat, shape (repeats, markers): how much they depend on how the folds were drawn.
    n_cases, n_controls
        Patients behind them.
    method
        How the variance was found.
    """

    aucs: Floats
    covariance: Floats
    training: Floats
    by_repeat: Floats
    n_cases: int
    n_controls: int
    method: str

    @property
    def inflation(self) -> float:
        """How many times the first marker's variance exceeds the binormal variance of independent patients."""
        if not self.training.any() and "within folds" not in self.method:
            return 1.0
        value = min(max(float(self.aucs[0]), 0.01), 0.99)
        return max(1.0, float(self.covariance[0, 0]) / hanley_mcneil_variance(value, self.n_cases, self.n_controls))

    def freedom(self, contrast: ArrayLike) -> float | None:
        """Satterthwaite's degrees of freedom of a contrast of the markers, shape (markers,); None for the normal."""
        weights = np.asarray(contrast, dtype=np.float64)
        estimated = float(weights @ self.training @ weights)
        if estimated <= 0:
            return None
        return (len(self.by_repeat) - 1) * (float(weights @ self.covariance @ weights) / estimated) ** 2


def repeated_cv(
    cases: ArrayLike, scores: ArrayLike, folds: ArrayLike | None = None, *, patients: ArrayLike | None = None
) -> CrossValidated:
    """AUCs of several markers, scored out of fold on the same patients and folds, and their covariance.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Out-of-fold scores, shape (markers, repeats, n); without folds one repeat is expected.
    folds
        Test-fold of each patient in each repeat, shape (repeats, n); None for scores of a model that never saw these
        patients, and then the result is DeLong's.
    patients
        The patient of each row, shape (n,), where a patient has several; a patient's rows share a fold.

    Raises
    ------
    StatsError
        As :func:`presage.stats.delong`; a patient in two folds of one repeat; shapes that disagree; several repeats
        without folds; folds in which no case meets a control (leave-one-out), because no AUC exists within them.
    """
    checked = checks.binary(cases)
    checks.enough(checked)
    who = np.arange(len(checked)) if patients is None else patient_numbers(checked, patients)[1]
    array = checks.finite(scores, "the scores", ndim=3)
    markers, repeats, n = array.shape
    checks.same_length(n, len(checked), "the scores")
    for marker in range(markers):
        if (array[marker].min(axis=1) == array[marker].max(axis=1)).all():
            raise StatsError(f"the scores of marker {marker + 1} are constant: they cannot tell anyone apart")
    if folds is None and repeats > 1:
        raise StatsError("several repeats need their folds (repeats, n): scores of different models are not comparable")
    numbers = _fold_numbers(folds, repeats, n)
    _refuse_leak(numbers, who)
    wins, pairs = _wins_within_folds(checked, array, numbers)
    total = wins[:, :, checked].sum(axis=(1, 2)), float(pairs[:, checked].sum())
    if total[1] == 0:
        raise StatsError(
            "no fold holds both a case and a control, so no AUC within a fold exists (leave-one-out?); "
            "use fewer, stratified folds"
        )
    aucs = total[0] / total[1]
    by_repeat = _by_repeat(checked, wins, pairs)
    # A row's part in the error of the estimate; the parts of the cases, and of the controls, sum to 0.
    parts = (wins - aucs[:, None, None] * pairs).sum(axis=1) / total[1]
    covariance = covariance_over_patients(parts, checked, who)
    training, method = np.zeros_like(covariance), "DeLong" if patients is None else "Obuchowski"
    if folds is not None and len(by_repeat) == 1:
        covariance, method = 2 * covariance, f"{method} within folds, doubled for the training (one repeat)"
    elif folds is not None:
        together = total[1] / (repeats * int(checked.sum()) * int((~checked).sum()))
        training = np.atleast_2d(np.cov(by_repeat.T)) * (1 - together) / (2 * together)
        covariance, method = covariance + training, f"{method} within folds with the training's variance"
    counts = len(np.unique(who[checked])), len(np.unique(who[~checked]))
    return CrossValidated(aucs, covariance, training, by_repeat, *counts, method)


def repeated_cv_auc(
    cases: ArrayLike,
    scores: ArrayLike,
    folds: ArrayLike | None = None,
    *,
    patients: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """AUC of one marker from repeated cross-validation, with its interval.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Shape (repeats, n), or (n,) for one repeat or an external score.
    folds
        Shape (repeats, n), or (n,) for one repeat; None for an external score, whose result is that of
        :func:`presage.stats.auc_interval`.
    patients
        The patient of each row, where a patient has several.
    level
        Confidence level.

    Notes
    -----
    With one repeat the share of the training cannot be seen in the scores, so its largest size (a doubled variance) is
    assumed; five repeats or more give a shorter interval where there is a signal.

    Raises
    ------
    StatsError
        As :func:`repeated_cv`.
    """
    fit = repeated_cv(cases, _as_repeats(scores)[None], folds, patients=patients)
    return interval_of_auc(
        float(fit.aucs[0]),
        float(fit.covariance[0, 0]),
        fit.n_cases,
        fit.n_controls,
        level=level,
        variance_name=fit.method,
        freedom=fit.freedom([1.0]),
        inflation=fit.inflation,
    )


def compare_repeated_cv(
    cases: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    folds: ArrayLike | None = None,
    *,
    patients: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Difference in AUC (first minus second) of two markers scored on the same patients and folds.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    first, second
        Shape (repeats, n) or (n,). A marker that needs no fitting may be given once, as (n,): it is repeated.
    folds, patients
        As in :func:`repeated_cv_auc`.

    Raises
    ------
    StatsError
        As :func:`repeated_cv`.
    """
    one, two = _as_repeats(first), _as_repeats(second)
    repeats = max(len(one), len(two))
    if {len(one), len(two)} - {1, repeats} or one.shape[-1] != two.shape[-1]:
        raise StatsError(f"the two markers have scores of different shapes: {one.shape} and {two.shape}")
    both = np.stack([np.broadcast_to(part, (repeats, part.shape[-1])) for part in (one, two)])
    fit = repeated_cv(cases, both, folds, patients=patients)
    counts = (fit.n_cases, fit.n_cases), (fit.n_controls, fit.n_controls)
    freedom = fit.freedom([1.0, -1.0])
    return difference_of_aucs(fit.aucs, fit.covariance, *counts, level=level, freedom=freedom, variance_name=fit.method)


def _as_repeats(scores: ArrayLike) -> Floats:
    array = checks.finite(scores, "the scores", ndim=None)
    array = array[None, :] if array.ndim == 1 else array
    if array.ndim != 2:
        raise StatsError(f"the scores of a marker must have shape (repeats, n), but theirs is {array.shape}")
    return array


def _fold_numbers(folds: ArrayLike | None, repeats: int, n: int) -> Ints:
    if folds is None:
        return np.zeros((repeats, n), dtype=np.intp)
    array = np.asarray(folds)
    array = array[None, :] if array.ndim == 1 else array
    if array.shape != (repeats, n):
        raise StatsError(f"the folds must have shape (repeats, n) = {(repeats, n)}, but theirs is {array.shape}")
    numbers = np.stack([checks.labels(row, n, "the fold")[1] for row in array])
    if (numbers.max(axis=1) == 0).any():
        raise StatsError("a repeat has one fold only: cross-validation needs two; give no folds for an external score")
    return numbers


def _refuse_leak(folds: Ints, patients: Ints) -> None:
    """A patient in two folds of one repeat was tested by a model that had seen them."""
    for repeat, row in enumerate(folds):
        lowest = np.full(int(patients.max()) + 1, row.max() + 1)
        np.minimum.at(lowest, patients, row)
        leaked = np.flatnonzero(row != lowest[patients])
        if len(leaked):
            raise StatsError(
                f"in repeat {repeat + 1}, {len(leaked)} row(s) lie in another fold than an earlier row of the same "
                f"patient ({checks.shown(leaked)}): a model was tested on patients it was trained on; split by patient",
                leaked,
            )


def _wins_within_folds(cases: Bools, scores: Floats, folds: Ints) -> tuple[Floats, Floats]:
    """Pairs won by each patient's side within the fold, (markers, repeats, n), and pairs there, (repeats, n)."""
    markers, repeats, n = scores.shape
    wins, pairs = np.zeros((markers, repeats, n)), np.zeros((repeats, n))
    for repeat in range(repeats):
        for fold in range(int(folds[repeat].max()) + 1):
            rows = np.flatnonzero(folds[repeat] == fold)
            is_case = cases[rows]
            if is_case.all() or not is_case.any():
                continue
            opposite = np.where(is_case, np.count_nonzero(~is_case), np.count_nonzero(is_case))
            pairs[repeat, rows] = opposite
            for marker in range(markers):
                wins[marker, repeat, rows] = placements(is_case, scores[marker, repeat, rows]) * opposite
    return wins, pairs


def _by_repeat(cases: Bools, wins: Floats, pairs: Floats) -> Floats:
    won, of = wins[:, :, cases].sum(axis=2), pairs[:, cases].sum(axis=1)
    usable = of > 0
    by_marker: Floats = won[:, usable] / of[usable]
    return by_marker.T
