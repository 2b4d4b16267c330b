"""``status.json`` of a run folder: how far the run is, for whoever looks from elsewhere. It names no patient.

The run writes it in one step, at most every 2 seconds on this machine and every 10 in a store, and at its end says how
it ended. A run that was killed says nothing any more: its file is found with a holder that does not live.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from presage.cohort import InputError
from presage.study.board import Board
from presage.study.folder import Folder
from presage.study.lease import Holder
from presage.study.marker import LATEST
from presage.study.opened import Run, fetch, open_run, result_of, stamp
from presage.study.progress import Progress
from presage.study.runfolder import Plan
from presage.study.task import ENCODING_STAGE, ENCODINGS, SCORES

NAME = "status.json"
SCHEMA = "presage-status/1"
RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"
#: Exit status of ``presage status``.
EXIT = {FINISHED: 0, RUNNING: 3, STOPPED: 4, FAILED: 5}
#: Seconds between two writings, on this machine and in a store.
EVERY, EVERY_REMOTE = 2.0, 10.0
#: Seconds after which the file is written again although nothing has changed, as a sign of life.
BEAT = 20.0


class StatusFile:
    """Writes a board into the run folder from a thread of its own, so that no task waits for it.

    Parameters
    ----------
    folder
        The run folder.
    board
        What is written.
    told
        Who else is told of what running tasks logged last, which this thread reads from their scratch folders.
    """

    def __init__(self, folder: Folder, board: Board, told: Progress) -> None:
        self._folder, self._board, self._told = folder, board, told
        self._holder = Holder()
        self._began = time.time()
        self._every = EVERY_REMOTE if folder.remote else EVERY
        self._run: Run | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        """Write it for the first time, and from now on."""
        self._write(RUNNING)
        self._thread.start()

    def attach(self, run: Run) -> None:
        """The run, once it is planned: then what tasks log can be read."""
        self._run = run

    def end(self, state: str, why: str = "") -> None:
        """Say how the run ended."""
        self._ended.set()
        self._thread.join()
        self._write(state, why)

    def _serve(self) -> None:
        written, changes = time.monotonic(), self._board.changes
        while not self._ended.wait(self._every):
            with suppress(InputError, OSError):  # what cannot be read or written now is asked again
                self._read_latest()
            if self._board.changes != changes or time.monotonic() - written >= BEAT:
                changes = self._board.changes
                self._write(RUNNING)
                written = time.monotonic()

    def _write(self, state: str, why: str = "") -> None:
        document = {
            "schema": SCHEMA,
            "state": state,
            "why": why,
            "began": self._began,
            **asdict(self._holder),
            "beat": time.time(),
            **self._board.snapshot(),
        }
        # A run must not end because nobody can be told how far it is; a full disk is met by its tasks too.
        with suppress(InputError, OSError):
            self._folder.write_text(NAME, json.dumps(document, indent=1) + "\n")

    def _read_latest(self) -> None:
        run = self._run
        if run is None:
            return
        names = {f"{run.scratch(task)}/{LATEST}": task for task in self._board.running()}
        for name, data in self._folder.read_many(names).items():
            with suppress(ValueError, TypeError):
                self._told.latest(names[name], json.loads(data))


@contextmanager
def status_kept(folder: Folder, board: Board, told: Progress) -> Iterator[StatusFile]:
    """Keep ``status.json`` while a study runs; at the end it says how the run ended."""
    status = StatusFile(folder, board, told)
    status.start()
    try:
        yield status
    except KeyboardInterrupt:
        status.end(STOPPED, "stopped by hand")
        raise
    except BaseException as error:
        failed = bool(board.snapshot()["failed"])
        # Messages may name a patient or a file, and this file is passed on.
        why = "tasks failed and no comparison is left" if failed else f"ended by an error ({type(error).__name__})"
        status.end(FAILED if failed else STOPPED, why)
        raise
    status.end(FAILED if board.snapshot()["failed"] else FINISHED)


def read_status(folder: Folder) -> dict[str, Any]:
    """How far the run in this folder is: ``status.json`` with ``state`` as it is now; see :data:`EXIT`.

    Of a run that was stopped, tasks are counted anew from their results; so are those of a folder without the file.

    Raises
    ------
    InputError
        If no study was run here.
    """
    document = _read(folder)
    if document is None:
        return _without(folder)
    holder = Holder(**{key: document[key] for key in ("owner", "host", "pid", "beat")})
    if document["state"] == RUNNING and not holder.lives():
        document |= {"state": STOPPED, "why": "no sign of life"}
    if document["state"] == STOPPED:
        with suppress(OSError, ValueError):  # killed before there was a plan
            document["markers"] = [*_recounted(folder), *(r for r in document["markers"] if r["kind"] != "score")]
            _count_stage(document)
    return document


def errors_of(folder: Folder, document: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """For each failed task the last line of what it said. May name a patient: for the run's owner."""
    if not document["failed"]:
        return []
    encoding = [(entry, entry["why"]) for entry in document["failed"] if entry["kind"] == ENCODINGS]
    if encoding:  # nothing else can have failed, and there may be no plan
        return encoding
    plan = Plan.read(folder)
    slugs = {str(entry["name"]): slug for entry, slug in zip(plan.markers, plan.slugs, strict=True)}
    found = []
    for entry in document["failed"]:
        text = entry["why"]
        with suppress(OSError, IndexError):
            name = "explain" if entry["kind"] != SCORES else f"r{entry['repeat']:02d}"
            file = f"tasks/{slugs[entry['marker']]}/{name}-f{entry['fold']:02d}.error.txt"
            text = folder.read_text(file).strip().splitlines()[-1]
        found.append((entry, text))
    return found


