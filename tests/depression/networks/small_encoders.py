"""Encoders of the real classes, small and with drawn weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from presage.depression.networks.data import Utterance


def small_bert(layers: int = 3, seed: int = 0, vocabulary: int = 60) -> Any:
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    return BertModel(
        BertConfig(
            hidden_size=16,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=24,
            vocab_size=vocabulary,
            max_position_embeddings=40,
        )
    ).eval()


def small_xlnet(layers: int = 3, seed: int = 0) -> Any:
    from transformers import XLNetConfig, XLNetModel

    torch.manual_seed(seed)
    return XLNetModel(XLNetConfig(d_model=16, n_layer=layers, n_head=2, d_inner=24, vocab_size=60)).eval()


class PieceTokenizer:
    """Cuts a word into pieces of two letters; each pair of letters has its number."""

    cls_token_id, sep_token_id, pad_token_id, unk_token_id = 1, 2, 3, 4

    def tokenize(self, word: str) -> list[str]:
        return [word[at : at + 2] for at in range(0, len(word), 2)]

    def convert_tokens_to_ids(self, pieces: list[str]) -> list[int]:
        return [5 + sum(map(ord, piece)) % 50 for piece in pieces]


def drawn_person(
    generator: np.random.Generator, answers: int, sizes: dict[str, int], missing: float = 0.0
) -> list[Utterance | None]:
    """Answers of two to six words with random vectors; some modalities and answers are missing."""
    person: list[Utterance | None] = []
    for _ in range(answers):
        count = int(generator.integers(2, 7))
        words = ["".join(generator.choice(list("abcdefgh"), 3)) for _ in range(count)]
        vectors = {
            name: generator.normal(size=(count, size)).astype(np.float32)
            for name, size in sizes.items()
            if generator.random() >= missing
        }
        person.append(Utterance(words, vectors) if person == [] or generator.random() >= missing else None)
    return person


def write_small_encoder(folder: Path) -> Path:
    """A small BERT with a tokenizer of letters and pairs of letters, as `save_pretrained` writes them."""
    from transformers import BertTokenizerFast

    letters = "abcdefgh"
    names = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(names))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    small_bert().save_pretrained(folder)
    return folder
