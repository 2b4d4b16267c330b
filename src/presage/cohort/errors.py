"""What is said to a person when an input is wrong."""

from __future__ import annotations


class InputError(ValueError):
    """A bad input: what is wrong, where, and what cures it.

    Parameters
    ----------
    what
        What was found and what was expected, in one sentence.
    where
        The file, row, tag or patient.
    cure
        What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        super().__init__("\n".join(part for part in (f"{where}: {what}" if where else what, cure) if part))

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would lose the keyword arguments.
        return _rebuild, (type(self), self.what, self.where, self.cure)


class UnusableRecording(InputError):
    """One recording that cannot enter the study and is counted in the cohort flow instead.

    Parameters
    ----------
    reason
        A short phrase shared by all recordings excluded for the same cause ("magnification view"); the flow counts it.
    what, where, cure
        As in :class:`InputError`.
    """

    def __init__(self, reason: str, what: str = "", *, where: str = "", cure: str = "") -> None:
        self.reason = reason
        super().__init__(what or reason, where=where, cure=cure)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_unusable, (self.reason, self.what, self.where, self.cure)


def _rebuild(kind: type[InputError], what: str, where: str, cure: str) -> InputError:
    return kind(what, where=where, cure=cure)


def _rebuild_unusable(reason: str, what: str, where: str, cure: str) -> UnusableRecording:
    return UnusableRecording(reason, what, where=where, cure=cure)
