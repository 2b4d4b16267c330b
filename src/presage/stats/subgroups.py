"""Subgroups: each with its numbers and interval, whether they differ, and when there is too little to say.

Sources: Cochran WG (1954) Biometrics 10:101-129 (heterogeneity); Hardt M, Price E, Srebro N (2016) NeurIPS 29 (equal
opportunity); Newcombe RG (1998) Statistics in Medicine 17:873-890, method 10 (difference of independent shares); Wang R
et al. (2007) NEJM 357:2189-2194 (subgroups).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.clustered import clustered_auc_interval, clustered_delong
from presage.stats.crossvalidation import repeated_cv, repeated_cv_auc
from presage.stats.discrimination import auc_interval, delong
from presage.stats.hypotheses import holm
from presage.stats.operating import proportion
from presage.stats.results import Comparison, Estimate

# Below this many cases or controls a subgroup's AUC has an interval of half the scale, which invites misreading.
LEAST = 10


@dataclass(frozen=True)
class Subgroup:
    """One subgroup: its numbers (of patients), and the AUC of each marker, or None with the reason in `note`."""

    name: Any
    n: int
    n_cases: int
    aucs: tuple[Estimate, ...] | None
    note: str


@dataclass(frozen=True)
class Interaction:
    """Does an AUC, or a difference in AUC, vary over subgroups? Cochran's Q; `adjusted` is Holm's p over all asked."""

    question: str
    statistic: float
    freedom: int
    p: float
    adjusted: float


@dataclass(frozen=True)
class Subgroups:
    """Every subgroup, and whether they differ: for each marker, and for each marker less the first."""

    groups: tuple[Subgroup, ...]
    interactions: tuple[Interaction, ...]
    least: int


@dataclass(frozen=True)
class OpportunityGap:
    """A subgroup's sensitivity and false-positive rate at the common threshold, and what sets them off from the
    others'."""

    name: Any
    n_cases: int
    n_controls: int
    sensitivity: Estimate | None
    false_positive_rate: Estimate | None
    sensitivity_gap: Comparison | None
    false_positive_gap: Comparison | None
    note: str


def _too_few(n_cases: int, n_controls: int, least: int) -> str:
    if min(n_cases, n_controls) >= least:
        return ""
    return f"too few to say: {n_cases} cases and {n_controls} controls, at least {least} of each are needed"


@dataclass(frozen=True)
class Scored:
    """Rows with their scores: (markers, n), or (markers, repeats, n) with folds; patients where they have several
    rows."""

    cases: Bools
    scores: Floats
    folds: NDArray[Any] | None = None
    patients: Ints | None = None

    def of(self, rows: Bools) -> Scored:
        """The chosen rows."""
        folds = None if self.folds is None else self.folds[:, rows]
        patients = None if self.patients is None else self.patients[rows]
        return Scored(self.cases[rows], self.scores[..., rows], folds, patients)

    def counts(self) -> tuple[int, int, int]:
        """Patients, those with a case row, those with a control row."""
        who = np.arange(len(self.cases)) if self.patients is None else self.patients
        return len(np.unique(who)), len(np.unique(who[self.cases])), len(np.unique(who[~self.cases]))

    def fit(self, level: float) -> tuple[tuple[Estimate, ...], Floats, Floats]:
        """AUC of each marker with its interval; AUCs and covariance of all."""
        if self.folds is not None:
            fitted = repeated_cv(self.cases, self.scores, self.folds, patients=self.patients)
            estimates = tuple(
                repeated_cv_auc(self.cases, part, self.folds, patients=self.patients, level=level)
                for part in self.scores
            )
            return estimates, fitted.aucs, fitted.covariance
        if self.patients is not None:
            one = [clustered_auc_interval(self.cases, row, self.patients, level=level) for row in self.scores]
            return tuple(one), *clustered_delong(self.cases, self.scores, self.patients)
        one = [auc_interval(self.cases, row, level=level) for row in self.scores]
        return tuple(one), *delong(self.cases, self.scores)


def judge(scored: Scored, name: Any, least: int, level: float) -> tuple[Subgroup, Floats | None, Floats | None]:
    """A subgroup, its AUCs and their covariance (None where there are too few)."""
    n, n_cases, n_controls = scored.counts()
    note = _too_few(n_cases, n_controls, least)
    if not note:
        try:
            estimates, aucs, covariance = scored.fit(level)
        except StatsError as error:
            note = f"too few to say: {error}"
        else:
            return Subgroup(name, n, n_cases, estimates, ""), aucs, covariance
    return Subgroup(name, n, n_cases, None, note), None, None


