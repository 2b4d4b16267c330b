"""Who holds something: a run folder that one run works in, a recording that one process encodes.

On this machine a run folder is held by a lock of the operating system. In a store a small object says who holds it and
is written again every few seconds; once it is not, whoever asks next takes over. That rests on clocks that agree within
a minute.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from presage.cohort import InputError
from presage.study.folder import Folder, LocalFolder

try:
    import fcntl
except ImportError:  # no such lock on Windows: there a lease as in a store
    fcntl = None  # type: ignore[assignment]

#: Seconds between two beats of a holder.
BEAT = 20.0
#: Seconds without a beat after which a holder counts as dead.
STALE = 120.0
#: Seconds after which one who takes over looks whether another did so in the same moment.
SETTLE = 1.0


@lru_cache(maxsize=1)
def _host() -> str:
    """This machine; process numbers of two containers of one name must not be mixed up."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


@dataclass(frozen=True)
class Holder:
    """Who holds something.

    Attributes
    ----------
    owner
        Differs for every holder.
    host, pid
        Where it runs.
    beat
        When it was last known to live, seconds since 1970.
    """

    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = field(default_factory=_host)
    pid: int = field(default_factory=os.getpid)
    beat: float = field(default_factory=time.time)

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, folder: Folder, name: str) -> Holder | None:
        """Back from :meth:`to_bytes`; None where there is none, or something else."""
        try:
            return cls(**json.loads(folder.read(name)))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def lives(self) -> bool:
        """Whether it beats, and on this machine whether there is such a process."""
        if self.host == _host() and not _is_running(self.pid):
            return False
        return time.time() - self.beat < STALE


class Lease:
    """One object in a folder that says who holds it, renewed by a thread while it is held.

    Parameters
    ----------
    folder, name
        Where it lies.
    holder
        Who takes it; by default a new holder in this process.
    """

    def __init__(self, folder: Folder, name: str, holder: Holder | None = None) -> None:
        self.folder, self.name = folder, name
        self.holder = holder or Holder()
        self._ended = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def take(self) -> Holder | None:
        """Take it where nobody living holds it; else who does."""
        if not self.folder.create(self.name, self.holder.to_bytes()):
            other = Holder.read(self.folder, self.name)
            if other is not None and other.lives():
                return other
            self.folder.write(self.name, self.holder.to_bytes())
            time.sleep(SETTLE)
            other = Holder.read(self.folder, self.name)
            if other is None or other.owner != self.holder.owner:
                return other or Holder()
        self._thread.start()
        return None

    def check(self) -> None:
        """Raise InputError where somebody else has taken over (this machine slept, or was cut off)."""
        if self._lost:
            raise InputError(
                "another run has taken this folder over, as this one gave no sign of life",
                where=self.folder.address,
                cure="let the other one finish",
            )

    def release(self) -> None:
        """Let go."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._lost:
            with suppress(InputError, OSError):  # it becomes stale by itself
                self.folder.remove(self.name)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            with suppress(InputError, OSError):  # a store that is away for a moment is asked again
                now = Holder.read(self.folder, self.name)
                if now is not None and now.owner != self.holder.owner:
                    self._lost = True
                    return
                self.folder.write(self.name, Holder(self.holder.owner).to_bytes())


@contextmanager
def held(folder: Folder) -> Iterator[Lease | None]:
    """Hold a run folder alone: a second run in it would write the same files.

    Raises
    ------
    InputError
        If another run holds it.
    """
    if isinstance(folder, LocalFolder):
        folder.path.mkdir(parents=True, exist_ok=True)
        if fcntl is not None:
            with open(folder.path / ".lock", "w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise _refused(folder) from error
                yield None
            return
    lease = Lease(folder, ".lease.json")
    other = lease.take()
    if other is not None:
        raise _refused(folder, other)
    try:
        yield lease
    finally:
        lease.release()


def _refused(folder: Folder, other: Holder | None = None) -> InputError:
    where = f" (process {other.pid} on {other.host.split(' ')[0]})" if other else ""
    cure = "wait for it, or stop it"
    if other:
        cure += f"; if that machine is gone, start again in {STALE:.0f} seconds"
    return InputError(f"another process is running a study in this folder{where}", where=folder.address, cure=cure)


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # signal 0 is no question there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
