"""Discrimination over time: Harrell's and Uno's C, and the AUC at a horizon.

Harrell's C counts pairs in which the earlier event is known, and so depends on who was censored; Uno's weights each by
the inverse square of the chance of still being followed. The cumulative/dynamic AUC at time t compares those with the
event by t with those still without it.

Sources: Harrell FE et al. (1996) Statistics in Medicine 15:361-387; Uno H et al. (2011) Statistics in Medicine
30:1105-1117; Uno H et al. (2007) JASA 102:527-537 and Hung H, Chiang CT (2010) Scand J Stat 37:664-679 (AUC at t);
Kang L et al. (2015) Statistics in Medicine 34:685-703 (variance and comparison of C through each patient's part, as
used here).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, StatsError
from presage.stats.kaplan_meier import Censoring, follow_up, kaplan_meier
from presage.stats.results import Comparison, Estimate

# Pairs looked at together: bounds the memory at 2,000 x n numbers.
BLOCK = 2000


@dataclass(frozen=True)
class Concordance:
    """C with its interval, and the pairs behind it (`tied` have equal scores)."""

    estimate: Estimate
    concordant: int
    discordant: int
    tied: int


@dataclass(frozen=True)
class TimeDependentAUC:
    """AUC at each horizon, and their mean weighted by the events between horizons."""

    times: Floats
    aucs: tuple[Estimate, ...]
    mean: float


@dataclass(frozen=True)
class _Pairs:
    """Weighted wins and weights of each patient's comparable pairs (n,), and counts."""

    wins: Floats
    weights: Floats
    counts: tuple[int, int, int]

    @property
    def value(self) -> float:
        return float(self.wins.sum() / self.weights.sum())

    @property
    def parts(self) -> Floats:
        """Each patient's part in the error of C; the sum of squares is its variance."""
        return np.asarray((self.wins - self.value * self.weights) / (self.weights.sum() / 2))


def _pairs(event: Bools, time: Floats, score: Floats, weight: Floats) -> _Pairs:
    n = len(time)
    wins, weights = np.zeros(n), np.zeros(n)
    counts = np.zeros(3, dtype=np.int64)
    rows = np.flatnonzero(event & (weight > 0))
    for start in range(0, len(rows), BLOCK):
        here = rows[start : start + BLOCK]
        # The other one outlived this event: later, or censored at the same time.
        later = (time > time[here, None]) | ((time == time[here, None]) & ~event)
        higher = later & (score < score[here, None])
        equal = later & (score == score[here, None])
        each = weight[here, None]
        won = (higher + 0.5 * equal) * each
        of = later * each
        wins += won.sum(axis=0)
        weights += of.sum(axis=0)
        wins[here] += won.sum(axis=1)
        weights[here] += of.sum(axis=1)
        counts += [higher.sum(), later.sum() - higher.sum() - equal.sum(), equal.sum()]
    if weights.sum() == 0:
        raise StatsError("no two patients can be compared: nobody is known to outlive an event")
    return _Pairs(wins, weights, (int(counts[0]), int(counts[1]), int(counts[2])))


def _result(pairs: _Pairs, level: float, name: str) -> Concordance:
    level = checks.fraction(level, "the confidence level")
    n = len(pairs.wins)
    half = float(stats.norm.ppf(0.5 + level / 2)) * float((pairs.parts**2).sum() * n / (n - 1)) ** 0.5
    value = pairs.value
    estimate = Estimate(value, max(0.0, value - half), min(1.0, value + half), level, name)
    return Concordance(estimate, *pairs.counts)


