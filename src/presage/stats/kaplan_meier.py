"""Kaplan-Meier curves with log-log intervals, the log-rank test, and the censoring weights of everything about time.

Weights are the inverse of the chance of being *still followed*, estimated by Kaplan-Meier on the censorings, events
counting as the end of follow-up (not on the events: then the weights mean nothing).

Sources: Kaplan EL, Meier P (1958) JASA 53:457-481; Kalbfleisch JD, Prentice RL (2002) The Statistical Analysis of
Failure Time Data, 1.4 (log-log interval); Mantel N (1966) Cancer Chemother Rep 50:163-170 (log-rank).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, Ints, StatsError
from presage.stats.results import Estimate


@dataclass(frozen=True)
class SurvivalCurve:
    """Share still without the event after each distinct time; all arrays (times,).

    At a survival of 0 the log-log interval is undefined: `low` is 0 and `high` the last one defined.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Ints
    events: Ints
    level: float

    def at(self, time: float) -> Estimate:
        """Survival at a time, carried forward from the last time at or before it.

        Raises
        ------
        StatsError
            A time after the last follow-up, of which nothing is known.
        """
        if time > self.times[-1] and self.survival[-1] > 0:
            raise StatsError(f"nobody was followed to time {time:g}; the longest follow-up is {self.times[-1]:g}")
        before = int(np.searchsorted(self.times, time, side="right")) - 1
        name = "Kaplan-Meier, log-log"
        if before < 0:
            return Estimate(1.0, 1.0, 1.0, self.level, name)
        value, low, high = (float(part[before]) for part in (self.survival, self.low, self.high))
        return Estimate(value, low, high, self.level, name)


@dataclass(frozen=True)
class LogRank:
    """Log-rank test over groups: chi-squared statistic, degrees of freedom, p-value; observed and expected events."""

    groups: tuple[Any, ...]
    observed: Floats
    expected: Floats
    statistic: float
    freedom: int
    p: float


def follow_up(events: ArrayLike, times: ArrayLike) -> tuple[Bools, Floats]:
    """Events 0/1 and times above 0, both (n,), checked.

    Raises
    ------
    StatsError
        Times of 0 or less, no event at all, missing values, other codes than 0 and 1.
    """
    event = checks.binary(events, "the event", both=False)
    time = checks.score(times, len(event), "the follow-up time", varied=False)
    wrong = np.flatnonzero(time <= 0)
    if len(wrong):
        raise StatsError(
            f"{len(wrong)} follow-up time(s) are 0 or less ({checks.shown(wrong)}); time runs from the prediction to "
            "the event or the last visit, so these patients had it before, or dates are swapped",
            wrong,
        )
    if not event.any():
        raise StatsError("there is no event among these patients, so nothing about time to event can be estimated")
    return event, time


def kaplan_meier(events: ArrayLike, times: ArrayLike, *, level: float = 0.95) -> SurvivalCurve:
    """Survival curve with pointwise log-log intervals.

    Parameters
    ----------
    events
        1 where the event happened at the time, 0 where follow-up ended without it, shape (n,).
    times
        Shape (n,), above 0, in any unit.

    Raises
    ------
    StatsError
        As :func:`follow_up`.
    """
    event, time = follow_up(events, times)
    level = checks.fraction(level, "the confidence level")
    distinct, died, _, at_risk = _table(event, time)
    survival = np.asarray(np.cumprod(1 - died / at_risk), dtype=np.float64)
    terms = np.divide(died, at_risk * (at_risk - died), out=np.zeros(len(died)), where=at_risk > died)
    low, high = np.ones(len(survival)), np.ones(len(survival))
    inside = (survival > 0) & (survival < 1)
    log = np.log(survival, out=np.full_like(survival, -1.0), where=inside)
    half = float(stats.norm.ppf(0.5 + level / 2)) * np.sqrt(np.cumsum(terms)) / np.abs(log)
    low[inside], high[inside] = (np.exp(log * np.exp(sign * half))[inside] for sign in (1, -1))
    ended = survival <= 0
    if ended.any():
        low[ended], high[ended] = 0.0, high[inside][-1] if inside.any() else 1.0
    return SurvivalCurve(distinct, survival, low, high, at_risk, died, level)


def _table(event: Bools, time: Floats) -> tuple[Floats, Ints, Ints, Ints]:
    """Distinct times, events and censorings at each, and patients at risk just before it."""
    distinct, numbers = np.unique(time, return_inverse=True)
    died = np.bincount(numbers[event], minlength=len(distinct))
    left = np.bincount(numbers[~event], minlength=len(distinct))
    at_risk = len(time) - np.concatenate(([0], np.cumsum(died + left)[:-1]))
    return distinct, died, left, at_risk


@dataclass(frozen=True)
class Censoring:
    """Chance of being still followed after each time; `times` and `followed` are (times,)."""

    times: Floats
    followed: Floats

    @classmethod
    def fit(cls, event: Bools, time: Floats) -> Censoring:
        """Kaplan-Meier of the censorings. Events at the same time come first, and leave the risk set before it."""
        distinct, died, left, at_risk = _table(event, time)
        remaining = at_risk - died
        lost = np.divide(left, remaining, out=np.zeros(len(left)), where=remaining > 0)
        return cls(distinct, np.cumprod(1 - lost))

    def at(self, times: Floats) -> Floats:
        """Chance of being followed beyond `times`, any shape."""
        return np.concatenate(([1.0], self.followed))[np.searchsorted(self.times, times, side="right")]

    def weights(self, event: Bools, time: Floats, *, until: float = np.inf) -> Floats:
        """1 / chance for events at times up to `until`, 0 for everyone else, shape (n,).

        Raises
        ------
        StatsError
            Events at times that nobody was followed beyond: choose an earlier horizon.
        """
        counted = event & (time <= until)
        chance = self.at(time)
        if (chance[counted] <= 0).any():
            rows = np.flatnonzero(counted & (chance <= 0))
            raise StatsError(
                f"{len(rows)} event(s) happen when nobody is followed any more ({checks.shown(rows)}), so they have no "
                "censoring weight; choose an earlier horizon",
                rows,
            )
        return np.divide(1.0, chance, out=np.zeros(len(time)), where=counted)


def log_rank(events: ArrayLike, times: ArrayLike, groups: ArrayLike) -> LogRank:
    """Do groups differ in survival?

    Parameters
    ----------
    events, times
        As :func:`kaplan_meier`.
    groups
        Group of each patient, shape (n,), at least two.

    Raises
    ------
    StatsError
        As :func:`follow_up`, or one group only.
    """
    event, time = follow_up(events, times)
    names, numbers = checks.labels(groups, len(time))
    if len(names) < 2:
        raise StatsError("a log-rank test compares at least two groups")
    distinct, died, _, at_risk = _table(event, time)
    position = np.searchsorted(distinct, time)
    in_group = np.zeros((len(names), len(distinct)))
    np.add.at(in_group, (numbers, position), 1)
    risk = in_group[:, ::-1].cumsum(axis=1)[:, ::-1]
    observed = np.bincount(numbers[event], minlength=len(names)).astype(np.float64)
    share = risk / at_risk
    expected = (share * died).sum(axis=1)
    spread = np.divide(died * (at_risk - died), at_risk - 1, out=np.zeros(len(died)), where=at_risk > 1)
    covariance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    excess = (observed - expected)[:-1]
    statistic = float(excess @ np.linalg.pinv(covariance[:-1, :-1]) @ excess)
    freedom = len(names) - 1
    return LogRank(
        tuple(names.tolist()), observed, expected, statistic, freedom, float(stats.chi2.sf(statistic, freedom))
    )
