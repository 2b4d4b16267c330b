"""Density class (fatty, glandular, dense) of the mini-MIAS films from percent density and tissue measures alone.

    python benchmarks/mini_mias_density.py

Reads the folder `mini_mias` below PRESAGE_DATA (default ../shared/data). Cross-validation is grouped by woman, all
fitting is inside the training fold, and the model is fixed beforehand: a shrinkage linear discriminant (Ledoit-Wolf) on
the standardised measures. The other rows are there for comparison; the support-vector machine chooses its settings in
an inner cross-validation. The interval resamples women.

What was looked at on all films while the method was built, and is therefore not free of choice on them: the definition
of percent density (fat level, contrast, depth of the evened margin) was chosen among about a hundred by its rank
correlation with the class. The rows "percent density over fat + ..." show how much hangs on the contrast.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.metrics import cohen_kappa_score, confusion_matrix
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from presage.breast.density import TissueEncoder
from presage.breast.importers.mini_mias import read_listing
from presage.breast.tissue import MEASURE_NAMES
from presage.cohort import Recording

CLASSES = "FGD"
REPEATS, FOLDS, SEED = 10, 10, 2020
Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def films(folder: Path) -> tuple[Floats, Integers, Integers]:
    """Measures (films, measures), class (0 F, 1 G, 2 D) and woman of every film in `folder`."""
    listing = read_listing((folder / "Info.txt").read_text(encoding="latin-1"))
    encoder = TissueEncoder()
    measured, classes, women = [], [], []
    for path in sorted(folder.glob("mdb*.pgm")):
        film = listing[int(path.stem[3:6])]
        attributes = {
            "laterality": "L" if film.number % 2 == 0 else "R",
            "view": "MLO",
            "spacing_mm": "0.2",
            "origin": "film",
        }
        recording = Recording(f"woman-{film.woman}", "1", "mammogram", str(path), attributes)
        measured.append(encoder.encode(recording)["measures"])
        classes.append(CLASSES.index(film.tissue))
        women.append(film.woman)
    return np.array(measured), np.array(classes), np.array(women)


def discriminant() -> ClassifierMixin:
    """The model fixed beforehand."""
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def out_of_fold(
    features: Floats, classes: Integers, women: Integers, model: Callable[[], ClassifierMixin], repeats: int = REPEATS
) -> Integers:
    """Predicted class of every film in each repeat, shape (repeats, films); no woman is on both sides of a split."""
    predicted = np.empty((repeats, len(classes)), dtype=np.intp)
    for repeat in range(repeats):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED + repeat)
        for train, test in folds.split(features, classes, women):
            fitted = model()
            if isinstance(fitted, GridSearchCV):
                fitted.fit(features[train], classes[train], groups=women[train])
            else:
                fitted.fit(features[train], classes[train])
            predicted[repeat, test] = fitted.predict(features[test])
    return predicted


def interval(correct: Floats, women: Integers, draws: int = 4000) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over films, women resampled."""
    generator = np.random.default_rng(SEED)
    groups = [np.flatnonzero(women == woman) for woman in np.unique(women)]
    sums = np.array([correct[group].sum() for group in groups])
    counts = np.array([len(group) for group in groups])
    drawn = generator.integers(len(groups), size=(draws, len(groups)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _nested_machine() -> GridSearchCV:
    grid = {"svc__C": [0.3, 1, 3, 10], "svc__gamma": [0.003, 0.01, 0.03]}
    inner = StratifiedGroupKFold(5, shuffle=True, random_state=SEED)
    return GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=inner)


def main() -> None:
    folder = Path(os.environ.get("PRESAGE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "mini_mias"
    if not folder.is_dir():
        sys.exit(f"{folder}: not there; set PRESAGE_DATA (see docs/how-to/data.md)")
    features, classes, women = films(folder)
    density = features[:, MEASURE_NAMES.index("percent_density")]
    print(f"mini-MIAS, n = {len(classes)} films of {len(np.unique(women))} women, {platform.platform()}")
    means = ", ".join(f"{name} {density[classes == k].mean():.1f} %" for k, name in enumerate(CLASSES))
    print(f"percent density: {means}; Spearman with the class {spearmanr(density, classes)[0]:.3f}\n")
    print(f"{FOLDS}-fold cross-validation grouped by woman, {REPEATS} repeats, seed {SEED}")
    print(f"{'':46}{'accuracy':>9}  {'95 % interval':>15} {'sd':>6} {'kappa':>6}")
    rows: list[tuple[str, Floats, Callable[[], ClassifierMixin]]] = [
        ("all tissue measures, shrinkage LDA (fixed)", features, discriminant),
        ("percent density alone, LDA", density[:, None], discriminant),
        ("all tissue measures, SVM (nested choice)", features, _nested_machine),
    ]
    for name in MEASURE_NAMES:
        if name.startswith("percent_density_"):
            column = features[:, [MEASURE_NAMES.index(name)]]
            rows.append((f"percent density over fat + {name.split('_')[-1]}, LDA", column, discriminant))
    rows.append(("most frequent class", features, lambda: DummyClassifier(strategy="most_frequent")))
    for number, (title, columns, model) in enumerate(rows):
        predicted = out_of_fold(columns, classes, women, model)
        correct = predicted == classes
        low, high = interval(correct.mean(axis=0), women)
        kappa = np.mean([cohen_kappa_score(classes, p) for p in predicted])
        spread = correct.mean(axis=1).std()
        print(f"{title:46}{correct.mean():9.3f}  {low:7.3f}-{high:.3f}  {spread:6.3f} {kappa:6.3f}")
        if number == 0:
            table = sum(confusion_matrix(classes, p, labels=[0, 1, 2]) for p in predicted) / REPEATS
    print("\nfilms by true (rows) and predicted class, shrinkage LDA, mean of the repeats")
    print("     " + "".join(f"{name:>7}" for name in CLASSES))
    for name, row in zip(CLASSES, table, strict=True):
        print(f"{name:>5}" + "".join(f"{value:7.1f}" for value in row))
    print("\nreference: frozen ImageNet features, whole database of 322 films, accuracy 0.668, kappa 0.576")


if __name__ == "__main__":
    main()
