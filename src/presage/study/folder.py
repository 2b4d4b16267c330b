"""A folder that a study writes to, on this machine or in a store that fsspec knows: no file in it is half written.

Names are relative, with ``/`` between their parts. On this machine a file is written under another name first and then
renamed; object stores (S3, Google, Azure) show an object only once it is whole. Whatever else fsspec knows (sftp, smb)
gets a temporary name and a move, which is as good as that server's move.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import translate
from pathlib import Path
from typing import Any

from presage.cohort import InputError, storage
from presage.study.files import unwritable, write_atomically

#: Stores that show an object only when it is whole: one request writes it.
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory"})
#: Those of them that can refuse to write over what is there, in that same request.
_EXCLUSIVE = frozenset({"s3", "s3a", "gs", "gcs", "memory"})
#: From so many names on, a listing is read rather than each name asked for.
_LISTED = 16


class Folder(ABC):
    """A folder of a study; :func:`folder_at` opens one.

    Attributes
    ----------
    address
        Absolute path, or fsspec address.
    """

    address: str

    @property
    @abstractmethod
    def remote(self) -> bool:
        """Whether each call is a request to somewhere else."""

    @abstractmethod
    def child(self, name: str, *, private: bool = False) -> Folder:
        """The folder `name` below; `private`: for its owner alone, where the place knows owners."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""

    @abstractmethod
    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """Those of the files that are there, by name, many at a time."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file in one step, readable by its owner alone; whoever reads it sees the old one or the new one.

        Raises
        ------
        InputError
            If it cannot be written: disk full, no rights, no such bucket, no connection.
        """

    @abstractmethod
    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless there is one; whether it was written. Of several who try, one succeeds.

        Locally, on S3, Google and in memory that is certain; elsewhere two who try within the same moment may both
        succeed.
        """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def having(self, names: Sequence[str]) -> set[str]:
        """Those of the files that are there."""
        return {name for name in names if self.exists(name)}

    @abstractmethod
    def sizes(self, under: str = "") -> dict[str, int]:
        """Bytes by name of all files below the folder `under`, in one listing."""

    @abstractmethod
    def version(self, name: str) -> str:
        """A token that changes when the file does. Raises FileNotFoundError."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, where there is one."""

    @abstractmethod
    def remove_tree(self, name: str) -> None:
        """Remove the folder `name` with everything in it, where there is one."""

    def place(self, name: str) -> str:
        """Where a file lies, for messages."""
        return storage.join(self.address, name)

    def write_text(self, name: str, text: str) -> None:
        """:meth:`write` in UTF-8."""
        self.write(name, text.encode("utf-8"))

    def read_text(self, name: str) -> str:
        """:meth:`read` in UTF-8."""
        return self.read(name).decode("utf-8")

    def matching(self, pattern: str) -> list[str]:
        """Names of files and folders that match, in order; ``*`` stands for any part of one name, not for ``/``."""
        parts = pattern.split("/")
        fixed = next(number for number, part in enumerate([*parts, "*"]) if set(part) & set("*?["))
        expression = re.compile("/".join(translate(part).removesuffix(r"\Z").removesuffix(r"\z") for part in parts))
        found = self.sizes("/".join(parts[: min(fixed, len(parts) - 1)]))
        heads = {"/".join(name.split("/")[: len(parts)]) for name in found}
        return sorted(head for head in heads if expression.fullmatch(head))


