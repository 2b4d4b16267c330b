"""A Ray cluster of this machine for as long as this process needs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from presage.study.processes import children_of

# Ray's agents outlive a driver that is killed, by minutes or for good.
_WATCH = """
import os, shutil, signal, sys
sys.stdin.read()
for pid in sys.argv[2:]:
    try:
        os.kill(int(pid), signal.SIGKILL)
    except OSError:
        pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@contextmanager
def own_cluster(cpus: int) -> Iterator[None]:
    """A cluster with `cpus` processors and the cards of this machine; it ends with this process, however that ends."""
    import ray as imported

    ray: Any = imported  # partly typed
    above = tempfile.gettempdir()
    # A socket's path below it may have 107 characters.
    folder = tempfile.mkdtemp(prefix="presage-ray-", dir=above if len(above) < 40 else "/tmp")
    watch = None
    try:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=folder,
        )
        ours = [str(pid) for pid in _descendants(os.getpid())]
        command = [sys.executable, "-c", _WATCH, folder, *ours]
        watch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        yield
    finally:
        ray.shutdown()
        if watch is not None:
            watch.kill()
            watch.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _descendants(pid: int) -> list[int]:
    below = children_of(pid)
    return [*below, *(further for child in below for further in _descendants(child))]
