"""Claims: of several processes that miss the same output, one encodes it and the others wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from presage.study.folder import Folder
from presage.study.lease import Holder, Lease

#: Seconds for which it is believed that a holder lives, before it is asked again.
_BELIEVED = 2.0


class Claims:
    """Claims of one process on keys; a small file each, which names its holder, and one file with the holder's beat.

    A holder that died is taken over: at once where it ran on this machine, else after
    :data:`presage.study.lease.STALE` seconds. Two who take over in the same moment both encode, which costs time and
    nothing else.

    Parameters
    ----------
    folder
        Where the claims lie.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lease: Lease | None = None
        self._living: dict[str, float] = {}
        self._mine: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back(list(self._mine))
        if self._lease is not None:
            self._lease.release()

    def take(self, keys: Iterable[str], limit: int) -> list[str]:
        """At most `limit` of the keys that nobody living holds; gives up after as many that somebody does."""
        taken: list[str] = []
        refused = 0
        for key in keys:
            if len(taken) == limit or refused == limit:
                break
            if self._claim(key):
                taken.append(key)
            else:
                refused += 1
        return taken

    def give_back(self, keys: Iterable[str]) -> None:
        """Give up claims: what was claimed is done, or failed."""
        for key in keys:
            self._folder.remove(_file(key))
            self._mine.discard(key)

    def _claim(self, key: str) -> bool:
        if self._lease is None:
            holder = Holder()
            self._lease = Lease(self._folder, _beat(holder.owner), holder)
            self._lease.take()
        claim = self._lease.holder.to_bytes()
        if not self._folder.create(_file(key), claim):
            if self._is_held(key):
                return False
            self._folder.write(_file(key), claim)
        self._mine.add(key)
        return True

    def _is_held(self, key: str) -> bool:
        holder = Holder.read(self._folder, _file(key))
        if holder is None:
            return False
        if time.monotonic() - self._living.get(holder.owner, -_BELIEVED) < _BELIEVED:
            return True
        now = Holder.read(self._folder, _beat(holder.owner))
        # Without a beat it has ended, or has not begun to beat: then the claim itself says when it was alive.
        if not (now or holder).lives():
            return False
        self._living[holder.owner] = time.monotonic()
        return True


def _file(key: str) -> str:
    return f"{key[:2]}/{key}"


def _beat(owner: str) -> str:
    return f"holders/{owner}"
