"""From the answers of an interview to one number per person, with any of the fusions behind one interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor, nn

from presage.cohort import InputError
from presage.depression.networks.batches import InterviewBatch
from presage.depression.networks.injection import FusedEncoder, encoder_layers, injection_point
from presage.depression.networks.mag import AdaptationGate
from presage.depression.networks.ordinal import OrdinalHead
from presage.depression.networks.parts import AttentionPooling, EarlyFusion, FrameAnswers, TextAnswers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: What is done with the modalities: shifted into the words, side by side with them, or left out.
TextFusion = Literal["gate", "early", "text"]


class InterviewNetwork(nn.Module):
    """Answers to vectors, vectors to one vector per person, that to a severity.

    Parameters
    ----------
    answers
        Gives vectors (rows, `width`) and which rows count: :class:`TextAnswers` or :class:`FrameAnswers`.
    head
        From vectors to severity.
    dropout
        On the person's vector, in training.
    """

    def __init__(self, answers: TextAnswers | FrameAnswers, head: OrdinalHead, dropout: float = 0.1) -> None:
        super().__init__()
        self.answers, self.head = answers, head
        self.pooling = AttentionPooling(answers.width)
        self.dropout = nn.Dropout(dropout)

    def vectors(self, batch: InterviewBatch) -> tuple[Tensor, Tensor]:
        """Vectors of the answers, shape (persons, answers, width), and which are there, (persons, answers)."""
        parts, here = zip(*(self.answers(group) for group in batch.groups), strict=True)
        rows, said = torch.cat(parts), torch.cat(here)
        places = batch.persons * batch.answers
        vectors = rows.new_zeros(places, rows.shape[1]).index_copy(0, batch.slots, rows)
        mask = torch.zeros(places, dtype=torch.bool, device=rows.device).index_copy(0, batch.slots, said)
        shape = (batch.persons, batch.answers)
        return vectors.reshape(*shape, -1), mask.reshape(shape)

    def forward(self, batch: InterviewBatch) -> Tensor:
        """Logit of being a case, shape (persons,): rises with severity."""
        vectors, mask = self.vectors(batch)
        found: Tensor = self.head(self.dropout(self.pooling(vectors, mask)).float())
        return found

    def parts(self, batch: InterviewBatch) -> Tensor:
        """What each answer adds to the logit, shape (persons, answers).

        The severity is linear in the pooled vector, and that is a weighted sum of the answers': these parts and the
        border of the cut-off sum up to the logit exactly.
        """
        vectors, mask = self.vectors(batch)
        found: Tensor = self.pooling.weights(vectors, mask) * self.head.severity(vectors.float())[..., 0]
        return found


def text_network(
    encoder: PreTrainedModel,
    modalities: Mapping[str, int],
    head: OrdinalHead,
    *,
    fusion: TextFusion = "gate",
    before_layer: int | None = None,
    beta: float = 1.0,
    dropout: float = 0.1,
) -> InterviewNetwork:
    """A network on words; `fusion` says what is done with the modalities.

    Parameters
    ----------
    encoder
        Trained along as it is; see :func:`open_upper_layers`.
    modalities
        Sizes by name.
    before_layer
        Where the fusion stands; by default the published place.
    beta, dropout
        Of the gate; the dropout also acts on the person's vector.
    """
    if fusion not in get_args(TextFusion):
        raise InputError(f"fusion {fusion!r}", cure=f"one of {', '.join(get_args(TextFusion))}")
    width = encoder.config.hidden_size
    gate: nn.Module | None = None
    if fusion == "gate" and modalities:
        gate = AdaptationGate(width, modalities, beta=beta, dropout=dropout)
    if fusion == "early" and modalities:
        gate = EarlyFusion(width, modalities, dropout)
    answers = TextAnswers(FusedEncoder(encoder, gate, injection_point(encoder, before_layer)), width)
    return InterviewNetwork(answers, head, dropout)


def frame_network(
    name: str, size: int, head: OrdinalHead, *, width: int = 64, dropout: float = 0.3
) -> InterviewNetwork:
    """A network on one modality alone; the head takes vectors of `width`."""
    return InterviewNetwork(FrameAnswers(name, size, width, dropout), head, dropout)


def open_upper_layers(encoder: PreTrainedModel, layers: int | None) -> None:
    """Leave the uppermost layers of an encoder to training and freeze all else; None trains the whole encoder.

    Raises
    ------
    InputError
        If there are not so many layers.
    """
    for parameter in encoder.parameters():
        parameter.requires_grad_(layers is None)
    if layers is None or layers == 0:
        return
    found = encoder.get_submodule(encoder_layers(encoder))
    count = encoder.config.num_hidden_layers
    if not 0 < layers <= count:
        raise InputError(f"{layers} upper layers of an encoder with {count}", cure=f"0 to {count}, or None for all")
    for layer in list(found)[count - layers :]:  # type: ignore[call-overload]
        for parameter in layer.parameters():
            parameter.requires_grad_(True)
