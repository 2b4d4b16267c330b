"""Training a fusion network: stopping on persons set aside inside the training fold, resuming to the same bytes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presage.cohort import InputError
from presage.depression.networks.batches import batches_by_length
from presage.depression.networks.examples import Examples, hide_modalities
from presage.depression.networks.schedule import Progress, Schedule
from presage.study.marker import Resources

if TYPE_CHECKING:
    from presage.depression.networks.network import InterviewNetwork

_CHECKPOINT = "training.safetensors"


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """One thread and deterministic algorithms, drawn from `seed`; everything is put back afterwards."""
    # What CUDA's matrix products need to repeat themselves; read when the first one runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng():
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
        Only parameters that require gradients are trained and saved; those below ``answers.fused.encoder`` are the
        pre-trained ones.
    schedule
        How.
    resources
        Seed, device, checkpoint folder, how many persons go through the device at once, and who is told of each epoch.
    key
        What a checkpoint must belong to (data, settings, seed), hashed; another one is not resumed from.
    """

    def __init__(self, network: InterviewNetwork, schedule: Schedule, resources: Resources, key: str = "") -> None:
        self.network, self.schedule, self.resources, self.key = network, schedule, resources, key
        network.to(resources.device)
        self.trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        groups = []
        for old in (False, True):
            for decays in (False, True):
                members = [
                    parameter
                    for name, parameter in self.trained.items()
                    if name.startswith("answers.fused.encoder.") == old and (parameter.ndim > 1) == decays
                ]
                rate = schedule.learning_rate if old else schedule.new_learning_rate
                decay = schedule.weight_decay if decays else 0.0
                groups.append({"params": members, "lr": rate, "base": rate, "weight_decay": decay})
        self.optimiser = torch.optim.AdamW([group for group in groups if group["params"]])
        self.best = {name: p.detach().clone() for name, p in self.trained.items()}
        self.progress = Progress()

    def run(self, training: Examples, validation: Examples | None) -> Progress:
        """Train until the epochs or the patience run out, then put the best epoch's weights into the network.

        Parameters
        ----------
        training
            To learn from.
        validation
            To stop by: persons of the training fold that are not in `training`. None trains all epochs and keeps the
            last.

        Raises
        ------
        InputError
            If the loss is not finite.
        """
        with reproducible(self.resources.seed):
            self._resume()
            while self.progress.epoch < self.schedule.epochs:
                if self.progress.epoch - self.progress.best_epoch >= self.schedule.patience:
                    break
                # Drawn anew for each epoch: so a resumed training goes on as the one that was killed.
                torch.manual_seed(self._seed(self.progress.epoch))
                loss = self._epoch(training)
                watched = loss if validation is None else self.loss(validation)
                self._finish_epoch(loss, watched, keep=validation is None)
            self._copy(self.best, {name: p.data for name, p in self.trained.items()})
        self.network.eval()
        return self.progress

    def loss(self, examples: Examples) -> float:
        """The head's loss on persons, with the network as it is."""
        self.network.eval()
        with torch.inference_mode():
            total, order, size = 0.0, np.argsort(examples.lengths(), kind="stable"), self.schedule.batch_size
            for start in range(0, len(order), size):
                part = order[start : start + size]
                logits = self.network(examples.batch(part).to(self.resources.device))
                scores, cases = (t.to(self.resources.device) for t in examples.targets(part))
                total += self.network.head.loss(logits, scores, cases).item() * len(part)
            return total / len(order)

    def _seed(self, epoch: int) -> int:
        return int(np.random.SeedSequence([self.resources.seed, epoch]).generate_state(1)[0])

    def _epoch(self, training: Examples) -> float:
        self.network.train()
        schedule, generator = self.schedule, np.random.default_rng([self.resources.seed, self.progress.epoch])
        per_epoch = math.ceil(len(training.persons) / schedule.batch_size)
        total, first = 0.0, self.progress.epoch * per_epoch
        batches = batches_by_length(training.lengths(), schedule.batch_size, generator)
        for index, members in enumerate(batches):
            factor = schedule.factor(first + index, schedule.epochs * per_epoch)
            for group in self.optimiser.param_groups:
                group["lr"] = group["base"] * factor
            total += self._step(training, members) * len(members)
        return total / len(training.persons)

    def _step(self, training: Examples, members: NDArray[np.int64]) -> float:
        """One step; a batch too large for the device goes through in parts whose gradients are added up."""
        self.optimiser.zero_grad(set_to_none=True)
        size, total = self.resources.microbatch(len(members)), 0.0
        device, half = self.resources.device, self.schedule.precision == "bfloat16"
        for start in range(0, len(members), size):
            part = members[start : start + size]
            batch = training.batch(part)
            if self.schedule.modality_dropout:
                batch = hide_modalities(batch, self.schedule.modality_dropout, torch.default_generator)
            with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=half):
                logits = self.network(batch.to(device))
            scores, cases = (target.to(device) for target in training.targets(part))
            loss = self.network.head.loss(logits.float(), scores, cases) * (len(part) / len(members))
            if not torch.isfinite(loss):
                raise InputError(
                    f"the training loss became {loss.item()} in epoch {self.progress.epoch + 1}",
                    cure="lower the learning rate, or use precision float32",
                )
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        self.optimiser.step()
        return total

    def _finish_epoch(self, loss: float, watched: float, keep: bool) -> None:
        progress = self.progress
        progress.epoch += 1
        progress.losses.append(watched)
        self.resources.log(progress.epoch, training_loss=loss, validation_loss=watched)
        if keep or watched < progress.best_loss:
            progress.best_loss, progress.best_epoch = watched, progress.epoch
            self._copy({name: p.data for name, p in self.trained.items()}, self.best)
        self._save()

    @staticmethod
    def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
        for name, value in source.items():
            target[name].copy_(value)

    def _save(self) -> None:
        if self.resources.scratch is None:
            return
        from safetensors.torch import save

        tensors = {f"best.{name}": value for name, value in self.best.items()}
        for name, parameter in self.trained.items():
            tensors[f"now.{name}"] = parameter.data
            for part, value in self.optimiser.state[parameter].items():
                tensors[f"optimiser.{part}.{name}"] = value
        facts = {"key": self.key, "progress": json.dumps(asdict(self.progress))}
        data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata=facts)
        self.resources.scratch.write(_CHECKPOINT, data)

    def _resume(self) -> None:
        """Go on from the checkpoint where there is one of the same training."""
        scratch = self.resources.scratch
        if scratch is None or not scratch.exists(_CHECKPOINT):
            return
        from safetensors import SafetensorError
        from safetensors.torch import load

        data = scratch.read(_CHECKPOINT)
        try:
            tensors = load(data)
            # The facts stand in the file's head: eight bytes of length, then JSON.
            facts = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        except (SafetensorError, ValueError, KeyError):
            # A damaged checkpoint costs time, not correctness: training starts again.
            return
        if facts.get("key") != self.key:
            return
        self.progress = Progress(**json.loads(facts["progress"]))
        for name, parameter in self.trained.items():
            parameter.data.copy_(tensors[f"now.{name}"])
            self.best[name].copy_(tensors[f"best.{name}"])
            if f"optimiser.step.{name}" not in tensors:
                continue  # a parameter that no person has reached yet
            self.optimiser.state[parameter] = {
                part: tensors[f"optimiser.{part}.{name}"].to("cpu" if part == "step" else parameter.device)
                for part in ("step", "exp_avg", "exp_avg_sq")
            }
