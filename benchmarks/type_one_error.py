"""How often each comparison finds a difference where there is none: 4-6 % of studies at a nominal 5 %."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np

from presage.stats import compare_clustered, compare_paired, compare_unpaired
from presage.stats.concordance import compare_concordance
from presage.stats.hypotheses import compare_decisions
from presage.stats.kaplan_meier import log_rank
from presage.stats.matched import compare_matched
from simulated import clustered_scores, normal_scores, print_table, shares

SIZES, AUCS, PREVALENCES = (100, 300, 1000), (0.6, 0.75, 0.95), (0.5, 0.05)
ROWS, ALIKE, COMMON = 4, 0.6, 0.5
Test = Callable[[np.random.Generator, np.ndarray, float], float]


def paired(random: np.random.Generator, cases: np.ndarray, auc: float) -> float:
    return compare_paired(cases, *normal_scores(random, cases, auc, 2, COMMON)).p


def unpaired(random: np.random.Generator, cases: np.ndarray, auc: float) -> float:
    first, second = (normal_scores(random, cases, auc)[0] for _ in range(2))
    return compare_unpaired(cases, first, cases, second).p


def clustered(random: np.random.Generator, cases: np.ndarray, auc: float) -> float:
    per_row, scores, patients = clustered_scores(random, cases, auc, ROWS, ALIKE, 2, COMMON)
    return compare_clustered(per_row, *scores, patients).p


def naive(random: np.random.Generator, cases: np.ndarray, auc: float) -> float:
    per_row, scores, _ = clustered_scores(random, cases, auc, ROWS, ALIKE, 2, COMMON)
    return compare_paired(per_row, *scores).p


def decisions(random: np.random.Generator, cases: np.ndarray, auc: float) -> float:
    first, second = normal_scores(random, cases, auc, 2, COMMON) > 1.0
    return compare_decisions(cases, first, second).specificity.p


def matched(random: np.random.Generator, n: int) -> float:
    sets = np.repeat(np.arange(n // 2), 2)
    cases = np.tile([True, False], n // 2)
    return compare_matched(cases, *normal_scores(random, cases, 0.7, 2, COMMON), sets).p


def survival(random: np.random.Generator, n: int, uno: bool) -> float:
    truth = random.normal(size=n)
    scores = truth + random.normal(size=(2, n))
    time, end = random.exponential(np.exp(-truth)), random.uniform(0.2, 3, n)
    return compare_concordance(time <= end, np.minimum(time, end), *scores, until=1.5 if uno else None, uno=uno).p


def groups(random: np.random.Generator, n: int) -> float:
    time, end = random.exponential(size=n), random.uniform(0.2, 3, n)
    return log_rank(time <= end, np.minimum(time, end), random.integers(0, 3, n)).p


def aucs(studies: int, seed: int) -> None:
    named: dict[str, Test] = {
        "paired": paired,
        "unpaired": unpaired,
        "clustered": clustered,
        "per image": naive,
        "McNemar mid-p": decisions,
    }
    rows = []
    for n, auc, prevalence in product(SIZES, AUCS, PREVALENCES):
        cases = shares(n, prevalence)
        rates = []
        for number, test in enumerate(named.values()):
            random = np.random.default_rng([seed, number, n, int(100 * auc), int(100 * prevalence)])
            rates.append(sum(test(random, cases, auc) < 0.05 for _ in range(studies)) / studies)
        rows.append([n, int(cases.sum()), auc, *rates])
    for column, name in enumerate(named, start=3):
        inside = sum(0.04 <= row[column] <= 0.06 for row in rows)
        above = sum(row[column] > 0.06 for row in rows)
        print(f"{name}: within 0.04-0.06 in {inside}, above in {above} of {len(rows)} settings")
    title = "Share of studies with p < 0.05 where two markers are equal"
    note = f"{ROWS} images per patient in the clustered columns; {studies} studies each, seed {seed}"
    print_table(title, ["patients", "cases", "AUC", *named], rows, note)


def others(studies: int, seed: int) -> None:
    rows = []
    for n in SIZES:
        rates = []
        for number, test in enumerate(
            (matched, lambda r, m: survival(r, m, False), lambda r, m: survival(r, m, True), groups)
        ):
            random = np.random.default_rng([seed, 9, number, n])
            rates.append(sum(test(random, n) < 0.05 for _ in range(studies)) / studies)
        rows.append([n, *rates])
    title = "The same for matched pairs, time to event and the log-rank test"
    print_table(
        title, ["patients", "matched", "Harrell C", "Uno C", "log-rank"], rows, f"{studies} studies, seed {seed}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    aucs(chosen.studies, chosen.seed)
    others(chosen.studies, chosen.seed)
