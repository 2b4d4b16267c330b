"""Do 95 % intervals of the AUC hold the truth in 95 % of studies? With few cases, and with several rows per patient."""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
from scipy.stats import norm

from presage.stats import auc_interval, clustered_auc_interval, sensitivity_at_specificity
from simulated import clustered_scores, normal_scores, print_table, shares

SIZES, AUCS, PREVALENCES = (100, 300, 1000), (0.6, 0.75, 0.95), (0.5, 0.05)
ROWS, ALIKE = 4, 0.6


def holds(estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def unclustered(studies: int, seed: int) -> None:
    rows = []
    for n, auc, prevalence in product(SIZES, AUCS, PREVALENCES):
        random = np.random.default_rng([seed, n, int(100 * auc), int(100 * prevalence)])
        cases = shares(n, prevalence)
        hits = np.zeros(3)
        for _ in range(studies):
            score = normal_scores(random, cases, auc)[0]
            hits += [holds(auc_interval(cases, score, method=method), auc) for method in ("auto", "wald", "logit")]
        rows.append([n, int(cases.sum()), auc, *(hits / studies)])
    inside = sum(0.93 <= row[3] <= 0.97 for row in rows)
    note = f"auto within 0.93-0.97 in {inside} of {len(rows)} settings; {studies} studies each, seed {seed}"
    heading = ["patients", "cases", "AUC", "auto", "Wald", "logit"]
    print_table("Coverage of 95 % intervals, one row per patient", heading, rows, note)


def clustered(studies: int, seed: int) -> None:
    rows = []
    for n, auc, prevalence in product(SIZES, AUCS, PREVALENCES):
        random = np.random.default_rng([seed, 1, n, int(100 * auc), int(100 * prevalence)])
        cases = shares(n, prevalence)
        hits = np.zeros(2)
        for _ in range(studies):
            per_row, scores, patients = clustered_scores(random, cases, auc, ROWS, ALIKE)
            found = clustered_auc_interval(per_row, scores[0], patients), auc_interval(per_row, scores[0])
            hits += [holds(estimate, auc) for estimate in found]
        rows.append([n, int(cases.sum()), auc, *(hits / studies)])
    inside = sum(0.93 <= row[3] <= 0.97 for row in rows)
    note = (
        f"patient-level within 0.93-0.97 in {inside} of {len(rows)} settings; {ROWS} images per patient, correlated "
        f"{ALIKE}, {studies} studies each, seed {seed}"
    )
    title = "Coverage of 95 % intervals, several images per patient: patient-level (Obuchowski) and naive per image"
    print_table(title, ["patients", "cases", "AUC", "patient", "per image"], rows, note)


def operating(studies: int, seed: int) -> None:
    rows = []
    for n, specificity in product(SIZES, (0.8, 0.9)):
        random = np.random.default_rng([seed, 2, n, int(100 * specificity)])
        cases = shares(n, 0.5)
        auc = 0.75
        truth = float(norm.sf(norm.ppf(specificity) - 2**0.5 * norm.ppf(auc)))
        found = [
            sensitivity_at_specificity(cases, normal_scores(random, cases, auc)[0], specificity, seed=i).sensitivity
            for i in range(studies)
        ]
        halves = [1.96 * (e.value * (1 - e.value) / cases.sum()) ** 0.5 for e in found]
        fixed = sum(abs(e.value - truth) <= half for e, half in zip(found, halves, strict=True)) / studies
        rows.append([n, specificity, truth, sum(holds(e, truth) for e in found) / studies, float(fixed)])
    title = "Coverage for sensitivity at a fixed specificity: threshold estimated (BTII), and taken as known (binomial)"
    heading = ["patients", "specificity", "truth", "BTII", "binomial"]
    print_table(title, heading, rows, f"{studies} studies each, seed {seed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    unclustered(chosen.studies, chosen.seed)
    clustered(chosen.studies, chosen.seed)
    operating(chosen.studies // 2, chosen.seed)
