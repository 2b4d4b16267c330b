"""Everybody who is told how a run goes: the terminal, the status file, and a tracker where one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from presage.study.board import Board
from presage.study.folder import Folder
from presage.study.opened import Run
from presage.study.plan import Study
from presage.study.progress import Progress, Several
from presage.study.status import StatusFile, status_kept
from presage.study.task import Task
from presage.study.tracking import Tracker


class Watch(Several):
    """Tells all of them; the study knows this one alone."""

    def __init__(self, told: Sequence[Progress], tracker: Tracker | None) -> None:
        super().__init__(*told)
        self._tracker = tracker
        self.status: StatusFile | None = None

    def planned(self, study: Study, run: Run, tasks: Sequence[Task]) -> None:
        """The study's tasks are known, and none has begun."""
        if self.status is not None:
            self.status.attach(run)
        if self._tracker is not None:
            self._tracker.begin(study, run, tasks, self.say)


@contextmanager
def watched(folder: Folder, progress: Progress, tracker: Tracker | None) -> Iterator[Watch]:
    """Tell `progress`, the run folder's ``status.json`` and the tracker, for as long as the study runs."""
    board = Board()
    watch = Watch([progress, board, *([tracker] if tracker else [])], tracker)
    with status_kept(folder, board, watch) as watch.status:
        try:
            yield watch
        except BaseException:
            if tracker is not None:
                tracker.stop()
            raise
