"""A mutual hazard network: what each event does to the rates of the others, learnt from tumours seen once.

Sources: Schill R et al. (2020) Bioinformatics 36:241-249 (the network and the smoothed L1 penalty); Schill R et al.
(2024) Journal of Computational Biology 31 (events that change the rate of observation, and the symmetric penalty).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from presage.cohort import InputError
from presage.tumor.progression.likelihood import Floats, States, log_likelihoods, score

#: Makes the penalty smooth at 0: sqrt(x^2 + this).
SMOOTH = 1e-5
#: The search ends when a step betters the penalised mean ln p by less than this share of it.
TOLERANCE = 1e-7
#: No log-parameter goes further: a rate of e^-12 a mean observation time is as good as never.
_FURTHEST = 12.0


@dataclass(frozen=True)
class Form:
    """What influences there are, and how the penalty counts them.

    Attributes
    ----------
    observation
        Whether events may also change the rate at which the tumour is looked at (Schill et al. 2024): an event with
        symptoms brings a tumour to the clinic, and events would else seem to hold one another back.
    symmetric
        Whether the two influences of a pair are counted as one where they are alike, as
        sqrt(a^2 + b^2 - ab), and not each on its own.
    """

    observation: bool = False
    symmetric: bool = False

    def size(self, influence: Floats) -> tuple[float, Floats]:
        """The penalty's sum over the influences, and its slope, shape (events, events), 0 on the diagonal."""
        a = influence - np.diag(np.diag(influence))
        if self.symmetric:
            size = np.sqrt(a**2 + a.T**2 - a * a.T + SMOOTH)
            return float(np.triu(size, 1).sum()), (a - a.T / 2) / size
        size = np.sqrt(a**2 + SMOOTH)
        return float(size.sum() - np.trace(size)), a / size


CLASSICAL = Form()


@dataclass(frozen=True)
class Parameters:
    """Log-parameters.

    Attributes
    ----------
    influence
        Shape (events, events): on the diagonal the log rate of an event in a tumour without any, in row i and column j
        what event j adds to the log rate of event i. The unit of time is the mean time to the look at a tumour without
        any event.
    observation
        What each event adds to the log rate of being looked at, shape (events,); 0 in a classical network.
    """

    influence: Floats
    observation: Floats

    @property
    def theta(self) -> Floats:
        """The same chances with looks at the rate 1: what speeds up the look slows down all events alike."""
        theta = self.influence - self.observation
        np.fill_diagonal(theta, np.diag(self.influence))
        return theta


@dataclass(frozen=True)
class Network:
    """A mutual hazard network.

    Attributes
    ----------
    parameters
        Log-parameters as they were fitted and penalised.
    events
        Names, in the order of rows and columns.
    penalty
        The weight of the penalty that it was fitted with.
    """

    parameters: Parameters
    events: tuple[str, ...]
    penalty: float = 0.0

    @property
    def theta(self) -> Floats:
        """What the chances of states depend on, with looks at the rate 1; see :class:`Parameters`."""
        return self.parameters.theta

    def table(self) -> pd.DataFrame:
        """The influences with names: what the column's event adds to the log rate of the row's, own rates between."""
        return pd.DataFrame(self.parameters.influence, index=list(self.events), columns=list(self.events))

    def log_likelihoods(self, tumours: pd.DataFrame | ArrayLike, *, threads: int = 1) -> Floats:
        """ln p of each tumour (row of 0 and 1 in the order of the events), shape (tumours,).

        Raises
        ------
        InputError
            As :meth:`States.gather`; columns that are not the network's events.
        """
        states = States.gather(in_order(tumours, self.events))
        return log_likelihoods(self.theta, states.events, threads=threads)[states.of]

    def state(self, happened: Sequence[str]) -> NDArray[np.bool_]:
        """The state of a tumour with these events, shape (events,).

        Raises
        ------
        InputError
            An event that the network does not know.
        """
        unknown = sorted(set(happened) - set(self.events))
        if unknown:
            raise InputError(
                f"the network does not know {', '.join(unknown[:5])}",
                cure=f"its events are {', '.join(self.events)}",
            )
        return np.isin(self.events, list(happened))

    def sample(self, tumours: int, generator: np.random.Generator) -> NDArray[np.int8]:
        """Made-up tumours, shape (tumours, events): events come at their rates until the tumour is looked at."""
        state = np.zeros((tumours, len(self.events)), dtype=bool)
        own = np.diag(self.theta)
        influence = self.theta - np.diag(own)
        going = np.arange(tumours)
        while len(going):
            now = state[going]
            rates = np.where(now, 0, np.exp(own + now @ influence.T))
            # The observation comes at the rate 1: it is the last of the chances.
            edges = np.cumsum(np.column_stack([rates, np.ones(len(going))]), axis=1)
            drawn = generator.random(len(going)) * edges[:, -1]
            came = (edges <= drawn[:, None]).sum(axis=1)
            on = came < len(self.events)
            state[going[on], came[on]] = True
            going = going[on]
        return state.astype(np.int8)


