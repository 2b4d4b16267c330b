"""GoogLeNet end to end: learning, resuming to the same bytes, early stopping, explanations, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from presage.breast import GoogLeNet
from presage.breast.explain import agreement, occlusion
from presage.breast.training import Batch, Schedule, Trainer, inner_split
from presage.cohort import Cohort, InputError
from presage.study.folder import folder_at
from presage.study.marker import Resources

SMALL: dict[str, Any] = {
    "size": (128, 96),
    "spacing_mm": 1.6,
    "freeze": "stage6.3",
    "copies": 1,
    "epochs": 3,
    "patience": 3,
    "batch_size": 4,
}


@pytest.fixture(scope="module")
def fitted(cohort: Cohort) -> GoogLeNet:
    return GoogLeNet(**SMALL).fit(cohort.select(cohort.patient_ids[:8]), Resources(seed=5))


def weights_of(marker: GoogLeNet) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in marker.state()[0].items()}


def test_texture_is_found_in_women_never_seen(fitted: GoogLeNet, cohort: Cohort) -> None:
    others = cohort.select(cohort.patient_ids[8:])
    scores = fitted.score(others.blinded())
    assert scores[others.cases()].min() > scores[~others.cases()].max()


def test_training_changes_the_open_layers_alone(fitted: GoogLeNet) -> None:
    from presage.breast.tuned import TunedNetwork

    untrained = TunedNetwork.start(fitted.trunk, None, fitted.frozen, "cpu").state_dict()
    start = {name: value.numpy().tobytes() for name, value in untrained.items()}
    now = weights_of(fitted)
    changed = {name for name in start if start[name] != now[name]}
    assert any(name.startswith("layers.") for name in changed)
    assert "head.weight" in changed
    # Batch normalisation keeps its ImageNet statistics.
    assert not any("running" in name or "num_batches" in name for name in changed)


def test_the_same_bytes_again_and_with_other_threads(fitted: GoogLeNet, cohort: Cohort) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        again = GoogLeNet(**SMALL).fit(cohort.select(cohort.patient_ids[:8]), Resources(seed=5, threads=2))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert weights_of(again) == weights_of(fitted)
    assert not torch.are_deterministic_algorithms_enabled()
    other = GoogLeNet(**SMALL).fit(cohort.select(cohort.patient_ids[:8]), Resources(seed=6))
    assert weights_of(other) != weights_of(fitted)


@pytest.mark.parametrize("freeze", ["stage6.3", ""])
def test_killed_and_resumed_to_the_same_bytes(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freeze: str
) -> None:
    settings = SMALL | {"freeze": freeze}
    women = cohort.select(cohort.patient_ids[:6])
    at_once = Resources(seed=1, scratch=folder_at(tmp_path / "whole"))
    whole = GoogLeNet(**settings).fit(women, at_once)
    steps = 0
    step = Trainer._step

    def killed(self: Trainer, *arguments: Any) -> float:
        nonlocal steps
        steps += 1
        if steps == 6:  # in the middle of an epoch, after some were finished
            raise KeyboardInterrupt
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            GoogLeNet(**settings).fit(women, Resources(seed=1, scratch=folder_at(tmp_path / "killed")))
    checkpoint = tmp_path / "killed" / "training.safetensors"
    assert checkpoint.is_file()
    taken = []
    going_on = Resources(seed=1, scratch=folder_at(tmp_path / "killed"))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", lambda self, *a: (taken.append(1), step(self, *a))[1])
        resumed = GoogLeNet(**settings).fit(women, going_on)
    assert len(taken) == 2  # the third epoch, from its beginning
    assert weights_of(resumed) == weights_of(whole)
    assert resumed.score(cohort).tobytes() == whole.score(cohort).tobytes()
    # The curve begins with what the checkpoint remembers, to the same bytes.
    assert going_on.curves == at_once.curves
    assert [point["step"] for point in going_on.curves] == [1, 2, 3]
    assert [point["validation_loss"] for point in going_on.curves] == whole.state()[1]["losses"]
    assert all(np.isfinite(point["train_loss"]) for point in going_on.curves)


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_taken(
    fitted: GoogLeNet, cohort: Cohort, tmp_path: Path
) -> None:
    women = cohort.select(cohort.patient_ids[:8])
    resources = Resources(seed=5, scratch=folder_at(tmp_path))
    GoogLeNet(**SMALL).fit(women, Resources(seed=6, scratch=resources.scratch))
    assert weights_of(GoogLeNet(**SMALL).fit(women, resources)) == weights_of(fitted)
    (tmp_path / "training.safetensors").write_bytes(b"half a file")
    assert weights_of(GoogLeNet(**SMALL).fit(women, resources)) == weights_of(fitted)


def test_a_checkpoint_names_no_patient(cohort: Cohort, tmp_path: Path) -> None:
    GoogLeNet(**SMALL | {"epochs": 1}).fit(cohort, Resources(scratch=folder_at(tmp_path)))
    with safe_open(tmp_path / "training.safetensors", framework="numpy") as file:
        words = " ".join([*file.keys(), *file.metadata().values()])
    assert not any(pid in words for pid in cohort.patient_ids)


class Line(torch.nn.Module):
    """The smallest network with a head."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)[:, 0]


def line_schedule(**changes: Any) -> Schedule:
    settings = {
        "epochs": 20,
        "patience": 3,
        "learning_rate": 1e-2,
        "head_learning_rate": 1e-2,
        "weight_decay": 0.0,
        "warm_up": 0.1,
        "precision": "float32",
    }
    return Schedule(**settings | changes)


def line_batches(epoch: int) -> Any:
    yield Batch(torch.tensor([[1.0], [-1.0]]), torch.tensor([1.0, 0.0]), 2)


