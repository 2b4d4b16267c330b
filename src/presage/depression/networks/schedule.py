"""How long and how fast a network learns, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Schedule:
    """How a network is trained; what stands here is as published for MAG-BERT, save the head's learning rate.

    Attributes
    ----------
    epochs, patience
        Most passes over the persons; passes without a better validation loss after which training stops.
    batch_size
        Persons per step.
    learning_rate, new_learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter, ICLR 2019), for the pre-trained encoder and for all that begins anew. Biases,
        layer norms and the head's borders do not decay.
    warm_up
        Share of all steps in which the learning rate rises; then it falls linearly to zero.
    precision
        ``float32``, or ``bfloat16`` for the passes through the network (about 1.7 x faster on processors that have it).
    modality_dropout
        How often a modality of a person is hidden in training, each on its own: so the network learns to do without.
    """

    epochs: int = 40
    patience: int = 8
    batch_size: int = 48
    learning_rate: float = 1e-5
    new_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.1
    precision: str = "float32"
    modality_dropout: float = 0.0

    def factor(self, step: int, steps: int) -> float:
        """The learning rate's factor at `step` of `steps`."""
        rising = max(1, round(self.warm_up * steps))
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (steps - step) / max(1, steps - rising))


@dataclass
class Progress:
    """Where a training stands, beside the tensors."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    losses: list[float] = field(default_factory=list)
