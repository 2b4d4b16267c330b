"""2,000 patient-bootstrap replicates of the AUC of 10,000 patients against a loop of scikit-learn; decision curves."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from dcurves import dca
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from presage.stats import bootstrap_auc, delong
from presage.stats.utility import decision_curve
from simulated import clustered_scores, normal_scores, print_table, quickest, shares


def bootstrap(n: int, replicates: int, seed: int) -> None:
    cases, random = shares(n, 0.3), np.random.default_rng(seed)
    score = normal_scores(random, cases, 0.7)[0]

    def loop() -> np.ndarray:
        values = []
        for _ in range(loops):
            rows = random.integers(0, n, n)
            values.append(roc_auc_score(cases[rows], score[rows]))
        return np.array(values)

    loops = 50
    slow = [spent * replicates / loops for spent in quickest(loop, 2)]
    per_row, clustered, patients = clustered_scores(random, shares(n // 4, 0.3), 0.7, 4, 0.6)
    rows = []
    for name, call in (
        ("no ties, 2 threads", lambda: bootstrap_auc(cases, score, replicates=replicates, threads=2)),
        ("no ties, 1 thread", lambda: bootstrap_auc(cases, score, replicates=replicates, threads=1)),
        ("ties, 2 threads", lambda: bootstrap_auc(cases, score.round(2), replicates=replicates, threads=2)),
        ("4 rows per patient", lambda: bootstrap_auc(per_row, clustered, patients, replicates=replicates, threads=2)),
    ):
        quick = quickest(call, 5)
        rows.append([name, quick[0], slow[0], slow[0] / quick[0], quick[1], slow[1], slow[1] / quick[1]])
    errors = np.std(bootstrap_auc(cases, score)), delong(cases, score)[1][0, 0] ** 0.5
    note = (
        f"n {n:,} rows, {replicates:,} replicates, loop timed on {loops}, seed {seed}; asked: under 2 s on 2 cores. "
        f"Standard error {errors[0]:.5f}, DeLong {errors[1]:.5f}"
    )
    heading = ["scores", "seconds", "loop", "times faster", "cpu seconds", "loop cpu", "times faster"]
    print_table("Patient bootstrap of the AUC", heading, rows, note)


def decision_curves(n: int, seed: int) -> None:
    cases = shares(n, 0.2)
    risk = expit(normal_scores(np.random.default_rng(seed), cases, 0.75)[0] - 2)
    grid = np.arange(1, 51) / 100
    frame = pd.DataFrame({"cancer": cases.astype(int), "risk": risk})
    theirs = quickest(lambda: dca(frame, outcome="cancer", modelnames=["risk"], thresholds=grid), 3)[0]
    # Two replicates are the least it computes: the curve itself, as the other package gives it.
    ours = quickest(lambda: decision_curve(cases, risk, grid, replicates=2, threads=1), 5)[0]
    intervals = quickest(lambda: decision_curve(cases, risk, grid, replicates=1000), 3)[0]
    table = dca(frame, outcome="cancer", modelnames=["risk"], thresholds=grid)
    other = table[table["model"] == "risk"].sort_values("threshold")["net_benefit"].to_numpy()
    gap = np.abs(decision_curve(cases, risk, grid, replicates=2).net_benefit[0] - other).max()
    rows = [[n, 1000 * ours, 1000 * theirs, theirs / ours, 1000 * intervals, f"{gap:.1e}"]]
    heading = ["patients", "presage ms", "dcurves ms", "times faster", "with 1000 replicates ms", "difference"]
    print_table("Decision curve at 50 thresholds", heading, rows, f"best of 3, seed {seed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    bootstrap(chosen.patients, chosen.replicates, chosen.seed)
    decision_curves(2000, chosen.seed)