def _read(folder: Folder) -> dict[str, Any] | None:
    try:
        document = json.loads(folder.read(NAME))
    except FileNotFoundError:
        return None
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(
            f"this file holds no status of the form {SCHEMA}", where=folder.place(NAME), cure="delete it and run again"
        )
    return document


def _without(folder: Folder) -> dict[str, Any]:
    """A run folder without the file: that of an earlier version, or one where a forecast did some tasks."""
    try:
        rows = _recounted(folder)
    except FileNotFoundError as error:
        raise InputError(
            "no study was run here", where=folder.address, cure="name a run folder, such as runs/NAME (`presage run`)"
        ) from error
    finished = folder.exists("findings.json") and all(row["done"] == row["tasks"] for row in rows)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "state": FINISHED if finished else STOPPED,
        "why": "",
        "began": None,
        "beat": None,
        "stage": {"name": "Fitting and scoring", "began": None, "tasks": True},
        "markers": rows,
        "running": [],
        "failed": [],
        "per_minute": None,
        "left": {"seconds": None, "unknown": [], "words": ""},
    }
    _count_stage(document)
    return document


def _count_stage(document: dict[str, Any]) -> None:
    rows = [row for row in document["markers"] if row["kind"] == SCORES]
    if document["stage"]["tasks"] and document["stage"]["name"] != ENCODING_STAGE and rows:
        counts = {"total": "tasks", "done": "done", "failed": "failed"}
        document["stage"] |= {name: sum(row[key] for row in rows) for name, key in counts.items()}


def _recounted(folder: Folder) -> list[dict[str, Any]]:
    """Markers and their tasks by the results that lie in the folder and still hold."""
    run = open_run(folder.address, stamp(folder.address))
    tasks = run.score_tasks()
    fetch(run, tasks)
    rows: list[dict[str, Any]] = [
        {"kind": "score", "name": run.plan.name(position), "tasks": 0, "done": 0, "failed": 0, "mean_seconds": None}
        for position in range(len(run.plan.markers))
    ]
    seconds: dict[int, list[float]] = {}
    for task in tasks:
        rows[task.marker]["tasks"] += 1
        result = result_of(run, task)
        if result is not None:
            rows[task.marker]["done"] += 1
            seconds.setdefault(task.marker, []).append(float(result["seconds"]))
    for marker, spent in seconds.items():
        rows[marker]["mean_seconds"] = sum(spent) / len(spent)
    return rows
