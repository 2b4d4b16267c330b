"""Encoder outputs kept by content (file bytes + encoder), so that nothing is encoded twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Recording, UnusableRecording, storage
from presage.study.claims import Claims
from presage.study.encoder import Arrays, Encoder
from presage.study.folder import Folder, LocalFolder, folder_at

#: Bytes of arrays that one process keeps at hand: a worker that runs a hundred tasks reads each array once.
MEMORY_LIMIT = 1 << 30
# Bytes of small arrays that were worked out of them.
_DERIVED = 1 << 28
#: So many recordings are claimed at a time: few enough to share the work with others, enough to keep a card busy.
_CLAIMED = 256
#: Entries of a store that are fetched at a time.
_FETCHED = 64
#: Seconds between two looks for what another process encodes; a store is asked less often than a disk.
_LOOK, _LOOK_REMOTE = 0.1, 2.0


class EncoderCache:
    """Encoder outputs on disk under SHA-256 of the file's bytes, the encoder's identity and the recording's columns.

    The columns count because a reader may need them (which breast, how many millimetres a pixel); a comment that is
    edited costs one encoding, a laterality that is corrected must. Neither path nor patient id is kept: a path enters
    only hashed, with size and date, to remember the digest of a file's bytes. Several processes may share a folder.

    Where the folder is in a store, each machine keeps what it has read in a folder of its own
    (``PRESAGE_LOCAL_CACHE``, by default ``~/.cache/presage``).

    Parameters
    ----------
    folder
        Where to keep them, on this machine or at an fsspec address; ``PRESAGE_CACHE`` or ``~/.cache/presage`` by
        default.
    memory
        Bytes of arrays kept at hand in this process.
    """

    def __init__(self, folder: Path | str | None = None, *, memory: int = MEMORY_LIMIT) -> None:
        home = Path.home() / ".cache" / "presage"
        self.folder: Folder = folder_at(folder or os.environ.get("PRESAGE_CACHE") or home)
        if isinstance(self.folder, LocalFolder):
            self._near = self.folder
        else:
            store = hashlib.sha256(self.folder.address.encode()).hexdigest()[:16]
            near = Path(os.environ.get("PRESAGE_LOCAL_CACHE") or home).expanduser().absolute()
            self._near = LocalFolder(near / "stores" / store)
        self._memory = memory
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Arrays] = OrderedDict()
        self._held_bytes = 0
        self._contents: dict[str, str] = {}
        self._known_keys: dict[tuple[Any, ...], str] = {}
        self._derived: dict[tuple[str, str], NDArray[Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return EncoderCache, (self.folder.address,)

    def encoded(
        self,
        encoder: Encoder,
        recordings: Sequence[Recording],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> list[Arrays]:
        """Arrays of each recording in order (read-only); those missing are encoded and kept.

        Raises
        ------
        UnusableRecording
            If one of them cannot be used.
        InputError
            If the cache cannot be written to (disk full).
        """
        keys = self._keys(encoder, recordings)
        self._fetch([_entry(key) for key in keys if key not in self._held])
        found: dict[str, Arrays] = {}
        missing: dict[str, Recording] = {}
        for key, recording in zip(keys, recordings, strict=True):
            arrays = self._load(key) if key not in found else found[key]
            if arrays is None:
                missing[key] = recording
            else:
                found[key] = arrays
                if progress is not None:
                    progress(1)
        for key, result in self._encode(encoder, missing, threads, progress):
            if isinstance(result, UnusableRecording):
                raise result
            found[key] = result
        return [found[key] for key in keys]

    def derived(
        self,
        encoder: Encoder,
        recordings: Sequence[Recording],
        what: str,
        work: Callable[[Arrays, Recording], NDArray[Any]],
        *,
        threads: int = 1,
    ) -> list[NDArray[Any]]:
        """One small array of each recording, worked out of its encoder's arrays once in this process.

        Parameters
        ----------
        what
            Names the work: equal names of one encoder must give equal arrays.
        work
            From arrays and recording to the array, which is read-only from then on.
        """
        keys = [(key, what) for key in self._keys(encoder, recordings)]
        found = {key: self._derived[key] for key in keys if key in self._derived}
        lacking = {key: r for key, r in zip(keys, recordings, strict=True) if key not in found}
        for key, arrays in zip(lacking, self.encoded(encoder, list(lacking.values()), threads=threads), strict=True):
            found[key] = work(arrays, lacking[key])
            found[key].flags.writeable = False
        if sum(array.nbytes for array in self._derived.values()) > _DERIVED:
            self._derived.clear()
        self._derived.update(found)
        return [found[key] for key in keys]

    def encode_missing(
        self,
        encoder: Encoder,
        recordings: Sequence[Recording],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, UnusableRecording]:
        """Encode and keep what is not there yet; the recordings that cannot be used, by path.

        `progress` is told of every recording, encoded or not.
        """
        missing: dict[str, Recording] = {}
        paths: dict[str, list[str]] = {}
        keys = self._keys(encoder, recordings)
        there = self.folder.having([_entry(key) for key in dict.fromkeys(keys)])
        for key, recording in zip(keys, recordings, strict=True):
            paths.setdefault(key, []).append(recording.path)
            if key in missing or _entry(key) in there:
                if progress is not None:
                    progress(1)
            else:
                missing[key] = recording
        unusable = {}
        for key, result in self._encode(encoder, missing, threads, progress, hold=False):
            if isinstance(result, UnusableRecording):
                unusable.update({path: result for path in paths[key]})
        return unusable

    def lacking(self, encoder: Encoder, recordings: Sequence[Recording]) -> dict[int, str]:
        """Positions of those whose output is not known to be there, each with what changes when its file does.

        No recording is read: one whose bytes are not known yet is lacking, too.
        """
        versions = [_version(recording.path) for recording in recordings]
        memos = [_memo(recording.path, version) for recording, version in zip(recordings, versions, strict=True)]
        self._fetch(memos)
        near = self._near.read_many(memo for memo in memos if memo not in self._contents)
        known = [index for index, memo in enumerate(memos) if memo in self._contents or memo in near]
        keys = self._keys(encoder, [recordings[index] for index in known])
        there = self.folder.having([_entry(key) for key in dict.fromkeys(keys)])
        done = {index for index, key in zip(known, keys, strict=True) if _entry(key) in there}
        return {index: version for index, version in enumerate(versions) if index not in done}

    def content(self, path: str) -> str:
        """SHA-256 (hex) of a file's bytes, remembered as long as size and date stay the same."""
        return self._content(path, _version(path))

    def _content(self, path: str, version: str) -> str:
        memo = _memo(path, version)
        known = self._contents.get(memo)
        if known is None:
            known = self._near.read_many([memo]).get(memo, b"").decode("ascii", "replace")
            if len(known) != 64:
                known = storage.content_digest(path)
                self._keep(memo, known.encode())
            self._contents[memo] = known
        return known

    def _keys(self, encoder: Encoder, recordings: Sequence[Recording]) -> list[str]:
        fingerprint = encoder.fingerprint()
        keys = []
        versions = [_version(recording.path) for recording in recordings]
        self._fetch([_memo(recording.path, version) for recording, version in zip(recordings, versions, strict=True)])
        for recording, version in zip(recordings, versions, strict=True):
            asked = (fingerprint, recording.path, version, *recording.attributes.items())
            key = self._known_keys.get(asked)
            if key is None:
                attributes = dict(sorted(recording.attributes.items()))
                identity = json.dumps([self._content(recording.path, version), fingerprint, attributes])
                key = self._known_keys[asked] = hashlib.sha256(identity.encode()).hexdigest()
            keys.append(key)
        return keys

    def _encode(
        self,
        encoder: Encoder,
        missing: dict[str, Recording],
        threads: int,
        progress: Callable[[int], None] | None,
        hold: bool = True,
    ) -> list[tuple[str, Arrays | UnusableRecording]]:
        """Have each encoded and kept, here or by another process that is at it; with `hold` the arrays come back, else
        only what could not be used.
        """
        results: list[tuple[str, Arrays | UnusableRecording]] = []
        waiting = list(missing)
        with Claims(self.folder.child("claims")) as claims:
            while waiting:
                mine = claims.take(waiting, _CLAIMED)
                # What another process has finished since it was missed, or while this one waited for it.
                done = self.folder.having([_entry(key) for key in waiting])
                todo = {key: missing[key] for key in mine if _entry(key) not in done}
                results += self._encode_here(encoder, todo, threads, progress, hold)
                claims.give_back(mine)
                ready = [key for key in waiting if _entry(key) in done]
                results += self._made_elsewhere(ready, progress, hold)
                gone = {*todo, *ready}
                if len(mine) < min(len(waiting), _CLAIMED):
                    random.shuffle(waiting)  # others are at these: begin somewhere else
                waiting = [key for key in waiting if key not in gone]
                if waiting and not gone:
                    time.sleep(_LOOK_REMOTE if self.folder.remote else _LOOK)
        return results

    def _made_elsewhere(
        self, keys: Sequence[str], progress: Callable[[int], None] | None, hold: bool
    ) -> list[tuple[str, Arrays | UnusableRecording]]:
        if progress is not None and keys:
            progress(len(keys))
        if not hold:
            return []
        self._fetch([_entry(key) for key in keys])
        return [(key, arrays) for key in keys if (arrays := self._load(key)) is not None]

    def _encode_here(
        self,
        encoder: Encoder,
        missing: dict[str, Recording],
        threads: int,
        progress: Callable[[int], None] | None,
        hold: bool,
    ) -> list[tuple[str, Arrays | UnusableRecording]]:
        if not missing:
            return []
        keys = list(missing)
        results: list[tuple[str, Arrays | UnusableRecording]] = []
        for index, result in encoder.encode_all(list(missing.values()), threads=threads, progress=progress):
            if isinstance(result, UnusableRecording):
                results.append((keys[index], result))
                continue
            arrays = {name: np.asarray(array, order="C") for name, array in sorted(result.items())}
            self._keep(_entry(keys[index]), _pack(arrays))
            if hold:
                results.append((keys[index], self._remember(keys[index], arrays)))
        return results

    def _keep(self, name: str, data: bytes) -> None:
        """Write to the store first: what lies near is at most what everybody can have."""
        self.folder.write(name, data)
        if self._near is not self.folder:
            self._near.write(name, data)

    def _fetch(self, names: Sequence[str]) -> None:
        """Bring what a store has and this machine has not, many at a time."""
        if self._near is self.folder:
            return
        absent = [name for name in dict.fromkeys(names) if not self._near.exists(name)]
        for start in range(0, len(absent), _FETCHED):
            for name, data in self.folder.read_many(absent[start : start + _FETCHED]).items():
                self._near.write(name, data)

    def _load(self, key: str) -> Arrays | None:
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
        name = _entry(key)
        if not self._near.exists(name):
            return None
        arrays = _unpack(self._near.path / name)
        if arrays is None and self._near is not self.folder:
            self._near.remove(name)
            self._fetch([name])  # damaged here, perhaps not there
            arrays = _unpack(self._near.path / name)
        if arrays is None:
            warnings.warn(f"a damaged cache entry is encoded again: {self.folder.place(name)}", stacklevel=3)
            self._near.remove(name)
            self.folder.remove(name)
            return None
        return self._remember(key, arrays)

    def _remember(self, key: str, arrays: Arrays) -> Arrays:
        for array in arrays.values():
            array.flags.writeable = False  # it is shared with every later task of this process
        size = sum(array.nbytes for array in arrays.values())
        with self._lock:
            if key not in self._held:
                self._held[key] = arrays
                self._held_bytes += size
            while self._held_bytes > self._memory and self._held:
                _, dropped = self._held.popitem(last=False)
                self._held_bytes -= sum(array.nbytes for array in dropped.values())
        return arrays


def _entry(key: str) -> str:
    return f"encoded/{key[:2]}/{key}.safetensors"


def _memo(path: str, version: str) -> str:
    memo = hashlib.sha256(f"{path}|{version}".encode()).hexdigest()
    return f"content/{memo[:2]}/{memo}"


def _version(path: str) -> str:
    """What changes when a file does: size and date."""
    if storage.is_address(path):
        return storage.version_of(path)
    status = os.stat(path)
    return f"{status.st_size}|{status.st_mtime_ns}"


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}|{array.dtype.str}|{array.shape}".encode())
        digest.update(np.asarray(array, order="C").tobytes())
    return digest.hexdigest()


def _pack(arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    return bytes(save(arrays, metadata={"sha256": _digest(arrays)}))


def _unpack(path: Path) -> Arrays | None:
    """The arrays, or None where the file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            expected = (file.metadata() or {}).get("sha256")
    except (SafetensorError, OSError, ValueError):
        return None
    return arrays if arrays and _digest(arrays) == expected else None
