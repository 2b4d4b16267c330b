"""The parts that the networks are put together from: early fusion, one modality alone, pooling over answers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from presage.depression.networks.batches import TokenBatch
from presage.depression.networks.injection import FusedEncoder


class EarlyFusion(nn.Module):
    """Words and modalities side by side through one linear map, in place of the gate.

    It starts as the map that passes the text on unchanged, so that a pre-trained encoder is not lost. A missing
    modality is zeros, and a number beside it says that it is missing.
    """

    def __init__(self, width: int, modalities: Mapping[str, int], dropout: float = 0.1) -> None:
        super().__init__()
        self.names = list(modalities)
        self.mix = nn.Linear(width + sum(modalities.values()) + len(modalities), width)
        with torch.no_grad():
            self.mix.weight[:, :width] = torch.eye(width)
            self.mix.weight[:, width:] *= 0.1
            self.mix.bias.zero_()
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, text: Tensor, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Mixed vectors, shape (..., width); arguments as of the gate."""
        parts = [text]
        for name in self.names:
            here = torch.ones(text.shape[:-1], dtype=torch.bool) if present is None else present[name]
            flag = here.to(text)[..., None]
            parts += [torch.where(flag > 0, modalities[name], torch.zeros_like(modalities[name])), flag]
        mixed: Tensor = self.dropout(self.mix(torch.cat(parts, dim=-1)))
        return mixed


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over places that count, shape (rows, width); zeros where none does. Values (rows, places, width)."""
    weight = mask.to(values)[..., None]
    return (values * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1)


class TextAnswers(nn.Module):
    """A vector for each answer: the mean of the token vectors of an encoder with or without a gate.

    The mean over all tokens but padding, special ones included, as the encoder's sentence vectors are made.
    """

    def __init__(self, fused: FusedEncoder, width: int) -> None:
        super().__init__()
        self.fused, self.width = fused, width

    def forward(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """Vectors (rows, width) and which answers say anything (rows,)."""
        hidden = self.fused(batch.text, batch.modalities, batch.present)
        mask = batch.text["attention_mask"].bool()
        return masked_mean(hidden, mask), mask.any(dim=1)


class FrameAnswers(nn.Module):
    """A vector for each answer from one modality alone: mean and spread over its words, through a hidden layer."""

    def __init__(self, name: str, size: int, width: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.name, self.width = name, width
        self.layers = nn.Sequential(nn.Linear(2 * size, width), nn.ReLU(), nn.Dropout(dropout))

    def forward(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """Vectors (rows, width) and which answers have the modality (rows,)."""
        mask = batch.present[self.name] & batch.words
        values = batch.modalities[self.name]
        mean = masked_mean(values, mask)
        spread = masked_mean((values - mean[:, None]).square(), mask)
        # The root's slope is infinite at zero, where an answer has one word.
        found: Tensor = self.layers(torch.cat([mean, (spread + 1e-6).sqrt()], dim=1))
        return found, mask.any(dim=1)


class AttentionPooling(nn.Module):
    """One vector per person from those of the answers, weighted by attention: Ilse et al., ICML 2018, equation 8.

    ``a = softmax(w tanh(V h))`` over the answers that are there. `w` starts at zero: all answers weigh the same until
    training finds that some say more. Of a person without any answer the vector is zeros.
    """

    def __init__(self, width: int, hidden: int = 32) -> None:
        super().__init__()
        self.project = nn.Linear(width, hidden)
        self.weigh = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.weigh.weight)

    def weights(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Share of each answer, shape (persons, answers), from vectors (persons, answers, width) and who is there."""
        energy = self.weigh(torch.tanh(self.project(vectors)))[..., 0].float()
        energy = energy.masked_fill(~mask, torch.finfo(energy.dtype).min)
        return torch.softmax(energy, dim=1) * mask

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Pooled vectors, shape (persons, width)."""
        return (self.weights(vectors, mask)[..., None].to(vectors.dtype) * vectors).sum(dim=1)