def subgroup_aucs(
    cases: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    folds: ArrayLike | None = None,
    patients: ArrayLike | None = None,
    least: int = LEAST,
    level: float = 0.95,
) -> Subgroups:
    """AUC of each marker in each subgroup, and the test of whether they differ.

    Parameters
    ----------
    cases
        0/1, shape (n,).
    scores
        Shape (markers, n) or (n,); the first is the standard. With `folds`: (markers, repeats, n), out of fold.
    groups
        Subgroup of each row, shape (n,); each patient in one.
    names
        Names of the markers, for the questions.
    folds
        Test-fold of each row in each repeat, shape (repeats, n): patients are then compared within folds, as in
        :func:`presage.stats.repeated_cv`.
    patients
        The patient of each row, where a patient has several.
    least
        Fewest cases and controls that a subgroup needs for an AUC.

    Raises
    ------
    StatsError
        As :func:`presage.stats.delong`; missing groups; `least` below 2.
    """
    checked = checks.binary(cases)
    if folds is None:
        matrix = checks.score_matrix(scores, len(checked))
    else:
        matrix = checks.finite(scores, "the scores", ndim=3)
        # What is wrong with scores or folds is said once, of everyone; subgroups may still be too few.
        repeated_cv(checked, matrix, folds, patients=patients)
    labels, numbers = checks.labels(groups, len(checked), "the subgroup")
    if least < 2:
        raise StatsError("a subgroup needs at least 2 cases and 2 controls for an interval")
    who = None if patients is None else checks.labels(patients, len(checked), "the patient")[1]
    titles = list(names) if names is not None else [f"marker {i + 1}" for i in range(len(matrix))]
    everyone = Scored(checked, matrix, None if folds is None else np.asarray(folds), who)
    found = [judge(everyone.of(numbers == number), label, least, level) for number, label in enumerate(labels.tolist())]
    usable = [(aucs, covariance) for _, aucs, covariance in found if aucs is not None and covariance is not None]
    questions = []
    for number, title in enumerate(titles):
        contrast = np.zeros(len(matrix))
        contrast[number] = 1.0
        questions.append((f"AUC of {title}", contrast))
        if number:
            less = contrast.copy()
            less[0] = -1.0
            questions.append((f"AUC of {title} less {titles[0]}", less))
    raw = []
    for question, contrast in questions if len(usable) > 1 else []:
        values = np.array([contrast @ aucs for aucs, _ in usable])
        variances = np.array([contrast @ covariance @ contrast for _, covariance in usable])
        statistic = cochran(values, np.maximum(variances, 1e-12))[0]
        raw.append((question, statistic, len(usable) - 1, float(stats.chi2.sf(statistic, len(usable) - 1))))
    adjusted = holm([row[3] for row in raw]).tolist() if raw else []
    interactions = tuple(Interaction(*row, value) for row, value in zip(raw, adjusted, strict=True))
    return Subgroups(tuple(group for group, _, _ in found), interactions, least)


def cochran(values: Floats, variances: Floats) -> tuple[float, float]:
    """Cochran's Q and the fixed-effect mean."""
    weight = 1 / variances
    mean = float((weight * values).sum() / weight.sum())
    return float((weight * (values - mean) ** 2).sum()), mean


def opportunity_gaps(
    cases: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    threshold: float,
    *,
    least: int = LEAST,
    level: float = 0.95,
) -> tuple[OpportunityGap, ...]:
    """Sensitivity and false-positive rate of each subgroup at one threshold, each against everyone else.

    Parameters
    ----------
    cases, scores, groups
        Shape (n,) each; a score above `threshold` is positive.
    least
        Fewest cases (for sensitivity) or controls (for false positives) for a number to be given.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`; missing groups.
    """
    checked = checks.binary(cases)
    positive = checks.score(scores, len(checked)) > float(threshold)
    labels, numbers = checks.labels(groups, len(checked), "the subgroup")
    found = []
    for number, label in enumerate(labels.tolist()):
        here = numbers == number
        shares: list[Estimate | None] = []
        gaps: list[Comparison | None] = []
        for kind in (checked, ~checked):
            inside, outside = here & kind, ~here & kind
            enough = int(inside.sum()) >= least
            shares.append(proportion(int(positive[inside].sum()), int(inside.sum()), level=level) if enough else None)
            gaps.append(_gap(positive, inside, outside, level) if enough and outside.sum() >= least else None)
        n_cases, n_controls = int((here & checked).sum()), int((here & ~checked).sum())
        note = _too_few(n_cases, n_controls, least)
        found.append(OpportunityGap(label, n_cases, n_controls, shares[0], shares[1], gaps[0], gaps[1], note))
    return tuple(found)


def _gap(positive: Bools, inside: Bools, outside: Bools, level: float) -> Comparison:
    """Difference of independent shares: Newcombe's hybrid score interval, Fisher's exact p."""
    counts = [(int(positive[rows].sum()), int(rows.sum())) for rows in (inside, outside)]
    (first, low1, high1), (second, low2, high2) = (
        (found.value, found.low, found.high)
        for found in (proportion(k, n, level=level, method="wilson") for k, n in counts)
    )
    difference = first - second
    low = difference - float(np.hypot(first - low1, high2 - second))
    high = difference + float(np.hypot(high1 - first, second - low2))
    pooled = (counts[0][0] + counts[1][0]) / (counts[0][1] + counts[1][1])
    error = (pooled * (1 - pooled) * (1 / counts[0][1] + 1 / counts[1][1])) ** 0.5
    p = float(stats.fisher_exact([[k, n - k] for k, n in counts]).pvalue)
    return Comparison(
        difference, low, high, difference / error if error else 0.0, p, level, "Newcombe hybrid; Fisher exact"
    )
