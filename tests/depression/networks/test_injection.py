from __future__ import annotations

from typing import Any

import pytest
import torch
from small_encoders import small_bert, small_xlnet
from torch import Tensor, nn

from presage.cohort import InputError
from presage.depression.networks.injection import FusedEncoder, InjectionPoint, injection_point, split_encoder
from presage.depression.networks.mag import AdaptationGate

SIZES = {"acoustic": 5, "visual": 3}


class Untouched(nn.Module):
    """A gate that changes nothing."""

    def forward(self, text: Tensor, modalities: Any, present: Any = None) -> Tensor:
        return text


class Shift(nn.Module):
    """A gate that adds what is heard, so that it is seen where it acts."""

    def forward(self, text: Tensor, modalities: Any, present: Any = None) -> Tensor:
        return text + modalities["acoustic"][..., :1]


def words(batch: int = 2, tokens: int = 7, padding: str = "right") -> dict[str, Tensor]:
    torch.manual_seed(1)
    ids = torch.randint(5, 60, (batch, tokens))
    mask = torch.ones_like(ids)
    mask[0, (slice(-3, None) if padding == "right" else slice(0, 3))] = 0
    return {"input_ids": ids, "attention_mask": mask}


def heard(batch: int = 2, tokens: int = 7) -> dict[str, Tensor]:
    torch.manual_seed(2)
    return {name: torch.randn(batch, tokens, size) for name, size in SIZES.items()}


ENCODERS = {"bert": small_bert, "xlnet": small_xlnet}


@pytest.mark.parametrize("name", ENCODERS)
def test_with_a_gate_that_changes_nothing_it_is_the_untouched_model(name: str) -> None:
    encoder = ENCODERS[name]()
    for gate in (Untouched(), None):
        fused = FusedEncoder(encoder, gate)
        assert torch.equal(fused(words(), heard()), encoder(**words()).last_hidden_state)


def test_the_same_on_real_weights(minilm: Any, minilm_folder: Any) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder, local_files_only=True)
    text = tokenizer(["I am fine.", "I have not slept well for many weeks"], padding=True, return_tensors="pt")
    plain = minilm(**text).last_hidden_state
    shape = text["input_ids"].shape
    values = {name: torch.randn(*shape, size) for name, size in SIZES.items()}
    assert torch.equal(FusedEncoder(minilm, Untouched())(text, values), plain)

    gate = AdaptationGate(384, SIZES).eval()
    nothing = {name: torch.zeros(shape, dtype=torch.bool) for name in SIZES}
    hidden = gate.norm(minilm.embeddings(text["input_ids"], token_type_ids=text["token_type_ids"]))
    by_hand = minilm.encoder(hidden, attention_mask=additive(text["attention_mask"])).last_hidden_state
    assert torch.allclose(FusedEncoder(minilm, gate)(text, values, nothing), by_hand, atol=1e-5)
    assert not torch.allclose(FusedEncoder(minilm, gate)(text, values), by_hand, atol=1e-2)


