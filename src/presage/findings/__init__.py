"""Findings: out-of-fold scores and every statistic with its interval, from a table of scores and nothing else."""

from presage.findings.analysis import Analysis, analyse
from presage.findings.evaluation import evaluate
from presage.findings.findings import Findings
from presage.findings.options import Options
from presage.findings.table import ScoreTable, TableError

__all__ = ["Analysis", "Findings", "Options", "ScoreTable", "TableError", "analyse", "evaluate"]
