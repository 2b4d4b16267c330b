"""Files of a cohort, wherever they are: plain calls for local paths, fsspec for every other address."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from presage.cohort.errors import InputError

# How much of each of three places of a file is compared before whole files are.
_SAMPLE = 16 * 1024
_CHUNK = 1 << 20


def is_address(path: str) -> bool:
    """Whether `path` is an fsspec address such as ``s3://bucket/cohort`` (and not a local path)."""
    return "://" in path or "::" in path


def local_path(path: str) -> str:
    """`path` without a leading ``file://``."""
    return path.removeprefix("file://")


def join(folder: str, name: str) -> str:
    """`name` below `folder`."""
    return f"{folder.rstrip('/')}/{name}" if is_address(folder) else os.path.join(folder, name)


def read_bytes(path: str) -> bytes:
    """The whole file. Raises OSError or FileNotFoundError as opening a local file does."""
    with open_file(path) as file:
        return bytes(file.read())


def write_bytes(path: str, data: bytes) -> None:
    """Write a file in one step; folders above it are made."""
    if is_address(path):
        files, inner = _filesystem(path)
        files.makedirs(inner.rsplit("/", 1)[0], exist_ok=True)
        files.pipe_file(inner, data)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, target)
    except OSError:
        part.unlink(missing_ok=True)  # a full disk leaves no half of a file
        raise


def open_file(path: str) -> Any:
    """The file opened for reading bytes."""
    if not is_address(path):
        return open(path, "rb")
    files, inner = _filesystem(path)
    return files.open(inner, "rb")


def size_of(path: str) -> int | None:
    """Bytes in the file, or None where there is no such file."""
    if not is_address(path):
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        return status.st_size if os.path.isfile(path) else None
    files, inner = _filesystem(path)
    try:
        info = files.info(inner)
    except OSError:
        return None
    return int(info.get("size") or 0) if info.get("type") == "file" else None


def version_of(address: str) -> str:
    """A token that changes when the file at a remote address does (size and date, or the store's own tag)."""
    files, inner = _filesystem(address)
    return str(files.ukey(inner))


def sizes_below(folder: str) -> dict[str, int]:
    """Size by address of every file below a remote `folder`, in one listing."""
    files, inner = _filesystem(folder)
    root = inner.rstrip("/")
    return {
        join(folder, str(name)[len(root) :].lstrip("/")): int(info.get("size") or 0)
        for name, info in files.find(inner, detail=True).items()
    }


def folder_exists(folder: str) -> bool:
    """Whether there is such a folder (on stores without folders: any file below it)."""
    if not is_address(folder):
        return os.path.isdir(folder)
    files, inner = _filesystem(folder)
    return bool(files.exists(inner)) or bool(files.find(inner))


def sample_digest(path: str, size: int) -> str:
    """A digest of the beginning, the middle and the end: equal for equal files, and cheap for large ones."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        for start in sorted({0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)}):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def content_digest(path: str) -> str:
    """SHA-256 (hex) of the file's bytes."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _filesystem(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        files, inner = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"this address cannot be opened: {error}",
            where=address,
            cure="check the protocol, and install the package that fsspec needs for it (s3fs for s3://, gcsfs for gs://)",
        ) from error
    return files, str(inner)
