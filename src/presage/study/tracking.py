"""Tracking: parameters, curves and results of a run, kept in a tracker that many runs are compared in (MLflow).

What is tracked names no patient, no recording and no folder: settings, metrics, durations and places of tasks, and the
findings. A study runs to its end whether the tracker answers or not.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from presage.cohort import InputError, storage
from presage.findings import Findings
from presage.study.folder import Folder
from presage.study.opened import Run
from presage.study.plan import Study
from presage.study.progress import Progress
from presage.study.task import Task


class Tracker(Progress):
    """Told of a run like any other watcher, and of its plan and its findings. No call may wait or raise."""

    @abstractmethod
    def begin(self, study: Study, run: Run, tasks: Sequence[Task], say: Callable[[str], None]) -> None:
        """The tasks are known; those whose result is there were done before. `say` reaches the person who watches."""

    @abstractmethod
    def stop(self) -> None:
        """The run ended without findings."""

    @abstractmethod
    def complete(self, findings: Findings, folder: Folder) -> None:
        """The findings, and the report if there is one, lie in the run folder."""


def tracker_at(address: str, run_folder: str | Path) -> Tracker:
    """The MLflow tracker at an address.

    Parameters
    ----------
    address
        ``http://server:5000``, ``sqlite:///file.db`` or another database; empty: what ``MLFLOW_TRACKING_URI`` says,
        else ``mlruns.db`` beside the run folder (in the working folder where the run folder lies in a store).
    run_folder
        Of the run.

    Raises
    ------
    InputError
        If MLflow is not installed, or the address is a folder.
    """
    address = address or os.environ.get("MLFLOW_TRACKING_URI", "")
    if not address:
        beside = Path() if storage.is_address(str(run_folder)) else Path(run_folder).expanduser().absolute().parent
        address = f"sqlite:///{(beside / 'mlruns.db').absolute()}"
    if "://" not in address:
        raise InputError(
            "runs are not tracked in a folder of files, which MLflow has given up",
            where=f"--track-to {address}",
            cure="name a database (sqlite:///runs/mlruns.db) or a server (http://host:5000)",
        )
    try:
        from presage.study.mlflow_tracker import MlflowTracker
    except ImportError as missing:
        raise InputError(
            f"tracking needs MLflow ({missing.name} is not installed)", cure="pip install 'presage[track]'"
        ) from missing
    return MlflowTracker(address)
