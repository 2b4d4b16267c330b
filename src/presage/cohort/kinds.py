"""Kinds of recordings. Fields register theirs under the entry point ``presage.kinds``; none is named here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from presage.cohort.errors import InputError
from presage.cohort.recording import Recording

if TYPE_CHECKING:
    from presage.cohort.cohort import Cohort


@runtime_checkable
class RecordingKind(Protocol):
    """What a field must say about a kind of recording (mammogram, audio, ...).

    It may say more: ``shows``, the kinds of the same visit that its picture shows, too; ``caption``, what the picture
    is; ``takes_along(refused, other)``, why another recording of the visit cannot be used once this one is refused (an
    empty text where it can).
    """

    name: str
    #: Columns of ``recordings.csv`` that this kind needs, each with its allowed values (empty: any non-empty text).
    required: Mapping[str, Sequence[str]]
    #: Columns that it understands and does not need.
    optional: Sequence[str]

    def inspect(self, recording: Recording) -> None:
        """Open the file just far enough to say that it can be used.

        Raises
        ------
        UnusableRecording
            If it cannot enter a study; its reason is counted in the cohort flow.
        """

    def read(self, recording: Recording) -> Any:
        """The decoded recording. Raises :class:`UnusableRecording` like `inspect`."""

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """Write a picture (PNG) that lets a person see in a minute whether reading went wrong; return its path."""


@cache
def kinds() -> dict[str, RecordingKind]:
    """Every registered kind by name."""
    return {point.name: point.load()() for point in entry_points(group="presage.kinds")}


def kind_named(name: str) -> RecordingKind:
    """The registered kind of that name.

    Raises
    ------
    InputError
        If no installed package registers it.
    """
    known = kinds()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"installed kinds: {', '.join(sorted(known)) or 'none'}"
        raise InputError(
            f"no installed package reads recordings of kind {name!r}", where="recordings.csv, column kind", cure=hint
        )
    return known[name]
