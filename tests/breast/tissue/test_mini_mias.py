"""The tissue analysis on the real films of mini-MIAS (research data, not part of the project)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import spearmanr

from presage.breast.tissue import MEASURE_NAMES

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "mini_mias_density.py"
    spec = importlib.util.spec_from_file_location("mini_mias_density", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def films(benchmark: ModuleType, research_data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found: tuple[np.ndarray, np.ndarray, np.ndarray] = benchmark.films(research_data / "mini_mias")
    return found


def test_percent_density_ranks_fatty_glandular_dense(films: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    features, classes, _ = films
    density = features[:, MEASURE_NAMES.index("percent_density")]
    fatty, glandular, dense = (density[classes == k].mean() for k in range(3))
    assert fatty + 8 < glandular < dense - 8
    assert spearmanr(density, classes)[0] > 0.70


def test_density_class_is_predicted_out_of_fold(
    benchmark: ModuleType, films: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    features, classes, women = films
    predicted = benchmark.out_of_fold(features, classes, women, benchmark.discriminant, repeats=5)
    assert (predicted == classes).mean() >= 0.70


def test_shuffled_classes_are_not_predicted(
    benchmark: ModuleType, films: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    # Classes are dealt anew to women, so that a leak across a woman's two films would show.
    features, classes, women = films
    generator = np.random.default_rng(0)
    names = np.unique(women)
    dealt = dict(zip(names, generator.permutation([classes[women == w][0] for w in names]), strict=True))
    wrong = np.array([dealt[w] for w in women])
    predicted = benchmark.out_of_fold(features, wrong, women, benchmark.discriminant, repeats=5)
    assert (predicted == wrong).mean() < 0.48
