"""What a study costs beside its markers: overhead per task, and a second study on the same recordings (warm cache).

Run: python benchmarks/bench_study.py [--tasks 1000] [--recordings 452] [--encode-ms 40]

Baselines, each in the same run: the same marker fitted and scored in a plain loop in this process (overhead), and the
same folds with every task encoding what it reads again, as scripts without a cache do (measured on one fold, times the
number of folds).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from presage.cohort import make_splits
from presage.study import EncoderCache, Resources, Study
from presage.study.prepare import read_selected
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.runfolder import seed_of

LABPACK = Path(__file__).resolve().parents[1] / "tests" / "study" / "labpack"


def write_cohort(folder: Path, patients: int, per_patient: int, seed: int) -> None:
    (folder / "slides").mkdir(parents=True)
    generator = np.random.default_rng(seed)
    people, files = ["patient_id,cancer"], ["patient_id,kind,path,side"]
    for i in range(patients):
        people.append(f"{i:04d},{i % 2}")
        for k in range(per_patient):
            content = generator.integers(0, 256, 32 + 8, dtype=np.uint8).tobytes()
            (folder / "slides" / f"{i:04d}-{k}.bin").write_bytes(content)
            files.append(f"{i:04d},slide,slides/{i:04d}-{k}.bin,{'LR'[k % 2]}")
    (folder / "patients.csv").write_text("\n".join(people) + "\n")
    (folder / "recordings.csv").write_text("\n".join(files) + "\n")


class Stages(Progress):
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def start(self, stage: str, total: int) -> None:
        self._stage, self._began = stage, time.perf_counter()

    def finish(self) -> None:
        self.seconds[self._stage] = time.perf_counter() - self._began


def loop(study: Study, encode_again: bool, folds: int | None = None) -> float:
    """The standard and the marker in a plain loop in this process; seconds."""
    cohort = read_selected(study)
    splits = make_splits(cohort, folds=study.validation.folds, repeats=study.validation.repeats, seed=0)
    began = time.perf_counter()
    cache = EncoderCache()
    for number, fold in enumerate(splits):
        if number == folds:
            break
        for plan in study.plans:
            if encode_again:
                cache = EncoderCache(tempfile.mkdtemp(dir=os.environ["PRESAGE_CACHE"]))
            resources = Resources(cache=cache, seed=seed_of(0, plan.name, fold.repeat, fold.fold))
            marker = plan.build().fit(cohort.select(fold.train), resources)
            marker.score(cohort.select(fold.test).blinded(), resources)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000, help="trivial tasks")
    parser.add_argument("--recordings", type=int, default=452)
    parser.add_argument("--encode-ms", type=float, default=40.0, help="what encoding one recording costs (slept)")
    arguments = parser.parse_args()
    sys.path.insert(0, str(LABPACK))
    rows: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PRESAGE_CACHE"] = str(folder / "cache")
        os.environ.pop("LABPACK_LOG", None)
        (folder / "cache").mkdir()

        write_cohort(folder / "small", 40, 1, seed=1)
        base = {"outcome": "cancer", "standard": "level", "report": {"replicates": 100}}
        repeats = max(1, arguments.tasks // 20)
        trivial = Study(
            cohort=str(folder / "small"),
            markers=["labpack:Moody"],
            validation={"folds": 10, "repeats": repeats},
            **base,
        )
        tasks = 20 * repeats
        plain = loop(trivial, encode_again=False)
        for workers in (1, 2):
            stages = Stages()
            run_study(trivial.with_workers(workers), folder / f"trivial{workers}", progress=stages)
            spent = stages.seconds["Fitting and scoring"]
            each = (spent * workers - plain) / tasks * 1000
            rows.append((f"{tasks} trivial tasks, {workers} worker(s), with their start", f"{spent:.2f} s"))
            rows.append(("  overhead per task and worker over a plain loop", f"{each:.1f} ms"))
        began = time.perf_counter()
        run_study(trivial, folder / "trivial2", progress=Progress())
        rows.append((f"  resuming the finished run ({tasks} tasks)", f"{time.perf_counter() - began:.2f} s"))

        write_cohort(folder / "large", arguments.recordings // 2, 2, seed=2)
        pause = arguments.encode_ms / 1000
        study = Study(
            cohort=str(folder / "large"),
            markers=[{"marker": "learner", "name": "Learner", "pause": pause}],
            validation={"folds": 10, "repeats": 10},
            **{**base, "standard": {"marker": "level", "name": "Level", "pause": pause}},
        )
        began = time.perf_counter()
        run_study(study.with_workers(2), folder / "cold", progress=Progress())
        cold = time.perf_counter() - began
        began, used = time.perf_counter(), sum(os.times()[:4])
        run_study(study.with_workers(2), folder / "warm", progress=Progress())
        warm, used = time.perf_counter() - began, sum(os.times()[:4]) - used
        again = loop(study, encode_again=True, folds=1) * 100
        rows.append((f"10 x 10 folds, 2 markers, {arguments.recordings} recordings, first study", f"{cold:.2f} s"))
        rows.append(("  second study, warm cache, 2 workers", f"{warm:.2f} s"))
        rows.append(("  the same in processor time, all processes", f"{used:.2f} s"))
        rows.append(("  encoding again in each task (1 fold measured, x 100)", f"{again:.0f} s"))
        rows.append(("  ratio", f"{again / warm:.0f} x"))
    width = max(len(what) for what, _ in rows)
    print(f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}, seeds 0, 1, 2")
    for what, figure in rows:
        print(f"{what:<{width}}  {figure:>10}")


if __name__ == "__main__":
    main()
