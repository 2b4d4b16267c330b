"""Ending every process of a session, whatever it has started in the meantime."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress

#: prctl(2): orphaned descendants become children of this process.
_SUBREAPER = 36


def adopt_orphans() -> None:
    """Take over grandchildren whose parents end, so that they can be waited for: not every container's init does."""
    with suppress(OSError, AttributeError):  # Linux alone
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def in_session(session: int) -> list[int]:
    """Living processes of a session (``os.setsid``), children of children included; empty where there is no /proc."""
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                # A process may end between two lines.
                with suppress(OSError, ValueError, IndexError):
                    state, _, _, its = _status(int(name))[:4]
                    if int(its) == session and state != "Z":
                        found.append(int(name))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs (one that ended and was not yet waited for does not)."""
    try:
        return _status(pid)[0] != "Z"
    except (OSError, IndexError):
        return os.path.isdir(f"/proc/{pid}")


def children_of(pid: int) -> list[int]:
    """Its living children."""
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):
                    state, parent = _status(int(name))[:2]
                    if int(parent) == pid and state != "Z":
                        found.append(int(name))
    return found


def end_session(session: int, patience: float = 10.0) -> None:
    """Kill every process of a session but this one; returns when they are gone, or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while others := [pid for pid in in_session(session) if pid != os.getpid()]:
        for pid in others:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)
        _bury(session)
    _bury(session)
    if not os.path.isdir("/proc") and session != os.getsid(0):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGKILL)


def _bury(session: int) -> None:
    """Wait for the dead of our own session, so that no zombie is left."""
    with suppress(ChildProcessError):
        while session == os.getsid(0) and os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _status(pid: int) -> list[str]:
    """State, parent, process group, session, ... as in proc(5)."""
    with open(f"/proc/{pid}/stat") as file:
        # The name stands in parentheses and may hold anything, spaces and parentheses included.
        return file.read().rpartition(")")[2].split()
