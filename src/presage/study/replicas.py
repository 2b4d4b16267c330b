"""One training on several processes, each with a device of its own, which add up their gradients.

The processes are workers of Ray Train: on the cluster that a task already runs on, else on a private one that is
started on this machine and ends with the training. What is computed is written once, for one replica or many: a
training asks its :class:`Replica` which part is its own, and adds up what the others found.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from presage.cohort import InputError
from presage.study.own_cluster import own_cluster

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How often a training is begun, or gone on with from its checkpoint, where replicas die.
ATTEMPTS = 3


@dataclass(frozen=True)
class Replica:
    """One of `count` processes that train the same network; alone by default.

    Attributes
    ----------
    rank
        Which one, from 0. The first one alone writes files.
    count
        How many there are.
    device
        Its device, ``cpu`` or ``cuda:1``.
    """

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def mine(self, items: Sequence[Item]) -> Sequence[Item]:
        """The part of `items` that falls to this replica; every item falls to exactly one."""
        return items[self.rank :: self.count]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all replicas, in one exchange; they must be of one dtype.

        Where all but one replica give zeros, the sum is that one's value to the bit.
        """
        if self.count == 1 or not tensors:
            return
        import torch
        import torch.distributed as distributed

        together = torch.cat([tensor.detach().reshape(-1).to(self.device) for tensor in tensors])
        distributed.all_reduce(together)
        parts = torch.split(together, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.detach().copy_(part.view_as(tensor))

    def agreed(self, data: bytes | None) -> bytes | None:
        """The bytes that the first replica has, for all: it alone need reach the file that they come from."""
        if self.count == 1:
            return data
        import torch
        import torch.distributed as distributed

        size = torch.tensor([-1 if data is None else len(data)], dtype=torch.int64, device=self.device)
        distributed.broadcast(size, src=0)
        length = int(size.item())
        if length < 0:
            return None
        if self.first and data is not None:
            content = torch.frombuffer(bytearray(data), dtype=torch.uint8).to(self.device)
        else:
            content = torch.empty(length, dtype=torch.uint8, device=self.device)
        distributed.broadcast(content, src=0)
        return content.cpu().numpy().tobytes()


def train_on_replicas(function: Callable[[Replica], Result], count: int, device: str = "cpu") -> Result:
    """Call `function` in `count` processes at once, each with its replica; what the first one returns.

    Parameters
    ----------
    function
        The whole training, with everything that it needs; it goes on from its own checkpoint where it is called again
        after a replica died. What it returns holds arrays, not tensors.
    count
        How many replicas.
    device
        ``cpu``, or ``cuda``: one card for each replica.

    Raises
    ------
    InputError
        If Ray is not installed, if this machine has too few cards, or if replicas died :data:`ATTEMPTS` times. An error
        that `function` raised is raised here as it is, an out-of-memory error of a device too.
    """
    on_cards = device.split(":")[0] == "cuda"
    _import_ray()
    with _cluster(count, on_cards):
        for attempt in range(ATTEMPTS):
            try:
                return cast(Result, _fit(function, count, on_cards))
            except Exception as error:
                raised = _raised_by_function(error)
                if raised is not None:
                    raise raised from error
                if attempt == ATTEMPTS - 1:
                    raise InputError(
                        f"replicas of a training died {ATTEMPTS} times: {_last_line(error)}",
                        cure="this is often too little memory: use fewer replicas, or smaller images or batches",
                    ) from error
    raise AssertionError("unreachable")


def _import_ray() -> None:
    # Read when Ray is imported or started: the interface of today, no reports to anyone, and paths that stay valid.
    for name, value in {
        "RAY_TRAIN_V2_ENABLED": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TRAIN_METRICS_ENABLED": "0",
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
    }.items():
        os.environ.setdefault(name, value)
    try:
        import ray.train.torch  # noqa: F401
    except ImportError as error:
        raise InputError(
            "a training on several replicas needs Ray Train, which is not installed",
            where="replicas",
            cure='pip install "presage[ray]", or replicas: 1',
        ) from error


@contextmanager
def _cluster(count: int, on_cards: bool) -> Iterator[None]:
    """The cluster that this process is part of, or a private one for as long as it is needed."""
    import ray as imported

    ray: Any = imported  # partly typed

    if ray.is_initialized():
        here = ray.get_runtime_context()
        held = here.get_assigned_resources().get("GPU", 0) if here.worker.mode == ray.WORKER_MODE else 0
        cards = ray.cluster_resources().get("GPU", 0) - held
        if on_cards and cards < count:
            raise _too_few(
                count, f"the cluster has {cards:g}" + (f" beside the {held:g} that the task holds" * bool(held))
            )
        yield
        return
    with own_cluster(count):
        cards = ray.cluster_resources().get("GPU", 0)
        if on_cards and cards < count:
            raise _too_few(count, f"this machine has {cards:g}")
        yield


def _too_few(count: int, there: str) -> InputError:
    return InputError(
        f"{count} replicas need {count} cards; {there}",
        where="replicas",
        cure="use fewer replicas, `device: cpu`, or a Ray cluster with enough cards",
    )


def _fit(function: Callable[[Replica], Any], count: int, on_cards: bool) -> Any:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    # Nothing of ours is written there: checkpoints are the training's own, where they outlive the cluster.
    with tempfile.TemporaryDirectory(prefix="presage-replicas-") as folder, _interrupts_as_before():
        trainer = TorchTrainer(
            cast(Any, _Loop(_packed(function), sys.path)),
            scaling_config=ScalingConfig(num_workers=count, use_gpu=on_cards),
            torch_config=TorchConfig(backend="nccl" if on_cards else "gloo"),
            # Whether to begin again is decided above, where an error of the training is told from a death.
            run_config=RunConfig(storage_path=folder, name="training", failure_config=FailureConfig(max_failures=0)),
        )
        finished: Any = trainer.fit()
        return _unpacked(finished.return_value)


class _Loop:
    """What runs in each worker.

    The function travels as bytes, from this process to its own workers alone, so that nobody on the way needs the
    modules that it comes from, and they are found where this process found them.
    """

    __name__ = "training"

    def __init__(self, function: bytes, path: list[str]) -> None:
        self.function, self.path = function, list(path)

    def __call__(self) -> bytes | None:
        from ray.train import get_context
        from ray.train.torch import get_device

        sys.path[:] = [*self.path, *(entry for entry in sys.path if entry not in self.path)]
        # Sums over cards in one order, whatever NCCL would measure to be fastest today.
        os.environ.setdefault("NCCL_ALGO", "Ring")
        context = get_context()
        replica = Replica(context.get_world_rank(), context.get_world_size(), str(get_device()))
        found = _unpacked(self.function)(replica)
        return _packed(found) if replica.first else None


def _packed(value: Any) -> bytes:
    from ray import cloudpickle

    return bytes(cast(Any, cloudpickle).dumps(value))


def _unpacked(data: bytes) -> Any:
    from ray import cloudpickle

    return cast(Any, cloudpickle).loads(data)


@contextmanager
def _interrupts_as_before() -> Iterator[None]:
    """Ray Train takes over Ctrl-C for good; who decided before decides afterwards."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _raised_by_function(error: Exception) -> Exception | None:
    """The error of the training itself, None where a process died or its neighbours lost it."""
    if isinstance(error, InputError):
        return error
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    failures = getattr(error, "worker_failures", None) or {}
    if not failures:
        return None if isinstance(error, (TrainingFailedError, RayError)) else error
    for _, failure in sorted(failures.items()):
        if (
            not isinstance(failure, RayError)
            and not type(failure).__module__.startswith("ray.")
            and not _alone(failure)
        ):
            return cast(Exception, failure)
    return None


def _alone(failure: Exception) -> bool:
    """Whether it is what the exchange says to a replica whose neighbour is gone."""
    from torch.distributed import DistError

    return isinstance(failure, DistError) or (
        isinstance(failure, RuntimeError) and any(word in str(failure) for word in ("gloo", "NCCL", "Connection"))
    )


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
