"""Running a study: from the plan to its findings, in a folder from which a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.cohort.splits import Splits
from presage.findings import Findings
from presage.study.engine import Engine, Report, engine_for
from presage.study.files import DISK_FULL, is_full, unwritable
from presage.study.finished import Given, given, recall, remember
from presage.study.folder import Folder, folder_at
from presage.study.gallery import chosen
from presage.study.holes import bearable, holes_of
from presage.study.lease import Lease, held
from presage.study.opened import Run, fetch, place_of, result_of
from presage.study.plan import Study
from presage.study.planning import planned
from presage.study.progress import Progress, terminal_progress
from presage.study.runfolder import task_digest
from presage.study.task import Task
from presage.study.tracking import Tracker
from presage.study.watch import Watch, watched

if TYPE_CHECKING:  # it loads the statistics
    from presage.study.tuning_section import Outer


def run_study(
    study: Study,
    run_folder: Path | str,
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
    tracker: Tracker | None = None,
) -> Findings:
    """Run a study, or go on with one that was stopped, and write ``findings.json`` into its run folder.

    The same study on the same cohort gives the same bytes, however often it was stopped and on however many workers.

    Parameters
    ----------
    study
        What to run.
    run_folder
        Where results are kept, on this machine or at an fsspec address; made if need be. It holds private files
        (``key.csv``, ``splits.csv``, ``study.yaml``, ``cohort/``), on this machine readable by their owner alone: share
        ``findings.json``, ``examples/`` and the report.
    progress
        Who is told how far it is; a bar in a terminal by default.
    engine
        Where tasks run; by default the study's own, which is closed at the end.
    tracker
        Who keeps parameters, curves and results of the run elsewhere; nobody by default.

    Raises
    ------
    InputError
        If the study, the cohort or the splits cannot be used, a task failed, or the disk is full. What is finished is
        kept.
    """
    study.check()
    folder = folder_at(run_folder)
    try:
        with held(folder) as lease:
            markers = [plan.build() for plan in study.plans]
            known = recall(folder, study, markers) if tracker is None else None
            if known is not None:
                return known
            start = given(study, markers)
            chosen_engine = engine or engine_for(study.engine)
            try:
                with watched(folder, progress or terminal_progress(), tracker) as watch:
                    return _run(study, folder, watch, chosen_engine, lease, start)
            finally:
                if engine is None:
                    chosen_engine.close()
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(folder.address) or is_full(error):
            raise unwritable(folder.address, error) from error
        raise InputError(
            f"this file cannot be read: {error.strerror or error}",
            where=str(error.filename),
            cure="check that the disk is still there; start the same command again: what is finished is kept",
        ) from error


def _run(study: Study, folder: Folder, progress: Watch, engine: Engine, lease: Lease | None, start: Given) -> Findings:
    # Loads the statistics, which a finished run does not need.
    from presage.study.document import findings_of, gallery_of

    began = datetime.now(UTC)
    clock = time.monotonic()
    ready = planned(study, folder, progress, engine)
    run, markers, splits, tasks = ready.run, ready.markers, ready.splits, ready.tasks
    progress.planned(study, run, tasks)
    n_now, failed = _do(run, tasks, engine, progress, "Fitting and scoring")
    holes = holes_of(failed, tasks, list(markers))
    if failed and not bearable(study, holes):
        raise _failure(run, failed, len(tasks))
    complete = {name: marker for name, marker in markers.items() if name not in {hole["marker"] for hole in holes}}
    trainings = {
        name: _gathered(run, splits, tasks, position) for position, name in enumerate(markers) if name in complete
    }
    scores = {name: np.asarray(given.mean(axis=0)) for name, given in trainings.items()}
    drawn = _explanations(run, splits, scores, tasks)
    n_more, undrawn = _do(run, drawn, engine, progress, "Explaining examples")
    if undrawn:
        raise _failure(run, undrawn, len(drawn))
    n_now += n_more
    pictures = [entry for task in drawn for entry in _result(run, task)["pictures"]]
    gallery = gallery_of(pictures, run.cohort, run.codes, run.plan)
    _remove_strangers(folder, {entry["file"] for entry in gallery})
    notes = {name: _notes(run, tasks, position) for position, name in enumerate(markers) if name in complete}
    tuning = {name: _tunings(run, tasks, position) for position, name in enumerate(markers) if name in complete}
    findings = findings_of(study, run.cohort, splits, complete, run.codes, trainings, gallery, holes, notes, tuning)
    if lease is not None:
        lease.check()
    folder.write_text("findings.json", findings.to_json())
    if not holes:  # checkpoints and tracebacks of tasks that are still to be done are needed
        _remove_leftovers(folder)
    _write_circumstances(run, began, time.monotonic() - clock, [*tasks, *drawn], n_now)
    if not holes:
        remember(folder, start)
    return findings


def _do(run: Run, tasks: Sequence[Task], engine: Engine, progress: Progress, stage: str) -> tuple[int, list[Report]]:
    """Do the tasks that have no result yet; how many those were, and the reports of those that failed for good."""
    fetch(run, tasks)
    known = {task: float(result["seconds"]) for task in tasks if (result := result_of(run, task)) is not None}
    todo = [task for task in tasks if task not in known]
    failed: list[Report] = []

    def on_done(report: Report) -> None:
        if report.error == DISK_FULL:
            raise InputError(report.error, where=report.where, cure=report.cure)
        progress.ended(report)
        progress.advance()
        if report.done:
            return
        failed.append(report)
        progress.say(f"failed: {report.where or run.plan.name(report.task.marker)}: {report.error}")

    if todo:
        progress.start(stage, len(tasks))
        progress.lay_out([run.plan.name(position) for position in range(len(run.plan.markers))], tasks, known)
        progress.advance(len(known))
        try:
            engine.run(todo, on_done, progress.began)
        finally:
            progress.finish()
    for report in failed:
        run.folder.write_text(run.name(report.task, ".error.txt"), report.trace or f"{report.error}\n")
    fetch(run, tasks)
    return len(todo) - len(failed), failed


def _failure(run: Run, failed: list[Report], n_tasks: int) -> InputError:
    """What to say where no comparison is left: statistics are never computed over the holes of failed tasks."""
    first = min(failed, key=lambda report: (report.task.marker, report.task.repeat, report.task.fold))
    task = first.task
    where = first.where or place_of(run, task)
    cure = first.cure
    if first.trace:
        path = run.folder.place(run.name(task, ".error.txt"))
        cure = f"the marker raised an error of its own; its traceback is in {path}"
    more = f" ({len(failed)} of {n_tasks} tasks failed; this is the first)" if len(failed) > 1 else ""
    kept = f"the {n_tasks - len(failed)} tasks that succeeded are kept: start the same command again after the cure"
    return InputError(first.error + more, where=where, cure="\n".join(part for part in (cure, kept) if part))


def _gathered(run: Run, splits: Splits, tasks: Sequence[Task], position: int) -> NDArray[np.float64]:
    """Scores of each training of a marker, shape (trainings, repeats, tested patients); patients as `splits.tested`."""
    column = {pid: number for number, pid in enumerate(splits.tested)}
    repeats = {repeat: number for number, repeat in enumerate(sorted({fold.repeat for fold in splits}))}
    scores = np.full((run.plan.trainings[position], len(repeats), len(column)), np.nan)
    for task in tasks:
        if task.marker == position:
            fold = run.folds[task.repeat, task.fold]
            tested = [column[pid] for pid in fold.test]
            scores[task.training or 0, repeats[task.repeat], tested] = _result(run, task)["scores"]
    return scores


def _notes(run: Run, tasks: Sequence[Task], position: int) -> list[str]:
    """What fits of a marker said of themselves, each once, with how many fits said it where not all did."""
    fits = [_result(run, task).get("notes", []) for task in tasks if task.marker == position]
    said = Counter(note for notes in fits for note in notes)
    count = run.plan.trainings[position]
    if count > 1:
        said[f"The score is the mean of {count} trainings with other seeds."] = len(fits)
    return [note if n == len(fits) else f"{note} ({n} of {len(fits)} fits)" for note, n in sorted(said.items())]


def _tunings(run: Run, tasks: Sequence[Task], position: int) -> list[Outer]:
    """What each training fold of a marker chose; nothing where the marker is not tuned."""
    if run.plan.entry(position).tune is None:
        return []
    return [(t.repeat, t.fold, _result(run, t)["tuning"]) for t in tasks if t.marker == position]


def _result(run: Run, task: Task) -> dict[str, Any]:
    result = result_of(run, task)
    if result is None:
        where = run.folder.place(run.name(task, ".json"))
        raise InputError("a result that was there is gone", where=where, cure="run again")
    return result


def _explanations(
    run: Run, splits: Splits, scores: dict[str, NDArray[np.float64]], tasks: Sequence[Task]
) -> list[Task]:
    """A task for each test fold of the first repeat that holds a patient of the gallery."""
    position = run.plan.explaining
    if position is None or run.plan.name(position) not in scores:
        return []
    ids = list(splits.tested)
    status = dict(zip(run.cohort.patient_ids, run.cohort.cases().tolist(), strict=True))
    shown = chosen(
        [run.codes[pid] for pid in ids],
        np.array([status[pid] for pid in ids], dtype=bool),
        scores[run.plan.name(position)][0],
    )
    first = min(fold.repeat for fold in splits)
    like = next(task for task in tasks if task.marker == position)
    drawn = []
    for fold in (fold for fold in splits if fold.repeat == first):
        here = tuple(code for code in shown if code in {run.codes[pid] for pid in fold.test})
        if here:
            parts = [task_digest(run.plan, position, fold), here, "gallery-1"]
            digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
            drawn.append(
                replace(like, kind="explain", repeat=fold.repeat, fold=fold.fold, digest=digest, patients=here)
            )
    return drawn


def _remove_strangers(folder: Folder, wanted: set[str]) -> None:
    """Pictures of an earlier version of the study go: what lies in ``examples/`` is what the findings name."""
    for name in folder.matching("examples/*.png"):
        if name not in wanted:
            folder.remove(name)


def _remove_leftovers(folder: Folder) -> None:
    """What killed tasks left behind: checkpoints, tracebacks, half-written files."""
    for name in folder.matching("tasks/*/*.scratch"):
        folder.remove_tree(name)
    for pattern in ("tasks/*/*.error.txt", "tasks/*/.*.part", "examples/.*.part", ".*.part"):
        for name in folder.matching(pattern):
            folder.remove(name)


def _write_circumstances(run: Run, began: datetime, seconds: float, tasks: Sequence[Task], n_now: int) -> None:
    """``run.json``: everything that may differ between two runs of the same study."""
    spent: dict[str, float] = {}
    for task in tasks:
        result = result_of(run, task)
        if result is not None:  # a task that failed has none
            name = run.plan.name(task.marker)
            spent[name] = round(spent.get(name, 0.0) + float(result["seconds"]), 3)
    about = {
        "started": began.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "tasks": len(tasks),
        "tasks_of_this_start": n_now,
        "task_seconds_by_marker": spent,
        "machine": {"platform": platform.platform(), "processors": os.cpu_count(), "python": platform.python_version()},
    }
    run.folder.write_text("run.json", json.dumps(about, indent=1, ensure_ascii=False) + "\n")
