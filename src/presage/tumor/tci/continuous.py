"""Evidence without a threshold: normal scores of each gene, and normal likelihoods in the place of counts.

The structure is the published one: a gene has a mean of its own in the tumours with the candidate, in those with the
gene's global driver alone, and in the rest. What differs is told in ``docs/explanation/tci.md``: how much the means
differ is integrated over a normal prior, the unknown variance over 1/variance, and for each tumour it is asked whether
its own value is one of the candidate's group or one of the tumours without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from presage.cohort import InputError
from presage.tumor.tci.base import Evidence, LeakRule, Pairs, Posterior, best_two, binary
from presage.tumor.tci.prior import LEAK_PRIOR_OF_ALL, Floats, frequency_prior, frequency_weight

#: Prior standard deviation of the shift that a cause gives, in standard deviations of the gene within a group.
EFFECT = 2.0
# A gene that does not vary says nothing; its sum of squares is kept from nought.
_LEAST = 1e-12
# Differences of log-likelihoods below this are rounding: an alteration of every tumour is no driver.
_EVEN = 1e-9


@dataclass(frozen=True)
class ContinuousPairs(Pairs):
    """And the sums that one tumour's own value is taken from.

    Attributes
    ----------
    candidate, other
        Sum of the gene's scores over tumours with the alteration, and over those with the driver and without it, shape
        (alterations, genes).
    """

    candidate: Floats
    other: Floats


class Continuous(Evidence):
    """The method on continuous expression.

    Parameters
    ----------
    altered
        Whether each tumour has each alteration, shape (tumours, alterations), 0 or 1.
    expression
        Of each gene in each tumour, shape (tumours, genes), on any scale: only the order of the tumours is used.
    prior
        As in :class:`~presage.tumor.tci.changed.Inference`; by default the leak has 0.9 instead of 0.1, as every gene
        is asked for.
    leak, threads
        As there; the leak shares the driver's explanation by default.
    effect
        Prior standard deviation of a cause's shift, in standard deviations of the gene within a group.

    Attributes
    ----------
    squares
        Sum of squares of each gene's normal scores, shape (genes,).
    weight
        What the authors' prior of each alteration is in proportion to, shape (alterations,).

    Raises
    ------
    InputError
        If alterations hold anything but 0 and 1, expression is not finite, there are fewer than three tumours, shapes
        do not fit, or the effect is not above 0.
    """

    def __init__(
        self,
        altered: NDArray[np.generic],
        expression: NDArray[np.generic],
        prior: Floats | None = None,
        *,
        leak: LeakRule = "driver",
        effect: float = EFFECT,
        threads: int = 1,
    ) -> None:
        given = np.asarray(expression, dtype=np.float64)
        if given.ndim != 2 or len(given) < 3 or not np.isfinite(given).all():
            raise InputError("`expression` must be a matrix of finite numbers of three tumours or more")
        if not 0 < effect < np.inf:
            raise InputError(f"an effect of {effect}; a number above 0")
        own = frequency_prior(binary(altered, "altered"), LEAK_PRIOR_OF_ALL) if prior is None else prior
        super().__init__(altered, _normal_scores(given), own, leak, threads)
        self.effect = effect
        self._double = self.altered.astype(np.float64)
        self._together = (self._a.T @ self._a).astype(np.int32)
        self.squares = np.maximum((self.expression**2).sum(axis=0), _LEAST)
        self.weight = frequency_weight(self.altered)

    @property
    def pairs(self) -> ContinuousPairs:
        """Evidence of all pairs; reckoned once."""
        if self._pairs is None:
            self._pairs = self._all(ContinuousPairs)
        assert isinstance(self._pairs, ContinuousPairs)
        return self._pairs

    def likelihood(
        self, n_c: NDArray[np.int32], s_c: Floats, n_d: NDArray[np.int32], s_d: Floats, squares: Floats
    ) -> Floats:
        """Log marginal likelihood, less a constant of the gene, of groups with shifts of their own and the rest.

        Parameters
        ----------
        n_c, n_d
            Tumours of the two groups; they do not overlap.
        s_c, s_d
            Sums of their scores. The sum over all tumours is 0.
        squares
            Sum of squares over all tumours.
        """
        size, t2 = len(self.altered), self.effect**2
        one_c, one_d = 1.0 + t2 * n_c, 1.0 + t2 * n_d
        c, d = s_c / one_c, s_d / one_d
        precision = n_c / one_c + n_d / one_d + (size - n_c - n_d)
        mean = c + d - s_c - s_d
        left = squares - t2 * (s_c * c + s_d * d) - mean * mean / precision
        return np.asarray(
            -0.5 * np.log(one_c * one_d * precision) - 0.5 * (size - 1) * np.log(np.maximum(left, _LEAST))
        )

    def posterior(self, tumour: int) -> Posterior:
        """Which alteration explains which gene in one tumour; every gene is asked for."""
        mine = np.flatnonzero(self.altered[tumour])
        pairs, x = self.pairs, np.asarray(self.expression[tumour], dtype=np.float64)
        acting, idle = pairs.evidence[mine], self.moved(tumour, mine, x)
        leak = self._leak_of(tumour, pairs.leak, pairs.driver, pairs.second)
        # Whether a cause of the cohort acts in this tumour is not known beforehand: one half.
        prior = self._log_prior[tumour, mine][:, None] + np.log(0.5)
        score = np.concatenate([acting + prior, idle + prior, (leak + self._log_prior[tumour, -1])[None]])
        weight = np.exp(score - score.max(axis=0))
        weight /= weight.sum(axis=0)
        own, against = weight[: len(mine)], weight[len(mine) : -1]
        none = weight[-1] + against.sum(axis=0)
        return Posterior(mine, np.arange(self.genes), np.concatenate([own, none[None]]), against)

    def elsewhere(self, tumour: int) -> Floats:
        """Genes that each alteration of a tumour is expected to be the cause of by the *other* tumours, shape (a,).

        Each gene on its own, against what its global driver explains. The tumour counts as one without the alteration,
        so that nothing is known of whether it acts there.
        """
        mine, pairs = np.flatnonzero(self.altered[tumour]), self.pairs
        evidence = self.moved(tumour, mine, np.asarray(self.expression[tumour], dtype=np.float64))
        own = pairs.driver == mine[:, None]
        none = np.where(own, pairs.second, pairs.driver) < 0
        without = np.where(none, pairs.leak[0], np.where(own, pairs.leak[2], pairs.leak[1]))
        leak, weight = float(self.prior[:, -1].min()), self.weight[mine]
        share = (1 - leak) * weight / (weight + self.weight @ self.altered.mean(axis=0))
        return np.asarray(expit(evidence - without + np.log(share / leak)[:, None]).sum(axis=1))

    def moved(self, tumour: int, mine: NDArray[np.int64], x: Floats) -> Floats:
        """The evidence of `mine` with this tumour among those where the candidate is absent."""
        pairs = self.pairs
        driver = np.where(pairs.driver == mine[:, None], pairs.second, pairs.driver)
        there = np.append(self.altered[tumour], 0)[driver].astype(bool)  # -1, no driver, is had by none
        n_d = self.without(mine[:, None], driver) + there
        s_d = pairs.other[mine] + np.where(there, x, 0.0)
        return self.likelihood((self.number[mine] - 1)[:, None], pairs.candidate[mine] - x, n_d, s_d, self.squares)

    def without(self, alteration: NDArray[np.int64], driver: NDArray[np.int64]) -> NDArray[np.int32]:
        """How many tumours have the driver and not the alteration; 0 where there is no driver."""
        row = np.maximum(driver, 0)
        return np.asarray(np.where(driver >= 0, self.number[row] - self._together[alteration, row], 0))

    def _block(self, genes: slice) -> ContinuousPairs:
        """Evidence of all alterations for some genes."""
        x, squares = np.asarray(self.expression[:, genes], dtype=np.float64), self.squares[genes]
        nobody, nothing = np.zeros(1, dtype=np.int32), np.zeros(1)
        alone = self.likelihood(nobody, nothing, nobody, nothing, squares)
        candidate = self._double.T @ x
        number, columns = self.number[:, None], np.arange(x.shape[1])
        single = self.likelihood(number, candidate, nobody, nothing, squares)
        # An alteration that explains a gene no better than nothing is no driver of it.
        driver, second = best_two(np.where(single > alone + _EVEN, single + self._global_prior[:, None], -np.inf))
        first, other = np.maximum(driver, 0), np.maximum(second, 0)
        d = np.where(driver >= 0, self._double[:, first], 0.0) * x
        s_d = d.sum(axis=0) - self._double.T @ d
        rows = np.arange(self.altered.shape[1])[:, None]
        n_d = self.without(rows, np.broadcast_to(driver, (len(rows), len(driver))))
        # The driver itself as the candidate: the runner-up takes its place.
        own = np.flatnonzero(driver >= 0)
        runner = np.where(second >= 0, self._double[:, other], 0.0) * (1 - self._double[:, first]) * x
        s_d[driver[own], own] = runner.sum(axis=0)[own]
        n_d[driver[own], own] = self.without(first, second)[own]
        evidence = self.likelihood(number, candidate, n_d, s_d, squares)
        leaks = np.stack([alone, single[first, columns], single[other, columns]])
        return ContinuousPairs(evidence, leaks, driver, second, candidate, s_d)


def _normal_scores(values: Floats) -> Floats:
    """Ranks over tumours as normal quantiles (Blom), ties at their mean rank, each gene centred: (tumours, genes)."""
    ranks = stats.rankdata(values, axis=0)
    scores = stats.norm.ppf((ranks - 0.375) / (len(ranks) + 0.25))
    return np.asarray(scores - scores.mean(axis=0))
