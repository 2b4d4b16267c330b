"""Runs in MLflow: one parent run a study, one child run a task. Imported only where tracking is asked for.

A thread of its own speaks with MLflow, so that no task waits for it. Where MLflow does not answer, that is said once
and the study goes on; whatever has no child run then is logged at the end, or when the same command is started again:
results lie in the run folder, and a child run is found by the digest of its task.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Before MLflow is imported, which otherwise reports its use to its makers; a dead server must not hold up a study.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

import logging

logging.getLogger("alembic").setLevel(logging.ERROR)
logging.getLogger("mlflow").setLevel(logging.ERROR)

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402

from presage.findings import Findings  # noqa: E402
from presage.study.backlog import Report  # noqa: E402
from presage.study.document import marker_settings, settings_of  # noqa: E402
from presage.study.folder import Folder  # noqa: E402
from presage.study.holes import reason  # noqa: E402
from presage.study.opened import Run, fetch, result_of  # noqa: E402
from presage.study.plan import Study  # noqa: E402
from presage.study.task import ENCODINGS, Task  # noqa: E402
from presage.study.tracking import Tracker  # noqa: E402

#: Values that MLflow takes with one call, and characters of a parameter.
_METRICS, _PARAMS, _LENGTH = 1000, 100, 6000
#: What is passed on of a finished run: nothing that names a patient or a place.
_SHARED = ("findings.json", "report.html")
_PARENT, _TASK, _PLAN = "mlflow.parentRunId", "presage.task", "presage.plan"


class MlflowTracker(Tracker):
    """Keeps a study in MLflow.

    Parameters
    ----------
    address
        Of a server or a database. Artefacts of a SQLite database lie in ``mlartifacts`` beside it.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._say: Callable[[str], None] = lambda text: None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._silent = self._said = False
        self._began: dict[Task, tuple[float, str]] = {}
        self._store: _Store | None = None
        self._study: Study | None = None
        self._run: Run | None = None
        self._tasks: Sequence[Task] = ()

    def begin(self, study: Study, run: Run, tasks: Sequence[Task], say: Callable[[str], None]) -> None:
        """See :class:`presage.study.tracking.Tracker`."""
        self._study, self._run, self._tasks, self._say = study, run, tasks, say
        self._thread.start()
        self._work.put(self._catch_up)

    def began(self, task: Task, where: str) -> None:
        """A child run begins."""
        if task.kind == ENCODINGS:
            return  # before there is a parent run
        began = self._began[task] = (time.time(), where)

        def open_child() -> None:
            # The task may be over, and logged, before this thread comes to its beginning.
            if not self._opened().has(task):
                self._opened().child(task, *began)

        self._work.put(open_child)

    def ended(self, report: Report) -> None:
        """A child run ends with its curves, or with why it failed."""
        if report.task.kind == ENCODINGS:
            return
        now = time.time()  # the thread may come to it much later
        self._work.put(lambda: self._log(report.task, "" if report.done else reason(report), now))

    def stop(self) -> None:
        """The parent run is left as killed; the same command goes on in it."""
        self._close(lambda: self._opened().end("KILLED"))

    def complete(self, findings: Findings, folder: Folder) -> None:
        """Log what was missed, the findings and what may be passed on."""

        def last() -> None:
            self._silent = False  # a server that was away may be back
            self._catch_up()
            store = self._opened()
            store.results(findings, self._slugs())
            store.artefacts(folder, findings)
            store.end("FAILED" if findings.document.get("incomplete") else "FINISHED")

        self._close(last)

    def _close(self, last: Callable[[], None]) -> None:
        if self._thread.is_alive():
            self._work.put(last)
            self._work.put(None)
            self._thread.join()

    def _serve(self) -> None:
        while (step := self._work.get()) is not None:
            if self._silent and step.__name__ != "last":
                continue
            try:
                step()
            except Exception as error:  # whatever MLflow, its database or the network raise: the study goes on
                if not self._said:
                    self._say(
                        f"tracking: {self.address} does not take what is logged ({_first_line(error)}); the study goes "
                        "on, and what is missed is logged at its end or when the same command is started again"
                    )
                self._silent = self._said = True

    def _opened(self) -> _Store:
        if self._store is None:
            assert self._run is not None
            assert self._study is not None
            store = _Store(self.address, self._run, self._slugs())
            store.open(self._study)
            self._store = store
        return self._store

    def _slugs(self) -> dict[str, str]:
        assert self._run is not None
        plan = self._run.plan
        return {plan.name(position): slug for position, slug in enumerate(plan.slugs)}

    def _catch_up(self) -> None:
        """Log every task whose result is there and whose child run is not."""
        assert self._run is not None
        store = self._opened()
        fetch(self._run, self._tasks)
        for task in self._tasks:
            if not store.has(task):
                self._log(task, "", time.time(), only_done=True)

    def _log(self, task: Task, failure: str, now: float, *, only_done: bool = False) -> None:
        assert self._run is not None
        result = None if failure else result_of(self._run, task)
        if result is not None or not only_done:
            self._opened().ended(task, result, failure, self._began.get(task), now)


