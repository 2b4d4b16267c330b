"""The tasks of a study: what one is, how it is done, and the file that says that it is done.

A task is plain JSON that names the run folder; whoever does it reads the rest there. Its result is written in one step,
with a digest of everything it depends on, so that a run that was killed goes on where it was and a study that was
changed does not reuse what is stale.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError, Outcome, UnusableRecording
from presage.cohort.splits import Fold, Splits
from presage.cohort.tables import parse_csv
from presage.study.cache import EncoderCache
from presage.study.files import write_text
from presage.study.marker import Marker, Resources
from presage.study.runfolder import Plan, read_key, read_snapshot, seed_of

SCORES = "score"
EXPLANATIONS = "explain"


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    run
        The run folder.
    kind
        ``score``: fit on the training patients of a fold and score its test patients. ``explain``: draw where the
        scores of `patients` come from, by the marker fitted for their test fold.
    marker
        Position in the plan.
    repeat, fold
        Which fold.
    digest
        Of everything the result depends on.
    patients
        For ``explain``: codes of the patients.
    cpus, gpus, memory_gb
        What to set aside for it; see :class:`presage.study.placement.Placement`.
    """

    run: str
    kind: Literal["score", "explain"]
    marker: int
    repeat: int
    fold: int
    digest: str
    patients: tuple[str, ...] = ()
    cpus: float = 1.0
    gpus: float = 0.0
    memory_gb: float = 1.0

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Back from :meth:`to_json`."""
        fields = json.loads(text)
        return cls(**{**fields, "patients": tuple(fields["patients"])})


@dataclass(frozen=True)
class Run:
    """A run folder, read once by each process that works on it."""

    folder: Path
    plan: Plan
    cohort: Cohort
    folds: Mapping[tuple[int, int], Fold]
    cache: EncoderCache
    codes: Mapping[str, str]

    def place(self, task: Task, ending: str) -> Path:
        """A file of the task below ``tasks/``."""
        name = "explain" if task.kind == EXPLANATIONS else f"r{task.repeat:02d}"
        return self.folder / "tasks" / self.plan.slugs[task.marker] / f"{name}-f{task.fold:02d}{ending}"


def result_of(run: Run, task: Task) -> dict[str, Any] | None:
    """The result of a task if it is done, else None (also where it depends on something that has changed since)."""
    try:
        result = json.loads(run.place(task, ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(result, dict) or result.get("digest") != task.digest:
        return None
    if any(not (run.folder / name).exists() for name in result.get("files", ())):
        return None
    return result


def execute(task: Task) -> None:
    """Do a task and write its result. Raises InputError with marker and fold if it cannot be done."""
    run = open_run(task.run, _stamp(task.run))
    began = time.monotonic()
    where = f"marker {run.plan.name(task.marker)!r}, repeat {task.repeat}, fold {task.fold}"
    scratch = run.place(task, f"-{task.digest[:12]}.scratch")
    scratch.mkdir(parents=True, exist_ok=True)
    resources = Resources(
        cache=run.cache,
        seed=seed_of(run.plan.seed, run.plan.name(task.marker), task.repeat, task.fold),
        device=run.plan.device,
        scratch=scratch,
    )
    try:
        if task.kind == EXPLANATIONS:
            from presage.study.gallery import draw

            result = draw(run, task, resources)
        else:
            result = _score(run, task, resources, where)
    except UnusableRecording as error:
        # Not an exclusion any more: the marker was to be compared on these very patients.
        raise InputError(f"a recording cannot be used: {error.what}", where=f"{where}; {error.where}") from error
    except InputError as error:
        if where in error.where:
            raise
        raise InputError(error.what, where=f"{where}; {error.where}".rstrip("; "), cure=error.cure) from error
    result |= {"curves": resources.curves, "notes": resources.notes}
    result |= {"digest": task.digest, "seconds": round(time.monotonic() - began, 3)}
    write_text(run.place(task, ".json"), json.dumps(result, allow_nan=False) + "\n")
    shutil.rmtree(scratch, ignore_errors=True)


def _score(run: Run, task: Task, resources: Resources, where: str) -> dict[str, Any]:
    fold = run.folds[task.repeat, task.fold]
    marker = run.plan.marker(task.marker)
    marker.fit(run.cohort.select(fold.train), resources)
    test = run.cohort.select(fold.test).blinded()
    scores = checked_scores(marker.score(test, resources), test, where)
    result: dict[str, Any] = {"scores": scores.tolist()}
    if task.marker == run.plan.explaining and task.repeat == 0 and saves(marker):
        from presage.study.saved import write_state

        # The gallery explains this very model: it need not be fitted again.
        result["files"] = [str(p.relative_to(run.folder)) for p in write_state(marker, run.place(task, ""))]
    return result


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


def _stamp(folder: str) -> int:
    return (Path(folder) / "plan.json").stat().st_mtime_ns


@lru_cache(maxsize=2)
def open_run(folder: str, stamp: int) -> Run:
    """The run folder as tasks see it; `stamp` tells a plan that was written anew from the one that was read."""
    path = Path(folder)
    plan = Plan.read(path)
    table = parse_csv((path / "splits.csv").read_bytes(), "splits.csv")
    table = table.assign(repeat=table["repeat"].astype(int), fold=table["fold"].astype(int))
    cohort = read_snapshot(path, Outcome(**plan.outcome))
    folds = {(fold.repeat, fold.fold): fold for fold in Splits(table)}
    return Run(path, plan, cohort, folds, EncoderCache(plan.cache), read_key(path))
