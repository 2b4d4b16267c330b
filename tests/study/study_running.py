"""What the tests of the study share: a small study, and an engine without processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from presage.study import Study
from presage.study.engine import Report
from presage.study.progress import Progress
from presage.study.run import run_study
from presage.study.task import Task
from presage.study.tasks import execute


def study_of(cohort: Path | str, *markers: dict[str, Any], **changes: Any) -> Study:
    settings: dict[str, Any] = {
        "cohort": str(cohort),
        "outcome": "cancer",
        "standard": {"marker": "level", "name": "Level"},
        "markers": list(markers) or [{"marker": "learner", "name": "Learner"}],
        "validation": {"folds": 4, "repeats": 2, "seed": 11},
        "report": {"replicates": 100},
        "engine": {"workers": 1},
    }
    return Study(**{**settings, **changes})


class Here:
    """An engine without processes: most tests do not need to wait for their start."""

    def run(
        self,
        tasks: Sequence[Task],
        on_done: Callable[[Report], None],
        on_start: Callable[[Task, str], None] = lambda task, where: None,
    ) -> None:
        for task in tasks:
            on_start(task, "here")
            execute(task)
            on_done(Report(task))

    def close(self) -> None: ...


def run(study: Study, folder: Path, *, processes: bool = False) -> bytes:
    run_study(study, folder, progress=Progress(), engine=None if processes else Here())
    return (folder / "findings.json").read_bytes()
