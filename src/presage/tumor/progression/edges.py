"""How sure the influences of a network are: the same fit to tumours drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from presage.cohort import InputError
from presage.tumor.progression.likelihood import Floats, States
from presage.tumor.progression.network import Form, Network, fit_states, in_order

#: An influence counts where it changes a rate by a tenth or more.
COUNTS = 0.1


def bootstrap_edges(
    network: Network,
    tumours: pd.DataFrame | ArrayLike,
    *,
    form: Form,
    replicates: int = 100,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[], object] | None = None,
) -> pd.DataFrame:
    """How often influences are found again when tumours are drawn with replacement.

    Parameters
    ----------
    network
        Fitted to `tumours`.
    tumours
        0/1, shape (tumours, events).
    form
        With which `network` was fitted; the penalty is the network's.
    replicates, seed
        How many draws, from which seed.
    progress
        Told after each draw.

    Returns
    -------
    One row for each pair of events, the surest and largest influences first: `source`, `target`, `influence` (on the
    log rate), `same_sign` (share of draws with an influence of the same sign of 0.1 or more), `nonzero` (share with an
    influence of 0.1 or more of either sign), and the middle 95 % of the draws, `low` and `high`.

    Raises
    ------
    InputError
        As :meth:`States.gather`; fewer than 2 draws.
    """
    if replicates < 2:
        raise InputError(f"a bootstrap needs at least 2 draws, not {replicates}", cure="100 is customary")
    states = States.gather(in_order(tumours, network.events))
    found: list[Floats] = []
    for child in np.random.SeedSequence(seed).spawn(replicates):
        drawn = np.random.default_rng(child).integers(0, len(states.of), len(states.of))
        # From the start, not from the network: a draw must be free to find another optimum.
        fitted = fit_states(states, states.weights(drawn), network.penalty, form=form, threads=threads)
        found.append(fitted.influence)
        if progress is not None:
            progress()
    draws, influence = np.stack(found), network.parameters.influence
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    counts = np.abs(draws) >= COUNTS
    target, source = np.nonzero(~np.eye(len(influence), dtype=bool))
    table = pd.DataFrame(
        {
            "source": [network.events[number] for number in source],
            "target": [network.events[number] for number in target],
            "influence": influence[target, source],
            "same_sign": (counts & (np.sign(draws) == np.sign(influence))).mean(axis=0)[target, source],
            "nonzero": counts.mean(axis=0)[target, source],
            "low": low[target, source],
            "high": high[target, source],
        }
    )
    size = table["influence"].abs().rename("size")
    order = table.assign(size=size).sort_values(["same_sign", "size"], ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
