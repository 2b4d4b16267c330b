"""Reference data and published numbers."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[1] / "data"


@dataclass
class Haemorrhage:
    """Outcome and three scores of 113 patients after subarachnoid haemorrhage (pROC's aSAH)."""

    poor: NDArray[np.bool_]
    female: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]


@pytest.fixture(scope="session")
def asah(research_data: Path) -> Haemorrhage:
    with (research_data / "statistics" / "aSAH.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Haemorrhage(
        np.array([row["outcome"] == "Poor" for row in rows]),
        np.array([row["gender"] == "Female" for row in rows]),
        {name: np.array([float(row[name]) for row in rows]) for name in ("wfns", "s100b", "ndka")},
    )


@pytest.fixture(scope="session")
def reference() -> Any:
    """Published numbers by file name (without .json)."""

    def read(name: str) -> Any:
        return json.loads((DATA / f"{name}.json").read_text())

    return read
