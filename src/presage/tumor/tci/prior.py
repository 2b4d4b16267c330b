"""Prior probability of each alteration of a tumour being the cause of a change, before any expression is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Prior probability that none of a tumour's alterations is the cause: that of the authors' example.
LEAK_PRIOR = 0.1
#: The same where every gene is asked for and not those alone that changed: most genes have no cause.
LEAK_PRIOR_OF_ALL = 0.9


def frequency_weight(altered: NDArray[np.generic]) -> Floats:
    """Of each alteration the sum, over all tumours that have it, of one over their number of alterations."""
    a = np.asarray(altered, dtype=np.float64)
    each = a.sum(axis=1)
    return np.asarray((a / np.where(each > 0, each, 1)[:, None]).sum(axis=0))


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
    mine = a * frequency_weight(a)
    whole = mine.sum(axis=1, keepdims=True)
    prior = np.concatenate([(1 - leak) * mine / np.where(whole > 0, whole, 1), np.full((len(a), 1), leak)], axis=1)
    prior[each == 0, -1] = 1.0
    return np.asarray(prior)
