"""Recordings that mean something else without another one of the same visit, and go when that one is refused."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from presage.cohort.kinds import kind_named
from presage.cohort.recording import Recording, listed


def left_alone(refused: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """Why some of `others` cannot be used as recordings of their visit were refused; both are tables of recordings.

    A kind says so by a method ``takes_along(refused, other)``: a reason, or an empty text. Most kinds have none. Where
    one of the same kind and the same attributes stands beside the refused one, nothing is missing.

    Returns
    -------
    Series
        Reason of each row of `others`, None where there is none.
    """
    reasons = pd.Series(None, index=others.index, dtype=object)
    gone: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for recording in listed(refused):
        if hasattr(kind_named(recording.kind), "takes_along"):
            gone[recording.patient_id, recording.visit].append(recording)
    if not gone:
        return reasons
    rest = listed(others)
    there = {_place(recording) for recording in rest}
    for line, other in zip(others.index, rest, strict=True):
        for recording in gone.get((other.patient_id, other.visit), ()):
            if _place(recording) in there:
                continue
            reason = kind_named(recording.kind).takes_along(recording, other)  # type: ignore[attr-defined]
            if reason:
                reasons.at[line] = reason
    return reasons


def _place(recording: Recording) -> tuple[object, ...]:
    return recording.kind, recording.patient_id, recording.visit, tuple(sorted(recording.attributes.items()))
