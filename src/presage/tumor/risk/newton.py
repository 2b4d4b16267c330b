"""Ridge-penalised proportional hazards by Newton's method, for the hundreds of fits by which a penalty is chosen.

The objective is lifelines': the mean log partial likelihood (ties by Efron 1977, JASA 72:557-565) less half the sum of
penalty times squared weight, on columns of standard deviation 1. The final model is fitted by lifelines itself; tests
hold the two together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_STEPS, _PRECISION = 50, 1e-9


def ridge_weights(columns: Floats, event: Bools, time: Floats, penalty: Floats) -> Floats:
    """Log hazard ratio for one unit of each column, shape (columns,).

    Parameters
    ----------
    columns
        Shape (n, columns), finite, each with some variation.
    event, time
        Shape (n,); at least one event.
    penalty
        Of each column, above 0, shape (columns,).

    Raises
    ------
    InputError
        If the steps do not settle.
    """
    spread = columns.std(axis=0, ddof=1)
    order = np.argsort(-time, kind="stable")
    x = ((columns - columns.mean(axis=0)) / spread)[order]
    ties = _Ties(event[order], time[order])
    weights = np.zeros(x.shape[1])
    value, gradient, information = ties.likelihood(x, weights, penalty)
    for _ in range(_STEPS):
        step = np.linalg.solve(information, gradient)
        size = 1.0
        while True:
            found = ties.likelihood(x, weights + size * step, penalty)
            if found[0] >= value - 1e-12 * abs(value) or size < 1e-6:
                break
            size /= 2
        weights = weights + size * step
        value, gradient, information = found
        if np.abs(size * step).max() < _PRECISION:
            return np.asarray(weights / spread)
    raise InputError("the Cox model was not found", cure="use fewer columns or a larger penalty")


class _Ties:
    """Who dies when: what the likelihood needs and no weight changes. Rows by falling time."""

    def __init__(self, event: Bools, time: Floats) -> None:
        self.n = len(time)
        self.died = np.flatnonzero(event)
        moments, self.moment = np.unique(time[self.died], return_inverse=True)
        counts = np.bincount(self.moment)
        # Rows of those still followed at each death: all up to the last with its time.
        self.end = np.searchsorted(-time, -moments, side="right")[self.moment] - 1
        # Efron: the k-th of d deaths at one moment takes k/d of the dying out of the risk set.
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        place = np.empty(len(self.died), dtype=np.int64)
        place[np.argsort(self.moment, kind="stable")] = np.arange(len(self.died)) - np.repeat(first, counts)
        self.share = place / counts[self.moment]

    def likelihood(self, x: Floats, weights: Floats, penalty: Floats) -> tuple[float, Floats, Floats]:
        """The penalised objective, its gradient, and the negative of its second derivatives."""
        linear = x @ weights
        highest = float(linear.max())
        relative = np.exp(linear - highest)
        dying = np.bincount(self.moment, relative[self.died])[self.moment]
        risk = np.cumsum(relative)[self.end] - self.share * dying
        # By row: over all deaths whose risk set holds it, the sum of 1 / risk; the dying are there in part only.
        per_death = 1 / risk
        inside = np.bincount(self.end, per_death, minlength=self.n)[::-1].cumsum()[::-1]
        in_part = np.zeros(self.n)
        in_part[self.died] = np.bincount(self.moment, self.share * per_death)[self.moment]
        total = relative * (inside - in_part)
        first = x * relative[:, None]
        sums = np.cumsum(first, axis=0)[self.end]
        tied = np.zeros((int(self.moment.max()) + 1, x.shape[1]))
        np.add.at(tied, self.moment, first[self.died])
        means = (sums - self.share[:, None] * tied[self.moment]) * per_death[:, None]
        value = float((linear[self.died] - highest - np.log(risk)).sum()) / self.n
        gradient = (x[self.died].sum(axis=0) - means.sum(axis=0)) / self.n
        information = (x.T @ (x * total[:, None]) - means.T @ means) / self.n
        return (
            value - 0.5 * float((penalty * weights**2).sum()),
            gradient - penalty * weights,
            information + np.diag(penalty),
        )
