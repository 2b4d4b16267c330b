from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from small_encoders import drawn_person, small_bert, write_small_encoder

from presage.cohort import InputError
from presage.depression.networks.data import Person, Utterance
from presage.depression.networks.examples import inner_split
from presage.depression.networks.fusion import Fusion
from presage.depression.networks.schedule import Schedule
from presage.depression.networks.settings import Scale, Settings
from presage.depression.networks.training import Trainer
from presage.study.folder import LocalFolder
from presage.study.marker import Resources

SIZES = {"audio": 3, "video": 2}
SCALE = Scale(cutoff=10, lowest=0, highest=24)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_small_encoder(tmp_path_factory.mktemp("encoder")))


@pytest.fixture(scope="session")
def cohort() -> tuple[list[Person], np.ndarray]:
    """Persons whose voice follows their score; words and faces do not."""
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 25, 60).astype(float)
    persons: list[Person] = []
    for score in scores:
        person = drawn_person(generator, 3, SIZES, 0.1)
        for answer in person:
            if answer is not None and "audio" in answer.modalities:
                answer.modalities["audio"][:, 0] += (score - 12) / 4
        persons.append(person)
    return persons, scores


def settings(folder: str, **changes: object) -> Settings:
    quick = Schedule(
        epochs=4, patience=4, batch_size=8, learning_rate=1e-3, new_learning_rate=1e-2, modality_dropout=0.2
    )
    return replace(Settings(encoder=folder, open_layers=1, dropout=0.1, schedule=quick), **changes)


def tensors(fusion: Fusion) -> bytes:
    return save(fusion.state()[1])


@pytest.mark.parametrize("fusion", ["gate", "early", "text", "audio"])
def test_same_seed_same_bytes(folder: str, cohort: tuple[list[Person], np.ndarray], fusion: str) -> None:
    torch.manual_seed(1)
    one = Fusion(settings(folder, fusion=fusion), SCALE).fit(*cohort, resources=Resources(seed=5))
    torch.manual_seed(2)
    two = Fusion(settings(folder, fusion=fusion), SCALE).fit(*cohort, resources=Resources(seed=5))
    assert tensors(one) == tensors(two)
    other = Fusion(settings(folder, fusion=fusion), SCALE).fit(*cohort, resources=Resources(seed=6))
    assert tensors(one) != tensors(other)


def test_it_finds_a_voice_that_follows_the_score(folder: str, cohort: tuple[list[Person], np.ndarray]) -> None:
    persons, scores = cohort
    train, test = slice(0, 45), slice(45, None)
    chosen = settings(folder, schedule=replace(settings(folder).schedule, epochs=15))
    fitted = Fusion(chosen, SCALE).fit(persons[train], scores[train], resources=Resources(seed=1))
    logits = fitted.logits(persons[test])
    assert np.corrcoef(logits, scores[test])[0, 1] > 0.7
    order = np.argsort(logits)
    predicted = fitted.predicted(logits)
    assert (np.diff(predicted[order]) >= 0).all()
    assert 0 <= predicted.min() <= predicted.max() <= 24


class Killed(Exception):
    """In place of a kill signal."""


class Watched(LocalFolder):
    """A folder that the process dies behind, after some writes."""

    left = math.inf

    def write(self, name: str, data: bytes) -> None:
        super().write(name, data)
        self.left -= 1
        if self.left == 0:
            raise Killed


def test_a_killed_training_resumes_to_the_same_bytes(folder: str, cohort: tuple, tmp_path: Path) -> None:
    whole = Fusion(settings(folder), SCALE).fit(*cohort, resources=Resources(seed=3))
    scratch = Watched(tmp_path)
    scratch.left = 2
    with pytest.raises(Killed):
        Fusion(settings(folder), SCALE).fit(*cohort, resources=Resources(seed=3, scratch=scratch))
    resources = Resources(seed=3, scratch=LocalFolder(tmp_path))
    resumed = Fusion(settings(folder), SCALE).fit(*cohort, resources=resources)
    assert tensors(resumed) == tensors(whole)
    assert [line["step"] for line in resources.curves] == [3, 4]
    assert resumed.progress == whole.progress


def test_a_checkpoint_of_other_data_or_a_damaged_one_is_not_used(folder: str, cohort: tuple, tmp_path: Path) -> None:
    persons, scores = cohort
    scratch = LocalFolder(tmp_path)
    Fusion(settings(folder), SCALE).fit(persons, scores, resources=Resources(seed=3, scratch=scratch))
    whole = Fusion(settings(folder), SCALE).fit(persons[:50], scores[:50], resources=Resources(seed=3))
    other = Fusion(settings(folder), SCALE).fit(persons[:50], scores[:50], resources=Resources(seed=3, scratch=scratch))
    assert tensors(other) == tensors(whole)
    scratch.write("training.safetensors", scratch.read("training.safetensors")[:99])
    again = Fusion(settings(folder), SCALE).fit(persons[:50], scores[:50], resources=Resources(seed=3, scratch=scratch))
    assert tensors(again) == tensors(whole)


