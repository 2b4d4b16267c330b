"""Posteriors of an alteration in a tumour that lacks it, as though it were there in the place of another tumour's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.tumor.tci.continuous import Continuous
from presage.tumor.tci.prior import Floats

Ints = NDArray[np.int64]
# Posteriors that are reckoned at once.
_CELLS = 1 << 17
# A logarithm whose exponential is a number still.
_HUGE = 600.0


def exchanged(inference: Continuous, tumour: int, given: Ints, instead: Ints) -> tuple[Floats, Floats]:
    """Posteriors of alterations that a tumour lacks, each given to it on its own, beside its real ones.

    What would be found in a cohort in which the tumour has the alteration and another one has it not, but for two
    things that are left as they are: each gene's two global drivers, and the weights of alterations in the prior. The
    prior is the authors', with the least leak of the one that was given.

    Parameters
    ----------
    given
        Alterations that the tumour lacks, shape (k,); one may be there several times.
    instead
        For each a tumour that has it and gives it away, shape (k,).

    Returns
    -------
    acts, idle
        Probability that the alteration acts on each gene in this tumour, and that it is the gene's cause in the cohort
        and idle here, shape (k, genes).
    """
    place = _Place(inference, tumour)
    found = np.empty((2, len(given), inference.genes))
    # A few at a time: a tumour with many alterations is given many.
    step = max(1, _CELLS // max(1, inference.genes))
    for rows in (slice(start, start + step) for start in range(0, len(given), step)):
        found[:, rows] = place.posterior(given[rows], instead[rows])
    return found[0], found[1]


class _Place:
    """One tumour, and what is the same whatever it is given."""

    def __init__(self, inference: Continuous, tumour: int) -> None:
        self.of, self.tumour = inference, tumour
        self.x = np.asarray(inference.expression[tumour], dtype=np.float64)
        self.mine = np.flatnonzero(inference.altered[tumour])
        pairs = inference.pairs
        # Whether a cause of the cohort acts here is not known beforehand: one half.
        self.prior = np.log(inference.weight[self.mine] / 2)[:, None]
        rivals = np.stack([pairs.evidence[self.mine], inference.moved(tumour, self.mine, self.x)]) + self.prior
        self.highest = np.maximum(rivals.max(axis=(0, 1), initial=-np.inf), pairs.leak[0])
        # Weights of the tumour's own alterations, each as acting or idle.
        self.rivals = np.exp(rivals - self.highest)
        self.rival = self.rivals.sum(axis=(0, 1))
        # Where a given alteration is the driver beside which an own one is judged.
        other = np.where(pairs.driver == self.mine[:, None], pairs.second, pairs.driver).ravel()
        self.order = np.argsort(other, kind="stable")
        self.sorted = other[self.order]

    def posterior(self, given: Ints, instead: Ints) -> Floats:
        """Of acting and idle, shape (2, k, genes)."""
        of, x, pairs, column = self.of, self.x, self.of.pairs, given[:, None]
        y = np.asarray(of.expression[instead], dtype=np.float64)
        driver = np.where(pairs.driver == column, pairs.second, pairs.driver)
        here = np.append(of.altered[self.tumour], 0)[driver] == 1  # -1, no driver, is had by none
        there = (driver >= 0) & (of.altered[instead[:, None], np.maximum(driver, 0)] == 1)
        n_c, s_c = (of.number[given] - 1)[:, None], pairs.candidate[given] - y
        n_d = of.without(column, driver) + there
        s_d = pairs.other[given] + np.where(there, y, 0.0)
        idle = of.likelihood(n_c, s_c, n_d, s_d, of.squares)
        acts = of.likelihood(n_c + 1, s_c + x, n_d - here, s_d - np.where(here, x, 0.0), of.squares)
        leak, weight = float(of.prior[:, -1].min()), of.weight[given]
        each = ((1 - leak) / (of.weight[self.mine].sum() + weight))[:, None]
        own, none = np.log(weight / 2)[:, None], self._leak(column)
        top = np.maximum(np.maximum(acts + own, idle + own), np.maximum(none, self.highest))
        acting, idling = np.exp(acts + own - top), np.exp(idle + own - top)
        rival = self._rival(given, instead, y) * np.exp(self.highest - top)
        whole = acting + idling + rival + leak / each * np.exp(none - top)
        return np.asarray(np.stack([acting, idling]) / whole)

    def _leak(self, column: Ints) -> Floats:
        """Evidence of none of the alterations, that which is given among them."""
        pairs = self.of.pairs
        if self.of.leak == "published":
            return np.asarray(pairs.leak[0])
        lacks = np.append(self.of.altered[self.tumour], 1) == 0
        first, second = (lacks[one] & (one != column) for one in (pairs.driver, pairs.second))
        return np.asarray(np.where(first, pairs.leak[1], np.where(second, pairs.leak[2], pairs.leak[0])))

    def _rival(self, given: Ints, instead: Ints, y: Floats) -> Floats:
        """Weight of the tumour's own alterations beside each that is given, shape (k, genes).

        Where the given one is the driver that an own one lets explain the other tumours, this tumour is now among
        those, and the one that gave it away no longer is.
        """
        of, pairs = self.of, self.of.pairs
        start, end = (np.searchsorted(self.sorted, given, side=side) for side in ("left", "right"))
        row = np.repeat(np.arange(len(given)), end - start)
        place = np.arange(len(row)) - np.repeat((end - start).cumsum() - end, end - start)
        own, gene = np.divmod(self.order[place], of.genes)
        mine, x = self.mine[own], self.x[gene]
        gone = of.altered[instead[row], mine] == 0
        n_c, s_c, squares = of.number[mine], pairs.candidate[mine, gene], of.squares[gene]
        n_d = of.without(mine, given[row]) - gone
        s_d = pairs.other[mine, gene] - np.where(gone, y[row, gene], 0.0)
        acts = of.likelihood(n_c, s_c, n_d, s_d, squares)
        idle = of.likelihood(n_c - 1, s_c - x, n_d + 1, s_d + x, squares)
        new = np.exp(np.minimum(np.stack([acts, idle]) + self.prior[own, 0] - self.highest[gene], _HUGE))
        more = (new - self.rivals[:, own, gene]).sum(axis=0)
        found = self.rival + np.bincount(row * of.genes + gene, more, len(given) * of.genes).reshape(-1, of.genes)
        return np.asarray(np.maximum(found, 0))
