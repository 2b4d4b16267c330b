"""From words and their vectors to padded tensors: alignment to sub-words, special tokens, batches of like length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presage.cohort import InputError
from presage.depression.networks.data import Person, Utterance

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# XLNet's segments, as in its pre-training: text, the token [CLS] and padding.
_XLNET_CLS, _XLNET_PAD = 2, 3
# How many batches are drawn at random together before they are sorted by length.
_POOL = 50


@dataclass(frozen=True)
class Row:
    """One answer as tokens.

    Attributes
    ----------
    utterance
        The answer.
    ids
        Token numbers with the special tokens, shape (tokens,).
    word
        Which word each token is of, shape (tokens,); -1 for special tokens.
    hidden
        Vectors of the tokens behind the frozen layers, shape (tokens, width); None where the encoder reads `ids`.
    """

    utterance: Utterance
    ids: NDArray[np.int64]
    word: NDArray[np.int64]
    hidden: NDArray[np.float32] | None = None


class Layout:
    """How an encoder wants its tokens: BERT ``[CLS] a b [SEP]`` padded right, XLNet ``a b [SEP] [CLS]`` padded left.

    Parameters
    ----------
    tokenizer
        Of the encoder.
    model_type
        The encoder's `config.model_type`; ``xlnet`` is laid out as XLNet, every other as BERT.
    longest
        Most tokens of an answer, special tokens included; the rest of its words is cut off (50 in the published code).

    Raises
    ------
    InputError
        If the tokenizer lacks a special token, or `longest` has no room for a word.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model_type: str, longest: int = 50) -> None:
        ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("cls", "sep", "pad", "unk")}
        lacking = [name for name, number in ids.items() if number is None]
        if lacking or longest < 3:
            raise InputError(
                f"tokenizer without {lacking}" if lacking else f"answers of {longest} tokens",
                where="Layout",
                cure="use the encoder's own tokenizer, and at least 3 tokens",
            )
        self.tokenizer, self.xlnet, self.longest = tokenizer, model_type == "xlnet", longest
        self.segments = model_type in ("bert", "xlnet", "electra", "albert")
        self.cls, self.sep, self.pad, self.unknown = (int(ids[name]) for name in ("cls", "sep", "pad", "unk"))
        self._known: dict[str, list[int]] = {}

    def row(self, utterance: Utterance) -> Row:
        """The answer's tokens; a word without sub-words is the unknown token."""
        room = self.longest - 2
        pieces = [self._pieces(word) for word in utterance.words[:room]]
        ids = [number for piece in pieces for number in piece][:room]
        word = [index for index, piece in enumerate(pieces) for _ in piece][:room]
        if self.xlnet:
            ids, word = [*ids, self.sep, self.cls], [*word, -1, -1]
        else:
            ids, word = [self.cls, *ids, self.sep], [-1, *word, -1]
        return Row(utterance, np.array(ids, dtype=np.int64), np.array(word, dtype=np.int64))

    def _pieces(self, word: str) -> list[int]:
        if word not in self._known:
            pieces = self.tokenizer.tokenize(word) if word else []
            numbers = np.asarray(self.tokenizer.convert_tokens_to_ids(pieces), dtype=np.int64)
            self._known[word] = numbers.tolist() or [self.unknown]
        return self._known[word]

    def place(self, tokens: int, length: int) -> slice:
        """Where the tokens of a row stand in one of `length`."""
        return slice(length - tokens, length) if self.xlnet else slice(0, tokens)

    def segment_ids(self, tokens: int, length: int) -> NDArray[np.int64]:
        """Segment of each place, shape (length,)."""
        if not self.xlnet:
            return np.zeros(length, dtype=np.int64)
        segments = np.full(length, _XLNET_PAD, dtype=np.int64)
        segments[length - tokens :] = 0
        segments[-1] = _XLNET_CLS
        return segments


def as_sentence(row: Row, vector: NDArray[np.float32]) -> Row:
    """The answer as one token: `vector`, shape (1, width), and each modality's mean over the words that have it."""
    answer = row.utterance
    means, present = {}, {}
    for name, value in answer.modalities.items():
        here = answer.mask(name)
        means[name] = value[here].mean(axis=0, keepdims=True) if here.any() else np.zeros_like(value[:1])
        present[name] = np.array([here.any()])
    whole = Utterance([" ".join(answer.words)], means, present)
    return Row(whole, row.ids[:1], np.zeros(1, dtype=np.int64), vector)


