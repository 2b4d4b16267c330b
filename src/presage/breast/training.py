"""Training the open part of a trunk: early stopping on an inner split, checkpoints that resume to the same bytes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from presage.breast.checkpoint import Checkpoint, Progress
from presage.cohort import InputError
from presage.study.folder import Folder
from presage.study.replicas import Replica

if TYPE_CHECKING:
    from torch import Tensor, nn


class Batch(NamedTuple):
    """The part of a batch that falls to one replica: all of it where there is one.

    Attributes
    ----------
    inputs, targets
        The examples of this replica, shapes (part, ...) and (part,); there may be none.
    size
        Examples in the whole batch.
    """

    inputs: Tensor
    targets: Tensor
    size: int


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
        The folder in which the state after each epoch is kept; None to keep none.
    key
        What the state must belong to (data, settings, seed); another one is not taken.
    microbatch
        How many examples of a batch of so many go through the device at once.
    replica
        Which of the processes that train this network together; each is given its part of every batch.
    log
        Told ``(epoch, train_loss=, validation_loss=)`` for each epoch, from 1, those before a resumption included.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        *,
        device: str = "cpu",
        checkpoint: Folder | None = None,
        key: str = "",
        microbatch: Callable[[int], int] = lambda size: size,
        replica: Replica | None = None,
        log: Callable[..., None] = lambda epoch, **values: None,
    ) -> None:
        import torch

        self.network, self.schedule, self.device = network, schedule, device
        self.microbatch, self.replica, self.log = microbatch, replica or Replica(device=device), log
        self.checkpoint = Checkpoint(checkpoint, key, self.replica)
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
            The batches of an epoch, decided by the number of the epoch alone: so a resumed training goes on exactly as
            the one that was killed.
        steps_per_epoch
            How many batches there are.
        validation_loss
            Loss on the inner validation patients with the network as it is; the same number in every replica.

        Raises
        ------
        InputError
            If the loss is not finite.
        """
        self._resume()
        for epoch in range(self.progress.epoch):
            self._log(epoch)
        steps = self.schedule.epochs * steps_per_epoch
        while self.progress.epoch < self.schedule.epochs:
            if self.progress.epoch - self.progress.best_epoch >= self.schedule.patience:
                break
            losses, sizes = [], []
            for index, batch in enumerate(batches(self.progress.epoch)):
                losses.append(self._step(batch, self.progress.epoch * steps_per_epoch + index, steps))
                sizes.append(batch.size)
            self._finish_epoch(float(np.average(losses, weights=sizes)), validation_loss())
        self._copy(self.best, {name: p.data for name, p in self.trained.items()})
        return self.progress

    def _step(self, batch: Batch, step: int, steps: int) -> float:
        """One step by the gradient of the whole batch; the batch's mean loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * self.schedule.factor(step, steps)
        loss = self.gradients(batch)
        if not math.isfinite(loss):
            raise InputError(
                f"the training loss became {loss} in epoch {self.progress.epoch + 1}",
                where="GoogLeNet",
                cure="lower learning_rate, or use precision float32",
            )
        self.optimiser.step()
        return loss

    def gradients(self, batch: Batch) -> float:
        """Put the gradient of the whole batch's mean loss into the parameters; that loss.

        The parts of a batch that go through the device one after another, and those of other replicas, are weighted by
        their size and added up, so that only the rounding tells how a batch was divided. (Batch normalisation keeps its
        statistics, so that an example does not feel its neighbours.)
        """
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        self.optimiser.zero_grad(set_to_none=True)
        here, total = len(batch.targets), torch.zeros((), device=self.device)
        together = self.microbatch(here) if here else 1
        half = self.schedule.precision == "bfloat16"
        for start in range(0, here, together):
            inputs, targets = batch.inputs[start : start + together], batch.targets[start : start + together]
            with torch.autocast(self.device.split(":")[0], dtype=torch.bfloat16, enabled=half):
                logits = self.network(inputs.to(self.device))
            mean = binary_cross_entropy_with_logits(logits.float(), targets.to(self.device))
            loss = mean * (len(targets) / batch.size)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        if self.replica.count > 1:
            for parameter in self.trained.values():
                if parameter.grad is None:  # no example of this batch fell to this replica
                    parameter.grad = torch.zeros_like(parameter)
            self.replica.add_up([total, *(p.grad for p in self.trained.values() if p.grad is not None)])
        return float(total)

    def _finish_epoch(self, training: float, validation: float) -> None:
        progress = self.progress
        progress.epoch += 1
        progress.training.append(training)
        progress.losses.append(validation)
        if validation < progress.best_loss:
            progress.best_loss, progress.best_epoch = validation, progress.epoch
            self._copy({name: p.data for name, p in self.trained.items()}, self.best)
        self._save()
        self._log(progress.epoch - 1)

    def _log(self, epoch: int) -> None:
        progress = self.progress
        self.log(epoch + 1, train_loss=progress.training[epoch], validation_loss=progress.losses[epoch])

    @staticmethod
    def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
        for name, value in source.items():
            target[name].copy_(value)

    def _save(self) -> None:
        tensors = {f"best.{name}": value for name, value in self.best.items()}
        for name, parameter in self.trained.items():
            tensors[f"now.{name}"] = parameter.data
            for part, value in self.optimiser.state[parameter].items():
                tensors[f"optimiser.{part}.{name}"] = value
        self.checkpoint.save(self.progress, tensors)

    def _resume(self) -> None:
        """Go on from the checkpoint where there is one of the same training."""
        found = self.checkpoint.load()
        if found is None:
            return
        self.progress, tensors = found
        for name, parameter in self.trained.items():
            parameter.data.copy_(tensors[f"now.{name}"])
            self.best[name].copy_(tensors[f"best.{name}"])
            self.optimiser.state[parameter] = {
                part: tensors[f"optimiser.{part}.{name}"].to("cpu" if part == "step" else self.device)
                for part in ("step", "exp_avg", "exp_avg_sq")
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
