"""Which recordings a deep marker reads: views, and every patient's images of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from presage.cohort import Cohort, InputError, Recording


def _named(views: Any) -> Any:
    """A list of views, as a study file has it, by its name; anything else as it is."""
    if isinstance(views, list | tuple) and views and all(view in ("CC", "MLO") for view in views):
        return "both" if len(set(views)) == 2 else views[0]
    return views


#: ``CC``, ``MLO`` or ``both``; a list (``[CC, MLO]``) is taken as well.
Views = Annotated[Literal["CC", "MLO", "both"], BeforeValidator(_named)]


def view_names(views: Views) -> tuple[str, ...]:
    """The views as in the column ``view``."""
    return ("CC", "MLO") if views == "both" else (views,)


def wanted(recording: Recording, views: Views) -> bool:
    """Whether a recording is a mammogram of one of the views."""
    return recording.kind == "mammogram" and recording.get("view") in view_names(views)


def having_all(cohort: Cohort, views: Views) -> NDArray[np.bool_]:
    """Which patients have at least one mammogram of every view, shape (n,)."""
    found = {(r.patient_id, r.get("view")) for r in cohort.iter_recordings("mammogram")}
    return np.array([all((pid, view) in found for view in view_names(views)) for pid in cohort.patient_ids], bool)


def recordings_by_view(cohort: Cohort, views: Views) -> tuple[list[Recording], list[tuple[int, int]]]:
    """The recordings to read, and for each the index of its patient and of its view.

    Raises
    ------
    InputError
        If a patient lacks a view.
    """
    missing = [pid for pid, has in zip(cohort.patient_ids, having_all(cohort, views), strict=True) if not has]
    if missing:
        raise InputError(
            f"{len(missing)} patient(s) lack a {' or '.join(view_names(views))} mammogram: {', '.join(missing[:5])}",
            where="recordings.csv",
            cure="ask usable() first and leave these patients out, or choose views that all have",
        )
    place = {pid: index for index, pid in enumerate(cohort.patient_ids)}
    names = view_names(views)
    recordings = [r for r in cohort.iter_recordings("mammogram") if wanted(r, views)]
    return recordings, [(place[r.patient_id], names.index(r["view"])) for r in recordings]


def mean_by_view(
    vectors: Sequence[NDArray[np.floating]], owners: Sequence[tuple[int, int]], patients: int, views: Views
) -> NDArray[np.float64]:
    """Each patient's vector: the means over her images of each view, put side by side, shape (patients, views x
    length).
    """
    count = len(view_names(views))
    total = np.zeros((patients, count, len(vectors[0])))
    images = np.zeros((patients, count, 1))
    for vector, (patient, view) in zip(vectors, owners, strict=True):
        total[patient, view] += vector
        images[patient, view] += 1
    return np.asarray((total / images).reshape(patients, -1))
