"""What a marker can do beside scoring, and whether its scores are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError
from presage.study.marker import Marker


def checked_scores(scores: Any, cohort: Cohort, where: str) -> NDArray[np.float64]:
    """One finite number per patient, or an error that says whose score is not."""
    given = np.asarray(scores, dtype=np.float64)
    if given.shape != (len(cohort),):
        raise InputError(
            f"score() gave an array of shape {given.shape} for {len(cohort)} patients",
            where=where,
            cure=f"it must give one number per patient, shape ({len(cohort)},), in the order of cohort.patient_ids",
        )
    bad = ~np.isfinite(given)
    if bad.any():
        raise InputError(
            f"score() gave NaN or infinity for {int(bad.sum())} of {len(cohort)} patients",
            where=where,
            cure="a marker must score every patient it calls usable: look for a division by zero or an overflow in it",
        )
    return given


def saves(marker: Marker) -> bool:
    """Whether the marker can say what it has fitted."""
    return type(marker).state is not Marker.state


def explains(marker: Marker) -> bool:
    """Whether the marker can say where a score comes from."""
    return type(marker).explain is not Marker.explain


def gives_reasons(marker: Marker) -> bool:
    """Whether the marker can say of which parts a score is the sum."""
    return type(marker).reasons is not Marker.reasons
