"""Agreement on what a clinician acts on: severity bands, reliable change, response and remission over visits.

Sources: Cohen J (1968) Psychol Bull 70:213-220 and Fleiss JL, Cohen J, Everitt BS (1969) Psychol Bull 72:323-327
(weighted kappa and its variance); Jacobson NS, Truax P (1991) J Consult Clin Psychol 59:12-19 (reliable change).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.operating import proportion
from presage.stats.results import Estimate

Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True)
class ReliableChange:
    """Change of each patient in units of its measurement error, and what it means.

    `index` (n,) is above `limit` in size where the change is reliable; `direction` (n,) is -1 (improved: the score
    fell), 0 (no reliable change) or 1 (worse).
    """

    index: Floats
    limit: float
    direction: NDArray[np.int8]


@dataclass(frozen=True)
class ChangeAgreement:
    """Do prediction and truth agree on who responded or remitted? Kappa, sensitivity, specificity; None where
    undefined."""

    n: int
    truly_positive: int
    kappa: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


def bands(scores: ArrayLike, cuts: ArrayLike) -> Ints:
    """Severity band of each score (n,): 0 below the first cut; a score at a cut belongs to the higher band.

    Raises
    ------
    StatsError
        Missing scores; cuts that do not rise.
    """
    values, edges = checks.finite(scores, "the score"), checks.finite(cuts, "the cuts")
    if (np.diff(edges) <= 0).any():
        raise StatsError("the cuts between bands must rise")
    return np.searchsorted(edges, values, side="right").astype(np.intp)


def weighted_kappa(
    truth: ArrayLike, prediction: ArrayLike, *, weights: Weights = "quadratic", level: float = 0.95
) -> Estimate:
    """Cohen's kappa over ordered bands.

    Parameters
    ----------
    truth, prediction
        Bands as whole numbers, shape (n,).
    weights
        How much a distance counts: not at all (``none``: any difference is a full one), linearly, or by its square.

    Raises
    ------
    StatsError
        Missing values, bands that are no whole numbers, everyone in the same band on both sides.
    """
    first = checks.finite(truth, "the true band")
    second = checks.score(prediction, len(first), "the predicted band", varied=False)
    level = checks.fraction(level, "the confidence level")
    if (first % 1 != 0).any() or (second % 1 != 0).any():
        raise StatsError("bands are whole numbers; turn scores into bands with their cuts first")
    lowest = int(min(first.min(), second.min()))
    size = int(max(first.max(), second.max())) - lowest + 1
    if size == 1:
        raise StatsError("everyone is in the same band on both sides: agreement beyond chance is undefined")
    n = len(first)
    table = np.zeros((size, size))
    np.add.at(table, (first.astype(int) - lowest, second.astype(int) - lowest), 1 / n)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    agree = {"none": (distance == 0).astype(float), "linear": 1 - distance, "quadratic": 1 - distance**2}[weights]
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    seen, chance = float((agree * table).sum()), float((agree * np.outer(rows, columns)).sum())
    value = (seen - chance) / (1 - chance)
    mean = (agree @ columns)[:, None] + (agree.T @ rows)[None, :]
    spread = float((table * (agree - mean * (1 - value)) ** 2).sum()) - (value - chance * (1 - value)) ** 2
    half = float(stats.norm.ppf(0.5 + level / 2)) * max(spread, 0.0) ** 0.5 / ((1 - chance) * n**0.5)
    name = f"{weights} weights, Fleiss-Cohen-Everitt, normal"
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), level, name)


def reliable_change(
    before: ArrayLike, after: ArrayLike, *, spread: float, reliability: float, level: float = 0.95
) -> ReliableChange:
    """Jacobson and Truax's reliable change index, a lower score being better.

    Parameters
    ----------
    before, after
        Scores at two visits, shape (n,).
    spread
        Standard deviation of the scale in the norm (untreated) population.
    reliability
        Test-retest reliability (or Cronbach's alpha) of the scale there.

    Raises
    ------
    StatsError
        Missing values, a spread of 0 or less, a reliability outside (0, 1).
    """
    first = checks.finite(before, "the score before")
    second = checks.score(after, len(first), "the score after", varied=False)
    trust = checks.fraction(reliability, "the reliability of the scale")
    if not spread > 0:
        raise StatsError(f"the standard deviation of the scale must be above 0, but it is {spread}")
    index = (second - first) / (spread * (2 * (1 - trust)) ** 0.5)
    limit = float(stats.norm.ppf(0.5 + checks.fraction(level, "the confidence level") / 2))
    return ReliableChange(index, limit, (np.sign(index) * (np.abs(index) > limit)).astype(np.int8))


def response(before: ArrayLike, after: ArrayLike, *, fall: float = 0.5) -> Bools:
    """Who responded, (n,): the score fell by at least the share `fall` of its first value (half, by custom).

    Raises
    ------
    StatsError
        Missing values; a first score of 0 or less, from which no share can fall.
    """
    first = checks.finite(before, "the score before")
    second = checks.score(after, len(first), "the score after", varied=False)
    wrong = np.flatnonzero(first <= 0)
    if len(wrong):
        raise StatsError(
            f"{len(wrong)} patient(s) start at 0 or below ({checks.shown(wrong)}): a share cannot fall", wrong
        )
    return np.asarray(first - second >= checks.fraction(fall, "the share of the fall") * first - 1e-12)


def remission(after: ArrayLike, cutoff: float) -> Bools:
    """Who is in remission, (n,): a score below `cutoff`."""
    return np.asarray(checks.finite(after, "the score after") < cutoff)


def change_agreement(truth: ArrayLike, prediction: ArrayLike, *, level: float = 0.95) -> ChangeAgreement:
    """Agreement on response or remission, both 0/1 of shape (n,).

    Raises
    ------
    StatsError
        Missing values; other codes than 0 and 1.
    """
    first = checks.binary(truth, "the true change", both=False)
    second = checks.binary(prediction, "the predicted change", both=False)
    checks.same_length(len(second), len(first), "the predicted change")
    alike = len(np.unique(np.concatenate([first, second]))) == 1
    kappa = None if alike else weighted_kappa(first.astype(int), second.astype(int), weights="none", level=level)
    sensitivity = proportion(int(second[first].sum()), int(first.sum()), level=level) if first.any() else None
    stable = ~first
    specificity = proportion(int((~second)[stable].sum()), int(stable.sum()), level=level) if stable.any() else None
    return ChangeAgreement(len(first), int(first.sum()), kappa, sensitivity, specificity)
