"""Tumour-specific causal inference: which alteration of one tumour explains which of its genes that changed.

Source: C. Cai, G. F. Cooper, ... X. Lu, PLoS Computational Biology 15 (2019), PMC6650088, with the choices of the
authors' program: Beta-Bernoulli marginal likelihoods with pseudo-counts (2, 1) where the cause is there, (1, 2) where
it is not and (1, 1) for the leak; one global driver for each differentially expressed gene, the second best where the
first is the candidate itself; no candidate that makes the gene rarer.

All counts that the sums need are matrix products over tumours, so that every pair of alteration and gene is reckoned at
once; what a tumour adds is its own prior and the choice of its own alterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

# Pseudo-counts (of expressed, of not) where the cause is there, where it is not, and for the leak.
PRESENT, ABSENT, LEAK = (2, 1), (1, 2), (1, 1)
#: Prior probability that none of a tumour's alterations is the cause: that of the authors' example.
LEAK_PRIOR = 0.1
LeakRule = Literal["published", "driver"]
# Expressed genes reckoned at once.
_BLOCK = 256


@dataclass(frozen=True)
class Pairs:
    """What does not depend on the tumour.

    Attributes
    ----------
    evidence
        Log-likelihood of each gene with each alteration as its cause, shape (alterations, genes); -inf where the
        alteration makes the gene rarer.
    leak
        The same with no alteration as the cause, shape (3, genes): as published, and where the global driver or the
        runner-up explains the gene in the other tumours.
    driver, second
        Global driver of each gene and the runner-up, shape (genes,); -1 where there is none.
    """

    evidence: Floats
    leak: Floats
    driver: NDArray[np.int64]
    second: NDArray[np.int64]


@dataclass(frozen=True)
class Posterior:
    """One tumour's.

    Attributes
    ----------
    alterations
        Columns of the alteration matrix that the tumour has, shape (a,).
    genes
        Columns of the expression matrix that it has, shape (g,).
    probability
        Of each alteration (rows) being the cause of each gene (columns), the leak in the last row: shape (a + 1, g),
        columns sum to 1.
    """

    alterations: NDArray[np.int64]
    genes: NDArray[np.int64]
    probability: Floats


class Inference:
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
        self.altered, self.expressed = _binary(altered, "altered"), _binary(expressed, "expressed")
        if len(self.altered) != len(self.expressed) or not len(self.altered):
            raise InputError(f"{len(self.altered)} tumours with alterations, {len(self.expressed)} with expression")
        self.prior = frequency_prior(self.altered) if prior is None else np.asarray(prior, dtype=np.float64)
        if self.prior.shape != (len(self.altered), self.altered.shape[1] + 1):
            raise InputError(f"a prior of shape {self.prior.shape}; one column per alteration and one for the leak")
        self.leak, self.leave_out, self.threads = leak, leave_out, max(1, threads)
        self._log = _log_gamma(len(self.altered))
        # Products of 0 and 1 summed over tumours are whole numbers below 2**24: exact in single precision.
        self._a = self.altered.astype(np.float32)
        self._number = self._a.sum(axis=0).astype(np.int32)
        with np.errstate(divide="ignore"):
            self._log_prior = np.log(self.prior)
            self._global_prior = np.log(self.prior[:, :-1].mean(axis=0))
        self._pairs: Pairs | None = None

    def permuted(self, generator: np.random.Generator) -> Inference:
        """The same tumours with the expression of others: what is found here is found by chance.

        Everything that rests on the alterations alone is shared with this object.
        """
        other = object.__new__(Inference)
        other.__dict__.update(self.__dict__)
        other.expressed = self.expressed[generator.permutation(len(self.expressed))]
        other._pairs = None
        return other

    def likelihood(self, n1: Counts, n0: Counts, pseudo: tuple[int, int]) -> Floats:
        """Log marginal likelihood of n1 expressed and n0 not under a Beta prior of whole pseudo-counts."""
        one, none = pseudo
        log = self._log
        start = log[one + none] - log[one] - log[none]
        return np.asarray(start - log.take(n1 + n0 + (one + none)) + log.take(n1 + one) + log.take(n0 + none))

    @property
    def pairs(self) -> Pairs:
        """Evidence of all pairs; reckoned once."""
        if self._pairs is None:
            genes = self.expressed.shape[1]
            blocks = [slice(start, min(start + _BLOCK, genes)) for start in range(0, genes, _BLOCK)]
            with ThreadPoolExecutor(self.threads) as pool:
                found = list(pool.map(self._block, blocks))
            self._pairs = Pairs(
                *(np.concatenate([getattr(part, name) for part in found], axis=-1) for name in Pairs.__annotations__)
            )
        return self._pairs

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

    def posteriors(self) -> Iterator[Posterior]:
        """Of every tumour in order."""
        return (self.posterior(tumour) for tumour in range(len(self.altered)))

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

    def _leak_of(self, tumour: int, leak: Floats, driver: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
        """Log-likelihood of genes with no alteration of this tumour as their cause, shape (genes,)."""
        if self.leak == "published":
            return np.asarray(leak[0])
        mine = np.append(self.altered[tumour], 1)  # -1, no driver, counts as one that cannot be taken
        return np.asarray(np.where(mine[driver] == 0, leak[1], np.where(mine[second] == 0, leak[2], leak[0])))

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
            number, here = self._number[row], with_one[row, columns]
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
        n, size = self._number[:, None], len(self.altered)
        present = self.likelihood(with_one, n - with_one, PRESENT)
        present[_rarer(with_one, n, total, size)] = -np.inf
        absent = self.likelihood(total - with_one, size - n - (total - with_one), ABSENT)
        return *_best_two(present + absent + self._global_prior[:, None]), present

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
        number = (self._number if rows is None else self._number[rows])[:, None]
        here = with_one if rows is None else with_one[rows]
        size = len(e)
        there = driver >= 0
        d = np.where(there, self._a[:, np.maximum(driver, 0)], np.float32(0))
        # Of the tumours without the candidate: those with the driver, and those of them that express the gene.
        both = _whole(a.T @ d)
        all_three = _whole(a.T @ (d * e))
        d_number, d_one = d.sum(axis=0).astype(np.int32), (d * e).sum(axis=0).astype(np.int32)
        n_d, n_d1 = d_number - both, d_one - all_three
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
        number, here = self._number[np.maximum(driver, 0)], with_one[np.maximum(driver, 0), columns]
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
    other.altered, other.expressed = whole.altered[kept], whole.expressed[kept]
    other._a = whole._a[kept]
    other._number = other._a.sum(axis=0).astype(np.int32)
    other._pairs = None
    return other


def frequency_prior(altered: NDArray[np.generic], leak: float = LEAK_PRIOR) -> Floats:
    """The authors' prior: alterations that are frequent, and frequent in tumours with few others, come first.

    Within a tumour an alteration's share of ``1 - leak`` is in proportion to the sum, over all tumours that have it, of
    one over their number of alterations.

    Returns
    -------
    ndarray
        Shape (tumours, alterations + 1), the leak in the last column; a tumour without alterations has the leak alone.
    """
    a = np.asarray(altered, dtype=np.float64)
    each = a.sum(axis=1)
    weight = (a / np.where(each > 0, each, 1)[:, None]).sum(axis=0)
    mine = a * weight
    whole = mine.sum(axis=1, keepdims=True)
    prior = np.concatenate([(1 - leak) * mine / np.where(whole > 0, whole, 1), np.full((len(a), 1), leak)], axis=1)
    prior[each == 0, -1] = 1.0
    return np.asarray(prior)


def _rarer(with_one: Counts, number: Counts, total: Counts, size: int) -> NDArray[np.bool_]:
    """Where the gene is not more frequent with the alteration than without it, by the posterior means."""
    with_it = (with_one + PRESENT[0]) / (number + sum(PRESENT))
    without = (total - with_one + ABSENT[0]) / (size - number + sum(ABSENT))
    return np.asarray(with_it <= without)


def _best_two(score: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the two largest scores of each column; -1 where a score is -inf."""
    columns = np.arange(score.shape[1])
    first = score.argmax(axis=0)
    best = score[first, columns]
    rest = score.copy()
    rest[first, columns] = -np.inf
    second = rest.argmax(axis=0)
    runner_up = rest[second, columns]
    return np.where(np.isfinite(best), first, -1), np.where(np.isfinite(runner_up), second, -1)


def _log_gamma(tumours: int) -> Floats:
    """ln Gamma of the whole numbers that occur: a look-up is exact and costs less than the function."""
    from scipy.special import gammaln

    return np.asarray(gammaln(np.arange(tumours + 5, dtype=np.float64)))


def _whole(counts: NDArray[np.floating[Any]]) -> Counts:
    return counts.astype(np.int32)


def _binary(matrix: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    given = np.asarray(matrix)
    if given.ndim != 2 or not np.isin(given, (0, 1)).all():
        raise InputError(f"`{name}` must be a matrix of 0 and 1", where=f"shape {given.shape}")
    return np.asarray(given, dtype=np.uint8)
