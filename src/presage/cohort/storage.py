"""Files of a cohort, wherever they are: plain calls for local paths, fsspec for every other address."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        files, inner = filesystem(path)
        with reachable(path, writing=True):
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
    files, inner = filesystem(path)
    with reachable(path):
        return files.open(inner, "rb")


def size_of(path: str) -> int | None:
    """Bytes in the file, or None where there is no such file."""
    if not is_address(path):
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        return status.st_size if os.path.isfile(path) else None
    files, inner = filesystem(path)
    try:
        with reachable(path):
            info = files.info(inner)
    except OSError:
        return None
    return int(info.get("size") or 0) if info.get("type") == "file" else None


def version_of(address: str) -> str:
    """A token that changes when the file at a remote address does (size and date, or the store's own tag)."""
    files, inner = filesystem(address)
    with reachable(address):
        return str(files.ukey(inner))


def sizes_below(folder: str) -> dict[str, int]:
    """Size by address of every file below a remote `folder`, in one listing."""
    files, inner = filesystem(folder)
    root = inner.rstrip("/")
    with reachable(folder):
        found = files.find(inner, detail=True)
    return {
        join(folder, str(name)[len(root) :].lstrip("/")): int(info.get("size") or 0) for name, info in found.items()
    }


def versions_below(folder: str) -> dict[str, str]:
    """A token by address of every file below a remote `folder`, which changes when the file does, in one listing."""
    files, inner = filesystem(folder, use_listings_cache=False)
    root = inner.rstrip("/")
    with reachable(folder):
        found = files.find(inner, detail=True)
    # What stores call the state of a file; a size alone would miss a file of the same length.
    keys = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created")
    return {
        join(folder, str(name)[len(root) :].lstrip("/")): "|".join(
            str(info[key]) for key in ("size", *keys) if info.get(key) is not None
        )
        for name, info in found.items()
    }


def folder_exists(folder: str) -> bool:
    """Whether there is such a folder (on stores without folders: any file below it)."""
    if not is_address(folder):
        return os.path.isdir(folder)
    files, inner = filesystem(folder)
    with reachable(folder):
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


def filesystem(address: str, **options: Any) -> tuple[Any, str]:
    """The fsspec file system of a remote address, and the path in it. `options` go to the file system.

    Raises
    ------
    InputError
        If there is no such protocol, or the package for it is not installed.
    """
    import fsspec

    try:
        with reachable(address):
            files, inner = fsspec.core.url_to_fs(address, **options)
    except (ImportError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"this address cannot be opened: {error}",
            where=address,
            cure="check the protocol, and install the package that fsspec needs for it (s3fs for s3://, gcsfs for gs://)",
        ) from error
    return files, str(inner)


@contextmanager
def reachable(address: str, *, writing: bool = False) -> Iterator[None]:
    """Say in words why a remote store does not answer; a file that is not there stays a FileNotFoundError.

    Parameters
    ----------
    address
        What was asked for.
    writing
        Whether something was to be written: then a file that is not found is a bucket that does not exist.

    Raises
    ------
    InputError
        No such bucket, no or refused credentials, no connection.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        told = _explained(error, address, writing)
        if told is None:
            raise
        raise told from error


def _explained(error: Exception, address: str, writing: bool) -> InputError | None:
    # By name and text: the stores' own error classes must not be imported to be recognised.
    text = str(error)
    names = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(error, FileNotFoundError):
        if writing or "bucket does not exist" in text.lower():
            return InputError(
                "there is no such bucket, or folder, to write to" if writing else "there is no such bucket",
                where=address,
                cure="check the name, and the endpoint (AWS_ENDPOINT_URL for stores other than Amazon's), or make the "
                "bucket first: Presage makes none",
            )
        return None
    if {"NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError", "DefaultCredentialsError"} & names:
        return InputError(
            "there are no credentials for this store",
            where=address,
            cure="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (s3), or GOOGLE_APPLICATION_CREDENTIALS (gs), on "
            "every machine that works on the study",
        )
    if isinstance(error, PermissionError):
        return InputError(
            f"the store refuses this: {text}",
            where=address,
            cure="check the keys, and that they may list, read, write and delete there",
        )
    if names & _NO_CONNECTION:
        return InputError(
            f"the store cannot be reached: {text or type(error).__name__}",
            where=address,
            cure="check the network and the endpoint (AWS_ENDPOINT_URL for stores other than Amazon's); start the same "
            "command again: what is finished is kept",
        )
    return None


_NO_CONNECTION = frozenset(
    {
        "EndpointConnectionError",
        "HTTPClientError",
        "ClientConnectorError",
        "ClientConnectionError",
        "ConnectionError",
        "ConnectionClosedError",
        "FSTimeoutError",
        "TimeoutError",
    }
)
