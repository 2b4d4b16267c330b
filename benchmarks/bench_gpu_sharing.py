"""Claim: four end-to-end trainings that share one graphics card finish sooner than one after another on it.

    python benchmarks/bench_gpu_sharing.py [--women 60] [--epochs 12] [--device cuda] [--rounds 3]

One study on phantom women with four GoogLeNets (all layers open, four learning rates), run twice in each round by the
same four worker processes: once with a quarter of the card for each task (``place: {gpus: 0.25}``), once with the whole
card for each (``gpus: 1``), so that one trains at a time. Only fitting and scoring is timed; the images are prepared
before, in a run that is not counted. Without a card it says so and ends.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from presage.breast.phantom.cohort import make_phantom
from presage.study import Study
from presage.study.progress import Progress
from presage.study.run import run_study

EXPERIMENTS = 4


class Fitting(Progress):
    """Seconds of the stage in which tasks fit and score."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def start(self, stage: str, total: int) -> None:
        self._stage, self._began = stage, time.perf_counter()

    def finish(self) -> None:
        if self._stage == "Fitting and scoring":
            self.seconds += time.perf_counter() - self._began


def study_of(cohort: str, gpus: float, device: str, settings: dict[str, Any]) -> Study:
    markers = [
        {"marker": "googlenet", "name": f"experiment {n + 1}", "learning_rate": 1e-4 * (n + 1)} | settings
        for n in range(EXPERIMENTS)
    ]
    place = {"gpus": gpus if device != "cpu" else 0.0, "memory_gb": 2.0}
    return Study.model_validate(
        {
            "cohort": cohort,
            "outcome": "cancer",
            "standard": "percent-density",
            "markers": [marker | {"place": place} for marker in markers],
            "validation": {"folds": 2, "repeats": 1},
            "engine": {"name": "local", "workers": EXPERIMENTS, "device": device},
        }
    )


def seconds_of(study: Study, folder: Path) -> float:
    stages = Fitting()
    run_study(study, folder, progress=stages)
    return stages.seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--women", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda")
    chosen = parser.parse_args()
    import torch

    if chosen.device != "cpu" and not torch.cuda.is_available():
        print("no graphics card that torch can use: nothing measured")
        return
    settings = {"freeze": "", "epochs": chosen.epochs, "patience": chosen.epochs}
    shares = {"a quarter of the card each": 1 / EXPERIMENTS, "the whole card each": 1.0}
    seconds: dict[str, list[float]] = {name: [] for name in shares}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ["PRESAGE_CACHE"] = str(place / "cache")
        make_phantom(place / "cohort", women=chosen.women, seed=7)
        seconds_of(study_of(str(place / "cohort"), 1.0, chosen.device, settings | {"epochs": 1}), place / "first")
        for number in range(chosen.rounds):
            for share, gpus in shares.items():
                study = study_of(str(place / "cohort"), gpus, chosen.device, settings)
                seconds[share].append(seconds_of(study, place / f"{gpus}-{number}"))
    card = torch.cuda.get_device_name() if chosen.device != "cpu" else "no card (the CPU: a trial of this script alone)"
    print(f"{chosen.women} phantom women, {EXPERIMENTS} networks x 2 folds, {chosen.epochs} epochs")
    print(f"{card}; torch {torch.__version__}, {platform.platform()}, {os.cpu_count()} cores\n")
    print("| place | seconds, median (range) |")
    print("| --- | ---: |")
    for share, found in seconds.items():
        print(f"| {share} | {statistics.median(found):.1f} ({min(found):.1f} to {max(found):.1f}) |")
    shared, alone = (statistics.median(found) for found in seconds.values())
    print(f"\nthroughput shared / one at a time: {alone / shared:.2f}")


if __name__ == "__main__":
    main()