def test_a_batch_in_parts_has_the_gradients_of_the_whole(folder: str, cohort: tuple) -> None:
    chosen = settings(folder)
    fitted = Fusion(chosen, SCALE).fit(*cohort)
    examples = replace(fitted._examples(cohort[0]), scores=cohort[1], cases=cohort[1] >= 10)
    found = []
    for divisor in (1, 5):
        network = copy.deepcopy(fitted._network).eval()  # no dropout, which parts would draw differently
        schedule = replace(chosen.schedule, modality_dropout=0.0)
        trainer = Trainer(network, schedule, Resources(divisor=divisor))
        loss = trainer._step(examples, np.arange(12))
        found.append([loss, *(p.grad for p in trainer.trained.values())])
    for whole, parts in zip(*found, strict=True):
        assert torch.allclose(torch.as_tensor(whole), torch.as_tensor(parts), atol=1e-6)
    assert max(float(torch.as_tensor(value).abs().max()) for value in found[0][1:] if value.numel()) > 1e-2


def test_frozen_weights_stay_and_the_encode_once_numbers_are_the_whole_encoders(folder: str, cohort: tuple) -> None:
    persons, scores = cohort
    fitted = Fusion(settings(folder, fusion="text", open_layers=1), SCALE).fit(persons, scores)
    kept = [name for name in fitted.state()[1] if name.startswith("answers.fused.encoder.")]
    assert kept
    assert all(name.startswith("answers.fused.encoder.encoder.layer.0.") for name in kept)  # of the upper part
    changed = small_bert().state_dict()
    for name in kept:
        old = changed[name.replace("answers.fused.encoder.", "").replace("layer.0.", "layer.2.")]
        assert not torch.equal(fitted.state()[1][name], old)


@pytest.mark.parametrize("fusion", ["gate", "video"])
def test_saved_and_restored_it_gives_the_same_numbers(folder: str, cohort: tuple, fusion: str) -> None:
    persons, scores = cohort
    fitted = Fusion(settings(folder, fusion=fusion, before_layer=1), SCALE).fit(persons, scores)
    restored = Fusion.restore(*fitted.state())
    logits = fitted.logits(persons)
    assert np.array_equal(restored.logits(persons), logits)
    assert np.array_equal(restored.predicted(logits), fitted.predicted(logits))
    facts, arrays = fitted.state()
    assert "a" not in arrays  # nothing but weights and scaling
    with pytest.raises(InputError, match="another network"):
        Fusion.restore(facts, {**arrays, "head.other": torch.zeros(1)})


def test_weights_of_the_best_epoch_are_kept(folder: str, cohort: tuple) -> None:
    fitted = Fusion(settings(folder), SCALE).fit(*cohort, resources=Resources(seed=2))
    assert fitted.progress.best_loss == min(fitted.progress.losses)
    assert fitted.progress.losses[fitted.progress.best_epoch - 1] == fitted.progress.best_loss


def test_biases_norms_and_borders_do_not_decay(folder: str, cohort: tuple) -> None:
    fitted = Fusion(settings(folder), SCALE).fit(*cohort)
    trainer = Trainer(fitted._network, settings(folder).schedule, Resources())
    for group in trainer.optimiser.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])
    assert {group["base"] for group in trainer.optimiser.param_groups} == {1e-3, 1e-2}


def test_the_learning_rate_rises_and_falls_linearly() -> None:
    factors = [Schedule(warm_up=0.1).factor(step, 100) for step in range(100)]
    assert factors[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert max(factors) == factors[9] == 1.0
    assert np.allclose(np.diff(factors[10:]), -1 / 90)
    assert factors[-1] == pytest.approx(1 / 90)


def test_groups_are_never_divided_by_the_inner_split() -> None:
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 12, 80)
    cases = generator.random(80) < 0.4
    learning, stopping = inner_split(cases, 0.25, generator, groups)
    assert sorted([*learning, *stopping]) == list(range(80))
    assert not set(groups[learning]) & set(groups[stopping])
    with pytest.raises(InputError, match="one class"):
        inner_split(np.array([True, False, False]), 0.2, generator)


def test_mistakes_are_named(folder: str, cohort: tuple, tmp_path: Path) -> None:
    persons, scores = cohort
    with pytest.raises(InputError, match="no fusion 'gaze'"):
        Fusion(settings(folder, fusion="gaze"), SCALE).fit(persons, scores)
    with pytest.raises(InputError, match="no text encoder"):
        Fusion(settings(str(tmp_path)), SCALE).fit(persons, scores)
    with pytest.raises(InputError, match="not been fitted"):
        Fusion(settings(folder), SCALE).logits(persons)
    broken = settings(folder, schedule=Schedule(epochs=1, new_learning_rate=math.inf, batch_size=4))
    with pytest.raises(InputError, match="training loss became"):
        Fusion(broken, SCALE).fit(persons, scores)
    fitted = Fusion(settings(folder, fusion="audio"), SCALE).fit(persons, scores)
    with pytest.raises(InputError, match="audio with 9 numbers"):
        fitted.logits([[Utterance(["a"], {"audio": np.zeros((1, 9), dtype=np.float32)})]])
