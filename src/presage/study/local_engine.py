"""The engine of one machine: processes that are kept, and started anew when they die."""

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
from typing import IO, Any

from presage.study.backlog import Backlog, Report
from presage.study.engine import refuse
from presage.study.machine import cards, memory_gb
from presage.study.room import Room, Share
from presage.study.task import Task
from presage.study.worker import THREAD_VARIABLES

_Ended = queue.SimpleQueue[tuple["_Slot", dict[str, Any]]]


class LocalEngine:
    """Processes of this machine, each with one numerical thread.

    A task begins when the processors, the memory and the share of a card that it asks for are free. A worker that dies
    (out of memory, killed) is replaced and its task tried again, :data:`presage.study.backlog.ATTEMPTS` times in all;
    so is a task whose marker raises an error of its own, the last time in a new process. Then that task alone fails.

    A task that asks for cards sees no others: inside, its first is ``cuda:0``, whichever it is.

    Parameters
    ----------
    workers
        Processors that tasks may use.
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
        """See :class:`presage.study.engine.Engine`."""
        room = Room(self.workers, *memory_gb(), cards())
        for task in tasks:
            if lacking := room.lacks(task):
                refuse(task, lacking)
        backlog = Backlog(tasks)
        ended: _Ended = queue.SimpleQueue()
        running: dict[_Slot, tuple[Task, Share]] = {}
        try:
            while True:
                while (task_ := backlog.take(lambda task: room.share(task) is not None)) is not None:
                    share = room.share(task_)
                    assert share is not None
                    room.take(share)
                    slot = self._idle(running, share.cards)
                    running[slot] = task_, share
                    backlog.began(task_)
                    slot.begin(task_, share.cards, ended, fresh=backlog.last_try(task_))
                    on_start(task_, slot.name)
                if not running:
                    break
                slot, answer = ended.get()
                task_, share = running.pop(slot)
                room.give(share)
                if "raised" in answer:
                    raise answer["raised"]
                report = backlog.settle(task_, answer)
                if report is not None:
                    on_done(report)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kill the workers."""
        for slot in self._slots:
            slot.close()
        self._slots = []

    def _idle(self, running: dict[_Slot, tuple[Task, Share]], wanted: tuple[str, ...]) -> _Slot:
        """A worker with nothing to do, if possible one that sees these cards already: CUDA cannot change them later."""
        idle = [slot for slot in self._slots if slot not in running]
        if not idle:
            self._slots.append(_Slot(f"worker {len(self._slots) + 1}"))
            return self._slots[-1]
        return next((slot for slot in idle if slot.cards == wanted), idle[0])


class _Slot:
    """One worker at a time, replaced when it dies."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cards: tuple[str, ...] = ()
        self._process: subprocess.Popen[str] | None = None
        self._messages: IO[Any] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def begin(self, task: Task, cards: tuple[str, ...], ended: _Ended, *, fresh: bool = False) -> None:
        """Do the task; how it ended is put into `ended`, unless this slot is closed before.

        With `fresh` in a new process: what earlier tasks left behind in this one may be what breaks the task.
        """
        if fresh or cards != self.cards:
            self._stop()
            self.cards = cards

        def attend() -> None:
            try:
                answer = self._ask(task) or {"died": self._last_words()}
            except BaseException as error:
                answer = {"raised": error}
            if not self._closed:
                ended.put((self, answer))

        threading.Thread(target=attend, daemon=True).start()

    def close(self) -> None:
        """Kill the worker now."""
        self._closed = True
        self._stop()

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
            seen = {"CUDA_VISIBLE_DEVICES": ",".join(self.cards)} if self.cards else {}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "presage.study.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                text=True,
                encoding="utf-8",
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), **seen},
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
            self._close_streams()
            self._process = None

    def _close_streams(self) -> None:
        process = self._process
        for stream in (self._messages, *((process.stdin, process.stdout) if process else ())):
            if stream is not None:
                with suppress(OSError):  # what is left in a buffer has nobody to read it
                    stream.close()
