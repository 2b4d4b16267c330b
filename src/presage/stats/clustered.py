"""AUC where a patient has several rows (exams, breasts, images): rows of one patient are not independent.

Source: Obuchowski NA (1997) Biometrics 53:567-578 (variance and covariance for clustered rows): the placements of a
patient are summed before their spread is taken. With one row per patient it is DeLong's variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.auc_intervals import FEW, difference_of_aucs, interval_of_auc
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.discrimination import delong, placements
from presage.stats.results import Comparison, Estimate


def clustered_delong(cases: ArrayLike, scores: ArrayLike, patients: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs of several markers and their covariance, with all rows of a patient kept together.

    Parameters
    ----------
    cases
        0/1 of each row, shape (n,); a patient may have rows of both kinds.
    scores
        Shape (markers, n) or (n,).
    patients
        The patient of each row, shape (n,).

    Returns
    -------
    aucs, covariance
        Shapes (markers,) and (markers, markers).

    Raises
    ------
    StatsError
        As :func:`presage.stats.delong`; fewer than two patients with a case row, or with a control row.
    """
    checked, numbers = patient_numbers(cases, patients)
    matrix = checks.score_matrix(scores, len(checked))
    return _covariance(checked, np.stack([placements(checked, row) for row in matrix]), numbers)


def patient_numbers(cases: ArrayLike, patients: ArrayLike) -> tuple[Bools, Ints]:
    """Cases (n,) and the number of each row's patient (n,); two patients with rows of each kind are demanded."""
    checked = checks.binary(cases)
    numbers = checks.labels(patients, len(checked), "the patient")[1]
    for kind, rows in (("case", checked), ("control", ~checked)):
        found = len(np.unique(numbers[rows]))
        if found < 2:
            raise StatsError(f"only {found} patient has {kind} rows; an interval over patients needs at least 2")
    return checked, numbers


def _covariance(cases: Bools, placed: Floats, numbers: Ints) -> tuple[Floats, Floats]:
    values: Floats = placed[:, cases].mean(axis=1)
    n_cases = int(cases.sum())
    each = np.where(cases, 1 / n_cases, 1 / (len(cases) - n_cases))
    return values, covariance_over_patients((placed - values[:, None]) * each, cases, numbers)


def covariance_over_patients(parts: Floats, cases: Bools, numbers: Ints) -> Floats:
    """Covariance (markers, markers) of sums of rows' parts (markers, n), the rows of a patient kept together.

    Case rows and control rows sum to 0 each; `numbers` is the patient of each row, 0..patients-1.
    """
    of_cases, cases_each = _sums(parts, cases, numbers)
    of_controls, controls_each = _sums(parts, ~cases, numbers)

    def spread(first: Floats, second: Floats, present: int) -> Floats:
        products: Floats = first @ second.T
        return products * (present / (present - 1))

    cross = spread(of_cases, of_controls, len(cases_each))
    within = spread(of_cases, of_cases, int((cases_each > 0).sum()))
    within = within + spread(of_controls, of_controls, int((controls_each > 0).sum()))
    return np.asarray(within + cross + cross.T, dtype=np.float64)


def _sums(values: Floats, rows: Bools, numbers: Ints) -> tuple[Floats, Ints]:
    """Sums of `values` (markers, n) over each patient's chosen rows, and how many rows that is."""
    patients = int(numbers.max()) + 1
    sums = np.empty((len(values), patients))
    for marker, row in enumerate(values):
        sums[marker] = np.bincount(numbers[rows], weights=row[rows], minlength=patients)
    return sums, np.bincount(numbers[rows], minlength=patients)


def clustered_auc_interval(
    cases: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> Estimate:
    """AUC of one marker with an interval over patients; the shape as in :func:`presage.stats.auc_interval`.

    Raises
    ------
    StatsError
        As :func:`clustered_delong`.
    """
    checked, numbers = patient_numbers(cases, patients)
    score = checks.score(scores, len(checked))
    values, covariance = clustered_delong(checked, score, numbers)
    # How many rows a patient's rows are worth: the variance against that of independent rows, for as many rows.
    naive = float(delong(checked, score)[1][0, 0])
    variance = float(covariance[0, 0])
    n_cases, n_controls = len(np.unique(numbers[checked])), len(np.unique(numbers[~checked]))
    rows = len(checked) / len(np.unique(numbers))
    # It is the length of the score interval, so that chance may not bring it to nothing.
    inflation = max(variance / naive, 0.25) / rows if naive > 0 else 1.0
    return interval_of_auc(
        float(values[0]), variance, n_cases, n_controls, level=level, variance_name="Obuchowski", inflation=inflation
    )


def compare_clustered(
    cases: ArrayLike, first: ArrayLike, second: ArrayLike, patients: ArrayLike, *, level: float = 0.95
) -> Comparison:
    """Difference in AUC (first minus second) of two markers on the same clustered rows.

    Raises
    ------
    StatsError
        As :func:`clustered_delong`.
    """
    checked, numbers = patient_numbers(cases, patients)
    n = len(checked)
    pair = np.stack([checks.score(first, n, "the first score"), checks.score(second, n, "the second score")])
    values, covariance = clustered_delong(checked, pair, numbers)
    n_cases, n_controls = len(np.unique(numbers[checked])), len(np.unique(numbers[~checked]))
    counts = (n_cases, n_cases), (n_controls, n_controls)
    # With few patients in a class the variance among them is a guess: at most their number less one can be relied on.
    freedom = min(n_cases, n_controls) - 1 if min(n_cases, n_controls) < FEW else None
    return difference_of_aucs(values, covariance, *counts, level=level, freedom=freedom, variance_name="Obuchowski")
