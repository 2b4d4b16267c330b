"""Penalised proportional hazards whose strength of penalty is chosen inside the training patients.

Source: Cox DR (1972) JRSS B 34:187-220; Verweij PJM, van Houwelingen HC (1993) Statistics in Medicine 12:2305-2314
(cross-validated partial likelihood). Fitted by lifelines; the many fits by which the penalty is chosen by
:mod:`presage.tumor.risk.newton`, which has the same objective.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.risk.newton import ridge_weights

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Ridge penalties tried, on standardised columns, per patient.
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
#: Of columns that are spared: enough for a stage without events to have a finite hazard, and hardly more.
HARDLY = 0.001
FOLDS = 5


@dataclass(frozen=True)
class PenalisedCox:
    """A fitted model.

    Attributes
    ----------
    mean, spread
        Of each column in the training patients, shape (columns,); what is missing counts as the mean, and a column
        that does not vary as 0.
    weights
        Log hazard ratio per spread, shape (columns,).
    times, hazard
        Event times, and the cumulative hazard at them of a patient at the means.
    strength
        Of the penalty.
    """

    mean: Floats
    spread: Floats
    weights: Floats
    times: Floats
    hazard: Floats
    strength: float

    @classmethod
    def fit(
        cls,
        columns: Floats,
        event: Bools,
        time: Floats,
        *,
        spared: int = 0,
        strengths: Sequence[float] = STRENGTHS,
        seed: int = 0,
    ) -> PenalisedCox:
        """Fit a model.

        Parameters
        ----------
        columns
            Shape (n, columns), NaN where missing.
        event, time
            Shape (n,).
        spared
            How many of the first columns are hardly penalised: what is known to matter.
        strengths
            Penalties of the others, of which the one with the best cross-validated likelihood is taken.
        seed
            Of the parts for that.

        Raises
        ------
        InputError
            Fewer than two events, or a model that is not found.
        """
        if event.sum() < 2:
            raise InputError(
                f"{int(event.sum())} of {len(event)} training patients have the event: nothing can be fitted",
                cure="use fewer folds, or a cohort with more events",
            )
        known = np.isfinite(columns)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, columns, 0).sum(axis=0) / count
        filled = np.where(known, columns, mean)
        spread = filled.std(axis=0)
        spread[spread < 1e-12] = 0
        scaled = _scaled(columns, mean, spread)
        strength = strengths[0]
        if len(strengths) > 1 and columns.shape[1] > spared:
            strength = _strength(scaled, event, time, strengths, spared, seed)
        weights = _weights(scaled, event, time, strength, spared)
        times, hazard = _baseline(scaled @ weights, event, time)
        return cls(mean, spread, weights, times, hazard, float(strength))

    def linear(self, columns: Floats) -> Floats:
        """Log hazard ratio of each patient against one at the means, shape (n,)."""
        return np.asarray(_scaled(columns, self.mean, self.spread) @ self.weights)

    def risk(self, columns: Floats, horizon: float) -> Floats:
        """Chance of the event by the horizon, shape (n,)."""
        before = int(np.searchsorted(self.times, horizon, side="right"))
        hazard = float(self.hazard[before - 1]) if before else 0.0
        return np.asarray(-np.expm1(-hazard * np.exp(np.clip(self.linear(columns), -30, 30))))


def _scaled(columns: Floats, mean: Floats, spread: Floats) -> Floats:
    away = np.where(np.isfinite(columns), columns - mean, 0)
    return np.asarray(np.divide(away, spread, out=np.zeros_like(away), where=spread > 0))


def _weights(scaled: Floats, event: Bools, time: Floats, strength: float, spared: int) -> Floats:
    """Log hazard ratios, shape (columns,); 0 for columns that do not vary here."""
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    weights = np.zeros(scaled.shape[1])
    varies = np.flatnonzero(scaled.std(axis=0) > 1e-12)
    if not len(varies):
        return weights
    table = pd.DataFrame(scaled[:, varies], columns=[f"x{number}" for number in varies])
    table["event"], table["time"] = event, time
    fitter = CoxPHFitter(penalizer=np.where(varies < spared, HARDLY, strength), l1_ratio=0)
    try:
        with warnings.catch_warnings():
            # Low variance within events and the like: the penalty keeps such a column's weight finite.
            warnings.simplefilter("ignore")
            fitter.fit(table, "time", "event")
    except ConvergenceError as error:
        raise InputError(
            f"the Cox model was not found ({str(error).splitlines()[0]})", cure="use fewer columns or a larger penalty"
        ) from None
    weights[varies] = np.asarray(fitter.params_, dtype=np.float64)
    return weights


def _quickly(scaled: Floats, event: Bools, time: Floats, strength: float, spared: int) -> Floats:
    """The same without lifelines, whose tables take most of the time of so small a fit."""
    weights = np.zeros(scaled.shape[1])
    varies = np.flatnonzero(scaled.std(axis=0) > 1e-12)
    if len(varies):
        penalty = np.where(varies < spared, HARDLY, strength)
        weights[varies] = ridge_weights(scaled[:, varies], event, time, penalty)
    return weights


def _strength(scaled: Floats, event: Bools, time: Floats, strengths: Sequence[float], spared: int, seed: int) -> float:
    """The penalty with the largest cross-validated partial likelihood: of all patients less that of the training's."""
    random = np.random.default_rng(seed)
    fold = np.empty(len(event), dtype=int)
    for kind in (event, ~event):
        rows = random.permutation(np.flatnonzero(kind))
        fold[rows] = np.arange(len(rows)) % FOLDS
    totals = np.zeros(len(strengths))
    for part in range(FOLDS):
        inside = fold != part
        if event[inside].sum() < 2:
            continue
        for number, strength in enumerate(strengths):
            linear = scaled @ _quickly(scaled[inside], event[inside], time[inside], strength, spared)
            totals[number] += _partial(linear, event, time) - _partial(linear[inside], event[inside], time[inside])
    return float(strengths[int(np.argmax(totals))])


def _at_risk(linear: Floats, time: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Patients by falling time, and the sum of the hazard ratios of those still followed at each one's time."""
    order = np.argsort(-time, kind="stable")
    sums = np.cumsum(np.exp(linear[order]))
    last = np.searchsorted(-time[order], -time[order], side="right") - 1
    return order, sums[last]


def _partial(linear: Floats, event: Bools, time: Floats) -> float:
    order, sums = _at_risk(linear, time)
    died = event[order]
    return float((linear[order][died] - np.log(sums[died])).sum())


def _baseline(linear: Floats, event: Bools, time: Floats) -> tuple[Floats, Floats]:
    """Breslow's cumulative hazard at the event times."""
    order, sums = _at_risk(linear, time)
    died = event[order]
    times, which = np.unique(time[order][died], return_inverse=True)
    return times, np.cumsum(np.bincount(which, 1 / sums[died]))
