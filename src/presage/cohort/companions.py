"""Recordings that mean something else without another one of the same visit, and go when that one is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from presage.cohort.kinds import kind_named
from presage.cohort.recording import Recording


def left_alone(refused: Iterable[Recording], others: Iterable[Recording]) -> dict[tuple[str, str], str]:
    """Which of `others` cannot be used as a recording of their visit was refused.

    A kind says so by a method ``takes_along(refused, other)``: a reason, or an empty text. Most kinds have none. Where
    one of the same kind and the same attributes stands beside the refused one, nothing is missing.

    Returns
    -------
    dict
        Reason by kind and path: one file may be listed as sound and as video.
    """
    gone: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in refused:
        if hasattr(kind_named(recording.kind), "takes_along"):
            gone[recording.patient_id, recording.visit].append(recording)
    if not gone:
        return {}
    rest = list(others)
    there = {_place(recording) for recording in rest}
    reasons = {}
    for other in rest:
        for recording in gone.get((other.patient_id, other.visit), ()):
            if _place(recording) in there:
                continue
            reason = kind_named(recording.kind).takes_along(recording, other)  # type: ignore[attr-defined]
            if reason:
                reasons[other.kind, other.path] = reason
    return reasons


def _place(recording: Recording) -> tuple[object, ...]:
    return recording.kind, recording.patient_id, recording.visit, tuple(sorted(recording.attributes.items()))
