"""Another lab's package, as the tests of the study see it: a kind, an encoder, markers, all by entry points."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording, UnusableRecording, storage
from presage.study import Encoder, Explanation, Marker, Resources
from presage.study.encoder import Arrays


class SlideKind:
    name = "slide"
    required: ClassVar = {"side": ("L", "R")}
    optional: Sequence[str] = ()

    def inspect(self, recording: Recording) -> None:
        if storage.read_bytes(recording.path).startswith(b"not a slide"):
            raise UnusableRecording("not a slide", where=recording.path)

    def read(self, recording: Recording) -> bytes:
        return storage.read_bytes(recording.path)

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        return out


class Bytes(Encoder):
    name = "bytes"
    kind = "slide"
    scale: float = 1.0
    pause: float = 0.0

    def encode(self, recording: Recording) -> Arrays:
        time.sleep(self.pause)
        content = storage.read_bytes(recording.path)
        if content.startswith(b"blank"):
            raise UnusableRecording("blank slide", where=recording.path)
        if "LABPACK_LOG" in os.environ:
            with open(os.environ["LABPACK_LOG"], "a") as file:
                file.write("encoded\n")
        return {"values": np.frombuffer(content[:32], dtype=np.uint8).astype(np.float64) * self.scale}


class _OnBytes(Marker):
    scale: float = 1.0
    pause: float = 0.0

    def encoders(self) -> list[Bytes]:
        return [Bytes(scale=self.scale, pause=self.pause)]

    def values(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        recordings = cohort.iter_recordings("slide")
        arrays = (resources or Resources()).encoded(self.encoders()[0], recordings)
        rows: dict[str, list[Any]] = {}
        for recording, found in zip(recordings, arrays, strict=True):
            rows.setdefault(recording.patient_id, []).append(found["values"])
        return np.array([np.mean(rows[pid], axis=0) for pid in cohort.patient_ids])


class Level(_OnBytes):
    """The first byte."""

    summary: ClassVar[str] = "The first byte."
    side: Literal["L", "R", "both"] = "both"

    def needs(self, recording: Recording) -> bool:
        return recording.kind == "slide" and self.side in ("both", recording["side"])

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        return self.values(cohort, resources)[:, 0]


class Learner(_OnBytes):
    """Ridge regression on the bytes, with noise from the task's seed."""

    summary: ClassVar[str] = "Ridge regression."
    packages: ClassVar[tuple[str, ...]] = ("pydantic",)
    noise: float = 0.01
    penalty: float = 1.0

    _weights: NDArray[np.float64] | None = None

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        values = self.values(cohort, resources)
        seed = resources.seed if resources else 0
        values = values + self.noise * np.random.default_rng(seed).normal(size=values.shape)
        target = cohort.cases() - 0.5
        gram = values.T @ values + self.penalty * np.eye(values.shape[1])
        self._weights = np.linalg.solve(gram, values.T @ target)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        assert self._weights is not None
        return self.values(cohort, resources) @ self._weights

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        assert self._weights is not None
        assert cohort.patient_ids == (patient_id,)
        shares = (self.values(cohort, resources)[0] * self._weights).reshape(4, 8)
        image = np.linspace(0, 255, 32).reshape(4, 8).astype(np.uint8)
        heat = (shares / np.abs(shares).max()).astype(np.float32)
        return [Explanation(r, image, heat, "Red raises it.") for r in cohort.iter_recordings()[:1]]

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        assert self._weights is not None
        return {"weights": self._weights}, {"n": len(self._weights)}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        self._weights = arrays["weights"]


class Bulky(Learner):
    """Fits more than a socket takes at once."""

    ballast: int = 0

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, facts = super().state()
        return {**arrays, "ballast": np.zeros(self.ballast, dtype=np.uint8)}, facts


