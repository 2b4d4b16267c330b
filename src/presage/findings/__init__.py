"""Findings: out-of-fold scores and every statistic with its interval, from a table of scores and nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from presage.findings.analysis import Analysis, analyse
    from presage.findings.evaluation import evaluate
    from presage.findings.findings import Findings
    from presage.findings.options import Options
    from presage.findings.table import ScoreTable, TableError

# Resolved on first use: findings that are there already are read without loading the statistics.
_EXPORTS = {
    "Analysis": "analysis",
    "Findings": "findings",
    "Options": "options",
    "ScoreTable": "table",
    "TableError": "table",
    "analyse": "analysis",
    "evaluate": "evaluation",
}

__all__ = ["Analysis", "Findings", "Options", "ScoreTable", "TableError", "analyse", "evaluate"]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"presage.findings.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'presage.findings' has no attribute {name!r}")
