"""What a background by trinucleotide context is worth, on PHANTOM (made-up) genomes whose truth is known.

    python benchmarks/context_background.py [--seeds 5]

Genes of a made-up genome differ in length, G + C and CpG; mutations fall by made-up rates (C > T at CpG 20 times, at TC
6 times as often as elsewhere). Three backgrounds see the same cohorts: Poisson by protein length (a standard), the
negative-binomial model by protein length, and the same model by coding sequences. First without any selection, with
silent calls and without; then with planted drivers. P-values are randomised (they are of counts); a level's share is
divided by the level, so that 1 is right. Then: are the rates of the 192 changes found, and how long does it take for as
many genes as an exome has? No number here is of patients.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from presage.tumor.phantom_genome import PhantomGenome, draw_genome, draw_mutations, draw_rates
from presage.tumor.readers import Mutations, read_maf
from presage.tumor.selection import (
    Counts,
    by_length,
    fit_background,
    randomised,
    read_coding_sequences,
    select_genes,
    transcripts_of,
    uniformity,
)
from presage.tumor.selection.background import upper_tail
from presage.tumor.selection.combined import class_tests
from presage.tumor.selection.context import CodingSequences, opportunities
from presage.tumor.selection.context.changes import FOLDED
from presage.tumor.selection.counts import CHANGING
from simulated import print_table, quickest

DRIVERS = {f"PHG{40 * number + 7:04d}": ("missense" if number % 2 else "truncating") for number in range(12)}
WAYS = ("Poisson by length", "model by length", "model by sequence")
RATES = draw_rates(cpg=20.0, apobec=6.0, seed=1)


def cohort(genome: PhantomGenome, folder: Path, **how) -> tuple[Mutations, CodingSequences]:
    draw_mutations(genome, RATES, **how).to_csv(folder / "phantom.maf", sep="\t", index=False)
    mutations = read_maf(folder / "phantom.maf", coding=True)
    return mutations, read_coding_sequences(folder / "cds.fa", transcripts=transcripts_of(mutations))


def three(mutations: Mutations, sequences: CodingSequences) -> dict[str, object]:
    by_sequence = select_genes(mutations, None, sequences=sequences, hypermutated="keep")
    return {WAYS[1]: select_genes(mutations, sequences.genes(), hypermutated="keep"), WAYS[2]: by_sequence}


def poisson(counts: Counts, seed: int) -> dict[str, np.ndarray]:
    """Randomised p-values of the standard, by class and of all classes together."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in ("missense", "truncating", "excess"):
        number = sum(getattr(counts, one) for one in CHANGING) if name == "excess" else getattr(counts, name)
        mean = counts.genes.lengths * (number.sum() / counts.genes.lengths.sum())
        tail, mass = upper_tail(number, mean, np.inf)
        found[name] = np.clip(tail - rng.random(len(tail)) * mass, 1e-300, 1)
    return found


