"""Markers of a finished run as a fold fitted them, for whoever asks more of them than their scores."""

from __future__ import annotations

from presage.cohort.splits import Fold
from presage.study.marker import Marker, Resources
from presage.study.opened import Run, unfitted
from presage.study.runfolder import seed_of, task_digest
from presage.study.scored import saves
from presage.study.state import restore_state, write_state
from presage.study.task import Task

#: Where they are kept, below the folder of whoever asks.
FITTED = "fitted"


def first_folds(run: Run) -> list[Fold]:
    """The folds of the first repeat: each patient is tested once in them."""
    first = min(repeat for repeat, _ in run.folds)
    return [fold for (repeat, _), fold in sorted(run.folds.items()) if repeat == first]


def fitted(run: Run, position: int, fold: Fold, below: str) -> tuple[Marker, Resources]:
    """A marker as the study fitted it on the training patients of a fold; kept `below`, where it can be saved."""
    task = Task(run.folder.address, "score", position, fold.repeat, fold.fold, task_digest(run.plan, position, fold))
    seed = seed_of(run.plan.seed, run.plan.name(position), fold.repeat, fold.fold)
    resources = Resources(cache=run.cache, seed=seed, device=run.plan.device)
    marker = unfitted(run, task)
    base = _base(run, position, fold, below)
    if saves(marker) and run.folder.exists(f"{base}.facts.json"):
        restore_state(marker, run.folder, base)
        return marker, resources
    marker.fit(run.cohort.select(fold.train), resources)
    if saves(marker):
        write_state(marker, run.folder, base)
    return marker, resources


def remove_stale(run: Run, below: str) -> None:
    """Remove what is kept `below` of markers that the run, as it is now, has not fitted."""
    kept = run.folder.sizes(f"{below}/{FITTED}")
    if not kept:
        return
    positions = range(len(run.plan.markers))
    current = tuple(_base(run, position, fold, below) for position in positions for fold in first_folds(run))
    for name in kept:
        if not name.startswith(current):
            run.folder.remove(name)


def _base(run: Run, position: int, fold: Fold, below: str) -> str:
    digest = task_digest(run.plan, position, fold)
    return f"{below}/{FITTED}/{run.plan.slugs[position]}-f{fold.fold:02d}-{digest[:12]}"