class Spy(_OnBytes):
    """Writes down everything that it can find out about patients whom it should not know."""

    log: str

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        self._write("fit", cohort, cohort.targets().tolist())
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        try:
            known = cohort.targets().tolist()
        except Exception as error:
            known = str(error)
        self._write("score", cohort, known)
        return np.arange(len(cohort), dtype=float)

    def _write(self, step: str, cohort: Cohort, outcomes: Any) -> None:
        try:
            others = list(Cohort.read(cohort.root).patient_ids)
        except Exception:
            others = []
        seen = {
            "step": step,
            "ids": list(cohort.patient_ids),
            "recorded": sorted(set(cohort.recordings["patient_id"])),
            "columns": list(cohort.patients.columns),
            "outcomes": outcomes,
            "others": others,
            "flow": len(cohort.flow),
        }
        with open(self.log, "a") as file:
            file.write(json.dumps(seen) + "\n")


class Moody(_OnBytes):
    """Does what its settings say a bad day looks like."""

    mood: Literal["fine", "dies-once", "dies", "raises", "nan", "shape", "slow", "chatty"] = "fine"
    mark: str = ""

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        if self.mood == "dies" or (self.mood == "dies-once" and not Path(self.mark).exists()):
            if self.mark:
                Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mood == "raises":
            raise ZeroDivisionError("nothing to divide by")
        if self.mood == "slow":
            time.sleep(0.15)
        if self.mood == "chatty":
            print("a marker may print what it likes")
            os.system("echo and so may its children")
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        scores = self.values(cohort, resources)[:, 1]
        if self.mood == "nan":
            scores[0] = np.nan
        return scores[1:] if self.mood == "shape" else scores


class Hungry(_OnBytes):
    """Fits on a card of which `most` examples fill the memory."""

    batch: int = 32
    most: int = 4

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        import torch

        if (resources or Resources()).microbatch(self.batch) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        return self.values(cohort, resources)[:, 2]


class Timed(_OnBytes):
    """Writes down when each of its fits begins and ends, and which cards it sees."""

    log: str
    together: int = 1
    seconds: float = 0.0
    mood: Literal["fine", "raises-twice"] = "fine"

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        about = {"cards": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getpid()}
        self._write({"step": "begin", **about})
        begun = [line for line in Path(self.log).read_text().splitlines() if "begin" in line]
        if self.mood == "raises-twice" and len(begun) <= 2:
            raise OSError("a disk that stutters")
        until = time.monotonic() + 100
        # So many fits must be under way at once before any of them may end.
        while Path(self.log).read_text().count("begin") < self.together:
            assert time.monotonic() < until, "the others do not come"
            time.sleep(0.02)
        time.sleep(self.seconds)
        self._write({"step": "end", "seconds": self.seconds, **about})
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        return self.values(cohort, resources)[:, 3]

    def _write(self, line: dict[str, Any]) -> None:
        with open(self.log, "a") as file:
            file.write(json.dumps({**line, "at": time.time()}) + "\n")


class Computing(_OnBytes):
    """Keeps a processor busy."""

    steps: int = 10

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        matrix = np.random.default_rng(0).normal(size=(200, 200))
        for _ in range(self.steps):
            np.linalg.svd(matrix)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        return self.values(cohort, resources)[:, 3]


class Voters(Learner):
    """The mean of several ridge regressions, whose seeds differ."""

    votes: int = 3

    _only: int | None = None
    _all: list[NDArray[np.float64]]

    def trainings(self) -> int:
        return self.votes

    def training(self, number: int) -> Self:
        found = self.model_copy()
        found._only = number
        return found

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        resources, self._all = resources or Resources(), []
        for number in range(self.votes) if self._only is None else [self._only]:
            super().fit(cohort, Resources(cache=resources.cache, seed=resources.seed + number))
            assert self._weights is not None
            self._all.append(self._weights)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        values = self.values(cohort, resources)
        return np.mean([values @ weights for weights in self._all], axis=0)

    explain = Marker.explain
    state = Marker.state
    restore = Marker.restore
