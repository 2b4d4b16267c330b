"""What the simulations share: made-up scores with a known AUC, and how a table is printed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def quickest(call: Callable[[], object], runs: int) -> tuple[float, float]:
    """Least wall-clock and least processor seconds of some runs; the second minds less what else is running."""
    wall, processor = [], []
    for _ in range(runs):
        started, used = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return min(wall), min(processor)


def machine() -> str:
    """The machine a table was made on."""
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {versions}"


def shares(n: int, prevalence: float) -> Bools:
    """Cases first: a fixed number of each, as in a case-control study."""
    return np.arange(n) < round(n * prevalence)


def normal_scores(
    random: np.random.Generator, cases: Bools, auc: float, markers: int = 1, common: float = 0.0
) -> Floats:
    """Scores (markers, n), normal in both classes with this AUC, correlated by `common` between markers."""
    shift = 2**0.5 * norm.ppf(auc)
    own = random.normal(size=(markers, len(cases)))
    shared = random.normal(size=len(cases))
    return np.asarray((1 - common) ** 0.5 * own + common**0.5 * shared + shift * cases)


def clustered_scores(
    random: np.random.Generator,
    cases: Bools,
    auc: float,
    rows: int,
    alike: float,
    markers: int = 1,
    common: float = 0.0,
) -> tuple[Bools, Floats, NDArray[np.intp]]:
    """Rows of patients: cases (n * rows,), scores (markers, n * rows), patients. `alike` is the correlation within."""
    level = normal_scores(random, np.zeros(len(cases), dtype=bool), 0.5, markers, common)
    own = normal_scores(random, np.zeros(len(cases) * rows, dtype=bool), 0.5, markers, common)
    patients = np.repeat(np.arange(len(cases)), rows)
    shift = 2**0.5 * norm.ppf(auc)
    scores = alike**0.5 * level[:, patients] + (1 - alike) ** 0.5 * own + shift * cases[patients]
    return cases[patients], scores, patients


def print_table(title: str, heading: list[str], rows: list[list[Any]], note: str) -> None:
    """One table in plain text."""
    text = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [heading, *text]) for i in range(len(heading))]
    print(f"\n{title}")
    for line in [heading, *text]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print(note)
    print(machine(), flush=True)
