"""How strongly to penalise influences, and how well a network foretells tumours that it has not seen.

Source: Hastie T, Tibshirani R, Friedman J (2009) The Elements of Statistical Learning, 7.10 (one standard error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from presage.cohort import InputError
from presage.tumor.progression.likelihood import Floats, States, log_likelihoods, score
from presage.tumor.progression.network import CLASSICAL, Form, Parameters, fit_states, named, without_influence

#: Penalties tried, from the one at which influences vanish down to this share of it.
LEAST = 0.02
NUMBER = 8


@dataclass(frozen=True)
class PenaltyChoice:
    """Penalties tried, falling, with the mean held-out ln p of a tumour and its standard error; and the one chosen."""

    penalties: Floats
    held_out: Floats
    errors: Floats
    chosen: float


@dataclass(frozen=True)
class HeldOut:
    """ln p of each tumour by what was fitted without it, shape (tumours,).

    Attributes
    ----------
    network
        By a mutual hazard network whose penalty was chosen within the training part.
    independent
        By events that are independent of one another, with the training part's frequencies.
    fold
        The part in which the tumour was left out.
    penalties
        What was chosen for each part.
    """

    network: Floats
    independent: Floats
    fold: NDArray[np.intp]
    penalties: tuple[float, ...]


def penalties_for(states: States, weights: Floats, number: int = NUMBER) -> Floats:
    """Falling penalties for these tumours: at the first, influences only just vanish."""
    theta = without_influence(weights @ states.events, float(weights.sum()))
    gradient = score(theta, states.events, weights)[1] / weights.sum()
    np.fill_diagonal(gradient, 0)
    largest = max(float(np.abs(gradient).max()), 1e-6)
    return np.geomspace(largest, LEAST * largest, number)


def choose_penalty(
    tumours: pd.DataFrame | ArrayLike,
    *,
    form: Form = CLASSICAL,
    folds: int = 5,
    one_error: bool = False,
    penalties: ArrayLike | None = None,
    seed: int = 0,
    threads: int = 1,
) -> PenaltyChoice:
    """The penalty whose networks foretell held-out tumours best.

    Parameters
    ----------
    tumours
        0/1, shape (tumours, events).
    folds
        Parts that are left out in turn.
    one_error
        Take the largest penalty whose held-out ln p is within one standard error of the best: fewer influences.
    penalties
        To try; by default :func:`penalties_for` of these tumours.
    seed
        Of the parts.

    Raises
    ------
    InputError
        As :meth:`States.gather`; fewer tumours than parts.
    """
    states = States.gather(named(tumours)[0])
    given = None if penalties is None else np.sort(np.asarray(penalties, dtype=np.float64))[::-1]
    everyone = np.arange(len(states.of))
    return _choose(states, everyone, form, folds, given, one_error, seed, threads)


def held_out(
    tumours: pd.DataFrame | ArrayLike,
    *,
    form: Form = CLASSICAL,
    folds: int = 5,
    inner_folds: int = 5,
    one_error: bool = False,
    penalties: ArrayLike | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[], object] | None = None,
) -> HeldOut:
    """Held-out ln p of every tumour; whatever is fitted or chosen, the penalty too, is so without the tumour.

    `penalties` to choose from are those of :func:`choose_penalty`; `progress` is told after each part.

    Raises
    ------
    InputError
        As :func:`choose_penalty`.
    """
    states = States.gather(named(tumours)[0])
    given = None if penalties is None else np.sort(np.asarray(penalties, dtype=np.float64))[::-1]
    total = len(states.of)
    fold = _parts(total, folds, seed)
    network, independent = np.empty(total), np.empty(total)
    chosen = []
    for part in range(folds):
        inside, outside = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        choice = _choose(states, inside, form, inner_folds, given, one_error, seed + 1 + part, threads)
        weights = states.weights(inside)
        *_, last = _path(states, weights, form, choice.penalties[choice.penalties >= choice.chosen], threads)
        network[outside] = _of(last, states, outside, threads)
        independent[outside] = independent_log_likelihoods(states, weights, outside)
        chosen.append(choice.chosen)
        if progress is not None:
            progress()
    return HeldOut(network, independent, fold, tuple(chosen))


def independent_log_likelihoods(states: States, weights: Floats, tumours: NDArray[np.intp]) -> Floats:
    """ln p of tumours whose events are independent with the frequencies of the weighted states."""
    total = weights.sum()
    share = np.clip(weights @ states.events, 0.5, total - 0.5) / total
    seen = states.events[states.of[tumours]]
    return np.asarray(np.where(seen, np.log(share), np.log1p(-share)).sum(axis=1))


def _choose(
    states: States,
    tumours: NDArray[np.intp],
    form: Form,
    folds: int,
    given: Floats | None,
    one_error: bool,
    seed: int,
    threads: int,
) -> PenaltyChoice:
    tried = penalties_for(states, states.weights(tumours)) if given is None else given
    fold = _parts(len(tumours), folds, seed)
    found = np.empty((len(tried), len(tumours)))
    for part in range(folds):
        outside = np.flatnonzero(fold == part)
        weights = states.weights(tumours[fold != part])
        for number, fitted in enumerate(_path(states, weights, form, tried, threads)):
            found[number, outside] = _of(fitted, states, tumours[outside], threads)
    means, errors = found.mean(axis=1), found.std(axis=1, ddof=1) / len(tumours) ** 0.5
    best = int(np.argmax(means))
    chosen = best
    if one_error:
        # The error of the difference from the best, on the same tumours, and not of the level that all share.
        apart = (found[best] - found).std(axis=1, ddof=1) / len(tumours) ** 0.5
        chosen = int(np.flatnonzero(means >= means[best] - apart)[0])
    return PenaltyChoice(tried, means, errors, float(tried[chosen]))


def _path(states: States, weights: Floats, form: Form, penalties: Floats, threads: int) -> list[Parameters]:
    """Networks along falling penalties, each search starting from the last."""
    found: list[Parameters] = []
    for penalty in penalties:
        start = found[-1] if found else None
        found.append(fit_states(states, weights, float(penalty), form=form, threads=threads, start=start))
    return found


def _of(fitted: Parameters, states: States, tumours: NDArray[np.intp], threads: int) -> Floats:
    wanted, of = np.unique(states.of[tumours], return_inverse=True)
    return log_likelihoods(fitted.theta, states.events[wanted], threads=threads)[of]


def _parts(tumours: int, folds: int, seed: int) -> NDArray[np.intp]:
    if not 2 <= folds <= tumours:
        raise InputError(f"{tumours} tumours cannot be left out in {folds} parts", cure="choose 2 to 10 parts")
    return np.random.default_rng(seed).permutation(np.arange(tumours) % folds)
