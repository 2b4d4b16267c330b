"""One task of a study: plain JSON that names the run folder; whoever does it reads the rest there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final, Literal, Self

SCORES: Final = "score"
EXPLANATIONS: Final = "explain"
ENCODINGS: Final = "encode"
#: What the stage is called in which recordings are encoded.
ENCODING_STAGE: Final = "Encoding recordings"


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    run
        Address of the run folder.
    kind
        ``score``: fit on the training patients of a fold and score its test patients. ``explain``: draw where the
        scores of `patients` come from, by the marker fitted for their test fold. ``encode``: encode a chunk of
        recordings, before there is a plan; see :mod:`presage.study.encoding`.
    marker
        Position in the plan. For ``encode``: of the encoder, among those of the study.
    repeat, fold
        Which fold. For ``encode``: 0, and which chunk.
    digest
        Of everything the result depends on.
    patients
        For ``explain``: codes of the patients.
    training
        For ``score``: which of the marker's trainings with other seeds; None for a fit as a whole.
    cpus, gpus, memory_gb
        What to set aside for it; see :class:`presage.study.placement.Placement`.
    """

    run: str
    kind: Literal["score", "explain", "encode"]
    marker: int
    repeat: int
    fold: int
    digest: str
    patients: tuple[str, ...] = ()
    training: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    memory_gb: float = 1.0

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Back from :meth:`to_json`."""
        fields = json.loads(text)
        return cls(**{**fields, "patients": tuple(fields["patients"])})
