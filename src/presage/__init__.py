"""Presage: early-disease markers, each compared honestly with the standard that clinics use today."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from presage.cohort import Cohort, InputError, Outcome, Recording
    from presage.findings import Findings, ScoreTable
    from presage.study import Encoder, Marker, Study

# Resolved on first use: `import presage` and `presage --help` must not pay for pandas or torch.
_EXPORTS = {
    "Cohort": "presage.cohort",
    "InputError": "presage.cohort",
    "Outcome": "presage.cohort",
    "Recording": "presage.cohort",
    "Findings": "presage.findings",
    "ScoreTable": "presage.findings",
    "Encoder": "presage.study",
    "Marker": "presage.study",
    "Study": "presage.study",
}

__all__ = [
    "Cohort",
    "Encoder",
    "Findings",
    "InputError",
    "Marker",
    "Outcome",
    "Recording",
    "ScoreTable",
    "Study",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'presage' has no attribute {name!r}")