class LocalFolder(Folder):
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalFolder, (self.path,)

    @property
    def remote(self) -> bool:
        """See :class:`Folder`."""
        return False

    def child(self, name: str, *, private: bool = False) -> LocalFolder:
        """See :class:`Folder`."""
        path = self.path / name
        if private:
            try:
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(0o700)
            except OSError as error:
                raise unwritable(path, error) from error
        return LocalFolder(path)

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        return (self.path / name).read_bytes()

    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`Folder`."""
        found = {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                found[name] = self.read(name)
        return found

    def write(self, name: str, data: bytes) -> None:
        """See :class:`Folder`."""
        write_atomically(self.path / name, data)

    def create(self, name: str, data: bytes) -> bool:
        """See :class:`Folder`."""
        path = self.path / name
        # Linked into place when whole: O_EXCL alone would show an empty file first.
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            write_atomically(part, data)
            os.link(part, path)
        except FileExistsError:
            return False
        except OSError:
            return self._create_here(path, data)  # a file system without links
        finally:
            part.unlink(missing_ok=True)
        return True

    def _create_here(self, path: Path, data: bytes) -> bool:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return False
        except OSError as error:
            raise unwritable(path.parent, error) from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return True

    def exists(self, name: str) -> bool:
        """See :class:`Folder`."""
        return os.path.exists(self.path / name)

    def sizes(self, under: str = "") -> dict[str, int]:
        """See :class:`Folder`."""
        found: dict[str, int] = {}
        waiting = [under]
        while waiting:
            folder = waiting.pop()
            try:
                entries = list(os.scandir(self.path / folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                name = f"{folder}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                else:
                    with suppress(FileNotFoundError):
                        found[name] = entry.stat().st_size
        return found

    def version(self, name: str) -> str:
        """See :class:`Folder`."""
        status = os.stat(self.path / name)
        return f"{status.st_size}|{status.st_mtime_ns}"

    def remove(self, name: str) -> None:
        """See :class:`Folder`."""
        (self.path / name).unlink(missing_ok=True)

    def remove_tree(self, name: str) -> None:
        """See :class:`Folder`."""
        shutil.rmtree(self.path / name, ignore_errors=True)


class StoreFolder(Folder):
    """A folder at an fsspec address. What other machines write is seen at once: no listing is kept."""

    def __init__(self, address: str) -> None:
        if "::" in address:
            raise InputError(
                "a study cannot write to a chained address", where=address, cure="name one place, e.g. s3://bucket/run"
            )
        self.address = address.rstrip("/")
        self.protocol = address.split("://", 1)[0]
        self._files, inner = storage.filesystem(self.address, use_listings_cache=False)
        self._root = inner.rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        return StoreFolder, (self.address,)

    @property
    def remote(self) -> bool:
        """See :class:`Folder`."""
        return True

    def child(self, name: str, *, private: bool = False) -> StoreFolder:
        """See :class:`Folder`."""
        return StoreFolder(self.place(name))

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        with storage.reachable(self.place(name)):
            return bytes(self._files.cat_file(self._inner(name)))

    def read_many(self, names: Iterable[str]) -> dict[str, bytes]:
        """See :class:`Folder`."""
        inner = {self._inner(name): name for name in names}
        if not inner:
            return {}
        with storage.reachable(self.address):
            # A single path would come back as bare bytes, and a missing one as an error.
            found = self._files.cat([*inner, self._inner("no such file")], on_error="return")
        for error in found.values():
            if isinstance(error, Exception) and not isinstance(error, FileNotFoundError):
                with storage.reachable(self.address):
                    raise error
        return {inner[path]: bytes(data) for path, data in found.items() if isinstance(data, bytes)}

    def write(self, name: str, data: bytes) -> None:
        """See :class:`Folder`."""
        path = self._inner(name)
        with storage.reachable(self.place(name), writing=True):
            if self.protocol in _OBJECT_STORES:
                self._files.pipe_file(path, data)
                return
            above, last = posixpath.split(path)
            self._files.makedirs(above, exist_ok=True)
            part = f"{above}/.{last}.{uuid.uuid4().hex}.part"
            self._files.pipe_file(part, data)
            try:
                self._files.mv(part, path)
            except FileExistsError:  # a server that does not move over a file
                self._files.rm_file(path)
                self._files.mv(part, path)

    def create(self, name: str, data: bytes) -> bool:
        """See :class:`Folder`."""
        if self.protocol not in _EXCLUSIVE:
            if self.exists(name):
                return False
            self.write(name, data)
            return self.read(name) == data
        with storage.reachable(self.place(name), writing=True):
            try:
                self._files.pipe_file(self._inner(name), data, mode="create")
            except FileExistsError:
                return False
        return True

    def exists(self, name: str) -> bool:
        """See :class:`Folder`."""
        with storage.reachable(self.place(name)):
            try:
                self._files.info(self._inner(name))
            except FileNotFoundError:
                return False
        return True

    def having(self, names: Sequence[str]) -> set[str]:
        """See :class:`Folder`."""
        if len(names) < _LISTED:
            return super().having(names)
        # A listing brings a thousand names with one request.
        return set(self.sizes(posixpath.commonpath(names))) & set(names)

    def sizes(self, under: str = "") -> dict[str, int]:
        """See :class:`Folder`."""
        start = self._inner(under).rstrip("/")
        with storage.reachable(self.place(under)):
            try:
                found = self._files.find(start, detail=True)
            except FileNotFoundError:
                return {}
        cut = len(self._root) + 1
        return {str(path)[cut:]: int(info.get("size") or 0) for path, info in found.items()}

    def version(self, name: str) -> str:
        """See :class:`Folder`."""
        with storage.reachable(self.place(name)):
            return str(self._files.ukey(self._inner(name)))

    def remove(self, name: str) -> None:
        """See :class:`Folder`."""
        with storage.reachable(self.place(name)), suppress(FileNotFoundError):
            self._files.rm_file(self._inner(name))

    def remove_tree(self, name: str) -> None:
        """See :class:`Folder`."""
        for path in self.sizes(name):
            self.remove(path)
        if self.protocol not in _OBJECT_STORES:  # those have no folders that could be left
            with suppress(OSError, NotImplementedError):
                self._files.rm(self._inner(name), recursive=True)

    def _inner(self, name: str) -> str:
        return f"{self._root}/{name}"


def folder_at(place: str | Path) -> Folder:
    """The folder at a path of this machine or an fsspec address; it is made when something is written.

    Raises
    ------
    InputError
        If the address has a protocol that is not known or not installed.
    """
    text = storage.local_path(str(place))
    return StoreFolder(text) if storage.is_address(text) else LocalFolder(Path(text).expanduser().absolute())
