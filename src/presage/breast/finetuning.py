"""Fine-tuning a trunk on the patients of a fold, by one process or by several replicas of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from presage.breast.checkpoint import Progress
from presage.breast.training import Batch, Trainer, inner_split, reproducible
from presage.breast.trunks.weights import weights_digest
from presage.breast.views import recordings_by_view
from presage.cohort import Cohort
from presage.study.marker import Resources
from presage.study.replicas import Replica, train_on_replicas

if TYPE_CHECKING:
    from presage.breast.googlenet import GoogLeNet
    from presage.breast.tuned import TunedNetwork

# Images in one pass when nothing is trained; each is still computed on its own terms (no batch statistics).
_PASS = 16


@dataclass(frozen=True)
class Returned:
    """What the first replica sends back: a marker's state, and what it told its resources."""

    state: tuple[dict[str, NDArray[Any]], dict[str, Any]]
    curves: list[dict[str, float]]
    notes: list[str]


def fine_tuned_together(marker: GoogLeNet, cohort: Cohort, resources: Resources) -> Returned:
    """:func:`fine_tuned` on as many replicas as `marker` says."""
    recordings, _ = recordings_by_view(cohort, marker.views)
    # Here, once: the replicas find in the cache what each would have to compute otherwise.
    resources.encoded(marker.encoders()[0], recordings)
    fresh = marker.model_validate(marker.model_dump())
    return train_on_replicas(_Fit(fresh, cohort, resources), marker.replicas, resources.device)


@dataclass(frozen=True)
class _Fit:
    marker: GoogLeNet
    cohort: Cohort
    resources: Resources

    def __call__(self, replica: Replica) -> Returned:
        resources = replace(self.resources, device=replica.device, curves=[], notes=[])
        self.marker.take(*fine_tuned(self.marker, self.cohort, resources, replica))
        return Returned(self.marker.state(), resources.curves, resources.notes)


def fine_tuned(
    marker: GoogLeNet, cohort: Cohort, resources: Resources, replica: Replica | None = None
) -> tuple[TunedNetwork, Progress]:
    """The network trained on the patients of `cohort`, a part of whom is set aside to stop by.

    Called in several replicas at once, each computes its part of every batch; the weights are the same in all of them,
    and differ from those that one process would find by rounding alone.
    """
    from presage.breast.tuned import TunedNetwork

    replica = replica or Replica(device=resources.device)
    with reproducible(resources.seed):
        network = TunedNetwork.start(marker.trunk, marker.weights, marker.frozen, resources.device)
        examples = Examples(marker, cohort, resources, replica, network)
        examples.standardise()
        trainer = Trainer(
            network,
            marker.schedule(),
            device=resources.device,
            checkpoint=resources.scratch,
            key=training_key(marker, cohort, resources),
            microbatch=resources.microbatch,
            replica=replica,
            log=resources.log if replica.first else lambda epoch, **values: None,
        )
        return network, trainer.run(examples.batches, examples.steps, examples.validation_loss)


def training_key(marker: GoogLeNet, cohort: Cohort, resources: Resources) -> str:
    """What a checkpoint must have been trained on, with and by; hashed, as it holds patient ids.

    Of the device its kind alone: another card of the machine may go on, a CPU may not.
    """
    facts = {
        "settings": marker.model_dump(mode="json"),
        "encoder": marker.encoders()[0].fingerprint(),
        "weights": weights_digest(marker.trunk, marker.weights),
        "seed": resources.seed,
        "device": resources.device.split(":")[0],
        "patients": list(cohort.patient_ids),
        "cases": np.asarray(cohort.cases()).astype(int).tolist(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Examples:
    """The images that a network is trained on, and those that its training is stopped by."""

    def __init__(
        self, marker: GoogLeNet, cohort: Cohort, resources: Resources, replica: Replica, network: TunedNetwork
    ) -> None:
        self.marker, self.network, self.replica, self.resources = marker, network, replica, resources
        recordings, owners = recordings_by_view(cohort, marker.views)
        self.arrays = resources.encoded(marker.encoders()[0], recordings)
        self.of_image = np.array([patient for patient, _ in owners])
        self.cases = np.asarray(cohort.cases())
        generator = np.random.default_rng([resources.seed, 0])
        learning, self.stopping = inner_split(self.cases, marker.validation, generator)
        self.examples = np.flatnonzero(learning[self.of_image])
        self.watched = np.flatnonzero(self.stopping[self.of_image])

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return len(self._starts())

    def _starts(self) -> range:
        return range(0, len(self.examples), self.marker.batch_size)

    def standardise(self) -> None:
        """Let the head read features relative to those of the training images; each replica computes a part of them."""
        import torch

        together = self.resources.microbatch(_PASS)
        pooled = torch.zeros(len(self.examples), len(self.network.reference))
        for start in self.replica.mine(range(0, len(self.examples), together)):
            inputs = [self.marker.open_inputs(self.arrays[i]) for i in self.examples[start : start + together]]
            pooled[start : start + together] = self.network.pooled(inputs).cpu()
        self.replica.add_up([pooled])
        self.network.standardise_by(pooled)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The examples of one epoch in its own order, each changed in its own way; of those this replica's part."""
        import torch

        generator = np.random.default_rng([self.resources.seed, 1, epoch])
        order = generator.permutation(self.examples)
        cases = self.cases[self.of_image].astype(np.float32)
        for start in self._starts():
            chosen = order[start : start + self.marker.batch_size]
            # Drawn for all of them, so that a change does not depend on who makes it.
            drawn = [(index, self.marker.drawn_change(self.arrays[index], generator)) for index in chosen]
            mine = self.replica.mine(drawn)
            inputs = [self.marker.changed(self.arrays[index], change) for index, change in mine]
            targets = torch.from_numpy(cases[[index for index, _ in mine]])
            yield Batch(self.network.inputs(inputs) if inputs else torch.empty(0), targets, len(chosen))

    def validation_loss(self) -> float:
        """Mean loss of the patients who are not trained on; each replica computes the logits of a part."""
        import torch

        logits = np.zeros(len(self.watched))
        mine = self.replica.mine(range(len(self.watched)))
        inputs = [self.marker.open_inputs(self.arrays[self.watched[position]]) for position in mine]
        logits[list(mine)] = self.network.logits(inputs)
        self.replica.add_up([torch.from_numpy(logits)])
        by_patient = mean_by_owner(logits, self.of_image[self.watched], len(self.cases))
        return log_loss(by_patient[self.stopping], self.cases[self.stopping])


def mean_by_owner(values: NDArray[np.float64], owners: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Mean value of each of `count` owners, 0 for one without values."""
    total, images = np.zeros(count), np.zeros(count)
    np.add.at(total, owners, values)
    np.add.at(images, owners, 1)
    return np.asarray(total / np.maximum(images, 1))


def log_loss(logits: NDArray[np.float64], cases: NDArray[np.bool_]) -> float:
    """Mean negative log-likelihood of outcomes given logits."""
    return float(np.mean(np.logaddexp(0, np.where(cases, -logits, logits))))
