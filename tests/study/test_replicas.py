"""Which part falls to which replica, and which errors of a training are worth another attempt."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from presage.cohort import InputError
from presage.study import replicas
from presage.study.replicas import Replica, train_on_replicas


def test_every_item_falls_to_exactly_one_replica() -> None:
    for count in (1, 2, 3, 8):
        parts = [Replica(rank, count).mine(range(5)) for rank in range(count)]
        assert Counter(item for part in parts for item in part) == Counter(range(5))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [Replica(rank, 2).first for rank in range(2)] == [True, False]


def test_one_replica_alone_exchanges_nothing() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([1.0, 2.0])
    Replica().add_up([tensor])
    assert tensor.tolist() == [1.0, 2.0]
    assert Replica().agreed(b"state") == b"state"
    assert Replica().agreed(None) is None


class WorkersFailed(Exception):
    """As Ray Train tells of failed workers."""

    def __init__(self, failures: dict[int, Exception]) -> None:
        super().__init__("Training failed due to worker errors")
        self.worker_failures = failures


def test_an_error_of_the_training_is_told_from_a_death() -> None:
    pytest.importorskip("ray")
    torch = pytest.importorskip("torch")
    from ray.exceptions import RayActorError

    died, lost = RayActorError(), RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    refused = InputError("the loss became nan", where="GoogLeNet", cure="lower learning_rate")
    memory = torch.OutOfMemoryError("CUDA out of memory")
    raised = replicas._raised_by_function
    assert raised(WorkersFailed({0: lost, 1: refused})) is refused
    assert raised(WorkersFailed({0: lost, 1: memory})) is memory
    assert raised(WorkersFailed({0: lost, 1: died})) is None
    assert raised(WorkersFailed({0: lost})) is None
    assert isinstance(raised(WorkersFailed({1: KeyError("x")})), KeyError)
    bug = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert raised(WorkersFailed({0: bug, 1: lost})) is bug
    assert raised(refused) is refused


def test_replicas_that_die_again_and_again_end_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    from ray.exceptions import RayActorError

    begun: list[int] = []

    def dies(*arguments: object) -> None:
        begun.append(1)
        raise WorkersFailed({1: RayActorError()})

    monkeypatch.setattr(replicas, "_fit", dies)
    monkeypatch.setattr(replicas, "_cluster", lambda count, on_cards: _nothing())
    with pytest.raises(InputError, match=r"died 3 times(.|\n)*memory"):
        train_on_replicas(lambda replica: None, 2)
    assert len(begun) == replicas.ATTEMPTS


def _nothing() -> object:
    from contextlib import nullcontext

    return nullcontext()


def test_without_ray_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.train", None)
    monkeypatch.setitem(sys.modules, "ray.train.torch", None)
    with pytest.raises(InputError, match=r"presage\[ray\]"):
        train_on_replicas(lambda replica: None, 2)
