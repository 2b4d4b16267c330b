"""Findings on disk: one JSON document, the same bytes for the same study."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from presage.findings.files import is_address, read_address, write_address, write_whole
from presage.findings.table import TableError

SCHEMA = "presage-findings/1"


@dataclass(frozen=True)
class Findings:
    """The document ``findings.json``.

    Its keys: ``schema``; ``phantom`` (bool); ``title``; ``cohort`` (name, description, n_patients, n_recordings,
    n_cases, flow = rows of step/reason/unit/n, characteristics); ``outcome`` (title, kind, cutoff); ``standard``
    (name); ``markers`` (list of name, summary, role = standard | marker | control, settings, and notes where its fits
    said something of themselves); ``validation`` (folds, repeats, group_by, seed, splits_sha256);
    ``sections`` (analysis name -> section); ``scores`` (patient codes, outcome,
    folds, scores by marker); ``gallery`` (file below the run folder, caption, alt text, code); ``settings`` (the
    study, resolved); ``software`` (package -> version). No date, duration, path or patient id is in it: those are in
    ``run.json`` and ``key.csv``.
    """

    document: dict[str, Any]

    def to_json(self) -> str:
        """Canonical text: sorted keys, shortest round-trip floats, NaN refused."""
        return json.dumps(self.document, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def write(self, folder: Path | str) -> Path | str:
        """Write ``findings.json`` into a folder or an fsspec address, in one step: the old file or the new one."""
        if is_address(folder):
            return write_address(f"{str(folder).rstrip('/')}/findings.json", self.to_json())
        return write_whole(Path(folder) / "findings.json", self.to_json())

    @classmethod
    def read(cls, folder: Path | str) -> Findings:
        """Read ``findings.json`` from a run folder or its fsspec address (or the file itself).

        Raises
        ------
        TableError
            If there is none, or the file is something else.
        """
        path, data = _found(folder)
        if data is None:
            raise TableError(
                f"there are no findings: {path} does not exist; give the folder of a run that was finished"
            )
        try:
            document = json.loads(data)
        except ValueError as error:
            raise TableError(f"{path} is damaged or not a file of findings ({error}); run the study again") from error
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise TableError(f"{path} holds no findings of the form {SCHEMA}; run the study again with this version")
        return cls(document)


def _found(folder: Path | str) -> tuple[Path | str, bytes | None]:
    """Where the file is, and its bytes if there is one."""
    if is_address(folder):
        address = str(folder).rstrip("/")
        address = address if address.endswith(".json") else f"{address}/findings.json"
        return address, read_address(address)
    path = Path(str(folder).removeprefix("file://"))
    path = path / "findings.json" if path.is_dir() else path
    return path, path.read_bytes() if path.is_file() else None
