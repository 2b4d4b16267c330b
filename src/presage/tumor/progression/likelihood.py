"""Log-likelihood of observed tumours under a mutual hazard network, and its gradient.

Source: Schill R, Solbrig S, Wettig T, Spang R (2020) Bioinformatics 36:241-249. Events come one at a time; event i
comes at the rate exp(Theta_ii + sum of Theta_ij over the events j that the tumour has), never goes, and the tumour is
looked at after an exponential time of mean 1. The chance of a state is then the solution of (I - Q) p = p0.

A tumour's chance depends on the subsets of its own events alone: events it lacks only add to the rate of leaving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from presage.cohort import InputError
from presage.tumor.progression import many
from presage.tumor.progression.cube import cube, products, substitute, substitute_back

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Result = TypeVar("Result")

#: Numbers in the largest table of one batch: about 16 MiB, so that several threads stay in the caches' reach.
_BATCH = 1 << 21


@dataclass(frozen=True)
class States:
    """Tumours with the same events put together.

    Attributes
    ----------
    events
        Distinct states, shape (states, events), bool.
    counts
        Tumours of each, shape (states,).
    of
        The state of each tumour, shape (tumours,).
    """

    events: Bools
    counts: Floats
    of: NDArray[np.intp]

    @classmethod
    def gather(cls, table: ArrayLike) -> States:
        """Distinct rows of a 0/1 table (tumours, events).

        Raises
        ------
        InputError
            The table is empty or has another value than 0 and 1, or a tumour has more events than can be reckoned.
        """
        given = np.asarray(table)
        if given.ndim != 2 or not given.size:
            raise InputError(f"events must be a table (tumours, events), and this has the shape {given.shape}")
        wrong = ~np.isin(given, (0, 1))
        if wrong.any():
            row, column = (int(x) for x in np.argwhere(wrong)[0])
            raise InputError(
                f"an event is 0 or 1, and row {row + 1}, column {column + 1} is {given[row, column]!r}",
                cure="leave out events that were not measured in every tumour",
            )
        found, of, counts = np.unique(given.astype(bool), axis=0, return_inverse=True, return_counts=True)
        many.refuse_too_many(found)
        return cls(found, counts.astype(np.float64), np.asarray(of).reshape(-1))

    def weights(self, tumours: ArrayLike) -> Floats:
        """How many of the tumours (row numbers) have each state, shape (states,)."""
        return np.bincount(self.of[np.asarray(tumours)], minlength=len(self.events)).astype(np.float64)


@dataclass(frozen=True)
class _Batch:
    """Tumours with equally many events: where they stand, and their events (its own first), shape (tumours, events)."""

    states: NDArray[np.intp]
    order: NDArray[np.intp]
    k: int


def log_likelihoods(theta: Floats, states: Bools, *, threads: int = 1) -> Floats:
    """ln p of each state under `theta` (events, events), shape (states,)."""
    found = np.empty(len(states))

    def one(batch: _Batch) -> None:
        if batch.k > many.FROM:
            found[batch.states] = many.Solution(theta, batch.order[0], batch.k, back=False).log_likelihood
        else:
            found[batch.states] = _solved(theta, batch, back=False)[0]

    _each(one, _batches(states, len(theta)), threads)
    return found


def score(theta: Floats, states: Bools, weights: Floats, *, threads: int = 1) -> tuple[float, Floats]:
    """Weighted sum of ln p over the states, and its gradient by the adjoint, shape (events, events).

    `weights` (states,); states of weight 0 are passed over. The number of threads does not change the numbers.
    """
    chosen = np.flatnonzero(weights)

    def one(batch: _Batch) -> tuple[float, Floats]:
        weight = weights[chosen[batch.states]]
        gradient = np.zeros_like(theta)
        if batch.k > many.FROM:
            solution = many.Solution(theta, batch.order[0], batch.k)
            own, others = solution.gradient()
            order = batch.order[0]
            gradient[order, order] += weight[0] * own
            gradient[np.ix_(order, order[: batch.k])] += weight[0] * others
            return float(weight[0] * solution.log_likelihood), gradient
        logs, moved = _solved(theta, batch, back=True)
        n, k = len(theta), batch.k
        order = batch.order
        np.add.at(gradient, (order, order), (moved[:, k] * weight).T)
        rows, columns = np.broadcast_to(order.T[:, None], (n, k, len(order))), order.T[None, :k]
        np.add.at(gradient, (rows, np.broadcast_to(columns, rows.shape)), moved[:, :k] * weight)
        return float(logs @ weight), gradient

    parts = _each(one, _batches(states[chosen], len(theta)), threads)
    return sum(value for value, _ in parts), np.sum([gradient for _, gradient in parts], axis=0)


def _batches(states: Bools, n: int) -> Iterator[_Batch]:
    sizes = states.sum(axis=1)
    # Its own events first, each part in the order of the columns.
    orders = np.argsort(~states, axis=1, kind="stable")
    for k in np.unique(sizes)[::-1]:
        rows = np.flatnonzero(sizes == k)
        at_once = max(1, _BATCH // (n << int(k))) if k <= many.FROM else 1
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            yield _Batch(part, orders[part], int(k))


def _each(work: Callable[[_Batch], Result], batches: Iterator[_Batch], threads: int) -> list[Result]:
    if threads <= 1:
        return [work(batch) for batch in batches]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, batches))


def _solved(theta: Floats, batch: _Batch, *, back: bool) -> tuple[Floats, Floats]:
    """ln p (tumours,), and with `back` the gradient by a tumour's own order of events, (events, k + 1, tumours).

    Of an event's row the first k are the influences of the tumour's events, the last is its own rate.
    """
    order, k = batch.order, batch.k
    lattice = cube(k)
    rates = products(
        np.exp(theta[order, order]).T,
        np.exp(theta[order[:, :, None], order[:, None, :k]]).transpose(1, 2, 0),
    )
    # An event that has happened does not happen again.
    rates[:k] *= (1 - lattice.holds[:k])[:, :, None]
    stay = 1 + rates.sum(axis=0)
    p = np.zeros_like(stay)
    p[0] = 1
    p = substitute(lattice, rates[:k], stay, p)
    with np.errstate(divide="ignore"):
        logs = np.log(p[-1])
    if not back:
        return logs, logs
    q = np.zeros_like(stay)
    # Scaled by the tumour's chance, so that products of p and q are shares of the way to it.
    q[-1] = 1 / p[-1]
    q = substitute_back(lattice, rates[:k], stay, q)
    moved = rates
    moved *= p
    moved[k:] *= -q
    for i in range(k):
        # q is cut in two by the event: subsets without it, and the same with it.
        cut = q.reshape(-1, 2, 1 << i, q.shape[1])
        moved[i].reshape(cut.shape)[:, 0] *= cut[:, 1] - cut[:, 0]
    return logs, np.matmul(lattice.holds, moved)