def in_order(tumours: pd.DataFrame | ArrayLike, events: Sequence[str]) -> NDArray[np.generic]:
    """The tumours' events as an array in the order of `events`; a table's columns are found by name.

    Raises
    ------
    InputError
        A table without one of the events, or an array of another width.
    """
    if isinstance(tumours, pd.DataFrame):
        missing = [event for event in events if event not in tumours.columns]
        if missing:
            raise InputError(f"the table of tumours has no column {', '.join(missing[:5])}", cure="add the columns")
        return tumours[list(events)].to_numpy()
    given = np.asarray(tumours)
    if given.ndim != 2 or given.shape[1] != len(events):
        raise InputError(f"the tumours must have {len(events)} columns, and their shape is {given.shape}")
    return given


def named(tumours: pd.DataFrame | ArrayLike) -> tuple[NDArray[np.generic], tuple[str, ...]]:
    """A table of tumours as an array and the names of its events ("1", "2" ... for an array)."""
    if isinstance(tumours, pd.DataFrame):
        names = tuple(str(name) for name in tumours.columns)
        if len(set(names)) < len(names):
            raise InputError("two columns of the table of tumours have the same name", cure="put them together")
        return tumours.to_numpy(), names
    given = np.asarray(tumours)
    return given, tuple(str(number + 1) for number in range(given.shape[-1]))


def fit(
    tumours: pd.DataFrame | ArrayLike,
    penalty: float,
    *,
    form: Form = CLASSICAL,
    threads: int = 1,
    start: Parameters | None = None,
) -> Network:
    """Fit a network: the largest mean ln p of the tumours less `penalty` x the sum of sqrt(Theta_ij^2 + 1e-5), i != j.

    Parameters
    ----------
    tumours
        0/1, shape (tumours, events).
    penalty
        Weight of the penalty, 0 or above; :func:`choose_penalty` finds one.
    form
        What influences there are, and how the penalty counts them.
    threads
        Of this machine; they do not change the numbers.
    start
        Parameters to start from, else events without influence on one another.

    Raises
    ------
    InputError
        As :meth:`States.gather`; an event that no tumour or every tumour has, whose rate has no estimate.
    """
    table, events = named(tumours)
    states = States.gather(table)
    counted = states.counts @ states.events
    for number in np.flatnonzero((counted == 0) | (counted == states.counts.sum())):
        raise InputError(
            f"the event {events[number]} is in {'no' if counted[number] == 0 else 'every'} tumour: it has no rate",
            cure="leave it out",
        )
    found = fit_states(states, states.counts, penalty, form=form, threads=threads, start=start)
    return Network(found, events, penalty)


def without_influence(counted: Floats, total: float) -> Floats:
    """Theta of events that come on their own at rates that give their frequencies, shape (events, events).

    A frequency of 0 or 1 is taken as half a tumour away from it.
    """
    share = np.clip(counted, 0.5, total - 0.5) / total
    return np.diag(np.log(share / (1 - share)))


def fit_states(
    states: States,
    weights: Floats,
    penalty: float,
    *,
    form: Form = CLASSICAL,
    threads: int = 1,
    start: Parameters | None = None,
) -> Parameters:
    """Log-parameters fitted to the states with these weights (states,); see :func:`fit`.

    Of an event that none of them or all of them have, nothing can be learnt: it keeps the rate of half a tumour, and
    no influence on it or of it.

    Raises
    ------
    InputError
        A penalty below 0, or a search that ends without a maximum.
    """
    if not penalty >= 0:
        raise InputError(f"the penalty must be 0 or above, not {penalty}")
    total = float(weights.sum())
    counted = weights @ states.events
    own = without_influence(counted, total)
    varies = (counted > 0) & (counted < total)
    free = varies[:, None] & varies[None, :]
    apart = ~np.eye(len(own), dtype=bool)
    looked = varies if form.observation else np.zeros_like(varies)
    split = int(free.sum())

    def unpacked(values: Floats) -> Parameters:
        influence, observation = own.copy(), np.zeros(len(own))
        influence[free], observation[looked] = values[:split], values[split:]
        return Parameters(influence, observation)

    def loss(values: Floats) -> tuple[float, Floats]:
        now = unpacked(values)
        value, gradient = score(now.theta, states.events, weights, threads=threads)
        gradient /= -total
        # The rate of being looked at divides every event's rate.
        by_observation = -(gradient * apart).sum(axis=0)
        size, slope = form.size(now.influence)
        seen = np.sqrt(now.observation**2 + SMOOTH)
        gradient += penalty * slope
        by_observation += penalty * now.observation / seen
        cost = penalty * (size + float(seen[looked].sum())) - value / total
        return cost, np.concatenate([gradient[free], by_observation[looked]])

    first = Parameters(own, np.zeros(len(own))) if start is None else start
    packed = np.concatenate([np.where(free, first.influence, own)[free], first.observation[looked]])
    # The penalty bends sharply at 0; more than the customary ten remembered steps see it sooner.
    options = {"maxiter": 3000, "maxfun": 6000, "ftol": TOLERANCE, "gtol": 1e-6, "maxcor": 30}
    found = minimize(loss, packed, jac=True, method="L-BFGS-B", bounds=[(-_FURTHEST, _FURTHEST)] * len(packed),
                     options=options)  # fmt: skip
    if not np.isfinite(found.fun) or found.status == 1:
        raise InputError(
            f"the network was not found in {found.nit} steps ({found.message})",
            cure="use a larger penalty or fewer events",
        )
    return unpacked(found.x)
