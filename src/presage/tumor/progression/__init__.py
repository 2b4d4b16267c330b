"""In which order the events of a tumour come: mutual hazard networks, a tumour's past and its next event."""

from presage.tumor.progression.crossvalidation import HeldOut, PenaltyChoice, choose_penalty, held_out
from presage.tumor.progression.edges import bootstrap_edges
from presage.tumor.progression.network import Form, Network, Parameters, fit
from presage.tumor.progression.orders import Past, next_events, past

__all__ = [
    "Form",
    "HeldOut",
    "Network",
    "Parameters",
    "Past",
    "PenaltyChoice",
    "bootstrap_edges",
    "choose_penalty",
    "fit",
    "held_out",
    "next_events",
    "past",
]
