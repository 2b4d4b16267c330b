"""Where in a text encoder the gate stands, without a line of the encoder's code rewritten."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from presage.cohort import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class InjectionPoint:
    """A module of an encoder whose output goes through the gate.

    Attributes
    ----------
    module
        Its dotted name. Its output is a tensor or a tuple that begins with one.
    token_first
        Whether that tensor is (tokens, batch, width), as in XLNet, and not (batch, tokens, width).
    """

    module: str
    token_first: bool = False


def encoder_layers(encoder: PreTrainedModel) -> str:
    """The dotted name of the list of layers: the longest of the encoder's module lists of that many layers."""
    count = int(encoder.config.num_hidden_layers)
    for name, module in encoder.named_modules():
        if (
            isinstance(module, nn.ModuleList)
            and len(module) == count
            and name.rsplit(".", 1)[-1] in ("layer", "layers")
        ):
            return str(name)
    raise InputError(
        f"{type(encoder).__name__} has no list of {count} layers that the gate could stand before",
        cure="use an encoder of the BERT family or XLNet, or name the module (InjectionPoint)",
    )


def injection_point(encoder: PreTrainedModel, before_layer: int | None = None) -> InjectionPoint:
    """Where the gate stands: before a layer, by default as published.

    Published (Rahman et al., ACL 2020, and their code): BERT on the embedding output, before layer 0; XLNet before
    layer 1. Every other encoder: on the embedding output.

    Raises
    ------
    InputError
        If the encoder has no such layer, or no module gives its embedding output.
    """
    is_xlnet = encoder.config.model_type == "xlnet"
    index = before_layer if before_layer is not None else int(is_xlnet)
    if not 0 <= index <= encoder.config.num_hidden_layers:
        raise InputError(
            f"no place before layer {index} in an encoder of {encoder.config.num_hidden_layers} layers",
            cure=f"give a number from 0 to {encoder.config.num_hidden_layers}",
        )
    if index > 0:
        return InjectionPoint(f"{encoder_layers(encoder)}.{index - 1}", token_first=is_xlnet)
    # ELECTRA and ALBERT widen the embeddings in a module of their own.
    names = dict(encoder.named_modules())
    for name in ("embeddings_project", "encoder.embedding_hidden_mapping_in", "embeddings", "word_embedding"):
        if name in names:
            return InjectionPoint(name, token_first=is_xlnet)
    raise InputError(
        f"{type(encoder).__name__} has no module for its embedding output",
        cure="name the module whose output the gate takes (InjectionPoint)",
    )


class FusedEncoder(nn.Module):
    """A Hugging Face encoder with a gate on the output of one of its modules.

    The encoder runs as it is; a forward hook, which stands only while it runs, passes the module's output through the
    gate. With no gate it is the text-only network.

    Parameters
    ----------
    encoder
        Any encoder with `input_ids` and `attention_mask`.
    gate
        Takes text (batch, tokens, width), vectors by modality and masks as
        :class:`~presage.depression.networks.mag.AdaptationGate` does; None for text alone.
    point
        Where; by default the published place.
    """

    def __init__(self, encoder: PreTrainedModel, gate: nn.Module | None, point: InjectionPoint | None = None) -> None:
        super().__init__()
        self.encoder, self.gate = encoder, gate
        self.point = point or injection_point(encoder)

    def forward(
        self, text: Mapping[str, Tensor], modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Token vectors behind the last layer, shape (batch, tokens, width).

        Parameters
        ----------
        text
            The encoder's own arguments: `input_ids` (batch, tokens), `attention_mask`, `token_type_ids`.
        modalities, present
            The gate's, shapes (batch, tokens, size) and (batch, tokens).

        Raises
        ------
        RuntimeError
            If the module that carries the gate did not run exactly once.
        """
        if self.gate is None:
            found: Tensor = self.encoder(**text).last_hidden_state
            return found
        with self._standing(modalities, present) as calls:
            hidden: Tensor = self.encoder(**text).last_hidden_state
        if len(calls) != 1:
            raise RuntimeError(f"{self.point.module} ran {len(calls)} times in one pass; the gate stands on it once")
        return hidden

    @contextmanager
    def _standing(
        self, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None
    ) -> Iterator[list[torch.Size]]:
        calls: list[torch.Size] = []

        def through_gate(module: nn.Module, arguments: Any, output: Any) -> Any:
            hidden = output[0] if isinstance(output, tuple) else output
            text = hidden.transpose(0, 1) if self.point.token_first else hidden
            calls.append(text.shape)
            shifted = self.gate(text, modalities, present)  # type: ignore[misc]
            shifted = shifted.transpose(0, 1) if self.point.token_first else shifted
            return (shifted, *output[1:]) if isinstance(output, tuple) else shifted

        handle = self.encoder.get_submodule(self.point.module).register_forward_hook(through_gate)
        try:
            yield calls
        finally:
            handle.remove()


class _Given(nn.Module):
    """Stands for the embeddings where hidden vectors are given instead."""

    def forward(self, *arguments: Any, inputs_embeds: Tensor | None = None, **others: Any) -> Tensor:
        # DistilBERT hands them over by position, among absent ids and positions.
        given = [*arguments, inputs_embeds]
        return next(value for value in given if isinstance(value, Tensor) and value.is_floating_point())


def split_encoder(encoder: PreTrainedModel, layer: int) -> tuple[PreTrainedModel, PreTrainedModel]:
    """A lower and an upper encoder: what runs once where it is frozen, and what is trained.

    ``upper(inputs_embeds=lower(**text).last_hidden_state, attention_mask=...)`` is the whole encoder without dropout.
    The parts share no tensor with `encoder`.

    Parameters
    ----------
    encoder
        BERT or one of its family whose embeddings take `inputs_embeds`.
    layer
        The first layer of the upper part.

    Raises
    ------
    InputError
        If the encoder is of another build (XLNet's positions are inside its layers' pass), or has no such layer.
    """
    injection_point(encoder, layer)
    if "embeddings" not in dict(encoder.named_children()) or hasattr(encoder, "embeddings_project"):
        raise InputError(
            f"{type(encoder).__name__} cannot be cut in two: its layers take more than the vectors of the layer before",
            cure="train it whole, or use an encoder of the BERT family",
        )
    where = encoder_layers(encoder)
    halves = []
    for keep in (slice(0, layer), slice(layer, None)):
        half = copy.deepcopy(encoder)
        owner, _, name = where.rpartition(".")
        setattr(half.get_submodule(owner), name, half.get_submodule(where)[keep])  # type: ignore[index]
        half.config.num_hidden_layers = len(half.get_submodule(where))  # type: ignore[arg-type]
        if hasattr(half, "pooler"):
            half.pooler = None  # type: ignore[assignment]
        halves.append(half)
    halves[1].embeddings = _Given()
    return halves[0], halves[1]
