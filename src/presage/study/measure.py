"""Measuring a few tasks and a few recordings of a study, in its run folder, so that nothing is done twice."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from presage.cohort import InputError, Recording
from presage.study.cost import MarkerTasks
from presage.study.encoder import Encoder
from presage.study.engine import Engine, Report
from presage.study.folder import folder_at
from presage.study.lease import held
from presage.study.local_engine import LocalEngine
from presage.study.opened import Run, result_of
from presage.study.placement import Placement
from presage.study.plan import Study
from presage.study.planning import Planned, planned
from presage.study.prepare import read_by, read_selected
from presage.study.progress import Progress
from presage.study.task import Task


@dataclass(frozen=True)
class Encoding:
    """What one encoder takes, once, before any task.

    Attributes
    ----------
    encoder
        Its name.
    recordings
        How many it reads.
    measured
        How many of them were timed.
    seconds
        For all recordings, on this machine with all its threads.
    """

    encoder: str
    recordings: int
    measured: int
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """What is known of a study's cost.

    Attributes
    ----------
    markers
        The tasks of each marker and the durations of those that are done.
    encoding
        Of each encoder.
    device
        On which the tasks were measured.
    threads
        Of this machine, used for encoding.
    done
        How many tasks have their result in the run folder now.
    """

    markers: list[MarkerTasks]
    encoding: list[Encoding]
    device: str
    threads: int
    done: int


def measure(
    study: Study,
    run_folder: Path | str,
    progress: Progress,
    *,
    tasks: int = 2,
    recordings: int = 8,
    engine: Engine | None = None,
) -> Measurement:
    """Do a few tasks of each marker, one after another, and keep their results; time a few recordings.

    Every recording is encoded in the end, since every task reads them all; a run on the same folder reuses both.

    Parameters
    ----------
    study
        What will be run.
    run_folder
        Of the run that will follow.
    progress
        Who is told how far it is.
    tasks
        How many of each marker must be known beside the first, which also loads libraries; those that were done before
        count.
    recordings
        How many are timed for each encoder, after one to warm up.
    engine
        Where the tasks run; one worker of this machine by default.

    Raises
    ------
    InputError
        As :func:`presage.study.run.run_study` does.
    """
    study.check()
    encoding = encoding_cost(study, progress, recordings)
    folder = folder_at(run_folder)
    with held(folder):
        ready = planned(study, folder, progress)
        chosen = _chosen(ready.run, ready.tasks, tasks)
        if study.engine.device == "cpu":
            # Measured without the card that they will ask for; what a task asks for never changes a number.
            chosen = [replace(task, gpus=0.0) for task in chosen]
        if chosen:
            _run(chosen, engine or LocalEngine(1), ready.run, progress)
        return _gathered(study, ready, encoding)


def encoding_cost(study: Study, progress: Progress, count: int) -> list[Encoding]:
    """Seconds that each encoder will take on this machine, from `count` recordings (fewer where there are fewer)."""
    markers = {plan.name: plan.build() for plan in study.plans}
    cohort = read_selected(study)
    encoders = {encoder.fingerprint(): encoder for marker in markers.values() for encoder in marker.encoders()}
    threads = os.cpu_count() or 1
    costs = []
    for encoder in encoders.values():
        read = read_by(encoder, markers, cohort)
        # Spread over the cohort: neighbours often come from one scanner.
        step = max(1, len(read) // (count + 1))
        sample = read[::step][: count + 1]
        if len(sample) > 1:
            progress.start(f"Timing {encoder.name}", len(sample))
            each = _seconds_each(encoder, sample, threads, progress)
            progress.finish()
            costs.append(Encoding(encoder.name, len(read), len(sample) - 1, each * len(read)))
    return costs


def _seconds_each(encoder: Encoder, sample: Sequence[Recording], threads: int, progress: Progress) -> float:
    """Seconds a recording; the first one of the sample loads what the encoder needs and does not count."""
    list(encoder.encode_all(sample[:1], threads=threads, progress=progress.advance))
    began = time.monotonic()
    list(encoder.encode_all(sample[1:], threads=threads, progress=progress.advance))
    return (time.monotonic() - began) / (len(sample) - 1)


def _chosen(run: Run, tasks: Sequence[Task], count: int) -> list[Task]:
    """The tasks to do so that `count` of each marker are known."""
    results = {task: result_of(run, task) for task in tasks}
    chosen: list[Task] = []
    for position in sorted({task.marker for task in tasks}):
        mine = {task: result for task, result in results.items() if task.marker == position}
        known = sum(1 for result in mine.values() if result is not None and not result.get("first"))
        if known < count:
            # One more than is wanted: the first in a process also loads libraries.
            chosen += [task for task, result in mine.items() if result is None][: count - known + 1]
    return chosen


def _run(tasks: Sequence[Task], engine: Engine, run: Run, progress: Progress) -> None:
    def on_done(report: Report) -> None:
        progress.advance()
        if not report.done:
            raise InputError(report.error, where=report.where or run.plan.name(report.task.marker), cure=report.cure)

    progress.start("Measuring tasks", len(tasks))
    try:
        engine.run(tasks, on_done)
    finally:
        progress.finish()
        engine.close()


def _gathered(study: Study, ready: Planned, encoding: list[Encoding]) -> Measurement:
    groups, done = [], 0
    for position, name in enumerate(ready.markers):
        tasks = [task for task in ready.tasks if task.marker == position]
        results = [result for task in tasks if (result := result_of(ready.run, task)) is not None]
        done += len(results)
        place = Placement(cpus=tasks[0].cpus, gpus=tasks[0].gpus, memory_gb=tasks[0].memory_gb)
        group = _group(name, len(tasks), place, results)
        if place.gpus > 0 and study.engine.device.startswith("cuda"):
            # On a cluster every task on a card has a process of its own, which loads anew.
            group = replace(group, seconds=tuple(each + group.loading for each in group.seconds), loading=0.0)
        groups.append(group)
    return Measurement(groups, encoding, study.engine.device, os.cpu_count() or 1, done)


def _group(name: str, n_tasks: int, place: Placement, results: Sequence[dict[str, Any]]) -> MarkerTasks:
    """Durations without loading, which a worker process does once and which its first task of a marker includes."""
    first = [float(result["seconds"]) for result in results if result.get("first")]
    later = [float(result["seconds"]) for result in results if not result.get("first")]
    if not later:
        return MarkerTasks(name, n_tasks, place, tuple(first))
    loading = max(0.0, sum(first) / len(first) - sum(later) / len(later)) if first else 0.0
    return MarkerTasks(name, n_tasks, place, tuple(later), loading)
