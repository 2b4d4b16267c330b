"""The tasks of a study: what one is, how it is done, and the file that says that it is done.

A task is plain JSON that names the run folder; whoever does it reads the rest there. Its result is written in one step,
with a digest of everything it depends on, so that a run that was killed goes on where it was and a study that was
changed does not reuse what is stale.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError, Outcome, UnusableRecording
from presage.cohort.splits import Fold, Splits
from presage.cohort.tables import parse_csv
from presage.study.cache import EncoderCache
from presage.study.folder import Folder, folder_at
from presage.study.halving import note_of, with_smaller_batches
from presage.study.marker import Marker, Resources
from presage.study.runfolder import Plan, read_key, read_snapshot, seed_of, task_digest

SCORES: Final = "score"
EXPLANATIONS: Final = "explain"
ENCODINGS: Final = "encode"
#: What the stage is called in which recordings are encoded.
ENCODING_STAGE: Final = "Encoding recordings"
#: Markers of which this process has done a task.
_LOADED: set[str] = set()


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    run
        Address of the run folder.
    kind
        ``score``: fit on the training patients of a fold and score its test patients. ``explain``: draw where the
        scores of `patients` come from, by the marker fitted for their test fold. ``encode``: encode a chunk of
        recordings, before there is a plan; see :mod:`presage.study.encoding`.
    marker
        Position in the plan. For ``encode``: of the encoder, among those of the study.
    repeat, fold
        Which fold. For ``encode``: 0, and which chunk.
    digest
        Of everything the result depends on.
    patients
        For ``explain``: codes of the patients.
    training
        For ``score``: which of the marker's trainings with other seeds; None for a fit as a whole.
    cpus, gpus, memory_gb
        What to set aside for it; see :class:`presage.study.placement.Placement`.
    """

    run: str
    kind: Literal["score", "explain", "encode"]
    marker: int
    repeat: int
    fold: int
    digest: str
    patients: tuple[str, ...] = ()
    training: int | None = None
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


def execute(task: Task) -> None:
    """Do a task and write its result. Raises InputError with marker and fold if it cannot be done."""
    if task.kind == ENCODINGS:
        from presage.study.encoding import encode_chunk

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


def place_of(run: Run, task: Task) -> str:
    """Which task it is, in words."""
    training = "" if task.training is None else f", training {task.training}"
    return f"marker {run.plan.name(task.marker)!r}, repeat {task.repeat}, fold {task.fold}{training}"


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
    if task.kind == EXPLANATIONS:
        from presage.study.gallery import draw

        result = draw(run, task, resources)
    else:
        result = _score(run, task, resources, where)
    return result | {"curves": resources.curves, "notes": resources.notes}


def _score(run: Run, task: Task, resources: Resources, where: str) -> dict[str, Any]:
    from presage.study.tuning import tuned

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
        from presage.study.saved import write_state

        # The gallery explains this very model: it need not be fitted again.
        result["files"] = write_state(marker, run.folder, run.name(task, ""))
    return result


def unfitted(run: Run, task: Task) -> Marker:
    """The marker of a fold that is scored, with the settings that its training patients chose where it is tuned."""
    plan = run.plan.entry(task.marker)
    if plan.tune is not None:
        scored = json.loads(run.folder.read(run.name(replace(task, kind=SCORES), ".json")))
        plan = plan.with_settings(scored["tuning"]["chosen"]["settings"])
    return plan.build()


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
