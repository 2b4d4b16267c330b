"""The engine of a Ray cluster: one that is there already, or one of this machine's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import IO, Any

from presage.cohort import InputError
from presage.study.backlog import Backlog, Report, group_of
from presage.study.engine import refuse
from presage.study.processes import end_session
from presage.study.task import Task

#: How often a cluster that is lost is started or joined again without any task ending in between.
RESTARTS = 5
#: Tasks of a kind that Ray is given ahead of those that run, so that it never waits for the next.
AHEAD = 16
# The path of a socket below it may have 107 characters.
_LONGEST = 40


class RayEngine:
    """Ray tasks, each with one numerical thread and with the processors, memory and cards that it asks for.

    A task whose worker dies is tried again as by :class:`presage.study.local_engine.LocalEngine`; one whose node is
    lost is done elsewhere. A cluster that is lost is started or joined again, and goes on with what is not done.

    Parameters
    ----------
    address
        Of a running cluster that this machine is part of (``auto``, ``host:6379``), with Presage and the run folder on
        each node; None starts one on this machine, which ends with :meth:`close`.
    workers
        Processors of a cluster of our own (all by default); of a cluster that was there, how many tasks run at most at
        once (as many as fit by default).
    renew
        A new process for each task that asks for a card: Ray gives a process another card each time, and CUDA keeps
        the first that it saw.
    cards
        How many cards a cluster of our own says it has; those that there are by default.

    Raises
    ------
    InputError
        If Ray is not installed, or the address is one of Ray's client protocol (``ray://``).
    """

    def __init__(
        self, address: str | None = None, workers: int | None = None, *, renew: bool = False, cards: int | None = None
    ) -> None:
        if find_spec("ray") is None:
            raise InputError("Ray is not installed", where="engine", cure="pip install 'presage[ray]'")
        if address is not None and address.startswith("ray://"):
            raise InputError(
                "Ray's client protocol cannot say when a task begins",
                where=address,
                cure="run the command on a machine of the cluster, with `auto` or `host:6379` for the address",
            )
        self.elsewhere = True
        self._address = address
        self._most = workers if address is not None else None
        self._cpus = None if address is not None else workers or os.cpu_count() or 1
        self._renew, self._cards = renew, cards
        self._driver: _Driver | None = None

    def run(
        self,
        tasks: Sequence[Task],
        on_done: Callable[[Report], None],
        on_start: Callable[[Task, str], None] = lambda task, where: None,
    ) -> None:
        """See :class:`presage.study.engine.Engine`."""
        backlog = Backlog(tasks)
        restarts = 0
        try:
            while len(backlog):
                words = self._until_lost(backlog, on_done, on_start)
                if words is None:
                    return
                restarts = 1 if self._progressed else restarts + 1
                if restarts > RESTARTS:
                    raise InputError(
                        f"the Ray cluster was lost {restarts} times in a row{words}",
                        where="engine",
                        cure="look at the memory of its machines and at Ray's own logs; start the same command again: "
                        "what is finished is kept",
                    )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the cluster; one of our own ends, with every process of it."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _until_lost(
        self, backlog: Backlog, on_done: Callable[[Report], None], on_start: Callable[[Task, str], None]
    ) -> str | None:
        """Do tasks until there is none (None), or the cluster is lost: how, in words."""
        self._progressed = False
        if self._driver is None:
            self._driver = _Driver(self._hello())
        driver = self._driver
        sent: dict[int, Task] = {}
        pending: Counter[Any] = Counter()
        unstarted: set[int] = set()
        serial = 0

        def fits(task: Task) -> bool:
            return pending[group_of(task)] < AHEAD and (self._most is None or len(sent) < self._most)

        def began(number: int) -> None:
            if number in unstarted:
                unstarted.remove(number)
                pending[group_of(sent[number])] -= 1

        while True:
            while (task := backlog.take(fits)) is not None:
                serial += 1
                sent[serial] = task
                unstarted.add(serial)
                pending[group_of(task)] += 1
                driver.send(serial, task, self._cpus)
            if not sent:
                return None
            message = driver.read()
            if message is None:
                for task in sent.values():
                    backlog.put_back(task)
                words = driver.last_words()
                self.close()
                return words
            kind, task = message["event"], sent[message["number"]]
            began(message["number"])
            if kind == "start":
                backlog.began(task)
                on_start(task, message["where"])
            elif kind == "impossible":
                refuse(task, _wish(task), f"the cluster's nodes have {_nodes(message['nodes'])}")
            else:
                del sent[message["number"]]
                self._progressed |= "lost" not in message["answer"]
                report = backlog.settle(task, message["answer"])
                if report is not None:
                    on_done(report)

    def _hello(self) -> dict[str, Any]:
        return {
            "path": sys.path,
            "address": self._address,
            "workers": self._cpus,
            "cards": self._cards,
            "renew": self._renew,
        }


class _Driver:
    """The process that speaks with Ray (:mod:`presage.study.ray_driver`); connected when this is made."""

    def __init__(self, hello: dict[str, Any]) -> None:
        above = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(prefix="presage-ray-", dir=above if len(above) < _LONGEST else "/tmp")
        self._messages: IO[Any] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            # Not as the main module: Ray's workers find the functions of a module by its name.
            [sys.executable, "-c", "from presage.study.ray_driver import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        )
        try:
            self._write({**hello, "folder": self._folder})
            message = self.read()
            if message is None:
                raise InputError(
                    f"the process that speaks with Ray ended{self.last_words()}",
                    where="engine",
                    cure="run with `engine: {name: local}` to see whether the study itself works",
                )
            if message["event"] == "refused":
                raise InputError(message["what"], where="engine", cure=message["cure"])
        except BaseException:
            self.close()
            raise

    def send(self, number: int, task: Task, cpus: int | None) -> None:
        """Hand it a task; on a cluster of our own a task that asks for more processors than there are has them all.

        A task that trains on several cards holds none: its replicas ask for one each, on whichever nodes have them.
        """
        gpus = task.gpus if task.gpus <= 1 else 0.0
        shape = {"cpus": min(task.cpus, cpus or task.cpus), "gpus": gpus, "memory_gb": task.memory_gb}
        self._write({"number": number, "task": task.to_json(), "shape": shape, "cards": task.gpus})

    def read(self) -> dict[str, Any] | None:
        """Its next message, or None if it is gone."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return dict(json.loads(line)) if line.endswith("\n") else None

    def last_words(self) -> str:
        """How it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        return f" ({lines[-1][:300]})" if lines else f" (exit status {self._process.poll()})"

    def close(self) -> None:
        """End it, and all that it has started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        end_session(self._process.pid)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._messages.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it is gone: read() tells
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()


def _wish(task: Task) -> str:
    parts = [f"{task.cpus:g} processors", f"{task.memory_gb:g} GB of memory"]
    if task.gpus:
        parts.insert(1, f"{task.gpus:g} of a graphics card" if task.gpus <= 1 else f"{task.gpus:g} graphics cards")
    return ", ".join(parts)


def _nodes(nodes: Sequence[dict[str, float]]) -> str:
    kinds = Counter((node["cpus"], node["gpus"], node["memory_gb"]) for node in nodes)
    texts = [f"{n} x ({cpus:g} processors, {gpus:g} cards, {gb:g} GB)" for (cpus, gpus, gb), n in kinds.items()]
    return "; ".join(texts) or "nothing: none is alive"
