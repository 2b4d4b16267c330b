"""Recordings that mean something else without another one of the same visit, and go when that one is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from presage.cohort.kinds import kind_named
from presage.cohort.recording import Recording


def left_alone(refused: Iterable[Recording], others: Iterable[Recording]) -> dict[str, str]:
    """Which of `others` cannot be used as a recording of their visit was refused.

    A kind says so by a method ``takes_along(refused, other)``: a reason, or an empty text. Most kinds have none.

    Returns
    -------
    dict
        Reason by path.
    """
    gone: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in refused:
        if hasattr(kind_named(recording.kind), "takes_along"):
            gone[recording.patient_id, recording.visit].append(recording)
    if not gone:
        return {}
    reasons = {}
    for other in others:
        for recording in gone.get((other.patient_id, other.visit), ()):
            reason = kind_named(recording.kind).takes_along(recording, other)  # type: ignore[attr-defined]
            if reason:
                reasons[other.path] = reason
    return reasons
