"""The part of an encoder that is not trained: it runs once for each answer, and its vectors are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from presage.depression.networks.batches import Row, Rows, as_sentence

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Vectors behind frozen layers by encoder, number of layers, kind, device and a digest of the tokens.
Store = dict[tuple[Any, ...], NDArray[np.float32]]

# Trainings of one fold, and folds of one cohort, are tasks of one process and read the same answers.
_SHARED: Store = {}
_MOST_SHARED = 512 * 2**20

# How many of the last layers a sentence vector is averaged over.
_SENTENCE_LAYERS = 4
# A number that never varies in training must not blow up a test value.
_LEAST_SPREAD = np.float32(1e-3)


def shared_store() -> Store:
    """The vectors that all fits of this process share; what was said cannot be read from them or their keys."""
    if sum(vectors.nbytes for vectors in _SHARED.values()) > _MOST_SHARED:
        _SHARED.clear()
    return _SHARED


def digest_of(ids: NDArray[np.int64]) -> bytes:
    """Tells the tokens of answers apart, and does not tell what they are."""
    return hashlib.blake2b(ids.tobytes(), digest_size=16).digest()


class FrozenLayers:
    """Lower layers of an encoder.

    Parameters
    ----------
    lower
        From :func:`~presage.depression.networks.injection.split_encoder`.
    name
        The encoder's folder, for the store.
    sentences
        Whether an answer becomes one vector (see the settings) or stays one vector per token.
    device
        Where it runs.
    store
        Where the vectors are kept.

    Attributes
    ----------
    reference
        Mean and spread of the training persons' sentence vectors, shape (width,) each; None before a fit, and where
        answers stay tokens.
    """

    def __init__(self, lower: PreTrainedModel, name: str | None, sentences: bool, device: str, store: Store) -> None:
        self._lower = lower
        self._lower.to(torch.device(device))  # type: ignore[arg-type]
        self._lower.train(False)
        self._name, self._sentences, self._device, self._store = name, sentences, device, store
        self.reference: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def encoded(self, persons: Sequence[Rows], fitting: bool) -> list[Rows]:
        """The answers with their vectors; `fitting` takes the sentence vectors' mean and spread from these persons."""
        found: list[Rows] = [[None if row is None else self._one(row) for row in person] for person in persons]
        if not self._sentences:
            return found
        if fitting or self.reference is None:
            values = np.concatenate([_vector(row) for person in found for row in person if row is not None])
            self.reference = values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SPREAD)
        mean, spread = self.reference
        return [
            [None if row is None else replace(row, hidden=(_vector(row) - mean) / spread) for row in person]
            for person in found
        ]

    def _one(self, row: Row) -> Row:
        # One row at a time, so that no other one in a batch changes its last bits.
        key = (self._name, self._lower.config.num_hidden_layers, self._sentences, self._device, digest_of(row.ids))
        if key not in self._store:
            with torch.inference_mode():
                ids = torch.from_numpy(row.ids)[None].to(self._device)
                text = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
                found = self._lower(**text, output_hidden_states=True)
                hidden = found.last_hidden_state[0]
                if self._sentences:
                    layers = torch.stack(found.hidden_states[-_SENTENCE_LAYERS:])
                    hidden = layers[:, 0].mean(dim=(0, 1))[None]
            self._store[key] = hidden.float().cpu().numpy()
        vectors = self._store[key]
        return as_sentence(row, vectors) if self._sentences else replace(row, hidden=vectors)


def _vector(row: Row) -> NDArray[np.float32]:
    assert row.hidden is not None
    return row.hidden
