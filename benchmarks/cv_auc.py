"""Which AUC and interval does repeated cross-validation deserve? Models are really refitted in every fold.

Compared: the mean of out-of-fold scores with DeLong; pooled placements with DeLong; placements within folds with
DeLong; fold-wise AUCs with Nadeau and Bengio's correction; and what presage.stats uses (within folds, with the
training's variance).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student

from presage.stats import compare_repeated_cv, repeated_cv_auc
from presage.stats.auc_intervals import FEW
from presage.stats.discrimination import from_placements, placements
from simulated import print_table

PATIENTS, FEATURES, SHRINKAGE = 226, 1000, 0.5


@dataclass
class Study:
    cases: np.ndarray
    scores: np.ndarray
    folds: np.ndarray
    truth: float


def stratified(cases: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    folds = np.empty(len(cases), dtype=int)
    for kind in (cases, ~cases):
        rows = random.permutation(np.flatnonzero(kind))
        folds[rows] = (np.arange(len(rows)) + random.integers(count)) % count
    return folds


def discriminant(
    gram: np.ndarray, cases: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shrinkage LDA in the space of patients: scores of the test patients, and the weights of the training patients."""
    inside, n = cases[train], len(train)
    classes = np.column_stack([inside, ~inside]).astype(float)
    centre = np.eye(n) - classes @ np.diag(1 / classes.sum(axis=0)) @ classes.T
    direction = inside / inside.sum() - ~inside / (~inside).sum()
    within = centre @ gram[np.ix_(train, train)] @ centre
    ridge = SHRINKAGE * np.trace(within) / (n - 2) / FEATURES
    share = (1 - SHRINKAGE) / (n - 2)
    solved = np.linalg.solve(ridge * np.eye(n) + share * within, centre @ (gram[np.ix_(train, train)] @ direction))
    weights = (direction - share * (centre @ solved)) / ridge
    middle = 0.5 * (classes / classes.sum(axis=0)).sum(axis=1) @ gram[np.ix_(train, train)] @ weights
    return gram[np.ix_(test, train)] @ weights - middle, weights


def logistic(feature: np.ndarray, cases: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, float]:
    design = np.column_stack([np.ones(len(feature)), feature])
    beta = np.zeros(2)
    for _ in range(8):
        chance = expit(design[train] @ beta)
        weight = chance * (1 - chance)
        information = (design[train] * weight[:, None]).T @ design[train]
        beta += np.linalg.solve(information, design[train].T @ (cases[train] - chance))
    return expit(design[test] @ beta), beta[1]


def study(kind: str, effect: float, repeats: int, count: int, random: np.random.Generator) -> Study:
    cases = np.arange(PATIENTS) % 2 == 0
    scores, folds = np.empty((repeats, PATIENTS)), np.empty((repeats, PATIENTS), dtype=int)
    if kind == "LDA":
        shift = np.zeros(FEATURES)
        shift[:20] = effect
        images = random.normal(size=(PATIENTS, FEATURES)) + np.outer(cases, shift)
        gram = images @ images.T
    else:
        feature = random.normal(size=PATIENTS) + effect * cases
    truths = []
    for repeat in range(repeats):
        folds[repeat] = stratified(cases, count, random)
        for fold in range(count):
            test, train = np.flatnonzero(folds[repeat] == fold), np.flatnonzero(folds[repeat] != fold)
            if kind == "LDA":
                scores[repeat, test], weights = discriminant(gram, cases, train, test)
                line = weights @ images[train]
                truths.append(norm.cdf(line @ shift / np.sqrt(2 * line @ line)))
            else:
                scores[repeat, test], slope = logistic(feature, cases, train, test)
                truths.append(norm.cdf(np.sign(slope) * effect / 2**0.5))
    return Study(cases, scores, folds, float(np.mean(truths)))


