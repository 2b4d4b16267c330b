"""Which genes are under selection in a cohort, beside the standards: mutation frequency, alone and for the length."""

from presage.tumor.selection.background import Background, fit_background
from presage.tumor.selection.context import CodingSequences, Context, Genome, read_coding_sequences, transcripts_of
from presage.tumor.selection.counts import Counts, count
from presage.tumor.selection.evaluation import AgainstKnown, against_known
from presage.tumor.selection.genes import Genes, genes_of, read_covariates, read_genes
from presage.tumor.selection.null import draw_null
from presage.tumor.selection.regional import silent_density
from presage.tumor.selection.selection import Selection, randomised, select_from_counts, select_genes
from presage.tumor.selection.standards import by_frequency, by_length
from presage.tumor.selection.uniformity import Uniformity, uniformity

__all__ = [
    "AgainstKnown",
    "Background",
    "CodingSequences",
    "Context",
    "Counts",
    "Genes",
    "Genome",
    "Selection",
    "Uniformity",
    "against_known",
    "by_frequency",
    "by_length",
    "count",
    "draw_null",
    "fit_background",
    "genes_of",
    "randomised",
    "read_coding_sequences",
    "read_covariates",
    "read_genes",
    "select_from_counts",
    "select_genes",
    "silent_density",
    "transcripts_of",
    "uniformity",
]
