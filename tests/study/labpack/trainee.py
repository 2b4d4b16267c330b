"""A marker that trains in epochs and logs them, and one that is too slow to finish while a test looks."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from labpack import Level
from numpy.typing import NDArray

from presage.cohort import Cohort
from presage.study import Resources


class Trainee(Level):
    """Logs a loss that falls; may fail in every fit."""

    epochs: int = 3
    seconds: float = 0.0
    weights_file: str = "/data/of/this/lab/weights.safetensors"
    fails_on: str = ""

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        for epoch in range(self.epochs):
            time.sleep(self.seconds)
            if resources is not None:
                resources.log(epoch, train_loss=1 / (epoch + 1), validation_loss=2 / (epoch + 1))
        if self.fails_on:
            raise KeyError(f"{self.fails_on} {cohort.patient_ids[0]}")
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        values: NDArray[Any] = self.values(cohort, resources)
        return np.asarray(values[:, 4], dtype=np.float64)
