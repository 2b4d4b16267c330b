"""Whatever comes in, numbers come out, or a refusal in words: never another error, a warning or a NaN."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest

from presage import stats
from presage.stats import (
    agreement,
    calibration,
    concordance,
    cox,
    curves,
    hypotheses,
    matched,
    severity,
    sites,
    subgroups,
    survival_risk,
    utility,
)
from presage.stats import kaplan_meier as km
from presage.stats import recalibration as recal


class Made:
    """Small, awkward data: ties, constants, few cases, perfect separation, groups of one."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.n = int(self.random.choice([3, 5, 8, 20, 60]))

    @property
    def y(self):
        return self.random.random(self.n) < self.random.choice([0.05, 0.3, 0.5, 0.9])

    @property
    def s(self):
        kind, n = self.random.integers(5), self.n
        normal, uniform = self.random.normal(size=n), self.random.random(n)
        return [normal, uniform, uniform.round(1), np.floor(3 * uniform), (uniform < 0.5) * 1.0][kind]

    @property
    def p(self):
        kind, uniform = self.random.integers(4), self.random.random(self.n)
        return [uniform, uniform.round(1), (uniform < 0.5) * 1.0, np.full(self.n, 0.3)][kind]

    @property
    def g(self):
        return self.random.integers(0, self.random.choice([1, 2, 5, self.n]), self.n)

    @property
    def t(self):
        return self.random.exponential(size=self.n).round(int(self.random.integers(0, 9))) + 0.1

    @property
    def folds(self):
        return self.random.integers(0, 3, (3, self.n))

    @property
    def repeats(self):
        return np.stack([self.s for _ in range(3)])


def separated(d):
    cases = d.y
    return cases, cases + d.random.random(d.n) / 2


CALLS = {
    "auc_interval": lambda d: stats.auc_interval(*separated(d)),
    "compare_paired": lambda d: stats.compare_paired(d.y, d.s, d.s),
    "compare_unpaired": lambda d: stats.compare_unpaired(d.y, d.s, d.y, d.s),
    "clustered": lambda d: stats.clustered_auc_interval(d.y, d.s, d.g),
    "compare_clustered": lambda d: stats.compare_clustered(d.y, d.s, d.s, d.g),
    "repeated_cv": lambda d: stats.repeated_cv_auc(d.y, d.repeats, d.folds),
    "compare_cv": lambda d: stats.compare_repeated_cv(d.y, d.s, d.repeats, d.folds),
    "operating": lambda d: stats.specificity_at_sensitivity(*separated(d)),
    "accuracy": lambda d: stats.accuracy(d.y, d.y),
    "precision_recall": lambda d: curves.precision_recall(d.y, d.s, replicates=5),
    "partial_auc": lambda d: curves.partial_auc(d.y, d.s, replicates=5),
    "many": lambda d: hypotheses.compare_with_standard(d.y, d.s, np.stack([d.s, d.s])),
    "decisions": lambda d: hypotheses.compare_decisions(d.y, d.y, d.y),
    "margin": lambda d: hypotheses.above_margin(stats.compare_paired(d.y, d.s, d.s), -0.05),
    "calibration": lambda d: calibration.calibration(d.y, d.p, replicates=5),
    "platt": lambda d: recal.LogisticRecalibration.fit(*separated(d)),
    "beta": lambda d: recal.BetaRecalibration.fit(d.y, d.p),
    "decision_curve": lambda d: utility.decision_curve(d.y, d.p, replicates=5),
    "kaplan_meier": lambda d: km.kaplan_meier(d.y, d.t),
    "log_rank": lambda d: km.log_rank(d.y, d.t, d.g),
    "harrell": lambda d: concordance.harrell_c(d.y, d.t, d.s),
    "compare_c": lambda d: concordance.compare_concordance(d.y, d.t, d.s, d.s),
    "auc_at": lambda d: concordance.time_dependent_auc(d.y, d.t, d.s, [0.5, 1.0]),
    "brier_at": lambda d: survival_risk.brier_over_time(d.y, d.t, d.p, [1.0]),
    "calibration_at": lambda d: survival_risk.calibration_at(d.y, d.t, d.p, 1.0),
    "cox": lambda d: cox.cox(d.y, d.t, np.column_stack([d.s, d.s])),
    "conditional": lambda d: matched.conditional_logistic(d.y, np.column_stack([d.s, d.s]), d.g),
    "matched": lambda d: matched.compare_matched(d.y, d.s, d.s, d.g),
    "adjusted": lambda d: matched.adjusted_auc(d.y, d.s, d.s, replicates=5),
    "bland_altman": lambda d: agreement.bland_altman(d.s, d.s),
    "ccc": lambda d: agreement.concordance_correlation(d.s, d.s),
    "icc": lambda d: agreement.intraclass_correlation(np.column_stack([d.s, d.s])),
    "within": lambda d: agreement.repeated_measures_correlation(d.s, d.s, d.g),
    "kappa": lambda d: severity.weighted_kappa(np.floor(4 * d.p), np.floor(4 * d.p)),
    "subgroups": lambda d: subgroups.subgroup_aucs(d.y, np.stack([d.s, d.s]), d.g, least=2),
    "gaps": lambda d: subgroups.opportunity_gaps(d.y, d.s, d.g, 0.5, least=1),
    "sites": lambda d: sites.by_site(d.y, d.s, d.g, least=2),
}


def numbers(result):
    """Every number in a result."""
    if dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from numbers(getattr(result, field.name))
    elif isinstance(result, (list, tuple)):
        for part in result:
            yield from numbers(part)
    elif isinstance(result, np.ndarray) and result.dtype.kind == "f":
        yield from result.ravel().tolist()
    elif isinstance(result, float):
        yield result


@pytest.mark.parametrize("name", CALLS)
def test_numbers_or_a_refusal(name):
    answered, refusals = 0, []
    for seed in range(60):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                result = CALLS[name](Made(seed))
            except stats.StatsError as error:
                refusals.append(str(error))
                continue
        answered += 1
        assert not any(math.isnan(number) for number in numbers(result))
        # Percentiles of a handful of replicates need not hold the estimate.
        if isinstance(result, stats.Estimate) and "bootstrap" not in result.method:
            assert result.low - 1e-9 <= result.value <= result.high + 1e-9
    assert answered
    assert all(len(words) > 20 for words in refusals)