def model(selection, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    tests = class_tests(selection.counts, fit_background(selection.counts))
    found = {name: np.clip(tail - rng.random(len(tail)) * mass, 1e-300, 1) for name, (tail, mass) in tests.items()}
    return {**found, **randomised(selection.counts, seed=seed)}


def without_selection(genome: PhantomGenome, folder: Path, seeds: int, number: int, silent: bool) -> list[list]:
    values: dict[str, dict[str, list]] = {way: {} for way in WAYS}
    calls: dict[str, list[int]] = {way: [] for way in WAYS}
    for seed in range(seeds):
        mutations, sequences = cohort(genome, folder, mutations=number, patients=400, shape=8.0, seed=seed)
        if not silent:
            table = mutations.table[mutations.table["class"] != "silent"].reset_index(drop=True)
            mutations = Mutations(table, mutations.build, mutations.samples, mutations.patients)
        found = three(mutations, sequences)
        p = {WAYS[0]: poisson(found[WAYS[1]].counts, seed), **{way: model(found[way], seed) for way in WAYS[1:]}}
        calls[WAYS[0]].append(int((by_length(found[WAYS[1]].counts)["q"] < 0.1).sum()))
        for way in WAYS[1:]:
            calls[way].append(len(found[way].selected()))
        for way in WAYS:
            for name in ("missense", "truncating", "excess"):
                values[way].setdefault(name, []).append(p[way][name])
    rows = []
    for way in WAYS:
        for name, parts in values[way].items():
            all_ = np.concatenate(parts)
            shares = [float((all_ < level).mean() / level) for level in (0.05, 0.001)]
            called = f"{np.mean(calls[way]):.1f}" if name == "excess" else "-"
            ks = float(np.median([uniformity(part).ks for part in parts]))
            rows.append([number, "yes" if silent else "no", way, name, uniformity(all_).inflation, ks, *shares, called])
    return rows


def with_drivers(genome: PhantomGenome, folder: Path, seeds: int, number: int) -> list[list]:
    found: dict[str, list[tuple[int, int]]] = {way: [] for way in WAYS}
    for seed in range(seeds):
        planted = {name: (what, 26 if what == "missense" else 9) for name, what in DRIVERS.items()}
        mutations, sequences = cohort(
            genome, folder, mutations=number, patients=400, shape=8.0, drivers=planted, seed=100 + seed
        )
        selections = three(mutations, sequences)
        length = by_length(selections[WAYS[1]].counts)
        chosen = {WAYS[0]: list(length.loc[length["q"] < 0.1, "gene"])}
        chosen |= {way: selections[way].selected() for way in WAYS[1:]}
        for way, genes in chosen.items():
            found[way].append((len(set(genes) & set(DRIVERS)), len(set(genes) - set(DRIVERS))))
    return [
        [number, way, f"{np.mean([t for t, _ in found[way]]):.1f} of {len(DRIVERS)}",
         f"{np.mean([f for _, f in found[way]]):.1f}"]
        for way in WAYS
    ]  # fmt: skip


def rates(genome: PhantomGenome, folder: Path, number: int) -> list:
    mutations, sequences = cohort(genome, folder, mutations=number, patients=400, shape=8.0, seed=7)
    fitted = select_genes(mutations, None, sequences=sequences, hypermutated="keep").context.rates
    room = opportunities(sequences).sum(axis=(0, 1))
    mean = pd.Series(RATES * room).groupby(FOLDED).sum() / pd.Series(room).groupby(FOLDED).sum()
    true = mean.reindex(FOLDED).to_numpy()
    true = true * (fitted.rates * room).sum() / (true * room).sum()
    z = (np.log(fitted.rates) - np.log(true)) / fitted.errors
    used = np.unique(FOLDED)
    ratio = fitted.ratios
    spread = float(np.exp(np.abs(np.log(fitted.rates / true))[used].mean()) - 1)
    return [number, fitted.groups, spread, float((np.abs(z[used]) < 1.96).mean()), *(
        f"{ratio[name][0]:.2f} ({ratio[name][1]:.2f}-{ratio[name][2]:.2f})" for name in ("missense", "truncating")
    )]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        genome = draw_genome(800, seed=0)
        genome.write_coding(folder / "cds.fa")
        rows = []
        for number, silent in ((4000, True), (15000, True), (15000, False)):
            rows += without_selection(genome, folder, seeds, number, silent)
        heading = ["mutations", "silent", "background", "p of", "inflation", "KS p", "<0.05", "<0.001", "false calls"]
        note = (
            f"PHANTOM. {seeds} cohorts of 400 patients, 800 genes; KS p is the median; false calls per cohort, q < 0.1."
        )
        print_table("Without selection", heading, rows, note)
        rows = [row for number in (4000, 15000) for row in with_drivers(genome, folder, seeds, number)]
        heading = ["mutations", "background", "drivers found", "false calls"]
        note = "PHANTOM. Planted: 6 genes with 26 more missense, 6 with 9 more truncating patients; q < 0.1."
        print_table("With planted drivers", heading, rows, note)
        heading = ["mutations", "rates", "mean error", "true in 95 %", "missense ratio", "truncating ratio"]
        note = "PHANTOM. Error of the 96 rates; ratios (95 % limits) of observed to expected are 1 without selection."
        print_table("Rates", heading, [rates(genome, folder, number) for number in (2000, 8000, 30000)], note)
        large = draw_genome(20000, seed=3)
        large.write_coding(folder / "cds.fa")
        sequences = read_coding_sequences(folder / "cds.fa")
        _, read = quickest(lambda: read_coding_sequences(folder / "cds.fa"), 3)
        _, counted = quickest(lambda: opportunities(sequences), 3)
        row = [len(sequences.symbols), int(sequences.starts[-1]), read, counted]
        heading = ["genes", "bases", "reading s", "opportunities s"]
        print_table("Processor time", heading, [row], "PHANTOM; quickest of 3 runs.")


if __name__ == "__main__":
    main()
