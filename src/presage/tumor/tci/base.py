"""What every kind of evidence shares: the alterations of a cohort, their prior, and the run over genes and tumours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.tci.prior import Floats, frequency_prior

LeakRule = Literal["published", "driver"]
# Genes reckoned at once: bounds the memory of what is passed over on the way.
_BLOCK = 256


@dataclass(frozen=True)
class Pairs:
    """What does not depend on the tumour.

    Attributes
    ----------
    evidence
        Log-likelihood of each gene with each alteration as its cause, shape (alterations, genes); -inf where it is no
        candidate.
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
        Columns of the expression matrix that are asked for, shape (g,).
    probability
        Of each alteration (rows) being the cause of each gene (columns), the leak in the last row: shape (a + 1, g),
        columns sum to 1.
    against
        Probability that the alteration is the gene's cause in the cohort and yet does nothing to it in this tumour,
        shape (a, g); it is part of the leak. None where the evidence does not tell.
    """

    alterations: NDArray[np.int64]
    genes: NDArray[np.int64]
    probability: Floats
    against: Floats | None = None


P = TypeVar("P", bound=Pairs)


class Evidence(ABC):
    """The method on one set of tumours; what a gene's values say is left to the kinds of evidence.

    Parameters
    ----------
    altered
        Whether each tumour has each alteration, shape (tumours, alterations), 0 or 1.
    expression
        Of each gene in each tumour, shape (tumours, genes).
    prior, leak, threads
        See :class:`~presage.tumor.tci.changed.Inference`.

    Raises
    ------
    InputError
        If alterations hold anything but 0 and 1, or shapes do not fit.
    """

    def __init__(
        self,
        altered: NDArray[np.generic],
        expression: NDArray[np.generic],
        prior: Floats | None,
        leak: LeakRule,
        threads: int,
    ) -> None:
        self.altered, self.expression = binary(altered, "altered"), expression
        if len(self.altered) != len(expression) or not len(self.altered):
            raise InputError(f"{len(self.altered)} tumours with alterations, {len(expression)} with expression")
        self.prior = frequency_prior(self.altered) if prior is None else np.asarray(prior, dtype=np.float64)
        if self.prior.shape != (len(self.altered), self.altered.shape[1] + 1):
            raise InputError(f"a prior of shape {self.prior.shape}; one column per alteration and one for the leak")
        self.leak, self.threads = leak, max(1, threads)
        # Products of 0 and 1 summed over tumours are whole numbers below 2**24: exact in single precision.
        self._a = self.altered.astype(np.float32)
        self.number = self._a.sum(axis=0).astype(np.int32)
        with np.errstate(divide="ignore"):
            self._log_prior = np.log(self.prior)
            self._global_prior = np.log(self.prior[:, :-1].mean(axis=0))
        self._pairs: Pairs | None = None

    @property
    def genes(self) -> int:
        """How many genes are measured."""
        return int(self.expression.shape[1])

    def permuted(self, generator: np.random.Generator) -> Self:
        """The same tumours with the expression of others: what is found here is found by chance.

        Everything that rests on the alterations alone is shared with this object.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.expression = self.expression[generator.permutation(len(self.expression))]
        other._pairs = None
        return other

    @property
    def pairs(self) -> Pairs:
        """Evidence of all pairs; reckoned once."""
        if self._pairs is None:
            self._pairs = self._all(Pairs)
        return self._pairs

    def _all(self, kind: type[P]) -> P:
        """All genes, block by block."""
        blocks = [slice(start, min(start + _BLOCK, self.genes)) for start in range(0, self.genes, _BLOCK)]
        with ThreadPoolExecutor(self.threads) as pool:
            found = list(pool.map(self._block, blocks))
        return kind(*(np.concatenate([getattr(part, f.name) for part in found], axis=-1) for f in fields(kind)))

    @abstractmethod
    def posterior(self, tumour: int) -> Posterior:
        """Which alteration explains which gene in one tumour."""

    def posteriors(self) -> Iterator[Posterior]:
        """Of every tumour in order."""
        if self.threads == 1:
            yield from map(self.posterior, range(len(self.altered)))
            return
        _ = self.pairs
        # A few at a time: what is found of all tumours at once would fill the memory.
        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(self.altered), 4 * self.threads):
                yield from pool.map(self.posterior, range(len(self.altered))[start : start + 4 * self.threads])

    @abstractmethod
    def _block(self, genes: slice) -> Pairs:
        """Evidence of all alterations for some genes."""

    def _leak_of(self, tumour: int, leak: Floats, driver: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
        """Log-likelihood of genes with no alteration of this tumour as their cause, shape (genes,)."""
        if self.leak == "published":
            return np.asarray(leak[0])
        mine = np.append(self.altered[tumour], 1)  # -1, no driver, counts as one that cannot be taken
        return np.asarray(np.where(mine[driver] == 0, leak[1], np.where(mine[second] == 0, leak[2], leak[0])))


def best_two(score: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the two largest scores of each column; -1 where a score is -inf."""
    columns = np.arange(score.shape[1])
    first = score.argmax(axis=0)
    best = score[first, columns]
    rest = score.copy()
    rest[first, columns] = -np.inf
    second = rest.argmax(axis=0)
    runner_up = rest[second, columns]
    return np.where(np.isfinite(best), first, -1), np.where(np.isfinite(runner_up), second, -1)


def binary(matrix: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    """The matrix as 0 and 1, or an error that names it."""
    given = np.asarray(matrix)
    if given.ndim != 2 or not np.isin(given, (0, 1)).all():
        raise InputError(f"`{name}` must be a matrix of 0 and 1", where=f"shape {given.shape}")
    return np.asarray(given, dtype=np.uint8)
