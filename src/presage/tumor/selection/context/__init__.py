"""The sequence of each gene as the background: how many changes of which context and class it has room for."""

from presage.tumor.selection.context.coding import CodingSequences, read_coding_sequences, transcripts_of
from presage.tumor.selection.context.expectation import Context, expect, with_sequences
from presage.tumor.selection.context.genome import Genome
from presage.tumor.selection.context.observed import Observed, observe
from presage.tumor.selection.context.opportunities import opportunities
from presage.tumor.selection.context.rates import ContextRates, fit_rates

__all__ = [
    "CodingSequences",
    "Context",
    "ContextRates",
    "Genome",
    "Observed",
    "expect",
    "fit_rates",
    "observe",
    "opportunities",
    "read_coding_sequences",
    "transcripts_of",
    "with_sequences",
]
