"""A tumour with many events: its subsets in blocks, so that memory stays at a few numbers for each subset.

The subsets of k events are a table (2**(k - LOW), 2**LOW): rows by the later events, columns by the first LOW. Rates
are products of a factor of the row and one of the column, so no table of rates for all subsets is ever made. Rows with
equally many events do not depend on one another and are solved together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.progression.cube import cube, products, substitute, substitute_back

Floats = NDArray[np.float64]

#: Tumours with more events than this are solved in blocks.
FROM = 14
#: Events of a block's columns.
LOW = 10
#: Most events of one tumour: 2**25 subsets took 1.5 GiB.
MOST = 25
#: Rows of a level that are solved together: tables of 10 x 1024 x 128 numbers.
_ROWS = 128


def refuse_too_many(states: NDArray[np.bool_]) -> None:
    """Refuse a table in which a tumour has more than :data:`MOST` events.

    Raises
    ------
    InputError
        With the number of such tumours.
    """
    sizes = states.sum(axis=1)
    if sizes.size and sizes.max() > MOST:
        raise InputError(
            f"{int((sizes > MOST).sum())} state(s) have more than {MOST} of the events (the most: {int(sizes.max())}); "
            f"a tumour with k events needs 2**k numbers, and more than 2**{MOST} would not fit",
            cure="model fewer events (the most frequent, or those under selection), or leave hypermutated tumours out",
        )


class Solution:
    """The chances of a tumour's subsets, and with `back` those of ending as the tumour.

    Parameters
    ----------
    theta
        Shape (events, events).
    order
        The tumour's own k events first, then the others, shape (events,).
    k
        How many events the tumour has, more than :data:`LOW`.
    """

    def __init__(self, theta: Floats, order: NDArray[np.intp], k: int, *, back: bool = True) -> None:
        self.k = k
        self.base = np.exp(theta[order, order])
        self.factors = np.exp(theta[order][:, order[:k]])
        self._rows = cube(k - LOW)
        self._columns = cube(LOW)
        row_base = np.ones((len(order), 1))
        self._row_rates = products(row_base, self.factors[:, LOW:, None])[:, :, 0]
        self._column_rates = products(self.base[:, None], self.factors[:, :LOW, None])[:, :, 0]
        self.p = self._solve()
        with np.errstate(divide="ignore"):
            self.log_likelihood = float(np.log(self.p[-1]))
        self.q = self._solve_back() if back else self.p

    def rates(self, event: int) -> Floats:
        """Rate of the event (by the tumour's order) in every subset, shape (2**k,); also where it has happened."""
        return np.outer(self._row_rates[event], self._column_rates[event]).ravel()

    def gradient(self) -> tuple[Floats, Floats]:
        """Of ln p by the events' own rates (events,) and by the influences of the tumour's events (events, k)."""
        n, k = len(self.base), self.k
        own, others = np.zeros(n), np.zeros((n, k))
        for i in range(n):
            moved = self.rates(i)
            moved *= self.p
            if i < k:
                cut = moved.reshape(-1, 2, 1 << i)
                ends = self.q.reshape(cut.shape)
                cut[:, 0] *= ends[:, 1] - ends[:, 0]
                cut[:, 1] = 0
            else:
                moved *= -self.q
            own[i] = moved.sum()
            # Fold the table in two again and again: the upper half sums up those with its event.
            for j in range(k - 1, -1, -1):
                lower, upper = moved[: 1 << j], moved[1 << j :]
                others[i, j] = upper.sum()
                moved = lower + upper
        return own, others

    def _stay(self, rows: NDArray[np.intp]) -> Floats:
        """1 + the rate of leaving each subset of some rows, shape (2**LOW, rows)."""
        scale, columns = self._row_rates[:, rows].copy(), self._column_rates.copy()
        scale[LOW : self.k] *= 1 - self._rows.holds[:-1, rows]
        columns[:LOW] *= 1 - self._columns.holds[:-1]
        return 1 + columns.T @ scale

    def _flow(self, rows: NDArray[np.intp]) -> Floats:
        return self._column_rates[:LOW, :, None] * self._row_rates[:LOW, None, rows]

    def _solve(self) -> Floats:
        p = np.zeros((1 << (self.k - LOW), 1 << LOW))
        p[0, 0] = 1
        for level in self._rows.levels:
            for start in range(0, len(level.subsets), _ROWS):
                part = slice(start, start + _ROWS)
                rows, before, came = level.subsets[part], level.before[part], level.came[part]
                right = p[rows]
                for source, event in zip(before.T, came.T + LOW, strict=True):
                    right += p[source] * self._column_rates[event] * self._row_rates[event, source][:, None]
                solved = substitute(self._columns, self._flow(rows), self._stay(rows), np.ascontiguousarray(right.T))
                p[rows] = solved.T
        return p.ravel()

    def _solve_back(self) -> Floats:
        q = np.zeros((1 << (self.k - LOW), 1 << LOW))
        q[-1, -1] = 1 / self.p[-1]
        for level in self._rows.levels[::-1]:
            for start in range(0, len(level.subsets), _ROWS):
                part = slice(start, start + _ROWS)
                rows, after, comes = level.subsets[part], level.after[part], level.comes[part]
                right = q[rows]
                for target, event in zip(after.T, comes.T + LOW, strict=True):
                    right += q[target] * self._column_rates[event] * self._row_rates[event, rows][:, None]
                stay = self._stay(rows)
                solved = substitute_back(self._columns, self._flow(rows), stay, np.ascontiguousarray(right.T))
                q[rows] = solved.T
        return q.ravel()
