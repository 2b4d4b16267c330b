"""What alterations reach in tumours that lack them, while every driver of the cohort stays where it is.

If an alteration does nothing in a tumour, the tumour's expression is like that of tumours without it. Then it could
change places with any of them: the other tumours that have the alteration, and what they say of it, are the same. So
for each pair of a tumour and an alteration the alteration is taken from the tumour and given to one that lacks it, and
the score there is one that chance gives. It holds for a passenger as for a driver that is idle in the tumour, and
however strong the drivers of the cohort are. A tumour is drawn in proportion to how many passengers it is expected to
have: passengers gather in tumours with many.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from presage.tumor.drivers import BINS, posterior_bins
from presage.tumor.tci import Continuous, exchanged

Floats = NDArray[np.float64]
# Draws reckoned together: what a tumour's own alterations say is reckoned once for all of them.
_TOGETHER = 10
# Posteriors of one tumour that are kept at once, and alterations at the least.
_CELLS, _ROWS = 1 << 22, 64
# Decimals of a score: what differs below is rounding.
DECIMALS = 9


def burden(altered: NDArray[np.generic]) -> Floats:
    """Passengers that each tumour is expected to have, up to a factor, shape (tumours,).

    With burdens drawn from a gamma distribution a tumour with a alterations expects a + k, where k = m² / (v - m) of
    the mean m and variance v of their number over tumours; where v is no larger than m, all expect the same.
    """
    number = np.asarray(altered).sum(axis=1, dtype=np.float64)
    mean, more = number.mean(), number.var() - number.mean()
    return number + mean**2 / more if more > 0 else np.ones(len(number))


class Exchanges:
    """Draws of exchanged pairs of a cohort.

    Parameters
    ----------
    inference
        The cohort.
    seed
        Of the draws; they depend on nothing else but the alterations.

    Attributes
    ----------
    tumour, alteration
        Of every pair, tumour by tumour, shape (pairs,).
    counts
        How often each alteration's posterior of a gene fell in each of `BINS` bins in the draws so far, shape
        (alterations, `BINS`).
    """

    def __init__(self, inference: Continuous, seed: int = 0) -> None:
        self.inference = inference
        self.tumour, self.alteration = (part.astype(np.int64) for part in np.nonzero(inference.altered))
        self.counts = np.zeros((inference.altered.shape[1], BINS), dtype=np.int64)
        self._generator = np.random.default_rng([seed, 0x7C2])
        self._weight = burden(inference.altered)
        self._of = [np.flatnonzero(self.alteration == one) for one in range(inference.altered.shape[1])]

    def draws(self, number: int) -> Iterator[Floats]:
        """Scores of as many exchanged pairs as there are pairs, draw by draw.

        Yields
        ------
        ndarray
            In the place of each pair's score that of its alteration in another tumour, shape (pairs,); NaN where every
            tumour has the alteration.
        """
        for start in range(0, number, _TOGETHER):
            yield from self._scores(np.stack([self._takers() for _ in range(min(_TOGETHER, number - start))]))

    def _takers(self) -> NDArray[np.int64]:
        """For each pair a tumour that lacks its alteration; -1 where there is none."""
        taker = np.full(len(self.tumour), -1, dtype=np.int64)
        for one, rows in enumerate(self._of):
            lacking = np.flatnonzero(self.inference.altered[:, one] == 0)
            if len(lacking) and len(rows):
                upto = self._weight[lacking].cumsum()
                place = np.searchsorted(upto, self._generator.random(len(rows)) * upto[-1], side="right")
                taker[rows] = lacking[np.minimum(place, len(lacking) - 1)]
        return taker

    def _scores(self, taker: NDArray[np.int64]) -> Floats:
        """Of draws, shape (draws, pairs), with the posteriors counted."""
        flat = taker.ravel()
        order = np.argsort(flat, kind="stable")
        who, first = np.unique(flat[order], return_index=True)
        parts = [part for one, part in zip(who, np.split(order, first[1:]), strict=True) if one >= 0]
        scores, threads = np.full(len(flat), np.nan), self.inference.threads
        _ = self.inference.pairs  # before there are threads
        with ThreadPoolExecutor(threads) as pool:
            # A few tumours at a time: the counts of all would fill the memory.
            for start in range(0, len(parts), 2 * threads):
                some = parts[start : start + 2 * threads]
                for rows, (found, bins) in zip(some, pool.map(lambda part: self._one(flat, part), some), strict=True):
                    scores[rows] = found
                    np.add.at(self.counts, self.alteration[rows % len(self.tumour)], bins)
        return np.round(scores.reshape(taker.shape), DECIMALS)

    def _one(self, taker: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Scores and binned posteriors of what is given to one tumour."""
        pair = rows % len(self.tumour)
        scores, bins = [], []
        # A tumour with very many alterations is given very many.
        step = max(_ROWS, _CELLS // max(1, self.inference.genes))
        for some in (pair[start : start + step] for start in range(0, len(pair), step)):
            acts, idle = exchanged(self.inference, int(taker[rows[0]]), self.alteration[some], self.tumour[some])
            scores.append((acts - idle).sum(axis=1))
            bins.append(posterior_bins(acts))
        return np.concatenate(scores), np.concatenate(bins)
