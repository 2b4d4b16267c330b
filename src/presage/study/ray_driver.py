"""The process that speaks with Ray: tasks come in as lines of JSON, and what became of them goes out the same way.

A process of its own, because Ray ends the process that drives it when its node or its head is lost. It leads a session
(``setsid``), in which everything that a Ray cluster of this machine starts is found again and ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from presage.study.processes import adopt_orphans, children_of, end_session, is_alive
from presage.study.worker import ORPHANED, THREAD_VARIABLES, described

#: Exit status where the cluster is lost.
CLUSTER_LOST = 4
#: Seconds for which a task waits for a node as large as it needs, once there was one.
PATIENCE = 60.0
#: Object store of a cluster of our own: results go through the run folder, so that the least that Ray takes is enough.
_STORE = 80 * 2**20
#: What a task asks for, as Ray calls it and how many of Ray's units one is.
_UNITS = {"cpus": ("CPU", 1.0), "gpus": ("GPU", 1.0), "memory_gb": ("memory", 1e9)}
_HANDED_ON = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")

Message = dict[str, Any]


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    adopt_orphans()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    hello = json.loads(sys.stdin.readline())
    sys.path[:] = hello["path"]
    driver = Driver(answers, hello)
    try:
        driver.connect()
    except Exception as error:
        driver.tell(event="refused", **refusal(error, hello["address"]))
        driver.end(0)
    for line in sys.stdin:
        message = json.loads(line)
        threading.Thread(target=driver.attend, args=(message,), daemon=True).start()
    # The pipe ends when the parent does, however it was killed: nothing outlives its study.
    driver.end(ORPHANED)


def perform(path: list[str], text: str) -> Iterator[str]:
    """A Ray task: where it is done, then how it ended. Its result goes into the run folder and never through Ray."""
    import ray

    context = ray.get_runtime_context()
    cards = context.get_accelerator_ids().get("GPU", [])
    # A worker of another driver's session is reused with that driver's path.
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
    node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    yield f"node {node}" + "".join(f", cuda:{card}" for card in cards)
    from presage.study.task import Task
    from presage.study.tasks import execute

    answer: Message = {"ok": True}
    try:
        execute(Task.from_json(text))
    except Exception as error:
        answer = {"ok": False, **described(error)}
    yield json.dumps(answer)


class Driver:
    """A connection to a cluster, and the tasks on it.

    Parameters
    ----------
    answers
        Where messages go: ``ready``, ``refused``, ``start``, ``end`` and ``impossible``, one JSON object a line.
    hello
        ``path`` (``sys.path``), ``address`` (or None: a cluster of our own), ``workers``, ``cards`` (None: those that
        Ray finds), ``folder`` (Ray's own files) and ``renew`` (a new process for each task on a card).
    """

    def __init__(self, answers: Any, hello: Mapping[str, Any]) -> None:
        self._answers = answers
        self._hello = hello
        self._own = hello["address"] is None
        self._lock = threading.Lock()
        self._nodes: tuple[float, list[dict[str, float]]] = (-1.0, [])
        self._waiting: dict[int, tuple[Message, float]] = {}
        self._seen_fit: set[tuple[float, ...]] = set()

    def connect(self) -> None:
        """Start or reach the cluster, and tell that it is ready."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray

        variables = dict.fromkeys(THREAD_VARIABLES, "1")
        variables |= {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        # A task that asks for no card sees what its node shows it, as on this machine without Ray.
        variables["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        common: dict[str, Any] = {
            "runtime_env": {"env_vars": variables},
            "log_to_driver": False,
            "logging_level": "error",
            "namespace": "presage",
        }
        address = self._hello["address"]
        if self._own:
            # Ray would give workers the lowest priority but four; those of the local engine have the user's own.
            os.environ.setdefault("RAY_worker_niceness", "0")
            ray.init(
                address="local",
                num_cpus=self._hello["workers"],
                num_gpus=self._hello["cards"],
                include_dashboard=False,
                object_store_memory=_STORE,
                _temp_dir=self._hello["folder"],
                **common,
            )
            ours = children_of(os.getpid())
            threading.Thread(target=self._watch_processes, args=(ours,), daemon=True).start()
        else:
            _reachable(address)
            ray.init(address=address, **common)
        threading.Thread(target=self._watch_waiting, daemon=True).start()
        # Ray gives a process another card for each task, but CUDA keeps the first that it saw.
        self._on_card = ray.remote(max_retries=0, max_calls=1 if self._hello["renew"] else 0)(perform)
        self._on_cpu = ray.remote(max_retries=0)(perform)
        self.tell(event="ready", nodes=self._totals())

    def attend(self, message: Message) -> None:
        """Hand a task to Ray and tell what becomes of it."""
        number, shape = message["number"], message["shape"]
        try:
            enough = sum(node["gpus"] for node in self._totals()) >= message["cards"]
            if not enough or (not self._fits(shape) and tuple(shape.values()) not in self._seen_fit):
                self.tell(event="impossible", number=number, nodes=self._totals())
                return
            self._waiting[number] = message, time.monotonic()
            answer = self._answer(number, shape, message["task"])
        except Exception as error:
            answer = _lost(error)
            if "cluster" in answer:
                print(answer["cluster"], file=sys.stderr, flush=True)
                self.end(CLUSTER_LOST)
        finally:
            self._waiting.pop(number, None)
        self.tell(event="end", number=number, answer=answer)

    def _answer(self, number: int, shape: Mapping[str, float], text: str) -> Message:
        import ray

        options: dict[str, Any] = {"num_cpus": shape["cpus"], "memory": int(shape["memory_gb"] * 1e9)}
        function = self._on_cpu
        if shape["gpus"]:
            options["num_gpus"] = shape["gpus"]
            function = self._on_card
        steps: Any = function.options(num_returns="streaming", **options).remote(self._hello["path"], text)
        where = ray.get(next(steps))
        self._waiting.pop(number, None)
        self.tell(event="start", number=number, where=where)
        return dict(json.loads(str(ray.get(next(steps)))))

    def tell(self, **message: Any) -> None:
        """Write one message."""
        with self._lock, suppress(BrokenPipeError):
            self._answers.write(json.dumps(message) + "\n")
            self._answers.flush()

    def end(self, status: int) -> None:
        """Leave nothing behind and exit, whatever other threads wait for."""
        if self._own:
            end_session(os.getsid(0))
        shutil.rmtree(self._hello["folder"], ignore_errors=True)
        # A cluster that was there before ends the tasks of a driver that is gone.
        os._exit(status)

    def _totals(self) -> list[dict[str, float]]:
        """What each living node has in all."""
        import ray

        asked, nodes = self._nodes
        if time.monotonic() - asked > 2 or not nodes:
            found = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
            nodes = [{name: n.get(ray_name, 0.0) / unit for name, (ray_name, unit) in _UNITS.items()} for n in found]
            self._nodes = time.monotonic(), nodes
        return nodes

    def _fits(self, shape: Mapping[str, float]) -> bool:
        fits = any(all(node[name] >= shape[name] for name in shape) for node in self._totals())
        if fits:
            self._seen_fit.add(tuple(shape.values()))
        return fits

    def _watch_processes(self, ours: list[int]) -> None:
        """Ray itself takes a quarter of a minute to see that its node is gone."""
        while all(map(is_alive, ours)):
            time.sleep(0.2)
        print("a process of the Ray cluster on this machine died", file=sys.stderr, flush=True)
        self.end(CLUSTER_LOST)

    def _watch_waiting(self) -> None:
        """A task that no node can do any more (its node is lost) would wait for ever."""
        poor: dict[int, float] = {}
        while True:
            time.sleep(2)
            with suppress(Exception):
                for number, (message, _) in list(self._waiting.items()):
                    if self._fits(message["shape"]):
                        poor.pop(number, None)
                    elif time.monotonic() - poor.setdefault(number, time.monotonic()) > PATIENCE:
                        self.tell(event="impossible", number=number, nodes=self._totals())


def _lost(error: Exception) -> Message:
    """What to make of an error of Ray: the worker died, its node did, or the cluster."""
    from ray import exceptions

    words = f" ({type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')[:200]})"
    if isinstance(error, exceptions.LocalRayletDiedError):
        return {"cluster": str(error)}
    if isinstance(error, exceptions.NodeDiedError | exceptions.ObjectLostError | exceptions.OwnerDiedError):
        return {"lost": words}
    if isinstance(error, exceptions.WorkerCrashedError | exceptions.OutOfMemoryError | exceptions.TaskCancelledError):
        return {"died": words}
    if isinstance(error, exceptions.RayTaskError):
        return {
            "ok": False,
            "what": f"{type(error).__name__}: {error.cause!r}",
            "where": "",
            "cure": "",
            "trace": str(error),
        }
    if isinstance(error, exceptions.RayError):
        return {"lost": words}
    return {"cluster": "".join(traceback.format_exception(error))}


def _reachable(address: str) -> None:
    """Ray tries for minutes; whether anything listens is known at once."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return
    with socket.create_connection((host, int(port)), timeout=10):
        pass


def refusal(error: Exception, address: str | None) -> dict[str, str]:
    """What to say where a cluster cannot be started or reached."""
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    if isinstance(error, ImportError):
        return {"what": f"Ray cannot be imported: {first}", "cure": "pip install 'presage[ray]'"}
    if address is None:
        return {
            "what": f"Ray does not start on this machine: {first[:400]}",
            "cure": "run with `engine: {name: local}`, or give the address of a running cluster",
        }
    return {
        "what": f"there is no Ray cluster to join at {address!r}: {first[:400]}",
        "cure": "start one (`ray start --head`), check host and port (`ray status`), and use the same versions of Ray "
        "and Python there and here; without an address, a cluster on this machine is started",
    }


if __name__ == "__main__":
    main()
