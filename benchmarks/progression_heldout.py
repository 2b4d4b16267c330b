"""Do mutual hazard networks foretell tumours that they have not seen better than independent events do?

    python benchmarks/progression_heldout.py [DATA] [--folds 5] [--repeats 1]

DATA (default: PRESAGE_DATA) holds `tumor/mhn/Glioblastoma.csv` and `BreastCancer.csv` (Schill et al. 2020). For every
tumour ln p by a model fitted to other tumours; the penalty is chosen by cross-validation inside each training part.
All four forms of the network are printed, none is chosen by the result. Intervals: 10,000 bootstraps of the tumours
with their held-out values (they leave out the share of the training).
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from presage.tumor.progression import Form, held_out


def interval(values: np.ndarray) -> str:
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(10_000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("data", nargs="?", default=os.environ.get("PRESAGE_DATA", "../shared/data"))
    options.add_argument("--folds", type=int, default=5)
    options.add_argument("--repeats", type=int, default=1)
    given = options.parse_args()
    for name in ("Glioblastoma", "BreastCancer"):
        table = pd.read_csv(Path(given.data) / "tumor" / "mhn" / f"{name}.csv")
        share = table.mean().to_numpy()
        floor = float(np.where(table, np.log(share), np.log1p(-share)).sum(axis=1).mean())
        print(f"{name}: {len(table)} tumours x {table.shape[1]} events; {given.folds} folds x {given.repeats}")
        print(f"  independent events, frequencies of all tumours (not held out): {floor:.3f}")
        for form in (Form(), Form(symmetric=True), Form(observation=True), Form(observation=True, symmetric=True)):
            began = time.perf_counter()
            runs = [held_out(table, form=form, folds=given.folds, seed=seed) for seed in range(given.repeats)]
            network = np.mean([run.network for run in runs], axis=0)
            independent = np.mean([run.independent for run in runs], axis=0)
            words = ("events change the observation too" if form.observation else "classical") + (
                ", symmetric penalty" if form.symmetric else ""
            )
            chosen = [penalty for run in runs for penalty in run.penalties]
            print(
                f"  {words}: held out {interval(network)}; independent, held out {interval(independent)}; "
                f"difference {interval(network - independent)}; penalties {min(chosen):.4f} to {max(chosen):.4f}; "
                f"{time.perf_counter() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