def estimates(made: Study, count: int) -> dict[str, tuple[float, float, float]]:
    """Estimate and 95 % limits by each method."""
    cases = made.cases
    within, by_fold = np.zeros(made.scores.shape), []
    for repeat, folds in enumerate(made.folds):
        for fold in range(count):
            rows = folds == fold
            within[repeat, rows] = placements(cases[rows], made.scores[repeat, rows])
            by_fold.append(within[repeat, rows][cases[rows]].mean())
    pooled = np.stack([placements(cases, row) for row in made.scores]).mean(axis=0)
    averaged = placements(cases, made.scores.mean(axis=0))
    found = {}
    candidates = {"mean score": averaged, "pooled": pooled, "within folds": within.mean(axis=0)}
    for name, placed in candidates.items():
        aucs, covariance = from_placements(cases, placed[None])
        half = 1.96 * covariance[0, 0] ** 0.5
        found[name] = (aucs[0], aucs[0] - half, aucs[0] + half)
    n = len(by_fold)
    half = student.ppf(0.975, n - 1) * (np.var(by_fold, ddof=1) * (1 / n + 1 / (count - 1))) ** 0.5
    found["Nadeau-Bengio"] = (float(np.mean(by_fold)), float(np.mean(by_fold) - half), float(np.mean(by_fold) + half))
    ours = repeated_cv_auc(cases, made.scores, made.folds)
    found["presage"] = (ours.value, ours.low, ours.high)
    return found


def one_marker(studies: int, seed: int) -> None:
    settings = [
        ("LDA", 0.0, 10, 10, 4),
        ("LDA", 0.3, 10, 10, 4),
        ("LDA", 0.0, 1, 5, 1),
        ("logistic", 0.0, 10, 10, 1),
        ("logistic", 0.25, 10, 10, 1),
        ("logistic", 0.8, 10, 10, 1),
        ("logistic", 0.0, 5, 5, 1),
        ("logistic", 0.0, 1, 5, 1),
        ("logistic", 0.8, 1, 5, 1),
    ]
    rows = []
    for number, (kind, effect, repeats, count, fewer) in enumerate(settings):
        random = np.random.default_rng([seed, number])
        made = [study(kind, effect, repeats, count, random) for _ in range(studies // fewer)]
        truth = float(np.mean([one.truth for one in made]))
        results = [estimates(one, count) for one in made]
        for name in results[0]:
            values = np.array([result[name] for result in results])
            covered = float(((values[:, 1] <= truth) & (truth <= values[:, 2])).mean())
            width = float((values[:, 2] - values[:, 1]).mean())
            row = [
                kind,
                f"{repeats}x{count}",
                truth,
                name,
                float(values[:, 0].mean() - truth),
                covered,
                width,
                len(made),
            ]
            rows.append(row)
    heading = ["model", "folds", "truth", "method", "bias", "coverage", "width", "studies"]
    note = f"{PATIENTS} patients, {FEATURES} features for LDA and 1 for logistic, seed {seed}"
    print_table("AUC from cross-validation: bias and coverage of 95 % intervals", heading, rows, note)


def two_markers(studies: int, seed: int) -> None:
    """Type-I error of the paired comparison: two equal features, each with its own refitted logistic model."""
    rows = []
    for effect in (0.0, 0.25, 0.8):
        random = np.random.default_rng([seed, 99, int(100 * effect)])
        counts = np.zeros(2)
        for _ in range(studies):
            cases = np.arange(PATIENTS) % 2 == 0
            features = random.normal(size=(2, PATIENTS)) + effect * cases
            scores, folds = np.empty((2, 10, PATIENTS)), np.stack([stratified(cases, 10, random) for _ in range(10)])
            for repeat in range(10):
                for fold in range(10):
                    test, train = np.flatnonzero(folds[repeat] == fold), np.flatnonzero(folds[repeat] != fold)
                    for marker in range(2):
                        scores[marker, repeat, test] = logistic(features[marker], cases, train, test)[0]
            ours = compare_repeated_cv(cases, scores[0], scores[1], folds).p
            placed = np.stack([placements(cases, row.mean(axis=0)) for row in scores])
            aucs, covariance = from_placements(cases, placed)
            error = (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) ** 0.5
            counts += [ours < 0.05, 2 * norm.sf(abs(aucs[0] - aucs[1]) / error) < 0.05]
        rows.append([effect, *(counts / studies), studies])
    title = "Share with p < 0.05 where two cross-validated markers are equally good"
    print_table(title, ["effect", "presage", "mean score DeLong", "studies"], rows, f"10x10 folds, seed {seed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.perf_counter()
    assert FEW <= PATIENTS // 2
    one_marker(chosen.studies, chosen.seed)
    two_markers(chosen.studies // 2, chosen.seed)
    print(f"{time.perf_counter() - started:.0f} s")
