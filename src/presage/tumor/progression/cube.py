"""The subsets of a tumour's events as a lattice: who comes before whom, level by level.

A subset of k events is a number below 2**k, bit j set where event j has happened. Every event adds one bit, so that all
subsets of equal size (a level) can be reckoned at once from the level below: substitution in a triangular system.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """Subsets of one size.

    Attributes
    ----------
    subsets
        Shape (s,).
    before, came
        The subset one event smaller and the event that was added, shape (s, size).
    after, comes
        The subset one event larger and the event that is added, shape (s, k - size).
    """

    subsets: Ints
    before: Ints
    came: Ints
    after: Ints
    comes: Ints


@dataclass(frozen=True)
class Cube:
    """The lattice of subsets of k events.

    `holds` (k + 1, 2**k) is 1 where a subset has the event; its last row is all 1.
    """

    k: int
    levels: tuple[Level, ...]
    holds: Floats


@lru_cache(maxsize=32)
def cube(k: int) -> Cube:
    """The lattice of `k` events; kept, as every tumour with k events uses it."""
    subsets = np.arange(1 << k, dtype=np.intp)
    bits = (subsets[:, None] >> np.arange(k)) & 1
    size = bits.sum(axis=1)
    events = np.broadcast_to(np.arange(k, dtype=np.intp), bits.shape)
    levels = []
    for number in range(k + 1):
        of = subsets[size == number]
        came = events[of][bits[of] == 1].reshape(len(of), number)
        comes = events[of][bits[of] == 0].reshape(len(of), k - number)
        levels.append(Level(of, of[:, None] - (1 << came), came, of[:, None] + (1 << comes), comes))
    holds = np.vstack([bits.T, np.ones(1 << k)]).astype(np.float64)
    return Cube(k, tuple(levels), holds)


def products(base: Floats, factors: Floats) -> Floats:
    """Rates in every subset: `base` times the factors of the events that have happened.

    Parameters
    ----------
    base
        Shape (events, tumours).
    factors
        Shape (events, k, tumours): what the k-th event multiplies each rate by.

    Returns
    -------
    Shape (events, 2**k, tumours).
    """
    k = factors.shape[1]
    rates = np.empty((base.shape[0], 1 << k, base.shape[1]))
    rates[:, 0] = base
    for j in range(k):
        np.multiply(rates[:, : 1 << j], factors[:, j : j + 1], out=rates[:, 1 << j : 2 << j])
    return rates


def substitute(lattice: Cube, flow: Floats, stay: Floats, start: Floats) -> Floats:
    """Solve (I - Q) p = start from the empty subset upwards.

    Parameters
    ----------
    flow
        Rate of each of the k events in each subset, shape (k, 2**k, tumours).
    stay
        1 + the rate of leaving a subset, shape (2**k, tumours).
    start
        Right-hand side, shape (2**k, tumours); becomes the solution.
    """
    p, tumours = start, start.shape[1]
    rates = flow.reshape(-1, tumours)
    p[0] /= stay[0]
    for level in lattice.levels[1:]:
        came = np.take(rates, level.came << lattice.k | level.before, axis=0)
        came *= np.take(p, level.before, axis=0)
        p[level.subsets] = (p[level.subsets] + came.sum(axis=1)) / stay[level.subsets]
    return p


def substitute_back(lattice: Cube, flow: Floats, stay: Floats, end: Floats) -> Floats:
    """Solve (I - Q)^T q = end from the full subset downwards; shapes as :func:`substitute`, `end` becomes q."""
    q, tumours = end, end.shape[1]
    rates = flow.reshape(-1, tumours)
    q[-1] /= stay[-1]
    for level in lattice.levels[-2::-1]:
        comes = np.take(rates, level.comes << lattice.k | level.subsets[:, None], axis=0)
        comes *= np.take(q, level.after, axis=0)
        q[level.subsets] = (q[level.subsets] + comes.sum(axis=1)) / stay[level.subsets]
    return q
