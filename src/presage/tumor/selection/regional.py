"""A covariate of the mutation rate from other cohorts: how dense their silent changes are in each gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.selection.background import fit_background
from presage.tumor.selection.counts import Counts

Floats = NDArray[np.floating[Any]]


def silent_density(others: Sequence[Counts]) -> Floats:
    """Log of the rate of silent changes in each gene over what its length says, from other cohorts.

    Silent changes are not selected for, so a gene that has many of them in other cancers mutates often for a
    reason that
    is not selection: late replication, no expression, an open chromatin state of its own. The rate is the mean of the
    gamma that each cohort's regression gives, so that a short gene with one silent change is drawn to the average.

    Parameters
    ----------
    others
        Cohorts other than the one that is tested, over the same genes.

    Returns
    -------
    numpy.ndarray
        Standardised, shape (genes, 1): a covariate for :func:`~presage.tumor.selection.select_genes`.

    Raises
    ------
    InputError
        When there is no other cohort, or they are over different genes.
    """
    if not others or len({len(counts.genes.lengths) for counts in others}) > 1:
        what = "covariates need other cohorts over the same genes"
        raise InputError(what, cure="Count them with one table of genes.")
    total = np.zeros(len(others[0].silent))
    for counts in others:
        background = fit_background(counts)
        total += np.log((background.shape + counts.silent) / (background.shape + background.silent))
    spread = total.std()
    standard: Floats = ((total - total.mean()) / (spread if spread > 0 else 1.0))[:, None]
    return standard
