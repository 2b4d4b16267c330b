"""Encoders: frozen, deterministic maps from a recording to arrays."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from presage.cohort import InputError, Recording, UnusableRecording
from presage.study.placement import Placement

Arrays = dict[str, NDArray[Any]]


class Encoder(BaseModel, ABC):
    """A frozen, deterministic map from a recording to named arrays; its settings are its fields.

    The same file bytes and the same :meth:`fingerprint` must give the same arrays, whatever the number of threads, the
    batch or the machine's load: the cache rests on it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Name and version of the method. Raise the version whenever the output changes for equal settings.
    name: ClassVar[str]
    version: ClassVar[int] = 1
    #: The kind of recording it reads.
    kind: ClassVar[str]

    def identity(self) -> dict[str, Any]:
        """Everything that decides the output, as JSON; add the digest of weights where there are any."""
        return {"encoder": self.name, "version": self.version, "settings": self.model_dump(mode="json")}

    def fingerprint(self) -> str:
        """SHA-256 (hex) of :meth:`identity`."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()

    def placement(self) -> Placement:
        """What an engine sets aside for encoding where its tasks do it."""
        return Placement()

    @abstractmethod
    def encode(self, recording: Recording) -> Arrays:
        """Arrays of one recording (at least one; finite).

        Raises
        ------
        UnusableRecording
            If the file cannot be used; the study counts it in the cohort flow.
        """

    def encode_all(
        self, recordings: Sequence[Recording], *, threads: int = 1, progress: Callable[[int], None] | None = None
    ) -> Iterator[tuple[int, Arrays | UnusableRecording]]:
        """Encode many recordings, yielding (index, arrays or the reason why not) as each is ready, in any order.

        The default calls :meth:`encode` in a pool of `threads`; override it to overlap reading with computing.
        """
        from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

        def one(index: int) -> tuple[int, Arrays | UnusableRecording]:
            try:
                return index, self.checked(self.encode(recordings[index]), recordings[index])
            except UnusableRecording as unusable:
                return index, unusable

        ahead = 2 * max(1, threads)
        queue = iter(range(len(recordings)))
        pool = ThreadPoolExecutor(max_workers=max(1, threads))
        waiting: set[Future[tuple[int, Arrays | UnusableRecording]]] = set()
        try:
            while waiting := waiting | {pool.submit(one, index) for index in islice(queue, ahead - len(waiting))}:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    if progress is not None:
                        progress(1)
        finally:
            # On Ctrl-C or a full disk only what is being encoded is waited for.
            pool.shutdown(cancel_futures=True)

    def checked(self, arrays: Arrays, recording: Recording) -> Arrays:
        """`arrays`, refused when empty or not finite: no NaN ever enters a cache."""
        if not arrays:
            raise InputError(f"encoder {self.name} gave no arrays", where=recording.path)
        for key, array in arrays.items():
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                raise UnusableRecording(
                    f"{self.name}: not finite",
                    f"encoder {self.name} gave NaN or infinity in {key!r}",
                    where=recording.path,
                )
        return arrays
