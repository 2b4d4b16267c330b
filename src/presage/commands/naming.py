"""Where a run goes where nobody says."""

from __future__ import annotations

from pathlib import Path


def run_name(study: Path) -> str:
    """The folder below ``runs/``: importers call every study ``study.yaml``, and the folder's name says more."""
    return study.resolve().parent.name if study.stem == "study" else study.stem
