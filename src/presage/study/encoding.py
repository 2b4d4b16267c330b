"""Encoding before any task: in threads of this process, or as tasks of an engine whose processors are elsewhere.

As tasks, recordings are handed out in chunks. A chunk is a private file below ``encode/`` of the run folder, which
names an encoder (as a marker's plan, and its place among that marker's encoders) and its recordings. Outputs go into
the shared cache; what could not be used, and why, into a file beside the chunk, in one step. The folder is removed
once everything is encoded; a run that was killed finds in it, and in the cache, what it need not do again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from presage.cohort import InputError, Recording
from presage.study.cache import EncoderCache
from presage.study.chunk import FOLDER
from presage.study.encoder import Encoder
from presage.study.engine import Engine, Report
from presage.study.folder import Folder
from presage.study.plan import EnginePlan, MarkerPlan
from presage.study.progress import Progress
from presage.study.software import versions
from presage.study.task import ENCODING_STAGE, ENCODINGS, Task

#: Recordings that each encoder reads, whose outputs are to be in the cache.
Work = Sequence[tuple[Encoder, list[Recording]]]
#: Has all of them encoded; why recordings cannot be used, by path.
Encode = Callable[[Work, EncoderCache, Progress], dict[str, str]]

#: So many chunks for each processor, so that those that take long do not leave the others without work at the end.
_EACH = 4
#: Recordings of a chunk: enough for what handing it out costs (on a card: a process that loads the network anew), and
#: so few that little is lost with a worker.
_LEAST, _LEAST_ON_CARD, _MOST = 8, 32, 256
#: Processors that a cluster is taken to have where nobody says.
_MANY = 64


def encode_here(work: Work, cache: EncoderCache, progress: Progress) -> dict[str, str]:
    """Encode in threads of this process; see :data:`Encode`."""
    unusable: dict[str, str] = {}
    progress.start(ENCODING_STAGE, sum(len(recordings) for _, recordings in work))
    for encoder, recordings in work:
        found = cache.encode_missing(
            encoder, recordings, threads=os.cpu_count() or 1, progress=lambda n: progress.advance(n)
        )
        unusable.update({path: error.reason for path, error in found.items()})
    progress.finish()
    return unusable


@dataclass(frozen=True)
class EncodeAsTasks:
    """Encode by tasks of an engine; an :data:`Encode`.

    Attributes
    ----------
    folder
        The run folder.
    engine
        Which does the tasks.
    plans
        Of the markers whose encoders they are, and of what tuning may make of them.
    about
        The study's engine, for how many processors there are.
    """

    folder: Folder
    engine: Engine
    plans: Sequence[MarkerPlan]
    about: EnginePlan

    def __call__(self, work: Work, cache: EncoderCache, progress: Progress) -> dict[str, str]:
        """Encode; see :data:`Encode`.

        Raises
        ------
        InputError
            If a recording cannot be read, a worker died too often, or an encoder raised an error of its own.
        """
        reasons = _reasons(self.folder)
        recipes = _recipes(self.plans)
        tasks: dict[Task, int] = {}
        asked: list[tuple[Recording, str]] = []
        for position, (encoder, recordings) in enumerate(work):
            plan, place = recipes[encoder.fingerprint()]
            lacking = cache.lacking(encoder, recordings)
            about = [encoder.fingerprint(), versions([plan.build()])]
            known_by = {index: _identity(about, recordings[index], version) for index, version in lacking.items()}
            asked += [(recordings[index], identity) for index, identity in known_by.items()]
            todo = [(recordings[index], known) for index, known in known_by.items() if known not in reasons]
            for chunk in self._chunks(todo, encoder):
                task = self._handed_out(chunk, encoder, plan, place, cache, position, len(tasks))
                tasks[task] = len(chunk)
        if tasks:
            self._do(tasks, [encoder.name for encoder, _ in work], progress)
            reasons = _reasons(self.folder)
        else:
            total = sum(len(recordings) for _, recordings in work)
            progress.start(ENCODING_STAGE, total)
            progress.advance(total)
            progress.finish()
        self.folder.remove_tree(FOLDER)
        return {recording.path: reasons[identity] for recording, identity in asked if identity in reasons}

    def _chunks(self, todo: list[tuple[Recording, str]], encoder: Encoder) -> list[list[tuple[Recording, str]]]:
        """Of much the same length; neighbours, which often come from one scanner, in different ones."""
        width = self.about.workers or (_MANY if self.about.address is not None else os.cpu_count() or 1)
        least = _LEAST_ON_CARD if encoder.placement().gpus else _LEAST
        count = max(min(width * _EACH, -(-len(todo) // least)), -(-len(todo) // _MOST))
        return [todo[start::count] for start in range(count)]

    def _handed_out(
        self,
        chunk: list[tuple[Recording, str]],
        encoder: Encoder,
        plan: MarkerPlan,
        place: int,
        cache: EncoderCache,
        position: int,
        number: int,
    ) -> Task:
        """Write what the worker of a chunk reads."""
        document = {
            "marker": plan.model_dump(mode="json"),
            "encoder": place,
            "fingerprint": encoder.fingerprint(),
            "cache": cache.folder.address,
            "recordings": [{**asdict(recording), "known_by": known_by} for recording, known_by in chunk],
        }
        text = json.dumps(document)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.folder.child(FOLDER, private=True).write_text(f"{digest}.json", text)
        needs = encoder.placement()
        return Task(self.folder.address, ENCODINGS, position, 0, number, digest, **needs.model_dump())

    def _do(self, tasks: dict[Task, int], names: list[str], progress: Progress) -> None:
        def on_done(report: Report) -> None:
            progress.ended(report)
            progress.advance(tasks[report.task])
            if not report.done:
                raise self._failure(report, names[report.task.marker])

        progress.start(ENCODING_STAGE, sum(tasks.values()))
        progress.lay_out(names, list(tasks), {})
        try:
            self.engine.run(list(tasks), on_done, progress.began)
        finally:
            progress.finish()

    def _failure(self, report: Report, name: str) -> InputError:
        cure = report.cure
        if report.trace:
            file = f"{FOLDER}/{report.task.digest}.error.txt"
            self.folder.write_text(file, report.trace)
            cure = f"the encoder raised an error of its own; its traceback is in {self.folder.place(file)}"
        return InputError(report.error, where=report.where or f"encoder {name!r}", cure=cure)


def _reasons(folder: Folder) -> dict[str, str]:
    """Why recordings cannot be used, by their identity, from every chunk that is done."""
    found: dict[str, str] = {}
    for data in folder.read_many(folder.matching(f"{FOLDER}/*.done.json")).values():
        found.update(json.loads(data)["unusable"])
    return found


def _recipes(plans: Sequence[MarkerPlan]) -> dict[str, tuple[MarkerPlan, int]]:
    """How a worker makes an encoder, by its fingerprint: a marker's plan, and which of its encoders."""
    found: dict[str, tuple[MarkerPlan, int]] = {}
    for plan in plans:
        for place, encoder in enumerate(plan.build().encoders()):
            found.setdefault(encoder.fingerprint(), (plan, place))
    return found


def _identity(encoder: list[Any], recording: Recording, version: str) -> str:
    """A digest of all that decides whether a recording can be used, its file by size and date."""
    about = [recording.path, version, recording.visit, recording.kind, sorted(recording.attributes.items())]
    return hashlib.sha256(json.dumps([encoder, about]).encode()).hexdigest()
