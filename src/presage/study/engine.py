"""Engines: where tasks run. One small interface: a study does not know whether it is one machine or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from presage.cohort import InputError
from presage.study.backlog import Report
from presage.study.opened import open_run, stamp
from presage.study.plan import EnginePlan
from presage.study.task import ENCODINGS, Task

__all__ = ["Engine", "Report", "engine_for", "refuse"]


class Engine(Protocol):
    """Runs tasks somewhere. A task is done by :func:`presage.study.tasks.execute`, which writes its result.

    One whose processors are not those of this process has an attribute ``elsewhere`` that is True: then recordings are
    encoded by its tasks, too.
    """

    def run(
        self,
        tasks: Sequence[Task],
        on_done: Callable[[Report], None],
        on_start: Callable[[Task, str], None] = lambda task, where: None,
    ) -> None:
        """Do all tasks, in any order; `on_done` is called in this thread for each, done or failed.

        `on_start` is called in this thread when a task begins (again, where it is tried again), with where: a few words
        such as ``worker 2`` or ``node 10.0.0.7, cuda:1``.

        An exception (Ctrl-C, or one raised by `on_done`) stops everything that runs and leaves finished results.

        Raises
        ------
        InputError
            If a task asks for more than there is anywhere, with the marker named; or the engine itself is lost.
        """

    def close(self) -> None:
        """Let go of workers; nothing is left behind."""


def engine_for(plan: EnginePlan) -> Engine:
    """The engine of a study.

    Raises
    ------
    InputError
        If it needs Ray, and Ray is not installed.
    """
    if plan.name == "ray":
        from presage.study.ray_engine import RayEngine

        return RayEngine(plan.address, plan.workers, renew=plan.device.startswith("cuda"))
    from presage.study.local_engine import LocalEngine

    return LocalEngine(plan.n_workers())


def refuse(task: Task, lacking: str, has: str = "") -> NoReturn:
    """Raise InputError: a task of this marker asks for `lacking`, which nothing here has."""
    if task.kind == ENCODINGS:
        raise InputError(
            f"encoding asks for {lacking}",
            where=f"encoder number {task.marker + 1}" + (f"; {has}" if has else ""),
            cure="run the study where there is as much (`engine: {name: ray, address: ...}`)",
        )
    try:
        name = repr(open_run(task.run, stamp(task.run)).plan.name(task.marker))
    except OSError:
        name = f"number {task.marker + 1}"
    raise InputError(
        f"a task of this marker asks for {lacking}",
        where=f"marker {name}" + (f"; {has}" if has else ""),
        cure="say under the marker's `place:` what a task really needs (cpus, gpus, memory_gb), or run the study where "
        "there is as much (`engine: {name: ray, address: ...}`)",
    )
