"""DeLong at a million patients against one numpy.argsort, and against MLstatkit and confidenceinterval.

confidenceinterval pins an old setuptools and cannot be installed beside torch; its rows appear where it is importable
(pip install --no-deps confidenceinterval==1.0.5).
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec

import numpy as np
from MLstatkit import Delong_test

from presage.stats import auc_interval, compare_paired
from simulated import normal_scores, print_table, quickest, shares


def against_argsort(n: int, runs: int, seed: int) -> None:
    cases = shares(n, 0.3)
    rows = []
    for name, decimals in (("no ties", 15), ("ties, 2 decimals", 2)):
        first, second = normal_scores(np.random.default_rng(seed), cases, 0.7, 2, 0.5).round(decimals)
        sort = quickest(lambda score=first: np.argsort(score), runs)
        paired = quickest(lambda a=first, b=second: compare_paired(cases, a, b), runs)
        times = [1000 * sort[0], 1000 * paired[0], paired[0] / sort[0]]
        rows.append([name, *times, 1000 * sort[1], 1000 * paired[1], paired[1] / sort[1]])
    heading = ["scores", "argsort ms", "paired ms", "ratio", "argsort cpu ms", "paired cpu ms", "cpu ratio"]
    note = f"n {n:,}, best of {runs}, seed {seed}; asked: paired at most 4 times one argsort"
    print_table("Paired DeLong against one numpy.argsort of one score", heading, rows, note)


def against_library(runs: int, seed: int) -> None:
    rows = []
    for n in (1000, 10_000, 100_000):
        cases = shares(n, 0.3)
        first, second = normal_scores(np.random.default_rng(seed), cases, 0.7, 2, 0.5)
        labels = cases.astype(int)
        ours = quickest(lambda a=first, b=second, c=cases: compare_paired(c, a, b), runs)
        theirs = quickest(lambda a=first, b=second, c=labels: Delong_test(c, a, b), max(2, runs // 3))
        gap = abs(compare_paired(cases, first, second).p - Delong_test(labels, first, second)[1])
        ratios = [theirs[0] / ours[0], theirs[1] / ours[1]]
        rows.append([n, 1000 * ours[0], 1000 * theirs[0], *ratios, f"{gap:.1e}"])
    heading = ["patients", "presage ms", "MLstatkit ms", "times faster", "by cpu", "difference in p"]
    print_table("Paired DeLong against MLstatkit", heading, rows, f"best of {runs}, seed {seed}")


def against_confidenceinterval(runs: int, seed: int) -> None:
    from confidenceinterval import roc_auc_score

    rows = []
    for n in (1000, 10_000, 100_000):
        cases = shares(n, 0.3)
        score = normal_scores(np.random.default_rng(seed), cases, 0.7, 2, 0.5)[0]
        labels = cases.astype(int)
        ours = quickest(lambda s=score, c=cases: auc_interval(c, s, method="wald"), runs)
        theirs = quickest(lambda s=score, c=labels: roc_auc_score(c, s, confidence_level=0.95), max(2, runs // 3))
        sort = quickest(lambda s=score: np.argsort(s), runs)
        gap = abs(auc_interval(cases, score, method="wald").low - roc_auc_score(labels, score)[1][0])
        rows.append([n, 1000 * ours[0], 1000 * theirs[0], theirs[0] / ours[0], ours[0] / sort[0], f"{gap:.1e}"])
    heading = ["patients", "presage ms", "confidenceinterval ms", "times faster", "argsorts", "difference in low"]
    note = f"best of {runs}, seed {seed}; argsorts: presage's time over one numpy.argsort; the other works in float32"
    print_table("AUC with DeLong interval against confidenceinterval", heading, rows, note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    against_argsort(chosen.patients, chosen.runs, chosen.seed)
    against_library(chosen.runs, chosen.seed)
    if find_spec("confidenceinterval"):
        against_confidenceinterval(chosen.runs, chosen.seed)
