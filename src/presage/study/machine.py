"""What this machine has for tasks: memory and graphics cards, read from the system without a heavy import."""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from pathlib import Path

_GB = 1e9


def cards() -> tuple[str, ...]:
    """Names of the NVIDIA cards as ``CUDA_VISIBLE_DEVICES`` takes them; those alone that it names where it is set."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        names = [name.strip() for name in allowed.split(",")]
        # CUDA itself stops reading at the first that it does not know.
        stop = next((i for i, name in enumerate(names) if name in ("", "-1")), len(names))
        return tuple(names[:stop])
    with suppress(OSError):
        # Numbers of the device files are the host's; CUDA counts the cards of a container from 0.
        return tuple(str(i) for i in range(sum(bool(re.fullmatch(r"nvidia\d+", n)) for n in os.listdir("/dev"))))
    return ()


def memory_gb() -> tuple[float, float]:
    """Main memory that is free for programs, and in all, gigabytes; of the container where it has a limit."""
    total = free = math.inf
    with suppress(OSError, ValueError, AttributeError):
        total = free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    with suppress(OSError):
        found = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
        free = int(found["MemAvailable"].split()[0]) * 1024 / _GB
    with suppress(OSError, ValueError):  # "max" where there is no limit
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text()) / _GB
        total = min(total, limit)
        free = min(free, limit - _held(group) / _GB)
    return max(0.0, free), total


def _held(group: Path) -> int:
    """Bytes that the container's processes hold; what is only cached from files is given back on demand."""
    held = int((group / "memory.current").read_text())
    for line in (group / "memory.stat").read_text().splitlines():
        name, value = line.split()
        if name in ("inactive_file", "active_file"):
            held -= int(value)
    return held
