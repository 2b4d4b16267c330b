"""A network whose worker is killed in the middle goes on from its last finished epoch."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from safetensors import safe_open

from presage.cohort import Cohort
from presage.study import Study
from presage.study.local_engine import LocalEngine
from presage.study.processes import children_of
from presage.study.progress import Progress
from presage.study.run import run_study

EPOCHS = 12


def study_of(cohort: Cohort) -> Study:
    network = {
        "marker": "googlenet",
        "name": "Network",
        "views": ["CC"],
        "size": [128, 96],
        "spacing_mm": 1.6,
        "freeze": "stage6.3",
        "copies": 1,
        "epochs": EPOCHS,
        "patience": EPOCHS,
        "batch_size": 4,
    }
    return Study(
        cohort=str(cohort.root),
        outcome="cancer",
        standard={"marker": "percent-density", "name": "Density", "views": ["CC"]},
        markers=[network],
        validation={"folds": 2, "seed": 1},
        report={"replicates": 100},
        engine={"workers": 1},
    )


def checkpoints(folder: Path) -> dict[Path, int]:
    """How many epochs each checkpoint says are finished."""
    found = {}
    for path in folder.glob("tasks/*/*.scratch/**/*.safetensors"):
        try:
            with safe_open(path, "numpy") as file:
                found[path] = int(json.loads(file.metadata()["progress"])["epoch"])
        except OSError:  # replaced or removed just now
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds the worker through /proc")
def test_a_killed_worker_costs_one_epoch(cohort: Cohort, tmp_path: Path) -> None:
    study = study_of(cohort)
    calm, hunted = tmp_path / "calm", tmp_path / "hunted"
    run_study(study, calm, progress=Progress())
    seen: dict[Path, list[int]] = {}
    killed: list[Path] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for path, epoch in checkpoints(hunted).items():
                epochs = seen.setdefault(path, [])
                if not epochs or epochs[-1] != epoch:
                    epochs.append(epoch)
                if epoch >= 3 and not killed:
                    killed.append(path)
                    for pid in children_of(os.getpid()):
                        if b"presage.study.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                            os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    engine = LocalEngine(1)
    try:
        run_study(study, hunted, progress=Progress(), engine=engine)
    finally:
        engine.close()
        over.set()
        thread.join()
    assert len(killed) == 1
    epochs = seen[killed[0]]
    assert epochs[-1] > 3
    assert epochs == sorted(epochs)  # it went on, and never began again
    assert (hunted / "findings.json").read_bytes() == (calm / "findings.json").read_bytes()
