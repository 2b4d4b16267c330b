"""Recalibration: a small map from score to risk, fitted on training patients and applied to others.

Sources: Platt J (1999) Advances in Large Margin Classifiers, 61-74 (logistic, with targets drawn in so that a perfect
separation stays finite); Ayer M et al. (1955) Ann Math Stat 26:641-647 (isotonic, pool adjacent violators); Kull M,
Silva Filho T, Flach P (2017) Electronic Journal of Statistics 11:5052-5080 (beta); Prentice RL, Pyke R (1979)
Biometrika 66:403-411 and King G, Zeng L (2001) Political Analysis 9:137-163 (case-control: only the intercept depends
on how many cases were sampled).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from presage.stats import checks
from presage.stats.calibration import NEAREST
from presage.stats.checks import Bools, Floats
from presage.stats.logistic import fit_logistic


def _targets(cases: Bools) -> Floats:
    """Platt's targets: one more of each class than seen, so that no fit runs to infinity."""
    n_cases = int(cases.sum())
    n_controls = len(cases) - n_cases
    return np.where(cases, (n_cases + 1) / (n_cases + 2), 1 / (n_controls + 2))


@dataclass(frozen=True)
class LogisticRecalibration:
    """Risk = 1 / (1 + exp(-(intercept + slope * score))), Platt scaling."""

    intercept: float
    slope: float

    @classmethod
    def fit(cls, cases: ArrayLike, scores: ArrayLike) -> LogisticRecalibration:
        """Fit on training patients: cases 0/1 (n,), scores (n,) of any scale.

        Raises
        ------
        StatsError
            One class only; a missing or constant score.
        """
        checked = checks.binary(cases)
        score = checks.score(scores, len(checked))
        centre, scale = float(score.mean()), float(score.std())
        design = np.column_stack([np.ones(len(score)), (score - centre) / scale])
        intercept, slope = fit_logistic(design, _targets(checked)).coefficients
        return cls(float(intercept - slope * centre / scale), float(slope / scale))

    def apply(self, scores: ArrayLike) -> Floats:
        """Risks of other patients, shape (n,)."""
        return np.asarray(expit(self.intercept + self.slope * checks.finite(scores, "the score")))


@dataclass(frozen=True)
class IsotonicRecalibration:
    """A rising step function of the score, straight between its steps: risk `risks` at `scores`, both (steps,)."""

    scores: tuple[float, ...]
    risks: tuple[float, ...]

    @classmethod
    def fit(cls, cases: ArrayLike, scores: ArrayLike) -> IsotonicRecalibration:
        """Fit on training patients by pooling adjacent violators; as :meth:`LogisticRecalibration.fit`."""
        checked = checks.binary(cases)
        score = checks.score(scores, len(checked))
        distinct, numbers = np.unique(score, return_inverse=True)
        sizes = np.bincount(numbers).astype(np.float64)
        means = np.bincount(numbers, weights=checked) / sizes
        block_means: list[float] = []
        block_sizes: list[float] = []
        block_counts: list[int] = []
        for mean, size in zip(means.tolist(), sizes.tolist(), strict=True):
            count = 1
            while block_means and block_means[-1] >= mean:
                earlier, weight = block_means.pop(), block_sizes.pop()
                mean, size = (mean * size + earlier * weight) / (size + weight), size + weight
                count += block_counts.pop()
            block_means.append(mean)
            block_sizes.append(size)
            block_counts.append(count)
        risks = np.repeat(block_means, block_counts)
        # Two ends describe a level block; what lies between them is on the line.
        keep = np.ones(len(risks), dtype=bool)
        keep[1:-1] = (risks[1:-1] != risks[:-2]) | (risks[1:-1] != risks[2:])
        return cls(tuple(distinct[keep].tolist()), tuple(risks[keep].tolist()))

    def apply(self, scores: ArrayLike) -> Floats:
        """Risks of other patients, shape (n,); beyond the training scores the outermost risk."""
        return np.asarray(np.interp(checks.finite(scores, "the score"), self.scores, self.risks))


@dataclass(frozen=True)
class BetaRecalibration:
    """Log-odds of the risk = a * ln(p) - b * ln(1 - p) + c of a first probability p, with a and b not below 0."""

    a: float
    b: float
    c: float

    @classmethod
    def fit(cls, cases: ArrayLike, risks: ArrayLike) -> BetaRecalibration:
        """Fit on training patients: cases 0/1 (n,), first probabilities (n,).

        Raises
        ------
        StatsError
            One class only; probabilities outside [0, 1] or constant.
        """
        checked = checks.binary(cases)
        first, second = _logs(checks.score(checks.probabilities(risks, len(checked)), len(checked)))
        columns = {"a": first, "b": second}
        # A negative coefficient would turn the order of patients around; such a term is left out (Kull, algorithm 1).
        while columns:
            design = np.column_stack([*columns.values(), np.ones(len(checked))])
            found = fit_logistic(design, _targets(checked)).coefficients
            negative = [name for name, value in zip(columns, found, strict=False) if value < 0]
            if not negative:
                values = dict(zip(columns, found, strict=False))
                return cls(float(values.get("a", 0.0)), float(values.get("b", 0.0)), float(found[-1]))
            del columns[min(negative, key=lambda name: dict(zip(columns, found, strict=False))[name])]
        return cls(0.0, 0.0, float(logit(checked.mean())))

    def apply(self, risks: ArrayLike) -> Floats:
        """Risks of other patients, shape (n,)."""
        array = checks.finite(risks, "the predicted risk")
        first, second = _logs(checks.probabilities(array, len(array)))
        return np.asarray(expit(self.a * first + self.b * second + self.c))


def _logs(risk: Floats) -> tuple[Floats, Floats]:
    bounded = np.clip(risk, NEAREST, 1 - NEAREST)
    return np.log(bounded), -np.log1p(-bounded)


def shift_prevalence(risks: ArrayLike, sampled: float, actual: float | ArrayLike) -> Floats:
    """Risks fitted where a share `sampled` were cases, moved to a population where the share is `actual`.

    Parameters
    ----------
    risks
        Shape (n,), calibrated in the sample (such as a case-control study with one control per case: 0.5).
    sampled
        Share of cases in the sample on which the risks were calibrated.
    actual
        Share of cases where they will be used: one number, or one per patient (n,), such as by age.

    Raises
    ------
    StatsError
        Risks outside [0, 1]; shares outside (0, 1).
    """
    array = checks.finite(risks, "the predicted risk")
    risk = checks.probabilities(array, len(array))
    sample = checks.fraction(sampled, "the share of cases in the sample")
    target = np.broadcast_to(checks.finite(actual, "the actual prevalence", ndim=None), risk.shape)
    for value in np.unique(target):
        checks.fraction(float(value), "the actual prevalence")
    bounded = np.clip(risk, NEAREST, 1 - NEAREST)
    return np.asarray(expit(logit(bounded) - logit(sample) + logit(target)))
