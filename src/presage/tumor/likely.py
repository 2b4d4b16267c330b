"""The most called drivers as a mutual hazard network: in which order they came in a tumour, and which is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from presage.cohort import InputError
from presage.study.progress import Progress
from presage.tumor.gathering import Tumours

if TYPE_CHECKING:
    import pandas as pd

    from presage.tumor.progression import Network

#: Events of the network, tumours that an event needs, and tumours that a network needs.
MOST, FEWEST, TUMOURS = 8, 8, 60
# Influences below this change a rate by less than a fifth and are not told.
_SMALLEST = 0.2


@dataclass(frozen=True)
class Progression:
    """A network of a cohort and what it says of each of its tumours; without one, `document` says why."""

    document: dict[str, Any]
    network: Network | None = None
    events: pd.DataFrame | None = None

    def of(self, row: int) -> dict[str, Any]:
        """One tumour's `order` of past events (the likeliest, with its `order_chance`) and chances of the `next`."""
        if self.network is None or self.events is None:
            return {"order": [], "order_chance": None, "next": []}
        from presage.tumor.progression import next_events, past

        here = self.events.columns[self.events.iloc[row].to_numpy() > 0].tolist()
        told = past(self.network, here) if here else None
        coming = next_events(self.network, here).items() if len(here) < len(self.events.columns) else ()
        return {
            "order": [] if told is None else list(told.likeliest),
            "order_chance": None if told is None else told.chance,
            "next": [{"event": str(event), "chance": float(chance)} for event, chance in coming],
        }


def chart_progression(tumours: Tumours, drivers: list[str], what: str, progress: Progress) -> Progression:
    """Fit a network of the cohort's drivers, the first eligible ones; the penalty is chosen on held-out tumours.

    Parameters
    ----------
    drivers
        Genes, the first choice first.
    what
        What they are called.
    """
    number = tumours.altered.sum()
    events = [gene for gene in drivers if FEWEST <= number[gene] < len(tumours.patients)][:MOST]
    if len(tumours.patients) < TUMOURS or len(events) < 3:
        why = (
            f"an order of events needs {TUMOURS} tumours and three {what}, that {FEWEST} of them have; found: "
            f"{len(tumours.patients)} and {len(events)}"
        )
        return Progression({"not_computed": why})
    from presage.tumor.progression import choose_penalty, fit

    table = tumours.altered[events]
    progress.start("Ordering events", 2)
    try:
        chosen = choose_penalty(table).chosen
        progress.advance()
        network = fit(table, chosen)
    except InputError as error:
        progress.finish()
        return Progression({"not_computed": error.what})
    progress.advance()
    progress.finish()
    theta = network.theta
    edges = [
        {"source": int(source), "target": int(target), "value": float(theta[target, source])}
        for target, source in zip(*np.nonzero(np.abs(theta) > _SMALLEST), strict=True)
        if target != source
    ]
    document = {
        "events": events,
        "chosen_from": what,
        "penalty": float(chosen),
        "rates": [float(rate) for rate in np.exp(np.diag(theta))],
        "edges": sorted(edges, key=lambda edge: -abs(edge["value"])),
        "altered": [int(number[gene]) for gene in events],
    }
    return Progression(document, network, table)
