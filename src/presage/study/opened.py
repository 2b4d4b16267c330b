"""A run folder as tasks see it, and the results that are in it.

A result is a file with a digest of everything that it depends on, so that a run that was killed goes on where it was
and a study that was changed does not reuse what is stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from presage.cohort import Cohort, Outcome
from presage.cohort.splits import Fold, Splits
from presage.cohort.tables import parse_csv
from presage.study.cache import EncoderCache
from presage.study.folder import Folder, folder_at
from presage.study.marker import Marker
from presage.study.runfolder import Plan, read_key, read_snapshot, task_digest
from presage.study.task import EXPLANATIONS, SCORES, Task


@dataclass(frozen=True)
class Run:
    """A run folder, read once by each process that works on it."""

    folder: Folder
    plan: Plan
    cohort: Cohort
    folds: Mapping[tuple[int, int], Fold]
    cache: EncoderCache
    codes: Mapping[str, str]
    # Results of a store, read many at a time; see `fetch`.
    fetched: dict[str, bytes] = field(default_factory=dict)

    def name(self, task: Task, ending: str) -> str:
        """The name of a file of the task in the run folder, below ``tasks/``."""
        name = "explain" if task.kind == EXPLANATIONS else f"r{task.repeat:02d}"
        training = "" if task.training is None else f"-t{task.training:02d}"
        return f"tasks/{self.plan.slugs[task.marker]}/{name}-f{task.fold:02d}{training}{ending}"

    def score_tasks(self) -> list[Task]:
        """Every fit and score of the study, done or not; each training with another seed is a task of its own."""
        return [
            Task(
                self.folder.address,
                SCORES,
                position,
                fold.repeat,
                fold.fold,
                task_digest(self.plan, position, fold, training),
                training=training,
            )
            for fold in self.folds.values()
            for position, count in enumerate(self.plan.trainings)
            for training in (range(count) if count > 1 else (None,))
        ]

    def scratch(self, task: Task) -> str:
        """The name of the task's scratch folder; checkpoints of what has changed since are not found in it."""
        return self.name(task, f"-{task.digest[:12]}.scratch")


def fetch(run: Run, tasks: Sequence[Task]) -> None:
    """Read results from a store ahead, many at a time; nothing where the run folder is on this machine."""
    if run.folder.remote:
        names = [run.name(task, ".json") for task in tasks]
        run.fetched.update(run.folder.read_many(name for name in names if name not in run.fetched))


def result_of(run: Run, task: Task) -> dict[str, Any] | None:
    """The result of a task if it is done, else None (also where it depends on something that has changed since)."""
    name = run.name(task, ".json")
    try:
        result = json.loads(run.fetched[name] if name in run.fetched else run.folder.read(name))
    except (OSError, ValueError):
        return None
    current = isinstance(result, dict) and result.get("digest") == task.digest
    if current and all(run.folder.exists(file) for file in result.get("files", ())):
        return dict(result)
    # An older one: what is done now is read anew.
    run.fetched.pop(name, None)
    return None


def place_of(run: Run, task: Task) -> str:
    """Which task it is, in words."""
    training = "" if task.training is None else f", training {task.training}"
    return f"marker {run.plan.name(task.marker)!r}, repeat {task.repeat}, fold {task.fold}{training}"


def unfitted(run: Run, task: Task) -> Marker:
    """The marker of a fold that is scored, with the settings that its training patients chose where it is tuned."""
    plan = run.plan.entry(task.marker)
    if plan.tune is not None:
        scored = json.loads(run.folder.read(run.name(replace(task, kind=SCORES), ".json")))
        plan = plan.with_settings(scored["tuning"]["chosen"]["settings"])
    return plan.build()


def stamp(folder: str) -> str:
    """Tells a plan of the run folder from an earlier one, for :func:`open_run`."""
    return folder_at(folder).version("plan.json")


@lru_cache(maxsize=2)
def open_run(address: str, stamp: str) -> Run:
    """The run folder as tasks see it; `stamp` tells a plan that was written anew from the one that was read."""
    folder = folder_at(address)
    plan = Plan.read(folder)
    table = parse_csv(folder.read("splits.csv"), "splits.csv")
    table = table.assign(repeat=table["repeat"].astype(int), fold=table["fold"].astype(int))
    cohort = read_snapshot(folder, Outcome(**plan.outcome))
    folds = {(fold.repeat, fold.fold): fold for fold in Splits(table)}
    return Run(folder, plan, cohort, folds, EncoderCache(plan.cache), read_key(folder))
