"""The most called drivers as a mutual hazard network: in which order they came in a tumour, and which is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.study.progress import Progress
from presage.tumor.gathering import Tumours

#: Events of the network, tumours that an event needs, and tumours that a network needs.
MOST, FEWEST, TUMOURS = 8, 8, 60
# Influences below this change a rate by less than a fifth and are not told.
_SMALLEST = 0.2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Progression:
    """A network of a cohort and what it says of each of its tumours; without one, `document` says why."""

    document: dict[str, Any]
    theta: Floats | None = None
    state: NDArray[np.bool_] | None = None

    def of(self, row: int) -> tuple[list[dict[str, Any]], list[str]]:
        """Chances of the next event (of those the tumour lacks, if one comes), and the likeliest order of past ones."""
        if self.theta is None or self.state is None:
            return [], []
        names, own = self.document["events"], self.state[row]
        rates = _rates(self.theta, own)
        if own.all():
            return [], [names[event] for event in order_of(self.theta, own)]
        chances = rates / rates.sum()
        coming = [
            {"event": names[event], "chance": float(chances[event])}
            for event in np.argsort(-chances)
            if chances[event] > 0
        ]
        return coming, [names[event] for event in order_of(self.theta, own)]


def chart_progression(tumours: Tumours, drivers: list[str], progress: Progress) -> Progression:
    """Fit a network of the cohort's most called drivers; the penalty is chosen on held-out tumours."""
    number = tumours.altered[drivers].sum() if drivers else {}
    events = [gene for gene in drivers if FEWEST <= number[gene] < len(tumours.patients)][:MOST]
    if len(tumours.patients) < TUMOURS or len(events) < 3:
        why = (
            f"an order of events needs {TUMOURS} tumours and three called drivers that {FEWEST} of them have; here are "
            f"{len(tumours.patients)} tumours and {len(events)} such drivers"
        )
        return Progression({"not_computed": why})
    from presage.tumor.progression.crossvalidation import choose_penalty
    from presage.tumor.progression.network import fit

    table = tumours.altered[events]
    progress.start("Ordering events", 2)
    try:
        chosen = choose_penalty(table).chosen
        progress.advance()
        theta = fit(table, chosen).theta
    except InputError as error:
        progress.finish()
        return Progression({"not_computed": error.what})
    progress.advance()
    progress.finish()
    edges = [
        {"source": int(source), "target": int(target), "value": float(theta[target, source])}
        for target, source in zip(*np.nonzero(np.abs(theta) > _SMALLEST), strict=True)
        if target != source
    ]
    document = {
        "events": events,
        "penalty": float(chosen),
        "rates": [float(rate) for rate in np.exp(np.diag(theta))],
        "edges": sorted(edges, key=lambda edge: -abs(edge["value"])),
        "altered": [int(number[gene]) for gene in events],
    }
    return Progression(document, theta, table.to_numpy() > 0)


def order_of(theta: Floats, state: NDArray[np.bool_]) -> list[int]:
    """The likeliest order in which a tumour's events came, by the network; exact, over all its subsets.

    Parameters
    ----------
    theta
        Log-parameters, shape (events, events), time in units of the mean time to the observation.
    state
        The events that it has, shape (events,).
    """
    events = np.flatnonzero(state)
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for subset in range(1 << len(events)):
        so_far, order = best[subset]
        here = np.zeros(len(state), dtype=bool)
        here[events[[(subset >> place) & 1 == 1 for place in range(len(events))]]] = True
        rates = _rates(theta, here)
        leave = np.log(1.0 + rates.sum())
        for place, event in enumerate(events):
            if not here[event]:
                chance = so_far + np.log(rates[event]) - leave
                after = subset | 1 << place
                if after not in best or chance > best[after][0]:
                    best[after] = (chance, [*order, int(event)])
    return best[(1 << len(events)) - 1][1]


def _rates(theta: Floats, state: NDArray[np.bool_]) -> Floats:
    """Of each event that is not there; 0 of those that are."""
    influence = theta - np.diag(np.diag(theta))
    return np.asarray(np.where(state, 0.0, np.exp(np.diag(theta) + influence @ state)))
