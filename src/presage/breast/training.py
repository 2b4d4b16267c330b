"""Training the open part of a trunk: early stopping on an inner split, checkpoints that resume to the same bytes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

Batch = tuple["Tensor", "Tensor"]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes
    ----------
    epochs, patience
        Largest number of passes; passes without a better validation loss after which training stops.
    learning_rate, head_learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter, ICLR 2019), for the trunk and for the new head.
    warm_up
        Share of all steps in which the learning rate rises; then it falls as a cosine.
    precision
        ``float32``, or ``bfloat16`` for the passes through the network.
    """

    epochs: int
    patience: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float
    warm_up: float
    precision: str

    def factor(self, step: int, steps: int) -> float:
        """The learning rate's factor at `step` of `steps`."""
        rising = max(1, round(self.warm_up * steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


@dataclass
class Progress:
    """Where a training stands, beside the tensors."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    losses: list[float] = field(default_factory=list)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """One thread and deterministic algorithms, drawn from `seed`; everything is put back afterwards.

    Sums in another order give other weights, so that the number of threads may not decide it. Work is spread over
    processes instead.
    """
    import torch

    # What CUDA's matrix products need to repeat themselves; read when the first one runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


class Trainer:
    """Trains one network and remembers the epoch with the lowest validation loss.

    Parameters
    ----------
    network
        Gives logits, shape (batch,); its new layer is called ``head``. Only parameters that require gradients are
        trained and saved.
    schedule
        How.
    device
        ``cpu`` or a torch device.
    checkpoint
        Where to keep the state after each epoch; None to keep none.
    key
        What the checkpoint must belong to (data, settings, seed); another one is refused.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        *,
        device: str = "cpu",
        checkpoint: Path | None = None,
        key: str = "",
    ) -> None:
        import torch

        self.network, self.schedule, self.device = network, schedule, device
        self.checkpoint, self.key = checkpoint, key
        self.trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        groups = [
            {
                "params": [p for name, p in self.trained.items() if name.startswith("head.") == is_head],
                "lr": rate,
                "base": rate,
            }
            for is_head, rate in ((False, schedule.learning_rate), (True, schedule.head_learning_rate))
        ]
        self.optimiser = torch.optim.AdamW(
            [group for group in groups if group["params"]], weight_decay=schedule.weight_decay
        )
        self.best = {name: p.detach().clone() for name, p in self.trained.items()}
        self.progress = Progress()

    def run(
        self,
        batches: Callable[[int], Iterator[Batch]],
        steps_per_epoch: int,
        validation_loss: Callable[[], float],
    ) -> Progress:
        """Train until the epochs or the patience run out, then put the best epoch's weights into the network.

        Parameters
        ----------
        batches
            The inputs and targets of an epoch, decided by the number of the epoch alone: so a resumed training goes on
            exactly as the one that was killed.
        steps_per_epoch
            How many batches there are.
        validation_loss
            Loss on the inner validation patients with the network as it is.

        Raises
        ------
        InputError
            If the loss is not finite.
        """
        self._resume()
        steps = self.schedule.epochs * steps_per_epoch
        while self.progress.epoch < self.schedule.epochs:
            if self.progress.epoch - self.progress.best_epoch >= self.schedule.patience:
                break
            for index, (inputs, targets) in enumerate(batches(self.progress.epoch)):
                self._step(inputs, targets, self.progress.epoch * steps_per_epoch + index, steps)
            self._finish_epoch(validation_loss())
        self._copy(self.best, {name: p.data for name, p in self.trained.items()})
        return self.progress

    def _step(self, inputs: Tensor, targets: Tensor, step: int, steps: int) -> None:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * self.schedule.factor(step, steps)
        self.optimiser.zero_grad(set_to_none=True)
        half = self.schedule.precision == "bfloat16"
        with torch.autocast(self.device.split(":")[0], dtype=torch.bfloat16, enabled=half):
            logits = self.network(inputs.to(self.device))
        loss = binary_cross_entropy_with_logits(logits.float(), targets.to(self.device))
        if not torch.isfinite(loss):
            raise InputError(
                f"the training loss became {loss.item()} in epoch {self.progress.epoch + 1}",
                where="GoogLeNet",
                cure="lower learning_rate, or use precision float32",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def _finish_epoch(self, loss: float) -> None:
        progress = self.progress
        progress.epoch += 1
        progress.losses.append(loss)
        if loss < progress.best_loss:
            progress.best_loss, progress.best_epoch = loss, progress.epoch
            self._copy({name: p.data for name, p in self.trained.items()}, self.best)
        self._save()

    @staticmethod
    def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
        for name, value in source.items():
            target[name].copy_(value)

    def _save(self) -> None:
        """Write the checkpoint under another name first, so that a kill leaves the old one or the new one."""
        if self.checkpoint is None:
            return
        from safetensors.torch import save

        tensors = {f"best.{name}": value for name, value in self.best.items()}
        for name, parameter in self.trained.items():
            tensors[f"now.{name}"] = parameter.data
            for part, value in self.optimiser.state[parameter].items():
                tensors[f"optimiser.{part}.{name}"] = value
        facts = {"key": self.key, "progress": json.dumps(asdict(self.progress))}
        data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata=facts)
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        draft = self.checkpoint.with_suffix(".part")
        draft.write_bytes(data)
        draft.replace(self.checkpoint)

    def _resume(self) -> None:
        """Go on from the checkpoint where there is one of the same training."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.checkpoint, framework="pt", device=self.device) as file:
                facts = file.metadata() or {}
                if facts.get("key") != self.key:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            # A damaged checkpoint costs time, not correctness: training starts again.
            return
        self.progress = Progress(**json.loads(facts["progress"]))
        for name, parameter in self.trained.items():
            parameter.data.copy_(tensors[f"now.{name}"])
            self.best[name].copy_(tensors[f"best.{name}"])
            parts = ("step", "exp_avg", "exp_avg_sq")
            self.optimiser.state[parameter] = {
                part: tensors[f"optimiser.{part}.{name}"].to("cpu" if part == "step" else self.device) for part in parts
            }


def inner_split(
    cases: NDArray[np.bool_], share: float, generator: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks (n,) of the patients to train on and to stop by: `share` of each class, at least one.

    Raises
    ------
    InputError
        If a class has fewer than two patients.
    """
    validation = np.zeros(len(cases), dtype=bool)
    for members in (np.flatnonzero(cases), np.flatnonzero(~cases)):
        if len(members) < 2:
            raise InputError(
                f"{len(members)} training patient(s) of one class: none can be set aside to stop the training by",
                cure="use fewer folds or a larger cohort",
            )
        count = min(len(members) - 1, max(1, round(share * len(members))))
        validation[generator.permutation(members)[:count]] = True
    return ~validation, validation
