from __future__ import annotations

import numpy as np
import pytest
import torch
from small_encoders import PieceTokenizer, drawn_person, small_bert
from torch import Tensor

from presage.cohort import InputError
from presage.depression.networks.batches import InterviewBatch, Layout, interview_batch, rows_of
from presage.depression.networks.data import Person
from presage.depression.networks.network import InterviewNetwork, frame_network, open_upper_layers, text_network
from presage.depression.networks.ordinal import OrdinalHead
from presage.depression.networks.parts import AttentionPooling, EarlyFusion

SIZES = {"audio": 4, "video": 3}


def people(missing: float = 0.3) -> list[Person]:
    generator = np.random.default_rng(3)
    return [drawn_person(generator, count, SIZES, missing) for count in (3, 5, 1, 4)]


def batch(persons: list[Person], rows_per_pass: int = 64) -> InterviewBatch:
    layout = Layout(PieceTokenizer(), "bert")
    return interview_batch([rows_of(person, layout) for person in persons], layout, SIZES, rows_per_pass)


def network(fusion: str, seed: int = 0) -> InterviewNetwork:
    torch.manual_seed(seed)
    if fusion in SIZES:
        made = frame_network(fusion, SIZES[fusion], OrdinalHead(8, [1], 1), width=8)
    else:
        made = text_network(small_bert(), SIZES, OrdinalHead(16, [1], 1), fusion=fusion)
    torch.nn.init.normal_(made.head.severity.weight)
    torch.nn.init.normal_(made.pooling.weigh.weight)
    return made.eval()


FUSIONS = ["gate", "early", "text", "audio", "video"]


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_persons_number_does_not_depend_on_the_others(fusion: str) -> None:
    made, persons = network(fusion), people()
    together = made(batch(persons))
    alone = torch.cat([made(batch([person])) for person in persons])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(made(batch(persons, rows_per_pass=3)), together, atol=1e-5)
    assert together.std() > 1e-3


@pytest.mark.parametrize("fusion", FUSIONS)
def test_parts_of_the_answers_and_the_border_are_the_logit(fusion: str) -> None:
    made, persons = network(fusion), people()
    whole, parts = made(batch(persons)), made.parts(batch(persons))
    border = made.head.borders()[made.head.at_cutoff]
    assert parts.shape == (4, 5)
    assert torch.allclose(parts.sum(dim=1) - border, whole, atol=1e-5)
    # Padding says nothing; the third person gave one answer, which is the whole logit.
    assert (parts[2, 1:] == 0).all()
    assert torch.allclose(parts[2, 0] - border, made(batch([persons[2]]))[0], atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_missing_answer_is_as_one_that_was_never_asked(fusion: str) -> None:
    made, persons = network(fusion), people(missing=0)
    found = made(batch([[*person, None, None] for person in persons]))
    assert torch.allclose(found, made(batch(persons)), atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_each_network_reads_its_modalities_and_no_other(fusion: str) -> None:
    made, persons = network(fusion), people(missing=0)
    plain = made(batch(persons))
    for name in SIZES:
        without = made(batch([[a if a is None else a.without([name]) for a in person] for person in persons]))
        reads = fusion in ("gate", "early", name)
        assert torch.allclose(without, plain, atol=1e-6) == (not reads)


def test_nobody_is_left_out_where_a_modality_is_missing() -> None:
    persons = [[a.without(["audio"]) for a in person if a is not None] for person in people(missing=0)]
    made = network("audio")
    found = made(batch(persons))
    assert torch.isfinite(found).all()
    assert torch.allclose(found, -made.head.borders()[0].expand(4))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_everything_that_is_new_learns(fusion: str) -> None:
    made = network(fusion).train()
    made(batch(people(missing=0))).square().sum().backward()
    silent = [
        name
        for name, p in made.named_parameters()
        if p.numel() and (p.grad is None or p.grad.abs().max() == 0) and "encoder" not in name
    ]
    assert silent == []


def test_attention_starts_as_the_mean_and_sums_to_one() -> None:
    torch.manual_seed(0)
    pooling, vectors = AttentionPooling(6), torch.randn(2, 4, 6)
    mask = torch.tensor([[True, True, False, True], [False] * 4])
    assert torch.allclose(pooling(vectors, mask)[0], vectors[0, [0, 1, 3]].mean(dim=0), atol=1e-6)
    assert pooling(vectors, mask)[1].abs().max() == 0
    torch.nn.init.normal_(pooling.weigh.weight)
    weights: Tensor = pooling.weights(vectors, mask)
    assert weights[0].sum().item() == pytest.approx(1)
    assert weights[0, 2] == 0
    assert weights[0].std() > 0.05


def test_early_fusion_starts_near_the_text_and_tells_missing_from_zero() -> None:
    torch.manual_seed(0)
    mix, text = EarlyFusion(8, {"audio": 4}).eval(), torch.randn(2, 3, 8)
    zeros = {"audio": torch.zeros(2, 3, 4)}
    missing = mix(text, zeros, {"audio": torch.zeros(2, 3, dtype=torch.bool)})
    assert torch.allclose(missing, text, atol=1e-6)
    assert not torch.allclose(mix(text, zeros), text, atol=1e-3)


@pytest.mark.parametrize(("layers", "open_ones"), [(0, 0), (1, 1), (3, 3)])
def test_upper_layers_are_opened_and_no_other(layers: int, open_ones: int) -> None:
    encoder = small_bert()
    open_upper_layers(encoder, layers)
    found = {name.split(".")[2] for name, p in encoder.named_parameters() if p.requires_grad}
    assert found == {str(index) for index in range(3 - open_ones, 3)}
    open_upper_layers(encoder, None)
    assert all(p.requires_grad for p in encoder.parameters())
    with pytest.raises(InputError, match="7 upper layers"):
        open_upper_layers(encoder, 7)