@dataclass(frozen=True)
class TokenBatch:
    """Padded rows.

    Attributes
    ----------
    text
        The encoder's arguments, shapes (rows, tokens).
    modalities, present
        The gate's arguments, shapes (rows, tokens, size) and (rows, tokens).
    words
        Which places are sub-words: neither padding nor special tokens, shape (rows, tokens).
    """

    text: dict[str, Tensor]
    modalities: dict[str, Tensor]
    present: dict[str, Tensor]
    words: Tensor

    def to(self, device: str) -> TokenBatch:
        """The same on another device."""
        text, modalities, present = (
            {name: value.to(device) for name, value in group.items()}
            for group in (self.text, self.modalities, self.present)
        )
        return TokenBatch(text, modalities, present, self.words.to(device))


def collate(rows: Sequence[Row], layout: Layout, sizes: Mapping[str, int], length: int | None = None) -> TokenBatch:
    """Rows as one padded batch; each sub-word carries the vectors of its word, special tokens carry zeros.

    Parameters
    ----------
    rows, layout
        Answers and their encoder's layout.
    sizes
        Length of each modality's vectors.
    length
        To what to pad; by default the longest row. A special token counts as having a modality when a word of its
        answer has it: so the gate's bias acts on it as in the published code.
    """
    length = length or max(len(row.ids) for row in rows)
    shape = (len(rows), length)
    ids, mask = np.full(shape, layout.pad, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    segments, words = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    values = {name: np.zeros((*shape, size), dtype=np.float32) for name, size in sizes.items()}
    present = {name: np.zeros(shape, dtype=bool) for name in sizes}
    hidden = None if rows[0].hidden is None else np.zeros((*shape, rows[0].hidden.shape[1]), dtype=np.float32)
    for index, row in enumerate(rows):
        place = layout.place(len(row.ids), length)
        ids[index, place], mask[index, place] = row.ids, 1
        segments[index] = layout.segment_ids(len(row.ids), length)
        words[index, place] = row.word >= 0
        if hidden is not None and row.hidden is not None:
            hidden[index, place] = row.hidden
        spoken = row.word >= 0
        for name in sizes:
            if name not in row.utterance.modalities:
                continue
            here = row.utterance.mask(name)
            vectors = np.where(here[:, None], row.utterance.modalities[name], 0)
            values[name][index, place][spoken] = vectors[row.word[spoken]]
            present[name][index, place] = np.where(spoken, here[row.word], here.any())
    text: dict[str, Any] = {"input_ids": ids} if hidden is None else {"inputs_embeds": hidden}
    text["attention_mask"] = mask
    if layout.segments and hidden is None:
        text["token_type_ids"] = segments
    text, heard, there = (
        {name: torch.from_numpy(array) for name, array in group.items()} for group in (text, values, present)
    )
    return TokenBatch(text, heard, there, torch.from_numpy(words))


@dataclass(frozen=True)
class InterviewBatch:
    """The answers of some persons, in groups of like length.

    Attributes
    ----------
    groups
        Padded answers.
    slots
        Where each answer of the groups, one after another, belongs: person * answers + answer, shape (rows,).
    persons, answers
        How many persons, and the most answers of one.
    """

    groups: list[TokenBatch]
    slots: Tensor
    persons: int
    answers: int

    def to(self, device: str) -> InterviewBatch:
        """The same on another device."""
        return replace(self, groups=[group.to(device) for group in self.groups], slots=self.slots.to(device))


Rows = Sequence[Row | None]


def rows_of(person: Person, layout: Layout) -> list[Row | None]:
    """A person's answers as tokens; None where an answer is missing."""
    return [None if answer is None else layout.row(answer) for answer in person]


def interview_batch(
    persons: Sequence[Rows], layout: Layout, sizes: Mapping[str, int], rows_per_pass: int = 64
) -> InterviewBatch:
    """Answers of several persons; sorted by length before they are padded together, `rows_per_pass` at a time."""
    answers = max(len(person) for person in persons)
    found = [
        (len(row.ids), index * answers + place, row)
        for index, person in enumerate(persons)
        for place, row in enumerate(person)
        if row is not None
    ]
    found.sort(key=lambda item: item[:2])
    groups = [
        collate([row for _, _, row in found[start : start + rows_per_pass]], layout, sizes)
        for start in range(0, len(found), rows_per_pass)
    ]
    return InterviewBatch(groups, torch.tensor([slot for _, slot, _ in found]), len(persons), answers)


def batches_by_length(
    lengths: Sequence[int] | NDArray[np.int64], size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Indices of the examples of each batch of one epoch, examples of like length together.

    The examples are shuffled, sorted by length within pools of 50 batches, and the batches are shuffled: each epoch
    mixes them differently, and the generator alone decides how.
    """
    order = generator.permutation(len(lengths))
    known = np.asarray(lengths)
    batches = []
    for start in range(0, len(order), _POOL * size):
        pool = order[start : start + _POOL * size]
        pool = pool[np.argsort(known[pool], kind="stable")]
        batches += [pool[at : at + size] for at in range(0, len(pool), size)]
    for index in generator.permutation(len(batches)):
        yield batches[index]
