"""Clinical scales: what their items, totals, bands and cut-offs are, and whether totals and items agree."""

from presage.depression.scales.catalogue import SDS_INDEX_CUTOFF, SDS_INDEX_PER_POINT, scale_named, scales
from presage.depression.scales.scale import Band, Scale
from presage.depression.scales.scoring import Scored, score, scored_columns

__all__ = [
    "SDS_INDEX_CUTOFF",
    "SDS_INDEX_PER_POINT",
    "Band",
    "Scale",
    "Scored",
    "scale_named",
    "scales",
    "score",
    "scored_columns",
]