class _Store:
    """The runs of one study in MLflow."""

    def __init__(self, address: str, run: Run, slugs: Mapping[str, str]) -> None:
        self._client = MlflowClient(address)
        self._address, self._run, self._slugs = address, run, slugs
        self._experiment = self._parent = ""
        self._children: dict[str, tuple[str, str]] = {}
        self._known_settings: dict[int, dict[str, Any]] = {}

    def open(self, study: Study) -> None:
        """Find the parent run of this very plan and its children, or make one."""
        self._experiment = self._experiment_named(study)
        plan = self._run.plan
        parts = [plan.fitted_by, plan.slugs, plan.splits, plan.seed, plan.device]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        found = self._client.search_runs([self._experiment], f"tags.`{_PLAN}` = '{digest}'", max_results=1)
        if found:
            self._parent = found[0].info.run_id
            self._client.update_run(self._parent, status="RUNNING")
            self._find_children()
            return
        note = "Phantom (made-up) data: the numbers have no clinical meaning." if self._run.cohort.phantom else ""
        tags = {_PLAN: digest, "presage.phantom": str(self._run.cohort.phantom).lower(), "mlflow.note.content": note}
        name = study.title or study.outcome.outcome().title
        self._parent = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
        settings = {key: value for key, value in settings_of(study).items() if key not in ("standard", "markers")}
        settings |= {"cohort": self._run.cohort.name, "device": plan.device, "standard": study.standard.name}
        self._params(self._parent, settings | {slug: self._settings(n) for n, slug in enumerate(plan.slugs)})

    def has(self, task: Task) -> bool:
        """Whether the task's child run is complete."""
        return self._children.get(task.digest, ("", ""))[1] == "FINISHED"

    def child(self, task: Task, began: float, where: str) -> str:
        """The child run of a task, which is made or taken up again."""
        known, state = self._children.get(task.digest, ("", ""))
        if known:
            if state != "RUNNING":
                self._client.update_run(known, status="RUNNING")
            self._client.set_tag(known, "presage.where", where)
        else:
            slug = self._run.plan.slugs[task.marker]
            step = f"explain f{task.fold:02d}" if task.kind == "explain" else f"r{task.repeat:02d} f{task.fold:02d}"
            step += "" if task.training is None else f" t{task.training:02d}"
            tags = {_PARENT: self._parent, _TASK: task.digest, "presage.where": where, "presage.kind": task.kind}
            run = self._client.create_run(self._experiment, int(began * 1000), tags, f"{slug} {step}")
            known = run.info.run_id
            where_in = {"marker": self._run.plan.name(task.marker), "repeat": task.repeat, "fold": task.fold}
            where_in |= {} if task.training is None else {"training": task.training}
            self._params(known, where_in | {"settings": self._settings(task.marker)})
        self._children[task.digest] = (known, "RUNNING")
        return known

    def ended(
        self, task: Task, result: Mapping[str, Any] | None, failure: str, began: tuple[float, str] | None, now: float
    ) -> None:
        """End the child run: with its curves and duration, or with why it failed."""
        if self.has(task):
            return
        known = self._children.get(task.digest)
        if known and known[1] == "RUNNING":
            child = known[0]
        else:
            spent = float(result["seconds"]) if result else 0.0
            child = self.child(task, *(began or (now - spent, "an earlier start")))
        if result is None:
            self._client.set_tag(child, "presage.failure", failure or "no result")
        else:
            stamp = int(now * 1000)
            values = [Metric("seconds", float(result["seconds"]), stamp, 0)]
            for point in result.get("curves", ()):
                step = int(point.get("step", 0))
                values += [Metric(_key(k), float(v), stamp, step) for k, v in point.items() if k != "step"]
            for start in range(0, len(values), _METRICS):
                self._client.log_batch(child, metrics=values[start : start + _METRICS])
            if result.get("tuning"):
                self._params(child, {"tuned": result["tuning"]["chosen"]["settings"]})
            for note in result.get("notes", ()):
                self._client.set_tag(child, "mlflow.note.content", note)
        state = "FAILED" if result is None else "FINISHED"
        self._client.set_terminated(child, state, int(now * 1000))
        self._children[task.digest] = (child, state)

    def results(self, findings: Findings, slugs: Mapping[str, str]) -> None:
        """AUC (or concordance) of every marker with its interval, as metrics of the parent run."""
        stamp = int(time.time() * 1000)
        values = [
            Metric(_key(f"{name}/{slugs[marker]}/{part}"), float(estimate[part]), stamp, 0)
            for marker, name, estimate in estimates_of(findings)
            for part in ("value", "low", "high")
        ]
        tags = [RunTag("presage.answer", str(s)) for s in [_sentence(findings)] if s]
        self._client.log_batch(self._parent, metrics=values[:_METRICS], tags=tags)

    def artefacts(self, folder: Folder, findings: Findings) -> None:
        """Findings, report, examples and the study without paths."""
        pictures = [entry["file"] for entry in findings.document.get("gallery") or []]
        with tempfile.TemporaryDirectory() as place:
            for name, data in folder.read_many([*_SHARED, *pictures]).items():
                path = Path(place) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            text = json.dumps(findings.document["settings"], indent=1, sort_keys=True, ensure_ascii=False)
            (Path(place) / "study.json").write_text(text + "\n", encoding="utf-8")
            self._client.log_artifacts(self._parent, place)

    def end(self, state: str) -> None:
        """The parent run, and children whose task did not end, are over for now."""
        for digest, (child, known) in self._children.items():
            if known == "RUNNING":
                self._client.set_terminated(child, "KILLED")
                self._children[digest] = (child, "KILLED")
        self._client.set_terminated(self._parent, state)

    def _experiment_named(self, study: Study) -> str:
        name = f"presage: {self._run.cohort.name or study.outcome.outcome().title}"
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        place = None
        if self._address.startswith("sqlite:///"):
            place = (Path(self._address.removeprefix("sqlite:///")).absolute().parent / "mlartifacts").as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def _settings(self, position: int) -> dict[str, Any]:
        if position not in self._known_settings:
            self._known_settings[position] = marker_settings(self._run.plan.entry(position).build())
        return self._known_settings[position]

    def _find_children(self) -> None:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment], f"tags.`{_PARENT}` = '{self._parent}'", max_results=1000, page_token=token
            )
            for run in page:
                self._children[run.data.tags.get(_TASK, "")] = (run.info.run_id, run.info.status)
            token = page.token
            if not token:
                return

    def _params(self, run: str, values: Mapping[str, Any]) -> None:
        params = [Param(_key(name), text[:_LENGTH]) for name, text in _flat(values) if text]
        for start in range(0, len(params), _PARAMS):
            self._client.log_batch(run, params=params[start : start + _PARAMS])


def estimates_of(findings: Findings) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Marker, name of the statistic and its interval: AUC, or concordance where the outcome is a time to an event."""
    found = []
    for section, name in (("discrimination", "auc"), ("survival", "concordance")):
        for entry in (findings.document["sections"].get(section) or {}).get("scores", ()):
            if isinstance(entry.get(name), dict) and "value" in entry[name]:
                found.append((entry["name"], name, entry[name]))
    return found


def _sentence(findings: Findings) -> str:
    return str((findings.document["sections"].get("comparison") or {}).get("sentence", ""))


def _flat(values: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested settings as names joined by dots; whatever is no mapping as JSON."""
    if isinstance(values, Mapping):
        return [pair for key, value in values.items() for pair in _flat(value, f"{name}.{key}" if name else str(key))]
    return [(name, values if isinstance(values, str) else json.dumps(values))]


def _key(text: str) -> str:
    """A name that MLflow takes: letters, digits, underscore, dash, dot, space, colon and slash."""
    return re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)[:250]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