def harrell_c(events: ArrayLike, times: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Concordance:
    """Harrell's C.

    Parameters
    ----------
    events, times
        0/1 and follow-up above 0, shape (n,).
    scores
        Shape (n,), higher = earlier event expected. Ties count half.

    Raises
    ------
    StatsError
        As :func:`presage.stats.kaplan_meier.follow_up`; constant scores; no comparable pair.
    """
    event, time = follow_up(events, times)
    score = checks.score(scores, len(time))
    pairs = _pairs(event, time, score, np.ones(len(time)))
    return _result(pairs, level, "Harrell, patients' parts, normal")


def uno_c(
    events: ArrayLike,
    times: ArrayLike,
    scores: ArrayLike,
    *,
    until: float | None = None,
    censoring: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> Concordance:
    """Uno's C for events before `until`.

    Parameters
    ----------
    events, times, scores
        As :func:`harrell_c`.
    until
        Only events before this time are counted; None counts all. A time well covered by the follow-up is advisable.
    censoring
        Events and times of the patients from whom the chance of being followed is estimated (such as the training
        patients); None takes these.

    Notes
    -----
    The interval takes the censoring weights as known.

    Raises
    ------
    StatsError
        As :func:`harrell_c`; events at times nobody is followed beyond.
    """
    event, time = follow_up(events, times)
    score = checks.score(scores, len(time))
    pairs = _pairs(event, time, score, _uno_weights(event, time, until, censoring))
    return _result(pairs, level, "Uno, patients' parts, normal")


def _uno_weights(
    event: Bools, time: Floats, until: float | None, censoring: tuple[ArrayLike, ArrayLike] | None
) -> Floats:
    fitted = Censoring.fit(event, time) if censoring is None else Censoring.fit(*_follow_up_any(*censoring))
    limit = np.inf if until is None else float(np.nextafter(until, -np.inf))
    # An event that nobody outlives has no pair, and so needs no weight.
    alone = event & (time >= time.max())
    if not ((time >= time.max()) & ~event).any():
        event = event & ~alone
    return fitted.weights(event, time, until=limit) ** 2


def _follow_up_any(events: ArrayLike, times: ArrayLike) -> tuple[Bools, Floats]:
    event = checks.binary(events, "the event of the censoring patients", both=False)
    return event, checks.score(times, len(event), "the follow-up of the censoring patients", varied=False)


def compare_concordance(
    events: ArrayLike,
    times: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    until: float | None = None,
    uno: bool = True,
    level: float = 0.95,
) -> Comparison:
    """Difference in C (first minus second) of two scores on the same patients; Uno's, or Harrell's with `uno` false.

    Raises
    ------
    StatsError
        As :func:`uno_c`.
    """
    event, time = follow_up(events, times)
    level = checks.fraction(level, "the confidence level")
    n = len(time)
    weight = _uno_weights(event, time, until, None) if uno else np.ones(n)
    pairs = [_pairs(event, time, checks.score(score, n), weight) for score in (first, second)]
    difference = pairs[0].value - pairs[1].value
    error = float(((pairs[0].parts - pairs[1].parts) ** 2).sum() * n / (n - 1)) ** 0.5
    name = f"{'Uno' if uno else 'Harrell'}, patients' parts, normal"
    if error <= 1e-12:
        return Comparison(0.0, 0.0, 0.0, 0.0, 1.0, level, name)
    half, statistic = float(stats.norm.ppf(0.5 + level / 2)) * error, difference / error
    p = float(2 * stats.norm.sf(abs(statistic)))
    return Comparison(difference, difference - half, difference + half, statistic, p, level, name)


def time_dependent_auc(
    events: ArrayLike,
    times: ArrayLike,
    scores: ArrayLike,
    horizons: ArrayLike,
    *,
    censoring: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
) -> TimeDependentAUC:
    """Cumulative/dynamic AUC at each horizon.

    Parameters
    ----------
    events, times, scores
        As :func:`harrell_c`.
    horizons
        Shape (horizons,), within the follow-up.
    censoring
        As :func:`uno_c`.

    Notes
    -----
    The intervals take the censoring weights as known.

    Raises
    ------
    StatsError
        As :func:`uno_c`; a horizon by which nobody had the event, or beyond which nobody was followed.
    """
    event, time = follow_up(events, times)
    score = checks.score(scores, len(time))
    grid = np.unique(checks.finite(horizons, "the horizons"))
    level = checks.fraction(level, "the confidence level")
    fitted = Censoring.fit(event, time) if censoring is None else Censoring.fit(*_follow_up_any(*censoring))
    aucs = tuple(_auc_at(event, time, score, float(horizon), fitted, level) for horizon in grid)
    curve = kaplan_meier(event, time, level=level)
    survival = np.array([curve.at(float(horizon)).value for horizon in grid])
    falls = -np.diff(np.concatenate(([1.0], survival)))
    mean = float((np.array([auc.value for auc in aucs]) * falls).sum() / (1 - survival[-1]))
    return TimeDependentAUC(grid, aucs, mean)


def _auc_at(event: Bools, time: Floats, score: Floats, horizon: float, censoring: Censoring, level: float) -> Estimate:
    weight = censoring.weights(event, time, until=horizon)
    cases, controls = weight > 0, time > horizon
    if min(cases.sum(), controls.sum()) < 2:
        raise StatsError(
            f"at time {horizon:g} there are {int(cases.sum())} patients with the event and {int(controls.sum())} still "
            "followed without it; an AUC needs at least 2 of each"
        )
    each = weight[cases] / weight[cases].sum()
    order = np.argsort(score[cases])
    sick, well = score[cases][order], np.sort(score[controls])
    below = (np.searchsorted(well, sick) + np.searchsorted(well, sick, side="right")) / (2 * len(well))
    upto = np.concatenate(([0.0], np.cumsum(each[order])))
    above = 1 - (upto[np.searchsorted(sick, well)] + upto[np.searchsorted(sick, well, side="right")]) / 2
    value = float((each[order] * below).sum())
    variance = float((each[order] ** 2 * (below - value) ** 2).sum() + above.var(ddof=1) / len(well))
    half = float(stats.norm.ppf(0.5 + level / 2)) * variance**0.5
    name = "inverse censoring weights, placements, normal"
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), level, name)
