"""Claims: a training step with the adaptation gate costs at most 1.05 x the same step on text alone; batches of like
length train at least 1.5 x as many examples a second as batches padded to 50 tokens.

    python benchmarks/bench_mag.py [--rounds 5] [--base] [--threads 1]

The contenders take turns in every round of one run. `--base` adds a network of BERT-base's size with drawn weights
(4 GB of memory). Lengths are those of the CMU-MOSI training transcripts where PRESAGE_DATA has them, else drawn:
lognormal, median 12 tokens, sigma 0.6.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from presage.depression.networks.batches import Layout, Row, TokenBatch, batches_by_length, collate
from presage.depression.networks.data import Utterance
from presage.depression.networks.encoders import open_encoder
from presage.depression.networks.injection import FusedEncoder
from presage.depression.networks.mag import AdaptationGate
from simulated import print_table

# Numbers per word in the published MOSI features: acoustic and visual.
SIZES = {"acoustic": 74, "visual": 47}
LONGEST = 50


class Step:
    """One AdamW step of an encoder, with a gate or without."""

    def __init__(self, encoder: nn.Module, gate: AdaptationGate | None) -> None:
        self.fused = FusedEncoder(encoder, gate).train()
        self.head = nn.Linear(encoder.config.hidden_size, 1)
        self.optimiser = torch.optim.AdamW([*self.fused.parameters(), *self.head.parameters()], lr=1e-5)

    def __call__(self, batch: TokenBatch) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        hidden = self.fused(batch.text, batch.modalities, batch.present)
        self.head(hidden.mean(dim=1)).square().mean().backward()
        self.optimiser.step()


def rows_of_length(lengths: list[int], layout: Layout, generator: np.random.Generator) -> list[Row]:
    """Made-up answers with so many tokens."""
    rows = []
    for length in lengths:
        count = max(1, min(length, LONGEST) - 2)
        vectors = {name: generator.normal(size=(count, size)).astype(np.float32) for name, size in SIZES.items()}
        ids = np.concatenate([[layout.cls], generator.integers(1000, 9000, count), [layout.sep]])
        word = np.concatenate([[-1], np.arange(count), [-1]])
        rows.append(Row(Utterance(["word"] * count, vectors), ids.astype(np.int64), word))
    return rows


def mosi_lengths(layout: Layout) -> tuple[list[int], str]:
    """Tokens of each real utterance, or drawn ones, and which of the two."""
    path = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "mosi_utterances" / "transcripts_train.csv"
    if not path.is_file():
        drawn = np.random.default_rng(0).lognormal(np.log(12), 0.6, 1447)
        return [int(value) + 3 for value in drawn], "drawn lognormal lengths, median 12 tokens, sigma 0.6"
    with path.open(encoding="utf-8") as file:
        texts = [line["text"] for line in csv.DictReader(file)]
    return [len(layout.row(Utterance(text.split())).ids) for text in texts], "lengths of the MOSI training transcripts"


def processor_seconds(call: Callable[[], object]) -> float:
    """Of all threads of this process: what else runs on the machine does not count."""
    start = time.process_time()
    call()
    return time.process_time() - start


def gate_cost(title: str, encoder: nn.Module, layout: Layout, batch_size: int, rounds: int) -> None:
    import copy

    generator = np.random.default_rng(1)
    batch = collate(rows_of_length([LONGEST] * batch_size, layout, generator), layout, SIZES)
    plain = Step(copy.deepcopy(encoder), None)
    gated = Step(encoder, AdaptationGate(encoder.config.hidden_size, SIZES))
    times: dict[str, list[float]] = {"text": [], "gate": []}
    for _ in range(rounds + 1):  # the first round warms up
        times["text"].append(processor_seconds(lambda: plain(batch)))
        times["gate"].append(processor_seconds(lambda: gated(batch)))
    text, gate = (statistics.median(values[1:]) for values in times.values())
    pairs = [g / t for g, t in zip(times["gate"][1:], times["text"][1:], strict=True)]
    extra = sum(p.numel() for p in gated.fused.gate.parameters()) / sum(p.numel() for p in encoder.parameters())
    heading = ["batch", "text s", "gate s", "median of ratios", "lowest", "highest", "parameters more"]
    cells = [f"{batch_size} x {LONGEST}", text, gate, statistics.median(pairs), min(pairs), max(pairs), extra]
    print_table(f"One training step, {title}", heading, [cells], note(rounds))


def bucketing(encoder: nn.Module, layout: Layout, rounds: int, batch_size: int = 48) -> None:
    generator = np.random.default_rng(2)
    lengths, source = mosi_lengths(layout)
    chosen = generator.permutation(len(lengths))[: 4 * batch_size]
    rows = rows_of_length([lengths[index] for index in chosen], layout, generator)
    known = np.array([len(row.ids) for row in rows])
    step = Step(encoder, AdaptationGate(encoder.config.hidden_size, SIZES))

    def epoch(way: str) -> None:
        if way == "like length":
            batches = list(batches_by_length(known, batch_size, np.random.default_rng(3)))
        else:
            order = np.random.default_rng(3).permutation(len(rows))
            batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        for members in batches:
            part = [rows[index] for index in members]
            step(collate(part, layout, SIZES, length=LONGEST if way == "padded to 50" else None))

    ways = ("padded to 50", "padded to the longest", "like length")
    times: dict[str, list[float]] = {way: [] for way in ways}
    step(collate(rows[:batch_size], layout, SIZES))
    for _ in range(rounds):
        for way in ways:
            times[way].append(processor_seconds(lambda way=way: epoch(way)))
    slow = statistics.median(times[ways[0]])
    cells = [[way, len(rows) / statistics.median(times[way]), slow / statistics.median(times[way])] for way in ways]
    print_table("An epoch of training with the gate, collation included", ["batches", "examples/s", "ratio"], cells,
                f"{len(rows)} answers, {source}, mean {known.mean():.1f} tokens; {note(rounds)}")  # fmt: skip


def note(rounds: int) -> str:
    """How it was measured."""
    load = os.getloadavg()[0]
    return f"processor seconds, {rounds} rounds in turn, {torch.get_num_threads()} thread(s), load average {load:.1f}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--base", action="store_true")
    chosen = arguments.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(chosen.threads)
    encoder, tokenizer = open_encoder()
    layout = Layout(tokenizer, "bert", LONGEST)
    gate_cost("all-MiniLM-L6-v2 (22.7 M parameters)", encoder, layout, 48, chosen.rounds)
    bucketing(open_encoder()[0], layout, chosen.rounds)
    if chosen.base:
        from transformers import BertConfig, BertModel

        gate_cost("BERT-base, drawn weights (109 M)", BertModel(BertConfig()), layout, 16, chosen.rounds)


if __name__ == "__main__":
    main()
