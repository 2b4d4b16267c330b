from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from presage.cohort import InputError
from presage.depression.networks.mag import AdaptationGate

SIZES = {"visual": 3, "acoustic": 5}
WIDTH = 7


def vector(weights: Tensor, bias: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """W x + b, one product at a time."""
    return [sum((weights[i, j] * x for j, x in enumerate(inputs)), bias[i]) for i in range(len(bias))]


def published_token(gate: AdaptationGate, text: Tensor, visual: Tensor, acoustic: Tensor) -> Tensor:
    """Equations 1 to 5 for one token, written out in scalars; no dropout."""
    z, v, a = list(text), list(visual), list(acoustic)
    zero = text.new_zeros(())
    g_v = [torch.maximum(x, zero) for x in vector(gate.gates["visual"].weight, gate.gates["visual"].bias, v + z)]
    g_a = [torch.maximum(x, zero) for x in vector(gate.gates["acoustic"].weight, gate.gates["acoustic"].bias, a + z)]
    seen = vector(gate.shifts["visual"].weight, gate.shifts["visual"].bias, v)
    heard = vector(gate.shifts["acoustic"].weight, gate.shifts["acoustic"].bias, a)
    h = [p * q + r * s for p, q, r, s in zip(g_v, seen, g_a, heard, strict=True)]
    squares = sum(x * x for x in h)
    length = squares.sqrt() if squares > 0 else torch.ones(())
    ratio = gate.beta * sum(x * x for x in z).sqrt() / (length + 1e-6)
    alpha = ratio if ratio < 1 else torch.ones(())
    moved = [x + alpha * y for x, y in zip(z, h, strict=True)]
    mean = sum(moved) / len(moved)
    variance = sum((x - mean) ** 2 for x in moved) / len(moved)
    normal = [(x - mean) / (variance + gate.norm.eps).sqrt() for x in moved]
    return torch.stack([w * x + b for w, x, b in zip(gate.norm.weight, normal, gate.norm.bias, strict=True)])


def example(seed: int, beta: float = 1.0) -> tuple[AdaptationGate, Tensor, dict[str, Tensor]]:
    torch.manual_seed(seed)
    gate = AdaptationGate(WIDTH, SIZES, beta=beta).eval()
    for parameter in gate.parameters():
        torch.nn.init.normal_(parameter)
    text = torch.randn(2, 4, WIDTH, requires_grad=True)
    values = {name: torch.randn(2, 4, size, requires_grad=True) for name, size in SIZES.items()}
    return gate, text, values


def gradients(output: Tensor, gate: AdaptationGate, text: Tensor, values: dict[str, Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, output.numel()).reshape(output.shape)
    return list(torch.autograd.grad((output * weights).sum(), [text, *values.values(), *gate.parameters()]))


@pytest.mark.parametrize("beta", [1e-3, 0.3, 1.0, 50.0])
def test_is_the_published_equations_forward_and_backward(beta: float) -> None:
    gate, text, values = example(1, beta)
    fast = gate(text, values)
    slow = torch.stack(
        [
            torch.stack(
                [published_token(gate, text[i, j], values["visual"][i, j], values["acoustic"][i, j]) for j in range(4)]
            )
            for i in range(2)
        ]
    )
    assert torch.allclose(fast, slow, atol=1e-6, rtol=1e-6)
    for ours, theirs in zip(gradients(fast, gate, text, values), gradients(slow, gate, text, values), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6 * max(1.0, theirs.abs().max().item()), rtol=1e-5)


def test_both_sides_of_the_limit_are_met_in_that_test() -> None:
    shares = {}
    for beta in (1e-3, 50.0):
        gate, text, values = example(1, beta)
        lengths = gate.displacement(text, values).norm(dim=-1)
        shares[beta] = (beta * text.norm(dim=-1) < lengths).float().mean().item()
    assert shares == {1e-3: 1.0, 50.0: 0.0}


def test_the_shift_is_never_longer_than_beta_times_the_text() -> None:
    gate, text, values = example(3, beta=0.25)
    gate.norm = torch.nn.Identity()
    moved = (gate(text, values) - text).norm(dim=-1) / text.norm(dim=-1)
    assert moved.max().item() <= 0.25 + 1e-5
    assert math.isclose(moved.max().item(), 0.25, rel_tol=1e-4)


def test_a_missing_modality_gives_exactly_nothing() -> None:
    gate, text, values = example(4)
    present = {
        "visual": torch.tensor([[True, False, True, True], [False] * 4]),
        "acoustic": torch.zeros(2, 4, dtype=bool),
    }
    alone = AdaptationGate(WIDTH, {"visual": 3}).eval()
    alone.load_state_dict({name: value for name, value in gate.state_dict().items() if "acoustic" not in name})
    found, of_one = gate(text, values, present), alone(text, {"visual": values["visual"]})
    plain = gate.norm(text)
    assert torch.equal(found[0, [0, 2, 3]], of_one[0, [0, 2, 3]])
    assert torch.equal(found[0, 1], plain[0, 1])
    assert torch.equal(found[1], plain[1])


def test_what_stands_where_a_modality_is_missing_is_never_read() -> None:
    gate, text, values = example(5)
    present = {"visual": torch.tensor([[True, False, True, True], [False] * 4])}
    broken = {**values, "visual": torch.where(present["visual"][..., None], values["visual"], torch.nan)}
    clean = gate(text, values, present)
    assert torch.equal(gate(text, broken, present), clean)
    for gradient in gradients(gate(text, broken, present), gate, text, values):
        assert torch.isfinite(gradient).all()
    inputs = dict(zip(["text", *values], gradients(clean, gate, text, values), strict=False))
    assert inputs["visual"][~present["visual"]].abs().max() == 0
    assert inputs["visual"][present["visual"]].abs().max() > 0


def test_with_everything_missing_it_is_the_layer_norm_and_trains_nothing_else() -> None:
    gate, text, values = example(6)
    absent = {name: torch.zeros(2, 4, dtype=bool) for name in SIZES}
    for found in (gate(text, values, absent), gate(text, {})):
        assert torch.equal(found, gate.norm(text))
    gate(text, values, absent).square().sum().backward()
    for name, parameter in gate.named_parameters():
        if not name.startswith("norm"):
            assert parameter.grad.abs().max() == 0


def test_dropout_is_applied_in_training_alone() -> None:
    gate, text, values = example(7)
    gate.dropout.p = 0.5
    kept = gate(text, values)
    torch.manual_seed(0)
    dropped = gate.train()(text, values)
    zero = dropped == 0
    assert 0.2 < zero.float().mean() < 0.8
    assert torch.allclose(dropped[~zero], 2 * kept[~zero])


def test_parameters_are_those_derived_by_hand() -> None:
    # Per modality of size m on text of width d: gate (m + d) d + d, shift m d + d. Then the norm's 2 d.
    # Visual: (3 + 7) 7 + 7 = 77 and 3 * 7 + 7 = 28; acoustic: (5 + 7) 7 + 7 = 91 and 5 * 7 + 7 = 42; norm 14.
    gate = AdaptationGate(WIDTH, SIZES)
    assert sum(p.numel() for p in gate.parameters()) == 77 + 28 + 91 + 42 + 14


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ((2, 4, 6), {}),
        ((2, 4, 7), {"visual": (2, 4, 4)}),
        ((2, 4, 7), {"visual": (2, 3, 3)}),
        ((2, 7), {"face": (2, 3)}),
    ],
)
def test_other_shapes_and_names_are_refused(text: tuple[int, ...], values: dict[str, tuple[int, ...]]) -> None:
    gate = AdaptationGate(WIDTH, SIZES)
    with pytest.raises(InputError, match="text"):
        gate(torch.zeros(text), {name: torch.zeros(shape) for name, shape in values.items()})


def test_a_gate_without_modalities_is_refused() -> None:
    with pytest.raises(InputError, match="modality"):
        AdaptationGate(8, {})


def test_any_number_of_modalities() -> None:
    torch.manual_seed(0)
    sizes = dict(zip("abcd", (2, 3, 4, 1), strict=True))
    gate = AdaptationGate(6, sizes).eval()
    text = torch.randn(5, 6)
    values = {name: torch.randn(5, size) for name, size in sizes.items()}
    terms = sum(torch.relu(gate.gates[m](torch.cat([values[m], text], -1))) * gate.shifts[m](values[m]) for m in sizes)
    assert np.allclose(gate.displacement(text, values).detach(), terms.detach(), atol=1e-6)