def additive(mask: Tensor) -> Tensor:
    return (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min


def bert_in_two_stages(encoder: Any, gate: nn.Module, text: dict[str, Tensor], values: dict[str, Tensor]) -> Tensor:
    """Embeddings, the gate, then the layers one after another."""
    hidden = gate(encoder.embeddings(text["input_ids"]), values)
    for layer in encoder.encoder.layer:
        hidden = layer(hidden, additive(text["attention_mask"]))
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    return hidden


def xlnet_in_two_stages(encoder: Any, gate: nn.Module, text: dict[str, Tensor], values: dict[str, Tensor]) -> Tensor:
    """Word embeddings, layer 0, the gate, then the other layers; tokens first inside, by equations (no memories)."""
    ids = text["input_ids"].transpose(0, 1)
    tokens, batch = ids.shape
    padded = 1.0 - text["attention_mask"].transpose(0, 1).float()
    blind = (padded[None, :, :, None].expand(tokens, -1, -1, -1) - torch.eye(tokens)[:, :, None, None] > 0).float()
    places = encoder.relative_positional_encoding(tokens, tokens, bsz=batch)
    hidden = encoder.word_embedding(ids)
    for index, layer in enumerate(encoder.layer):
        if index == 1:
            hidden = gate(hidden.transpose(0, 1), values).transpose(0, 1)
        hidden = layer(hidden, None, attn_mask_h=blind, attn_mask_g=None, r=places, seg_mat=None)[0]
    return hidden.transpose(0, 1)


@pytest.mark.parametrize("gate", [Shift(), AdaptationGate(16, SIZES).eval()])
def test_bert_takes_the_gate_on_the_embedding_output(gate: nn.Module) -> None:
    encoder = small_bert()
    found = FusedEncoder(encoder, gate)(words(), heard())
    assert torch.allclose(found, bert_in_two_stages(encoder, gate, words(), heard()), atol=1e-5)


@pytest.mark.parametrize("gate", [Shift(), AdaptationGate(16, SIZES).eval()])
def test_xlnet_takes_the_gate_between_its_first_two_layers(gate: nn.Module) -> None:
    encoder, text = small_xlnet(), words(padding="left")
    found = FusedEncoder(encoder, gate)(text, heard())
    assert torch.allclose(found, xlnet_in_two_stages(encoder, gate, text, heard()), atol=1e-5)
    elsewhere = FusedEncoder(encoder, gate, injection_point(encoder, 0))(text, heard())
    assert not torch.allclose(found, elsewhere, atol=1e-3)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_gate_without_shift_is_text_alone_behind_a_layer_norm(name: str) -> None:
    encoder, gate = ENCODERS[name](), AdaptationGate(16, SIZES).eval()
    for linear in gate.shifts.values():
        nn.init.zeros_(linear.weight), nn.init.zeros_(linear.bias)

    class Norm(Untouched):
        def forward(self, text: Tensor, modalities: Any, present: Any = None) -> Tensor:
            return gate.norm(text)

    expected = FusedEncoder(encoder, Norm())(words(), heard())
    assert torch.equal(FusedEncoder(encoder, gate)(words(), heard()), expected)
    absent = {name: torch.zeros(2, 7, dtype=torch.bool) for name in SIZES}
    assert torch.equal(FusedEncoder(encoder, AdaptationGate(16, SIZES).eval())(words(), heard(), absent), expected)


@pytest.mark.parametrize("name", ENCODERS)
def test_no_hook_is_left_behind(name: str) -> None:
    encoder = ENCODERS[name]()
    before = encoder(**words()).last_hidden_state
    fused = FusedEncoder(encoder, AdaptationGate(16, SIZES))
    fused(words(), heard())
    with pytest.raises(InputError):
        fused(words(), heard(tokens=4))
    assert torch.equal(encoder(**words()).last_hidden_state, before)


def test_parameters_are_those_derived_by_hand() -> None:
    # BERT-base, hidden 768, with MOSI's 47 visual and 74 acoustic numbers:
    # visual gate (47 + 768) 768 + 768 = 626,688; visual shift 47 * 768 + 768 = 36,864;
    # acoustic gate (74 + 768) 768 + 768 = 647,424; acoustic shift 74 * 768 + 768 = 57,600;
    # norm 2 * 768 = 1,536; together 1,370,112. Its encoder has 109,482,240.
    from transformers import BertConfig, BertModel

    with torch.device("meta"):
        encoder = BertModel(BertConfig())
        fused = FusedEncoder(encoder, AdaptationGate(768, {"visual": 47, "acoustic": 74}))
    assert sum(p.numel() for p in encoder.parameters()) == 109_482_240
    assert sum(p.numel() for p in fused.parameters()) == 109_482_240 + 1_370_112


def small(kind: str) -> Any:
    import transformers

    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")
    if kind == "DistilBert":
        made = config(dim=16, n_layers=3, n_heads=2, hidden_dim=24, vocab_size=60)
    else:
        narrow = {"embedding_size": 8} if kind in ("Electra", "Albert") else {}
        made = config(**sizes, **narrow, vocab_size=60, max_position_embeddings=40)
    return getattr(transformers, f"{kind}Model")(made).eval()


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("Roberta", "embeddings"),
        ("DistilBert", "embeddings"),
        ("Electra", "embeddings_project"),
        ("Albert", "encoder.embedding_hidden_mapping_in"),
    ],
)
def test_any_other_encoder_takes_it_on_its_embedding_output(kind: str, module: str) -> None:
    encoder = small(kind)
    assert injection_point(encoder) == InjectionPoint(module)
    assert torch.equal(FusedEncoder(encoder, Untouched())(words(), heard()), encoder(**words()).last_hidden_state)
    found = FusedEncoder(encoder, Shift())(words(), heard())
    seen = encoder(**words(), output_hidden_states=True)
    assert found.shape == (2, 7, 16)
    assert not torch.allclose(found, seen.last_hidden_state, atol=1e-3)


@pytest.mark.parametrize("kind", ["bert", "Roberta", "DistilBert"])
@pytest.mark.parametrize("layer", [1, 2])
def test_an_encoder_in_two_parts_is_the_whole(kind: str, layer: int) -> None:
    encoder = small_bert() if kind == "bert" else small(kind)
    lower, upper = split_encoder(encoder, layer)
    text = words()
    hidden = lower(**text).last_hidden_state
    found = upper(inputs_embeds=hidden, attention_mask=text["attention_mask"]).last_hidden_state
    assert torch.equal(found, encoder(**text).last_hidden_state)
    assert torch.equal(hidden, encoder(**text, output_hidden_states=True).hidden_states[layer])


def test_the_gate_on_the_upper_part_is_the_gate_before_that_layer() -> None:
    encoder, gate, text = small_bert(), AdaptationGate(16, SIZES).eval(), words()
    lower, upper = split_encoder(encoder, 2)
    given = {"inputs_embeds": lower(**text).last_hidden_state, "attention_mask": text["attention_mask"]}
    whole = FusedEncoder(encoder, gate, injection_point(encoder, 2))(text, heard())
    assert torch.equal(FusedEncoder(upper, gate)(given, heard()), whole)


def test_places_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="layer 4"):
        injection_point(small_bert(), 4)
    with pytest.raises(InputError, match="cut in two"):
        split_encoder(small_xlnet(), 1)
