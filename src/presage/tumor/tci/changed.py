"""Tumour-specific causal inference: which alteration of one tumour explains which of its genes that changed.

Source: C. Cai, G. F. Cooper, ... X. Lu, PLoS Computational Biology 15 (2019), PMC6650088, with the choices of the
authors' program: Beta-Bernoulli marginal likelihoods with pseudo-counts (2, 1) where the cause is there, (1, 2) where
it is not and (1, 1) for the leak; one global driver for each differentially expressed gene, the second best where the
first is the candidate itself; no candidate that makes the gene rarer.

All counts that the sums need are matrix products over tumours, so that every pair of alteration and gene is reckoned at
once; what a tumour adds is its own prior and the choice of its own alterations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.tumor.tci.base import Evidence, LeakRule, Pairs, Posterior, best_two, binary
from presage.tumor.tci.prior import Floats

Counts = NDArray[np.int32]

# Pseudo-counts (of expressed, of not) where the cause is there, where it is not, and for the leak.
PRESENT, ABSENT, LEAK = (2, 1), (1, 2), (1, 1)


class Inference(Evidence):
    """The method on one set of tumours.

    Parameters
    ----------
    altered
        Whether each tumour has each alteration, shape (tumours, alterations), 0 or 1.
    expressed
        Whether each gene is differentially expressed in each tumour, shape (tumours, genes), 0 or 1.
    prior
        Probability that each alteration is the cause in each tumour, the leak in the last column: shape (tumours,
        alterations + 1), rows sum to 1, 0 where the tumour lacks the alteration. :func:`frequency_prior` by default.
    leak
        ``published``: the leak explains a gene by its frequency over all tumours. Then a gene that changed by chance is
        laid at the door of a passenger wherever the gene has a global driver that this tumour lacks: every candidate
        shares the driver's explanation of the other tumours, the leak does not. ``driver`` lets the leak share it: it
        takes the better of the gene's two global drivers that the tumour lacks. Posteriors are then nearer to what
        they say (see ``benchmarks/tci_phantom.py``).
    leave_out
        Whether a tumour's own data are left out of the sums that its posterior rests on. The authors' text says so,
        their program does not; the default is the program's.
    threads
        How many work at once; results do not depend on it.

    Raises
    ------
    InputError
        If a matrix holds anything but 0 and 1, or shapes do not fit.
    """

    def __init__(
        self,
        altered: NDArray[np.generic],
        expressed: NDArray[np.generic],
        prior: Floats | None = None,
        *,
        leak: LeakRule = "published",
        leave_out: bool = False,
        threads: int = 1,
    ) -> None:
        super().__init__(altered, binary(expressed, "expressed"), prior, leak, threads)
        self.leave_out = leave_out
        self._log = _log_gamma(len(self.altered))

    @property
    def expressed(self) -> NDArray[np.generic]:
        """Whether each gene is differentially expressed in each tumour, shape (tumours, genes), 0 or 1."""
        return self.expression

    def likelihood(self, n1: Counts, n0: Counts, pseudo: tuple[int, int]) -> Floats:
        """Log marginal likelihood of n1 expressed and n0 not under a Beta prior of whole pseudo-counts."""
        one, none = pseudo
        log = self._log
        start = log[one + none] - log[one] - log[none]
        return np.asarray(start - log.take(n1 + n0 + (one + none)) + log.take(n1 + one) + log.take(n0 + none))

    def posterior(self, tumour: int) -> Posterior:
        """Which alteration explains which gene in one tumour."""
        mine = np.flatnonzero(self.altered[tumour])
        genes = np.flatnonzero(self.expressed[tumour])
        pairs = self.pairs
        if self.leave_out:
            evidence, leak, driver, second = self._without(tumour, mine, genes)
        else:
            evidence, leak = pairs.evidence[np.ix_(mine, genes)], pairs.leak[:, genes]
            driver, second = pairs.driver[genes], pairs.second[genes]
        score = np.concatenate([evidence, self._leak_of(tumour, leak, driver, second)[None]])
        score += self._log_prior[tumour, [*mine, -1]][:, None]
        # The leak's likelihood is finite, so that the largest score of a column is.
        weight = np.exp(score - score.max(axis=0))
        return Posterior(mine, genes, weight / weight.sum(axis=0))

    def _block(self, genes: slice) -> Pairs:
        """Evidence of all alterations for some genes."""
        e = self.expressed[:, genes].astype(np.float32)
        total = e.sum(axis=0).astype(np.int32)
        with_one = _whole(self._a.T @ e)
        driver, second, present = self._drivers(with_one, total)
        evidence = self._evidence(e, with_one, total, driver, present)
        columns = np.flatnonzero(driver >= 0)
        evidence[driver[columns], columns] = self._own(e, with_one, total, driver, second)[columns]
        return Pairs(evidence, self._leaks(e, with_one, total, driver, second), driver, second)

    def _leaks(
        self,
        e: NDArray[np.float32],
        with_one: Counts,
        total: Counts,
        driver: NDArray[np.int64],
        second: NDArray[np.int64],
    ) -> Floats:
        """The leak as published, and with each of the two drivers as the cause in the other tumours: (3, genes)."""
        size, columns = len(e), np.arange(e.shape[1])
        found = [self.likelihood(total, size - total, LEAK)]
        for chosen in (driver, second):
            row = np.maximum(chosen, 0)
            number, here = self.number[row], with_one[row, columns]
            rest = total - here
            found.append(
                self.likelihood(here, number - here, PRESENT) + self.likelihood(rest, size - number - rest, ABSENT)
            )
        return np.stack(found)

    def _drivers(self, with_one: Counts, total: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Global driver of each gene and the runner-up, -1 where no alteration makes the gene more frequent.

        And the log-likelihood of the tumours that have the alteration, shape (alterations, genes); -inf where it makes
        the gene rarer.
        """
        n, size = self.number[:, None], len(self.altered)
        present = self.likelihood(with_one, n - with_one, PRESENT)
        present[_rarer(with_one, n, total, size)] = -np.inf
        absent = self.likelihood(total - with_one, size - n - (total - with_one), ABSENT)
        return *best_two(present + absent + self._global_prior[:, None]), present

    def _evidence(
        self,
        e: NDArray[np.float32],
        with_one: Counts,
        total: Counts,
        driver: NDArray[np.int64],
        present: Floats,
        rows: NDArray[np.int64] | None = None,
    ) -> Floats:
        """Log-likelihood of genes given each alteration (or those of `rows`) and the genes' global drivers.

        `present` is that of the tumours with the alteration.
        """
        a = self._a if rows is None else self._a[:, rows]
        number = (self.number if rows is None else self.number[rows])[:, None]
        here = with_one if rows is None else with_one[rows]
        size = len(e)
        there = driver >= 0
        d = np.where(there, self._a[:, np.maximum(driver, 0)], np.float32(0))
        # Of the tumours without the candidate: those with the driver, and those of them that express the gene.
        both = _whole(a.T @ d)
        all_three = _whole(a.T @ (d * e))
        d_count, d_one = d.sum(axis=0).astype(np.int32), (d * e).sum(axis=0).astype(np.int32)
        n_d, n_d1 = d_count - both, d_one - all_three
        n_rest, n_rest1 = size - number - n_d, (total - here) - n_d1
        found = self.likelihood(n_d1, n_d - n_d1, PRESENT)
        found += self.likelihood(n_rest1, n_rest - n_rest1, ABSENT)
        found += present
        return found

    def _own(
        self,
        e: NDArray[np.float32],
        with_one: Counts,
        total: Counts,
        driver: NDArray[np.int64],
        second: NDArray[np.int64],
    ) -> Floats:
        """Log-likelihood of each gene given its global driver as the candidate: the runner-up takes the driver's place.

        Shape (genes,); of no meaning where there is no driver.
        """
        size, columns = len(e), np.arange(e.shape[1])
        candidate = self._a[:, np.maximum(driver, 0)]
        d = np.where(second >= 0, self._a[:, np.maximum(second, 0)], np.float32(0)) * (1 - candidate)
        number, here = self.number[np.maximum(driver, 0)], with_one[np.maximum(driver, 0), columns]
        n_d, n_d1 = _whole(d.sum(axis=0)), _whole((d * e).sum(axis=0))
        n_rest, n_rest1 = size - number - n_d, total - here - n_d1
        # A global driver makes its gene more frequent: it is never excluded.
        found = self.likelihood(here, number - here, PRESENT) + self.likelihood(n_d1, n_d - n_d1, PRESENT)
        return np.asarray(found + self.likelihood(n_rest1, n_rest - n_rest1, ABSENT))

    def _without(
        self, tumour: int, mine: NDArray[np.int64], genes: NDArray[np.int64]
    ) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
        """Evidence, leaks and global drivers of a tumour's own genes with the tumour itself left out."""
        kept = np.arange(len(self.altered)) != tumour
        rest = _part(self, kept)
        e = rest.expressed[:, genes].astype(np.float32)
        total = e.sum(axis=0).astype(np.int32)
        with_one = _whole(rest._a.T @ e)
        driver, second, present = rest._drivers(with_one, total)
        evidence = rest._evidence(e, with_one, total, driver, present[mine], mine)
        own = rest._own(e, with_one, total, driver, second)
        for row, alteration in enumerate(mine):
            columns = np.flatnonzero(driver == alteration)
            evidence[row, columns] = own[columns]
        return evidence, rest._leaks(e, with_one, total, driver, second), driver, second


def _part(whole: Inference, kept: NDArray[np.bool_]) -> Inference:
    """The method on some of the tumours, with the global prior of all of them (it knows no expression)."""
    other = object.__new__(Inference)
    other.__dict__.update(whole.__dict__)
    other.altered, other.expression = whole.altered[kept], whole.expression[kept]
    other._a = whole._a[kept]
    other.number = other._a.sum(axis=0).astype(np.int32)
    other._pairs = None
    return other


def _rarer(with_one: Counts, number: Counts, total: Counts, size: int) -> NDArray[np.bool_]:
    """Where the gene is not more frequent with the alteration than without it, by the posterior means."""
    with_it = (with_one + PRESENT[0]) / (number + sum(PRESENT))
    without = (total - with_one + ABSENT[0]) / (size - number + sum(ABSENT))
    return np.asarray(with_it <= without)


def _log_gamma(tumours: int) -> Floats:
    """ln Gamma of the whole numbers that occur: a look-up is exact and costs less than the function."""
    from scipy.special import gammaln

    return np.asarray(gammaln(np.arange(tumours + 5, dtype=np.float64)))


def _whole(counts: NDArray[np.floating[Any]]) -> Counts:
    return counts.astype(np.int32)
