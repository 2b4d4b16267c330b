"""One operating point: sensitivity at a fixed specificity and the reverse, likelihood ratios, predictive values.

Sources: Zhou X-H, Qin G (2005) Statistics in Medicine 24:465-477, interval BTII (the threshold is itself estimated, and
the interval says so); Clopper & Pearson (1934) Biometrika 26:404; Wilson (1927) JASA 22:209; Simel DL, Samsa GP,
Matchar DB (1991) J Clin Epidemiol 44:763-770 (likelihood ratios); Mercaldo ND, Lau KF, Zhou XH (2007) Statistics in
Medicine 26:2170-2183 (predictive values at a stated prevalence).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.resampling import bootstrap, both_classes, percentile_interval
from presage.stats.results import Estimate

ProportionMethod = Literal["clopper-pearson", "wilson"]


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it does to these patients; a score above `threshold` is positive.

    `sensitivity` and `specificity` are the shares observed. The one that was fixed keeps its exact binomial interval;
    the other's interval counts the uncertainty of the threshold.
    """

    threshold: float
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True)
class DecisionAccuracy:
    """What a yes/no decision is worth: counts, shares, likelihood ratios, predictive values at a stated prevalence."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    sensitivity: Estimate
    specificity: Estimate
    positive_likelihood_ratio: Estimate
    negative_likelihood_ratio: Estimate
    prevalence: float
    positive_predictive_value: Estimate
    negative_predictive_value: Estimate


def proportion(
    count: int, total: int, *, level: float = 0.95, method: ProportionMethod = "clopper-pearson"
) -> Estimate:
    """A share with its exact (Clopper-Pearson, never too short) or Wilson (right on average) interval.

    Raises
    ------
    StatsError
        No trials, or a count outside 0..total.
    """
    level = checks.fraction(level, "the confidence level")
    if total < 1 or not 0 <= count <= total:
        raise StatsError(
            f"a share needs a count between 0 and the total, and a total of 1 or more: got {count} of {total}"
        )
    kind = "exact" if method == "clopper-pearson" else "wilson"
    interval = stats.binomtest(int(count), int(total)).proportion_ci(level, kind)
    name = "exact (Clopper-Pearson)" if kind == "exact" else "Wilson"
    return Estimate(count / total, float(interval.low), float(interval.high), level, name)


def sensitivity_at_specificity(
    cases: ArrayLike,
    scores: ArrayLike,
    specificity: float = 0.9,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    patients: ArrayLike | None = None,
) -> OperatingPoint:
    """The highest sensitivity at a threshold that keeps at least `specificity`, with Zhou and Qin's BTII interval.

    Parameters
    ----------
    cases, scores
        Shape (n,) each; higher = more likely a case.
    specificity
        Least share of controls below or at the threshold, between 0 and 1.
    replicates, seed
        Bootstrap replicates. They are drawn exactly from their closed-form law (an order statistic of the controls,
        then a binomial count of the cases), so that their number costs next to nothing.
    patients
        The patient of each row, where a patient has several: whole patients are then drawn, and the threshold is found
        again in each replicate (percentile interval; that of the specificity takes rows as independent).

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`.
    """
    checked, score = _pair(cases, scores)
    wanted = checks.fraction(specificity, "the specificity")
    fixed, free = score[~checked], score[checked]
    threshold, shares = _fixed_share(fixed, free, wanted, replicates, seed, level)
    below = int(np.count_nonzero(fixed <= threshold))
    if patients is not None:
        shares = _by_patient(checked, score, wanted, shares.value, patients, level, replicates, seed)
    return OperatingPoint(threshold, shares, proportion(below, len(fixed), level=level))


def _by_patient(
    cases: Bools,
    score: Floats,
    specificity: float,
    value: float,
    patients: ArrayLike,
    level: float,
    replicates: int,
    seed: int,
) -> Estimate:
    numbers = checks.labels(patients, len(cases), "the patient")[1]
    order = np.argsort(score, kind="stable")
    is_case, ordered = cases[order], score[order]

    def found(weights: Floats) -> Floats:
        both_classes(weights, cases)
        of_cases, of_controls = weights[:, order] * is_case, weights[:, order] * ~is_case
        below = np.cumsum(of_controls, axis=1)
        # The lowest score that keeps the specificity among the controls drawn; a hair allows for rounding.
        threshold = ordered[(below >= (specificity - 1e-12) * below[:, -1:]).argmax(axis=1)]
        above = ordered > threshold[:, None]
        return np.asarray((of_cases * above).sum(axis=1) / of_cases.sum(axis=1))

    drawn = bootstrap(found, cases, numbers, replicates=replicates, seed=seed)
    return percentile_interval(value, drawn, level=level)


def specificity_at_sensitivity(
    cases: ArrayLike,
    scores: ArrayLike,
    sensitivity: float = 0.9,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> OperatingPoint:
    """The highest specificity at a threshold that keeps `sensitivity`; as :func:`sensitivity_at_specificity`."""
    checked, score = _pair(cases, scores)
    wanted = checks.fraction(sensitivity, "the sensitivity")
    fixed, free = -score[checked], -score[~checked]
    reversed_threshold, shares = _fixed_share(fixed, free, wanted, replicates, seed, level)
    # "Above" must stay "positive": the largest score strictly below the case that is still to be found.
    threshold = float(np.nextafter(-reversed_threshold, -np.inf))
    found = int(np.count_nonzero(score[checked] > threshold))
    return OperatingPoint(threshold, proportion(found, len(fixed), level=level), shares)


def accuracy(
    cases: ArrayLike, positive: ArrayLike, *, prevalence: float | None = None, level: float = 0.95
) -> DecisionAccuracy:
    """Accuracy of a decision: exact shares, likelihood ratios (log method), predictive values at `prevalence`.

    Parameters
    ----------
    cases, positive
        0/1, shape (n,): what happened, what was decided.
    prevalence
        Share of cases where the decision will be used; None takes that of these patients, which is meaningless in a
        case-control study.

    Raises
    ------
    StatsError
        One class only among the cases, values other than 0/1.
    """
    checked = checks.binary(cases)
    decided = checks.binary(positive, "the decision", both=False)
    checks.same_length(len(decided), len(checked), "the decision")
    if prevalence is None:
        prevalence = float(checked.mean())
    prevalence = checks.fraction(prevalence, "the prevalence")
    tp, fp = int((checked & decided).sum()), int((~checked & decided).sum())
    fn, tn = int(checked.sum()) - tp, int((~checked).sum()) - fp
    plus = _ratio((tp, tp + fn), (fp, fp + tn), level)
    minus = _ratio((fn, tp + fn), (tn, fp + tn), level)
    return DecisionAccuracy(
        tp,
        fp,
        tn,
        fn,
        proportion(tp, tp + fn, level=level),
        proportion(tn, fp + tn, level=level),
        plus,
        minus,
        prevalence,
        _predictive(plus, prevalence, invert=False),
        _predictive(minus, prevalence, invert=True),
    )


def _pair(cases: ArrayLike, scores: ArrayLike) -> tuple[Bools, Floats]:
    checked = checks.binary(cases)
    return checked, checks.score(scores, len(checked))


def _fixed_share(
    fixed: Floats, free: Floats, share: float, replicates: int, seed: int, level: float
) -> tuple[float, Estimate]:
    """Threshold at the `share` quantile of `fixed`, and the share of `free` above it with the BTII interval."""
    level = checks.fraction(level, "the confidence level")
    n, m = len(fixed), len(free)
    ordered, other = np.sort(fixed), np.sort(free)
    # 1e-9 keeps 0.9 * 10 from becoming the tenth of ten through rounding.
    rank = max(int(np.ceil(share * n - 1e-9)), 1)
    threshold = float(ordered[rank - 1])
    value = (m - np.searchsorted(other, threshold, side="right")) / m
    z = float(stats.norm.ppf(0.5 + level / 2))
    random = np.random.default_rng(seed)
    drawn = np.minimum((n * random.beta(rank, n - rank + 1, size=replicates)).astype(np.intp), n - 1)
    above = (m - np.searchsorted(other, ordered[drawn], side="right")) / m
    counts = random.binomial(m, above)
    adjusted = (counts + z**2 / 2) / (m + z**2)
    centre, half = float(adjusted.mean()), z * float(adjusted.std(ddof=1))
    low, high = max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))
    return threshold, Estimate(float(value), low, high, level, "bootstrap with estimated threshold (Zhou-Qin BTII)")


def _ratio(above: tuple[int, int], below: tuple[int, int], level: float) -> Estimate:
    """Ratio of two shares, interval on the log scale; half a person is added to each count where one is 0."""
    (a, n), (b, m) = above, below
    name = "log method (Simel 1991)"
    top, bottom, of_top, of_bottom = float(a), float(b), float(n), float(m)
    if a == 0 or b == 0:
        top, bottom, of_top, of_bottom = a + 0.5, b + 0.5, n + 0.5, m + 0.5
        name += ", 0.5 added to empty cells"
    value = (top / of_top) / (bottom / of_bottom)
    half = float(stats.norm.ppf(0.5 + level / 2)) * (1 / top - 1 / of_top + 1 / bottom - 1 / of_bottom) ** 0.5
    return Estimate(value, value * float(np.exp(-half)), value * float(np.exp(half)), level, name)


def _predictive(ratio: Estimate, prevalence: float, *, invert: bool) -> Estimate:
    """Predictive value from a likelihood ratio: the post-test odds, whose interval is the ratio's."""
    odds = prevalence / (1 - prevalence)
    chances = [odds * x / (1 + odds * x) for x in (ratio.value, ratio.low, ratio.high)]
    value, low, high = (1 - c for c in (chances[0], chances[2], chances[1])) if invert else chances
    return Estimate(value, low, high, ratio.level, f"from the likelihood ratio at prevalence {prevalence:g}")
