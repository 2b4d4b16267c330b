"""Findings of a table of scores alone: no study, no images, any model in any language."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from presage.findings.analysis import analyse
from presage.findings.findings import SCHEMA, Findings
from presage.findings.table import ScoreTable

#: The scores of a larger table are not repeated in the findings: they would be as large as the table itself.
MOST_ROWS = 20_000

_SOFTWARE = ("presage", "numpy", "scipy", "pandas")


def evaluate(
    table: ScoreTable,
    options: Mapping[str, Any] | None = None,
    *,
    title: str = "",
    description: str = "",
    phantom: bool = False,
) -> Findings:
    """Run every analysis that applies to a table of scores.

    Parameters
    ----------
    table
        Who, what happened, and what each score said.
    options
        Choices as in :class:`presage.findings.options.Options`.
    title, description
        Words for the head of the page; the outcome and the standard by default.
    phantom
        Whether the people were made up; the page then says so everywhere.

    Raises
    ------
    TableError, StatsError
        If the table or an option cannot be used.
    """
    chosen = dict(options or {})
    codes, rows = np.unique(table.patient, return_inverse=True)
    is_case = np.zeros(len(codes), dtype=bool)
    np.logical_or.at(is_case, rows, table.cases)
    return Findings(
        {
            "schema": SCHEMA,
            "phantom": phantom,
            "title": title or f"{' and '.join(table.markers)} against {table.standard}: {table.outcome_title}",
            "cohort": {
                "name": "table of scores",
                "description": description,
                "n_patients": len(codes),
                "n_recordings": None,
                "n_rows": len(rows) if table.clustered else None,
                "n_cases": int(is_case.sum()),
                "flow": [],
                "characteristics": None,
            },
            "outcome": {"title": table.outcome_title, "kind": table.outcome_kind, "cutoff": table.cutoff},
            "standard": {"name": table.standard},
            "markers": [
                {
                    "name": name,
                    "summary": "",
                    "role": "standard" if name == table.standard else "marker",
                    "settings": {},
                }
                for name in table.scores
            ],
            "validation": _given_folds(table),
            "sections": analyse(table, chosen),
            "scores": _scores(table, rows),
            "gallery": [],
            "settings": {"options": chosen} if chosen else {},
            "software": {name: version(name) for name in _SOFTWARE},
        }
    )


def _given_folds(table: ScoreTable) -> dict[str, Any] | None:
    """What is known of a cross-validation that was done elsewhere: its folds, and not how they were drawn."""
    return None if table.folds is None else {"given_folds": len(np.unique(table.folds)), "repeats": len(table.folds)}


def _scores(table: ScoreTable, rows: np.typing.NDArray[np.intp]) -> dict[str, Any] | None:
    """Scores by running code: the identifiers of the table are nobody's business but its owner's."""
    if len(rows) > MOST_ROWS:
        return None
    kind = table.outcome_kind
    return {
        "patients": [f"P{row + 1:05d}" for row in rows],
        "outcome": [list(map(float, pair)) for pair in table.outcome] if kind == "time-to-event" else _plain(table),
        "folds": None if table.folds is None else table.folds.tolist(),
        "scores": {name: scores.tolist() for name, scores in table.scores.items()},
    }


def _plain(table: ScoreTable) -> list[Any]:
    values: list[Any] = table.outcome.tolist()
    return values
