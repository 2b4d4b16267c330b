"""Tissue of a mammogram: breast outline, pectoral muscle, dense tissue, and measures of them."""

from presage.breast.tissue.measures import MEASURE_NAMES, measures
from presage.breast.tissue.segmentation import TISSUE_VERSION, Tissue, segment

__all__ = ["MEASURE_NAMES", "TISSUE_VERSION", "Tissue", "measures", "segment"]
