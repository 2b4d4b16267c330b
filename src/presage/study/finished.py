"""A run that is finished and whose every ingredient is as it was: its findings are returned without reading the cohort.

``done.json`` (private: it lists the recordings) holds digests of what went in and of what lies in the run folder. When
anything differs, or cannot be told, the run goes its whole way again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from presage.cohort import InputError, storage
from presage.findings.findings import Findings
from presage.study.folder import Folder
from presage.study.marker import Marker
from presage.study.pages import FOLDER as PAGES
from presage.study.plan import Study
from presage.study.software import versions

_FILE = "done.json"
#: Written by a run and read by nobody whose answer would change: dates, locks, the page.
_ASIDE = frozenset({_FILE, "run.json", "status.json", ".lock", ".lease.json", "report.html"})
_GROUPS = ("presage.markers", "presage.kinds", "presage.analyses")


@dataclass(frozen=True)
class Given:
    """What a run starts from, taken before anything is read: a file that changes while it runs is noticed next time.

    Attributes
    ----------
    stamp
        SHA-256 (hex) of study, software, code, encoders, tables and the size and date of every recording.
    recordings
        Where the listed recordings are.
    """

    stamp: str
    recordings: list[str]


def given(study: Study, markers: Sequence[Marker], recordings: list[str] | None = None) -> Given:
    """What a run of `study` would start from now; `recordings` saves reading the table that lists them."""
    root = storage.local_path(study.cohort).rstrip("/") or "/"
    if not storage.is_address(root):
        root = os.path.abspath(os.path.expanduser(root))
    if recordings is None:
        recordings = _listed(root)
    plan = study.model_dump(mode="json", exclude={"engine": True, "pages": True})
    files = {str(study.validation.splits), *_texts(plan)}
    parts = [
        plan,
        study.engine.device,
        versions(markers),
        platform.python_version(),
        _code(markers),
        [encoder.fingerprint() for marker in markers for encoder in marker.encoders()],
        sorted((name, _version(name)) for name in files if _is_file(name)),
        _tables(root),
        _versions(root, recordings),
    ]
    return Given(_digest(parts), recordings)


def remember(folder: Folder, what: Given) -> None:
    """Write down that the run that started from `what` is finished."""
    done = {"given": what.stamp, "kept": _kept(folder), "recordings": what.recordings}
    folder.write_text(_FILE, json.dumps(done) + "\n")


def recall(folder: Folder, study: Study, markers: Sequence[Marker]) -> Findings | None:
    """The findings of a finished run if nothing has changed since, else None."""
    try:
        done = json.loads(folder.read(_FILE))
        recordings = [str(path) for path in done["recordings"]]
        if done["kept"] != _kept(folder) or done["given"] != given(study, markers, recordings).stamp:
            return None
        return Findings(json.loads(folder.read("findings.json")))
    except (OSError, ValueError, KeyError, TypeError):
        # Whatever is wrong is said by the whole way, with the cure.
        return None


def _kept(folder: Folder) -> str:
    """A digest of the run folder: every file by name and size, the small ones that matter by their bytes."""
    names = ("findings.json", "plan.json", "splits.csv", "key.csv", "study.yaml")
    contents = {name: hashlib.sha256(data).hexdigest() for name, data in folder.read_many(names).items()}
    made_after = f"{PAGES}/"
    sizes = {n: size for n, size in folder.sizes().items() if n not in _ASIDE and not n.startswith(made_after)}
    return _digest([contents, sizes])


def _listed(root: str) -> list[str]:
    """Every recording that the cohort lists, also those whose file is missing: it may come."""
    from presage.cohort.tables import read_table

    try:
        table, _ = read_table(root, "recordings")
        paths = table["path"].dropna().astype(str).tolist()
    except (InputError, KeyError):
        return []  # refused with the cure where the cohort is read
    return [_resolved(root, storage.local_path(path)) for path in paths]


def _resolved(root: str, path: str) -> str:
    if storage.is_address(path) or os.path.isabs(path):
        return path
    path = path.replace("\\", "/")
    return storage.join(root, path) if storage.is_address(root) else os.path.normpath(os.path.join(root, path))


def _tables(root: str) -> list[tuple[str, str | None]]:
    """The files of the cohort folder itself: tables, description, whatever else is read there."""
    if storage.is_address(root):
        names = [storage.join(root, f"{stem}.{ending}") for stem, ending in _TABLES]
        return [(name, _version(name)) for name in names]
    if not os.path.isdir(root):
        return []  # refused with the cure where the cohort is read
    return sorted((entry.path, _version(entry.path)) for entry in os.scandir(root) if entry.is_file())


_TABLES = [(stem, ending) for stem in ("patients", "recordings") for ending in ("csv", "parquet")] + [
    ("cohort", "yaml")
]


def _versions(root: str, paths: Iterable[str]) -> str:
    digest = hashlib.sha256()
    listed = storage.versions_below(root) if storage.is_address(root) else {}
    for path in paths:
        inside = storage.is_address(root) and path.startswith(f"{root}/")
        version = listed.get(path) if inside else _version(path)
        digest.update(f"{path}|{version}\n".encode())
    return digest.hexdigest()


def _version(path: str) -> str | None:
    """Size and date of a file, or what the store says in their place; None where there is none."""
    try:
        if storage.is_address(path):
            return storage.version_of(path)
        status = os.stat(path)
    except OSError:
        return None
    return f"{status.st_size}|{status.st_mtime_ns}"


def _texts(value: Any) -> Iterator[str]:
    """Every text in settings: it may name a file (weights, a lexicon) that decides numbers."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _is_file(name: str) -> bool:
    try:
        return "/" in name and not storage.is_address(name) and os.path.isfile(name)
    except ValueError:
        return False


def _code(markers: Sequence[Marker]) -> str:
    """Installed markers, kinds and analyses with their versions, and size and date of the modules behind them."""
    points = [point for group in _GROUPS for point in entry_points(group=group)]
    named = sorted((p.group, p.name, p.value, p.dist.version if p.dist else "") for p in points)
    packages = {"presage", *(type(marker).__module__.split(".")[0] for marker in markers)}
    packages |= {point.module.split(".")[0] for point in points}
    sources = [(path, _version(path)) for package in sorted(packages) for path in _sources(package)]
    return _digest([named, sources])


def code_of(kinds: Sequence[type]) -> str:
    """A digest of the modules behind these classes and of Presage's own, by size and date."""
    packages = sorted({"presage", *(kind.__module__.split(".")[0] for kind in kinds)})
    return _digest([(path, _version(path)) for package in packages for path in _sources(package)])


def _sources(package: str) -> list[str]:
    try:
        spec = find_spec(package)
    except ValueError:  # a module without a specification: __main__
        return []
    if spec is None:
        return []
    folders = list(spec.submodule_search_locations or ())
    modules = [str(path) for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    return modules or [str(spec.origin)]


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
