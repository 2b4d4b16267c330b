"""Writing files so that a kill, a second process or a full disk never leaves half of one."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from presage.cohort import InputError

#: What is wrong when it is; also how a task that failed by it is recognised.
DISK_FULL = "the disk is full"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `path` in one step: whoever reads it sees the old file, or the whole new one.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written to; the folder is named and nothing half-written is left.
    """
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(part, path)
    except OSError as error:
        if part and os.path.exists(part):
            os.unlink(part)
        raise unwritable(path.parent, error) from error


def is_full(error: OSError) -> bool:
    """Whether the error says that the disk, or the user's share of it, is full."""
    return error.errno in _FULL


def unwritable(folder: Path | str, error: OSError) -> InputError:
    """What to say when `folder` cannot be written to."""
    if is_full(error):
        return InputError(
            DISK_FULL,
            where=str(folder),
            cure="free some space (or choose another disk: PRESAGE_CACHE for the cache, another run folder) and start "
            "the same command again: what is finished is kept",
        )
    return InputError(
        f"this folder cannot be written to: {error.strerror or error}", where=str(folder), cure="choose another folder"
    )
