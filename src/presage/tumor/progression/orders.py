"""One tumour: in which order its events are likely to have come, and which is likely to come next.

All of it is exact for the fitted network: sums and maxima over the orders run over the subsets of the tumour's events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.progression.cube import cube, products, substitute, substitute_back
from presage.tumor.progression.likelihood import Floats
from presage.tumor.progression.network import Network

#: A tumour's past is given for up to this many events: 2**18 subsets.
MOST_PAST = 18


@dataclass(frozen=True)
class Past:
    """In which order a tumour's k events came, given that it has them and no others.

    Attributes
    ----------
    events
        The tumour's events, in the order of the network.
    position
        Chance that an event (row) came as the first, second ... (column), shape (k, k); rows and columns sum to 1.
    before
        Chance that an event (row) came before another (column), shape (k, k); the diagonal is 0.
    likeliest
        The likeliest single order.
    chance
        Its chance among all orders: small where there are many.
    """

    events: tuple[str, ...]
    position: pd.DataFrame
    before: pd.DataFrame
    likeliest: tuple[str, ...]
    chance: float

    @property
    def expected(self) -> pd.Series:
        """Expected position of each event (1 = first), earliest first."""
        steps = np.arange(1, len(self.events) + 1)
        return pd.Series(self.position.to_numpy() @ steps, index=list(self.events)).sort_values(kind="stable")


def past(network: Network, happened: Sequence[str]) -> Past:
    """How a tumour with these events is likely to have come about.

    Raises
    ------
    InputError
        No event, an event that the network does not know, or more than :data:`MOST_PAST`.
    """
    state = network.state(happened)
    own = np.flatnonzero(state)
    k = len(own)
    if not 0 < k <= MOST_PAST:
        raise InputError(
            f"the past of a tumour with {k} events cannot be told",
            cure=f"name 1 to {MOST_PAST} events of the network",
        )
    lattice = cube(k)
    order = np.concatenate([own, np.flatnonzero(~state)])
    theta = network.theta[np.ix_(order, order)]
    rates = products(np.exp(np.diag(theta))[:, None], np.exp(theta[:, :k, None]))
    rates[:k] *= (1 - lattice.holds[:k])[:, :, None]
    stay = 1 + rates.sum(axis=0)
    rates = rates[:k]
    p, q = np.zeros_like(stay), np.zeros_like(stay)
    p[0] = 1
    p = substitute(lattice, rates, stay, p)
    q[-1] = 1 / p[-1]
    q = substitute_back(lattice, rates, stay, q)
    position, flow = np.zeros((k, k)), np.zeros((k, 1 << k))
    for number, level in enumerate(lattice.levels[:-1]):
        subsets = np.broadcast_to(level.subsets[:, None], level.comes.shape)
        share = p[subsets, 0] * rates[level.comes, subsets, 0] * q[level.after, 0]
        flow[level.comes, subsets] = share
        position[:, number] = np.bincount(level.comes.ravel(), share.ravel(), minlength=k)
    # When event j comes from a subset with i, then i was before j.
    before = lattice.holds[:k] @ flow.T
    names = [network.events[number] for number in own]
    likeliest, log_chance = _likeliest(rates[:, :, 0], stay[:, 0], k)
    return Past(
        tuple(names),
        pd.DataFrame(position, index=names, columns=list(range(1, k + 1))),
        pd.DataFrame(before, index=names, columns=names),
        tuple(names[number] for number in likeliest),
        float(np.exp(log_chance - np.log(p[-1, 0]))),
    )


def _likeliest(rates: Floats, stay: Floats, k: int) -> tuple[list[int], float]:
    """The order with the largest product of chances, and the log of that product with the look at its end."""
    best = np.full(1 << k, -np.inf)
    best[0] = 0
    came = np.zeros(1 << k, dtype=np.intp)
    lattice = cube(k)
    for level in lattice.levels[1:]:
        through = best[level.before] + np.log(rates[level.came, level.before]) - np.log(stay[level.before])
        winner = through.argmax(axis=1)
        rows = np.arange(len(winner))
        best[level.subsets], came[level.subsets] = through[rows, winner], level.came[rows, winner]
    order: list[int] = []
    subset = (1 << k) - 1
    while subset:
        order.append(int(came[subset]))
        subset ^= 1 << order[-1]
    return order[::-1], float(best[-1] - np.log(stay[-1]))


def next_events(network: Network, happened: Sequence[str]) -> pd.Series:
    """Chance of each event that a tumour with these events lacks to be the next, likeliest first; they sum to 1.

    Raises
    ------
    InputError
        An event that the network does not know, or a tumour that has them all.
    """
    state = network.state(happened)
    if state.all():
        raise InputError("the tumour has every event of the network: none can be next")
    theta = network.theta
    logs = (np.diag(theta) + np.where(state, theta, 0).sum(axis=1))[~state]
    chance = np.exp(logs - logs.max())
    names = [event for event, has in zip(network.events, state, strict=True) if not has]
    return pd.Series(chance / chance.sum(), index=names).sort_values(ascending=False, kind="stable")
