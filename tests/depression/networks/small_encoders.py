"""Encoders of the real classes, small and with drawn weights."""

from __future__ import annotations

from typing import Any

import torch


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
