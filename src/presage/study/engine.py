"""Engines: where tasks run. One small interface: a study does not know whether it is one machine or a cluster."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol

from presage.study.tasks import Task
from presage.study.worker import THREAD_VARIABLES

#: How often a task is given to a new worker after its worker died.
ATTEMPTS = 3


@dataclass(frozen=True)
class Report:
    """What became of a task.

    Attributes
    ----------
    task
        The task.
    error
        What is wrong, where and the cure; empty if it is done.
    trace
        For an error of a program rather than of an input: where in it.
    died
        Whether it failed because its workers died.
    """

    task: Task
    error: str = ""
    where: str = ""
    cure: str = ""
    trace: str = ""
    died: bool = False

    @property
    def done(self) -> bool:
        """Whether its result is on disk."""
        return not self.error


class Engine(Protocol):
    """Runs tasks somewhere. A task is done by :func:`presage.study.tasks.execute`, which writes its result."""

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
        """

    def close(self) -> None:
        """Let go of workers; nothing is left behind."""


class LocalEngine:
    """Processes of this machine, each with one numerical thread.

    A worker that dies (out of memory, killed) is replaced and its task tried again, :data:`ATTEMPTS` times in all; then
    that task alone fails.
    """

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        # Kept from one run to the next: a worker takes seconds to import what markers need.
        self._slots: list[_Slot] = []

    def run(
        self,
        tasks: Sequence[Task],
        on_done: Callable[[Report], None],
        on_start: Callable[[Task, str], None] = lambda task, where: None,
    ) -> None:
        """See :class:`Engine`."""
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        reports: queue.SimpleQueue[Report | BaseException] = queue.SimpleQueue()
        wanted = min(self.workers, len(tasks))
        self._slots += [_Slot() for _ in range(wanted - len(self._slots))]
        threads = [
            threading.Thread(target=slot.serve, args=(waiting, reports), daemon=True) for slot in self._slots[:wanted]
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in tasks:
                report = reports.get()
                if isinstance(report, BaseException):
                    raise report
                on_done(report)
        except BaseException:
            self.close()
            raise
        finally:
            for thread in threads:
                thread.join(timeout=10)

    def close(self) -> None:
        """Kill the workers."""
        for slot in self._slots:
            slot.close()
        self._slots = []


class _Slot:
    """One worker at a time, replaced when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._messages: IO[Any] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def serve(self, waiting: queue.SimpleQueue[Task], reports: queue.SimpleQueue[Report | BaseException]) -> None:
        """Do waiting tasks until there is none."""
        try:
            while not self._closed:
                try:
                    task = waiting.get_nowait()
                except queue.Empty:
                    break
                report = self._do(task)
                if not self._closed:
                    reports.put(report)
        except BaseException as error:
            reports.put(error)

    def close(self) -> None:
        """Kill the worker now."""
        self._closed = True
        self._stop()

    def _do(self, task: Task) -> Report:
        died = ""
        for _ in range(ATTEMPTS):
            answer = self._ask(task)
            if answer is not None:
                if answer["ok"]:
                    return Report(task)
                return Report(task, answer["what"], answer["where"], answer["cure"], answer["trace"])
            if self._closed:
                break
            died = self._last_words()
        return Report(
            task,
            f"the worker process died {ATTEMPTS} times on this task{died}",
            cure="this is often too little memory: use fewer workers, or smaller images or batches",
            died=True,
        )

    def _ask(self, task: Task) -> dict[str, Any] | None:
        """The worker's answer, or None if it died."""
        process = self._started()
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(task.to_json() + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            return None
        return dict(json.loads(line)) if line.endswith("\n") else None

    def _started(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._closed:
                return None
            if self._process is not None and self._process.poll() is None:
                return self._process
            self._close_streams()
            self._messages = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "presage.study.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                text=True,
                encoding="utf-8",
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
            )
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(sys.path) + "\n")
            return self._process

    def _last_words(self) -> str:
        """How the dead worker ended, in words."""
        process = self._process
        if process is None or self._messages is None:
            return ""
        status = process.wait()
        self._messages.seek(0)
        text = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        ending = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f" ({ending}{': ' + text[-1][:200] if text else ''})"

    def _stop(self) -> None:
        with self._lock:
            process = self._process
            if process is None:
                return
            process.kill()
            process.wait()
            self._process = process
            self._close_streams()
            self._process = None

    def _close_streams(self) -> None:
        process = self._process
        for stream in (self._messages, *((process.stdin, process.stdout) if process else ())):
            if stream is not None:
                with suppress(OSError):  # what is left in a buffer has nobody to read it
                    stream.close()
