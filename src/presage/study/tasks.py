"""How a task is done. Its result is written in one step."""

from __future__ import annotations

import json
import time
from typing import Any

from presage.cohort import InputError, UnusableRecording
from presage.study.chunk import encode_chunk
from presage.study.gallery import draw
from presage.study.halving import note_of, with_smaller_batches
from presage.study.marker import Resources
from presage.study.opened import Run, open_run, place_of, result_of, stamp
from presage.study.runfolder import seed_of
from presage.study.scored import checked_scores, saves
from presage.study.state import write_state
from presage.study.task import ENCODINGS, EXPLANATIONS, Task
from presage.study.tuning import tuned

#: Markers of which this process has done a task.
_LOADED: set[str] = set()


def execute(task: Task) -> None:
    """Do a task and write its result. Raises InputError with marker and fold if it cannot be done."""
    if task.kind == ENCODINGS:
        return encode_chunk(task)
    run = open_run(task.run, stamp(task.run))
    if result_of(run, task) is not None:
        return None  # whoever did it died before it could say so
    began = time.monotonic()
    where = place_of(run, task)
    scratch = run.scratch(task)
    try:
        result = with_smaller_batches(lambda divisor: _attempt(run, task, scratch, divisor, where))
    except UnusableRecording as error:
        # Not an exclusion any more: the marker was to be compared on these very patients.
        raise InputError(f"a recording cannot be used: {error.what}", where=f"{where}; {error.where}") from error
    except InputError as error:
        if where in error.where:
            raise
        raise InputError(error.what, where=f"{where}; {error.where}".rstrip("; "), cure=error.cure) from error
    result |= {"digest": task.digest, "seconds": round(time.monotonic() - began, 3), "first": _first(run, task)}
    run.folder.write_text(run.name(task, ".json"), json.dumps(result, allow_nan=False) + "\n")
    run.folder.remove_tree(scratch)
    return None


def _first(run: Run, task: Task) -> bool:
    """Whether this process had done nothing of this marker: the first task also loads libraries and weights."""
    marker = str(run.plan.markers[task.marker]["marker"])
    first = marker not in _LOADED
    _LOADED.add(marker)
    return first


def _attempt(run: Run, task: Task, scratch: str, divisor: int, where: str) -> dict[str, Any]:
    resources = Resources(
        cache=run.cache,
        seed=seed_of(run.plan.seed, run.plan.name(task.marker), task.repeat, task.fold),
        device=run.plan.device,
        scratch=run.folder.child(scratch),
        divisor=divisor,
    )
    if divisor > 1:
        resources.note(note_of(divisor))
    result = draw(run, task, resources) if task.kind == EXPLANATIONS else _score(run, task, resources, where)
    return result | {"curves": resources.curves, "notes": resources.notes}


def _score(run: Run, task: Task, resources: Resources, where: str) -> dict[str, Any]:
    fold = run.folds[task.repeat, task.fold]
    train = run.cohort.select(fold.train)
    marker, tuning = tuned(run.plan.entry(task.marker), train, resources, run.plan.group_by)
    if task.training is not None:
        marker = marker.training(task.training)
    marker.fit(train, resources)
    test = run.cohort.select(fold.test).blinded()
    scores = checked_scores(marker.score(test, resources), test, where)
    result: dict[str, Any] = {"scores": scores.tolist()}
    if tuning is not None:
        result["tuning"] = tuning.plain()
    if task.marker == run.plan.explaining and task.repeat == 0 and saves(marker):
        # The gallery explains this very model: it need not be fitted again.
        result["files"] = write_state(marker, run.folder, run.name(task, ""))
    return result
