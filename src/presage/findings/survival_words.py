"""What a survival section says of one score, the same on the page of a study and on a field's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import cell


def c_index(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Uno's C; Harrell's where that is not defined."""
    found: Mapping[str, Any] = entry["uno"] or entry["harrell"]
    return found


def measured(entry: Mapping[str, Any]) -> list[str]:
    """Harrell's C, Uno's C, AUC at the horizon, Brier score, and observed over expected, as cells of a table."""
    return [
        cell(entry["harrell"]),
        cell(entry["uno"]),
        cell(entry["auc_at_horizon"]),
        cell(entry.get("brier"), 3),
        cell((entry.get("calibration") or {}).get("observed_to_expected")),
    ]
