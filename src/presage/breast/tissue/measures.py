"""Named, interpretable measures of the tissue of one mammogram."""

from __future__ import annotations

from presage.breast.tissue.segmentation import Tissue

MEASURE_NAMES = ("percent_density", "breast_area_cm2", "dense_area_cm2")


def measures(tissue: Tissue) -> dict[str, float]:
    """Measures by name, in the order of :data:`MEASURE_NAMES`."""
    return {name: float(getattr(tissue, name)) for name in MEASURE_NAMES}
