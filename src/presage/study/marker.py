"""Markers: estimators over patients, and what they are given to work with."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from presage.cohort import Cohort, InputError, Recording
from presage.study.cache import EncoderCache
from presage.study.encoder import Arrays, Encoder
from presage.study.folder import Folder
from presage.study.placement import Placement

#: What a training logged last, in the scratch folder of its task: for those who watch while it runs.
LATEST = "latest.json"
#: Seconds between two writings of it.
LATEST_EVERY = 5.0


@dataclass(frozen=True)
class Resources:
    """What one task may use.

    Attributes
    ----------
    cache
        Where encoder outputs are kept.
    seed
        The only source of randomness; differs for each marker, repeat and fold.
    threads
        How many CPU threads numerical libraries may use. Results must not depend on it.
    device
        ``cpu`` or a torch device such as ``cuda:0``.
    scratch
        A folder private to the task that survives a kill, and is seen by the machine that takes the task over
        (checkpoints): ``scratch.read(name)``, ``scratch.write(name, data)``. None where there is nothing to resume
        from.
    curves
        What :meth:`log` was told, one mapping a step; kept with the task's result, never in the findings.
    notes
        What :meth:`note` was told; the report shows it.
    divisor
        By how much batches are divided because the device's memory was too small for whole ones.
    """

    cache: EncoderCache = field(default_factory=EncoderCache)
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    scratch: Folder | None = None
    curves: list[dict[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    divisor: int = 1
    # When LATEST is next to be written: a training that is over before needs nobody to watch it.
    _due: list[float] = field(default_factory=lambda: [time.monotonic() + LATEST_EVERY / 2])

    def encoded(self, encoder: Encoder, recordings: Sequence[Recording]) -> list[Arrays]:
        """Arrays of each recording, from the cache where they are there."""
        return self.cache.encoded(encoder, recordings, threads=self.threads)

    def derived(
        self,
        encoder: Encoder,
        recordings: Sequence[Recording],
        what: str,
        work: Callable[[Arrays, Recording], NDArray[Any]],
    ) -> list[NDArray[Any]]:
        """A small array of each recording; see :meth:`presage.study.cache.EncoderCache.derived`."""
        return self.cache.derived(encoder, recordings, what, work, threads=self.threads)

    def log(self, step: int, **values: float) -> None:
        """Remember metrics of one step of a training (usually an epoch), for those who watch it."""
        self.curves.append({"step": step, **values})
        if self.scratch is not None and time.monotonic() >= self._due[0]:
            self._due[0] = time.monotonic() + LATEST_EVERY
            self.scratch.write(LATEST, json.dumps(self.curves[-1]).encode())

    def note(self, text: str) -> None:
        """Say something that a reader of the findings must know of this fit; without patient identity."""
        if text not in self.notes:
            self.notes.append(text)

    def microbatch(self, size: int) -> int:
        """How many examples of a batch of `size` go through the device at once; gradients of the parts are added up."""
        return max(1, size // self.divisor)


@dataclass(frozen=True)
class Explanation:
    """Where in one recording a score comes from.

    Attributes
    ----------
    recording
        What was explained.
    image
        Grey levels to draw, shape (rows, columns), uint8.
    heat
        Contribution to the score, same shape, float32, in [-1, 1]: positive raises the score.
    caption
        One sentence for a clinician, without patient identity.
    """

    recording: Recording
    image: NDArray[np.uint8]
    heat: NDArray[np.float32]
    caption: str = ""


@dataclass(frozen=True)
class Reason:
    """One part of a score, in words; the parts of a score and a constant of the marker sum up to it.

    Attributes
    ----------
    words
        What it is: something that was said, or a measure with its value.
    contribution
        What it adds to the score, in the score's unit; above 0 it raises the score.
    start, stop
        When in the recording, seconds; None where it is of the whole.
    """

    words: str
    contribution: float
    start: float | None = None
    stop: float | None = None


class Marker(BaseModel, ABC):
    """An estimator over patients in the manner of scikit-learn: ``fit(cohort)``, then ``score(cohort)``.

    Settings are the fields (validated, unknown ones refused); what is fitted is kept in private attributes.
    Register a subclass under the entry point ``presage.markers`` and a study can name it.
    """

    model_config = ConfigDict(extra="forbid")

    #: One sentence for the report.
    summary: ClassVar[str] = ""
    #: Whether the scores are probabilities in [0, 1], so that calibration applies to them as they are.
    gives_probability: ClassVar[bool] = False
    #: Whether it is a control: it reads what ought to say nothing of the outcome, and a marker must do better than it.
    control: ClassVar[bool] = False
    #: Installed packages whose version may change the numbers ("onnxruntime"); the findings name them.
    packages: ClassVar[tuple[str, ...]] = ()

    def encoders(self) -> Sequence[Encoder]:
        """Encoders whose output the marker reads. A study runs them once, before any task."""
        return ()

    def needs(self, recording: Recording) -> bool:
        """Whether the marker reads this recording (right kind, right view)."""
        return any(encoder.kind == recording.kind for encoder in self.encoders())

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Which patients have every recording that the marker needs, shape (n,)."""
        if not self.encoders():
            return np.ones(len(cohort), dtype=bool)
        having = {r.patient_id for r in cohort.iter_recordings() if self.needs(r)}
        return np.array([pid in having for pid in cohort.patient_ids], dtype=bool)

    def placement(self) -> Placement:
        """What an engine sets aside for one task with these settings; a study may say otherwise (`place:`)."""
        return Placement()

    def trainings(self) -> int:
        """How many trainings with other seeds one fit consists of; the score is the mean of theirs.

        A study does each as a task of its own, so that they run side by side, and tells how far they differ.
        """
        return 1

    def training(self, number: int) -> Self:
        """The marker of one of its :meth:`trainings` alone; its scores, averaged over all, are those of the whole.

        It is given the same resources as the whole marker would be, the seed included.
        """
        return self.model_copy()

    @abstractmethod
    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Learn from the patients of `cohort` and their outcomes (``cohort.targets()``). Refits from scratch."""

    @abstractmethod
    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        """One finite number per patient, shape (n,), higher = more likely a case. `cohort` carries no outcomes."""

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        """Where in each recording of one patient the score comes from; an empty list where the marker cannot say."""
        return []

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """The parts that one patient's score is the sum of; an empty list where the marker cannot say.

        `cohort` is as for :meth:`score`. The words may quote the patient: they belong on a page for those who may read
        the recording, and never into findings.
        """
        return []

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What was fitted, as arrays (saved as safetensors) and JSON; see :mod:`presage.study.state`."""
        raise InputError(f"{type(self).__name__} cannot be saved", cure="implement state() and restore()")

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        raise InputError(f"{type(self).__name__} cannot be loaded", cure="implement state() and restore()")
