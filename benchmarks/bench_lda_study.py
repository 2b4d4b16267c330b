"""Claim: with a warm cache the 10 x 10-fold GoogLeNetLDA study takes under 10 s, 20 x less than encoding in every fold.

    python benchmarks/bench_lda_study.py [--women 226] [--reencoded-folds 2] [--rounds 3] [--cohort FOLDER]

One run on one phantom cohort. `warm study` is a whole study (run_study: reading the cohort, splits, 200 tasks in worker
processes, statistics, findings; explanations of examples left out and timed on their own), the median of the rounds.
`encoding in every fold` is measured on the first folds, each with an empty cache of its own, and multiplied by the
number of folds: the table says how many were measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from presage.breast import GoogLeNetLDA
from presage.breast.phantom.cohort import make_phantom
from presage.cohort import Cohort, Outcome, make_splits
from presage.study import EncoderCache, Resources, Study
from presage.study.progress import Progress
from presage.study.run import run_study

SEED = 7


class Stages(Progress):
    """Seconds of each stage of a study."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def start(self, stage: str, total: int) -> None:
        self._stage, self._began = stage, time.perf_counter()

    def finish(self) -> None:
        self.seconds[self._stage] = time.perf_counter() - self._began


def study_seconds(study: Study, folder: Path) -> tuple[float, float]:
    """Seconds of a whole study in a new run folder: without, and for, the explanations."""
    stages, start = Stages(), time.perf_counter()
    run_study(study, folder, progress=stages)
    whole, explaining = time.perf_counter() - start, stages.seconds.get("Explaining examples", 0.0)
    return whole - explaining, explaining


def fold_seconds(cohort: Cohort, place: Path, folds: int, threads: int) -> list[float]:
    """Seconds of each of the first folds when each encodes its images itself."""
    seconds = []
    for number, fold in enumerate(make_splits(cohort, folds=10, repeats=10, seed=0)):
        if number == folds:
            break
        resources = Resources(cache=EncoderCache(place / f"fold{number}"), threads=threads)
        start = time.perf_counter()
        marker = GoogLeNetLDA().fit(cohort.select(fold.train), resources)
        marker.score(cohort.select(fold.test).blinded(), resources)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--women", type=int, default=226)
    parser.add_argument("--reencoded-folds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cohort", help="a phantom cohort that is there already")
    chosen = parser.parse_args()
    threads = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ["PRESAGE_CACHE"] = str(place / "cache")
        folder = chosen.cohort or str(place / "cohort")
        cohort = Cohort.read(folder) if chosen.cohort else make_phantom(folder, women=chosen.women, seed=SEED)
        study = Study.model_validate(
            {
                "cohort": folder,
                "outcome": "cancer",
                "standard": "percent-density",
                "markers": ["googlenet-lda"],
                "validation": {"folds": 10, "repeats": 10},
            }
        )
        cold, _ = study_seconds(study, place / "cold")
        warm, explaining = zip(*(study_seconds(study, place / f"warm{n}") for n in range(chosen.rounds)), strict=True)
        folds = fold_seconds(cohort.with_outcome(Outcome("cancer")), place, chosen.reencoded_folds, threads)
    typical = statistics.median(warm)
    projected = 100 * statistics.mean(folds)
    print(f"{len(cohort)} women, {len(cohort.recordings)} images, 10 x 10 folds, percent density and GoogLeNetLDA")
    print(f"{platform.platform()}, {threads} cores\n")
    print("| what | seconds |")
    print("| --- | ---: |")
    print(f"| first study (encodes once) | {cold:.1f} |")
    print(f"| warm study, median of {len(warm)} ({min(warm):.1f} to {max(warm):.1f}) | {typical:.1f} |")
    print(f"| explaining its examples | {statistics.median(explaining):.1f} |")
    shown = ", ".join(f"{second:.1f}" for second in folds)
    print(f"| one fold that encodes its images, {len(folds)} measured ({shown}) | {statistics.mean(folds):.1f} |")
    print(f"| encoding in every fold, GoogLeNetLDA alone, 100 x the measured mean | {projected:.0f} |")
    print(f"\nencoding in every fold / warm study: {projected / typical:.0f} (claimed: 20; a warm study under 10 s)")


if __name__ == "__main__":
    main()
