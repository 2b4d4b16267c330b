"""A batch divided: gradients of parts and of replicas add up to the whole batch's, whoever computes them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

from presage.breast import GoogLeNet
from presage.breast.augment import Augmentation
from presage.breast.finetuning import Examples, training_key
from presage.breast.training import Batch, Schedule, Trainer, reproducible
from presage.breast.tuned import TunedNetwork
from presage.cohort import Cohort
from presage.study.folder import folder_at
from presage.study.marker import Resources
from presage.study.replicas import Replica

SMALL: dict[str, Any] = {
    "size": (128, 96),
    "spacing_mm": 1.6,
    "freeze": "stage6.3",
    "copies": 1,
    "epochs": 2,
    "patience": 2,
    "batch_size": 6,
}


class Halves:
    """Two replicas in two threads of this process: exchanges add up what both bring."""

    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count, timeout=60)
        self.brought: dict[int, list[torch.Tensor]] = {}

    def replica(self, rank: int, count: int) -> Replica:
        halves = self

        class InThread(Replica):
            def add_up(self, tensors: Any) -> None:
                halves.brought[self.rank] = [tensor.detach().clone() for tensor in tensors]
                halves.barrier.wait()
                for position, tensor in enumerate(tensors):
                    tensor.detach().copy_(sum(halves.brought[r][position] for r in range(self.count)))
                halves.barrier.wait()

        return InThread(rank, count)


def gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in trainer.trained.items() if p.grad is not None}


def trainer_of(marker: GoogLeNet, network: TunedNetwork, **settings: Any) -> Trainer:
    return Trainer(network, marker.schedule(), **settings)


@pytest.fixture
def prepared(cohort: Cohort) -> tuple[GoogLeNet, TunedNetwork, Batch]:
    """A network with a head that is not zero, so that gradients reach its layers, and one batch of six images."""
    marker = GoogLeNet(**SMALL)
    resources = Resources(seed=3)
    network = TunedNetwork.start(marker.trunk, None, marker.frozen, "cpu")
    examples = Examples(marker, cohort.select(cohort.patient_ids[:8]), resources, Replica(), network)
    examples.standardise()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network.head.weight.normal_(0, 0.1)
    return marker, network, next(examples.batches(0))


@pytest.mark.parametrize("divisor", [2, 4, 100])
def test_parts_of_a_batch_add_up_to_its_gradient(prepared: tuple[GoogLeNet, TunedNetwork, Batch], divisor: int) -> None:
    marker, network, batch = prepared
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    with reproducible(0):
        whole, loss = trainer_of(marker, network), 0.0
        loss = whole.gradients(batch)
        expected = gradients(whole)
        divided = trainer_of(marker, network, microbatch=Resources(divisor=divisor).microbatch)
        assert divided.gradients(batch) == pytest.approx(loss, rel=1e-6)
    assert sizes[0] == len(batch.targets) == 6
    assert max(sizes[1:]) == max(1, 6 // divisor)
    found = gradients(divided)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-6 * float(gradient.abs().max())), name


@pytest.mark.parametrize("size", [6, 1])
def test_replicas_add_up_to_the_gradient_of_the_whole_batch(
    prepared: tuple[GoogLeNet, TunedNetwork, Batch], size: int
) -> None:
    """With one example and two replicas, one of them has none."""
    marker, network, batch = prepared
    whole = trainer_of(marker, network)
    loss = whole.gradients(Batch(batch.inputs[:size], batch.targets[:size], size))
    expected = gradients(whole)
    halves, found, losses = Halves(2), {}, {}
    networks = [network, TunedNetwork.start(marker.trunk, None, marker.frozen, "cpu")]
    networks[1].load_state_dict(network.state_dict())

    def train(rank: int) -> None:
        torch.set_num_threads(1)
        trainer = trainer_of(marker, networks[rank], replica=halves.replica(rank, 2))
        part = Batch(batch.inputs[rank:size:2], batch.targets[rank:size:2], size)
        losses[rank] = trainer.gradients(part)
        found[rank] = gradients(trainer)

    threads = [threading.Thread(target=train, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert losses[0] == losses[1] == pytest.approx(loss, rel=1e-6)
    for name, gradient in expected.items():
        assert torch.equal(found[0][name], found[1][name])
        assert torch.allclose(found[0][name], gradient, rtol=1e-4, atol=1e-6 * float(gradient.abs().max())), name


@pytest.mark.parametrize("freeze", ["stage6.3", ""])
def test_replicas_divide_the_examples_of_one_process(cohort: Cohort, freeze: str) -> None:
    marker = GoogLeNet(**SMALL | {"freeze": freeze, "batch_size": 5})
    network = TunedNetwork.start(marker.trunk, None, marker.frozen, "cpu")
    women, resources = cohort.select(cohort.patient_ids[:8]), Resources(seed=3)
    whole = list(Examples(marker, women, resources, Replica(), network).batches(1))
    parts = [list(Examples(marker, women, resources, Replica(rank, 2), network).batches(1)) for rank in range(2)]
    assert len(whole) == len(parts[0]) == len(parts[1])
    for step, batch in enumerate(whole):
        for rank in range(2):
            part = parts[rank][step]
            assert part.size == batch.size == len(batch.targets)
            assert torch.equal(part.targets, batch.targets[rank::2])
            assert torch.equal(part.inputs.reshape(len(part.targets), -1), batch.inputs[rank::2].flatten(1))


def test_a_change_is_drawn_before_it_is_made() -> None:
    image = np.random.default_rng(0).uniform(0.2, 0.8, (40, 30)).astype(np.float32)
    augmentation = Augmentation()
    change = augmentation.drawn(np.random.default_rng(5))
    applied = augmentation.apply(image, np.random.default_rng(5))
    assert augmentation.changed(image, change).tobytes() == applied.tobytes()
    assert not np.array_equal(applied, image)


def test_a_checkpoint_belongs_to_the_kind_of_device_and_to_the_number_of_replicas(cohort: Cohort) -> None:
    def key(marker: GoogLeNet, **resources: Any) -> str:
        return training_key(marker, cohort, Resources(**resources))

    marker = GoogLeNet(**SMALL)
    assert key(marker, device="cuda:0") == key(marker, device="cuda:3") == key(marker, device="cuda", divisor=4)
    keys = {key(marker), key(marker, device="cuda"), key(GoogLeNet(**SMALL, replicas=2)), key(marker, seed=1)}
    assert len(keys) == 4


def test_curves_say_the_losses_of_each_epoch() -> None:
    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(1, 1)
            torch.nn.init.zeros_(self.head.weight)
            torch.nn.init.zeros_(self.head.bias)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x)[:, 0]

    resources = Resources()
    losses = iter([0.5, 0.4])
    schedule = Schedule(2, 2, 1e-2, 1e-2, 0.0, 0.1, "float32")
    batches = [Batch(torch.zeros(3, 1), torch.tensor([1.0, 0.0, 1.0]), 3), Batch(torch.zeros(1, 1), torch.zeros(1), 1)]
    Trainer(Line(), schedule, log=resources.log).run(lambda epoch: iter(batches), 2, lambda: next(losses))
    assert [(point["step"], point["validation_loss"]) for point in resources.curves] == [(1, 0.5), (2, 0.4)]
    # The first epoch begins with logits of nought: ln 2 for every example, and little has changed after one step.
    assert resources.curves[0]["train_loss"] == pytest.approx(np.log(2), abs=0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)  # two processes that load large libraries
def test_two_replicas_find_the_weights_of_one(cohort: Cohort, tmp_path: Any) -> None:
    """Through Ray Train on a private cluster, killed in the second epoch, gone on with from the checkpoint."""
    from replica_that_dies import DiesOnce

    women = cohort.select(cohort.patient_ids[:8])
    alone = GoogLeNet(**SMALL).fit(women, Resources(seed=5))
    scratch = folder_at(tmp_path / "scratch")
    resources = Resources(seed=5, scratch=DiesOnce(scratch, str(tmp_path / "died")))
    together = GoogLeNet(**SMALL, replicas=2).fit(women, resources)
    assert (tmp_path / "died").read_text() == "1"  # once, after the first epoch
    assert [point["step"] for point in resources.curves] == [1, 2]
    (one, facts), (two, facts_of_two) = alone.state(), together.state()
    for name, values in one.items():
        difference = np.abs(values.astype(np.float64) - two[name]).max()
        assert difference <= 1e-5 * max(1e-3, np.abs(values).max()), name
    assert facts_of_two["losses"] == pytest.approx(facts["losses"], rel=1e-4)
    assert together.score(cohort) == pytest.approx(alone.score(cohort), rel=1e-4)
