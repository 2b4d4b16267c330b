"""Tables of a tumour cohort: mutations, copy number, expression, alterations and follow-up."""

from presage.tumor.readers.alterations import altered_genes, read_alterations
from presage.tumor.readers.barcodes import one_per_patient, patient_of, related_samples
from presage.tumor.readers.clinical import Clinical, read_clinical
from presage.tumor.readers.copy_number import Segments, gains_and_losses, gene_copies, gene_positions, read_segments
from presage.tumor.readers.expression import (
    Expression,
    changed_genes,
    normal_scores,
    read_expression,
    split_normals,
    z_scores,
)
from presage.tumor.readers.gistic import Peak, peak_genes, read_lesions, read_peaks, read_scores
from presage.tumor.readers.hypermutation import Hypermutators, hypermutators, tame
from presage.tumor.readers.maf import Mutations, read_maf
from presage.tumor.readers.matching import Matched, match

__all__ = [
    "Clinical",
    "Expression",
    "Hypermutators",
    "Matched",
    "Mutations",
    "Peak",
    "Segments",
    "altered_genes",
    "changed_genes",
    "gains_and_losses",
    "gene_copies",
    "gene_positions",
    "hypermutators",
    "match",
    "normal_scores",
    "one_per_patient",
    "patient_of",
    "peak_genes",
    "read_alterations",
    "read_clinical",
    "read_expression",
    "read_lesions",
    "read_maf",
    "read_peaks",
    "read_scores",
    "read_segments",
    "related_samples",
    "split_normals",
    "tame",
    "z_scores",
]