def test_training_stops_by_patience_and_keeps_the_best_epoch() -> None:
    network = Line()
    losses = iter([0.9, 0.5, 0.6, 0.7, 0.8, 0.1])
    seen: list[dict[str, torch.Tensor]] = []

    def validation_loss() -> float:
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(losses)

    progress = Trainer(network, line_schedule()).run(line_batches, 1, validation_loss)
    assert (progress.epoch, progress.best_epoch) == (5, 2)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in seen[1].items())


def test_a_loss_that_is_not_finite_is_said() -> None:
    def broken(epoch: int) -> Any:
        yield Batch(torch.tensor([[float("nan")]]), torch.tensor([1.0]), 1)

    with pytest.raises(InputError, match=r"training loss became nan(.|\n)*learning_rate"):
        Trainer(Line(), line_schedule()).run(broken, 1, lambda: 0.0)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    factors = [line_schedule().factor(step, 100) for step in range(100)]
    assert factors[:10] == pytest.approx(np.linspace(0.1, 1, 10))
    assert factors[9:] == sorted(factors[9:], reverse=True)
    assert factors[-1] < 0.01


def test_the_inner_split_is_stratified_and_disjoint() -> None:
    cases = np.arange(40) % 4 == 0
    learning, stopping = inner_split(cases, 0.2, np.random.default_rng(0))
    assert not (learning & stopping).any()
    assert (learning | stopping).all()
    assert stopping[cases].sum() == 2
    assert stopping[~cases].sum() == 6
    with pytest.raises(InputError, match="set aside"):
        inner_split(np.arange(5) == 0, 0.2, np.random.default_rng(0))


def test_the_test_fold_is_never_read_in_training(cohort: Cohort) -> None:
    read: set[str] = set()

    class Watching(Resources):
        def encoded(self, encoder: Any, recordings: Any) -> Any:
            read.update(r.patient_id for r in recordings)
            return super().encoded(encoder, recordings)

    women = cohort.select(cohort.patient_ids[:8])
    GoogLeNet(**SMALL | {"epochs": 1}).fit(women, Watching(seed=5))
    assert read == set(women.patient_ids)


def test_shares_of_all_places_add_up_to_the_logit(fitted: GoogLeNet, cohort: Cohort) -> None:
    encoder = fitted.encoders()[0]
    network = fitted._tuned()
    maps = encoder.encode(cohort.iter_recordings()[0])["maps"][0]
    logit = network.logits([maps])[0]
    bias = float(network.head.bias.detach())
    assert network.shares(maps).sum() == pytest.approx(logit - bias, abs=1e-4 * max(1, abs(logit)))


def test_explanations_agree_with_hiding_parts(fitted: GoogLeNet, cohort: Cohort) -> None:
    explanations = fitted.explain(cohort.blinded(), cohort.patient_ids[9])
    assert [e.recording["view"] for e in explanations] == ["CC", "MLO"]
    for explanation in explanations:
        assert explanation.heat.shape == explanation.image.shape == SMALL["size"]
        assert np.isfinite(explanation.heat).all()
    assert "rank correlation" in explanations[0].caption


def test_occlusion_finds_the_place_that_counts() -> None:
    from presage.breast.inputs import Framed

    image = np.full((80, 60), 0.5, dtype=np.float32)
    image[20:30, 10:20] = 1.0
    framed = Framed(image, np.ones_like(image))
    falls = occlusion(lambda shown: float(shown[20:30, 10:20].mean()), framed)
    assert np.unravel_index(falls.argmax(), falls.shape) == (2, 1)
    assert (falls != 0).sum() == 1
    contributions = np.zeros((8, 6))
    contributions[2, 1] = 1
    generator = np.random.default_rng(0)
    noise = generator.normal(size=falls.shape)
    assert agreement(noise, noise + 10) == pytest.approx(1)
    assert agreement(noise, -noise) == pytest.approx(-1)
    assert agreement(contributions, falls) == 0.0  # one part alone says nothing about an order


def test_saved_and_restored(fitted: GoogLeNet, cohort: Cohort) -> None:
    arrays, facts = fitted.state()
    restored = GoogLeNet(**SMALL)
    restored.restore(arrays, facts)
    assert restored.score(cohort).tobytes() == fitted.score(cohort).tobytes()
    with pytest.raises(InputError, match="another trunk, frame or version"):
        GoogLeNet(**SMALL | {"freeze": "stage6.4"}).restore(arrays, facts)


def test_bfloat16_learns_too(cohort: Cohort) -> None:
    marker = GoogLeNet(**SMALL | {"precision": "bfloat16", "epochs": 2}).fit(cohort)
    assert np.isfinite(marker.score(cohort)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": "stage9"}, "stage9"),
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"speed": 2}, "speed"),
    ],
)
def test_settings_that_cannot_be_are_refused_when_the_study_is_read(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GoogLeNet(**settings)


def test_the_papers_trunk_from_a_weights_file(cohort: Cohort, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from presage.breast import GoogLeNetLDA
    from presage.breast.trunks import trunk_named

    torch.manual_seed(0)
    state = trunk_named("googlenet").build().state_dict()
    path = tmp_path / "googlenet.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    frame: dict[str, Any] = {"size": (128, 96), "spacing_mm": 1.6, "trunk": "googlenet", "weights": str(path)}
    tuned = GoogLeNet(**frame, copies=0, epochs=1, batch_size=4)
    assert tuned.frozen == "inception4e"
    for marker in (tuned, GoogLeNetLDA(**frame, layers=("inception5b",))):
        assert np.isfinite(marker.fit(cohort, Resources(seed=1)).score(cohort)).all()
        assert marker.explain(cohort, cohort.patient_ids[0])[0].heat.shape == (128, 96)
    assert str(tmp_path) not in str(tuned.state()[1])
