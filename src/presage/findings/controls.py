"""Does a control, which ought to know nothing of the outcome, do as well as a marker? Then the page warns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from presage.findings import estimates
from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import as_json, difference_with_interval, joined, with_interval


def against_controls(
    table: ScoreTable, markers: Sequence[Mapping[str, Any]], controls: Sequence[Mapping[str, Any]], options: Options
) -> list[dict[str, Any]]:
    """A warning for each control that some marker does not do better than; nothing where all do.

    A control does as well as a marker if its AUC is at least the marker's, or if its own interval lies above 0.5 while
    that of the difference (marker minus control, on the same people) does not lie above 0. So a control at chance
    raises no warning against a marker that is merely not shown to be better: the comparison with the standard tells.

    Parameters
    ----------
    markers, controls
        With ``name`` and ``auc``.
    """
    warnings = []
    for control in controls:
        # The paired comparison with the control in the standard's place.
        turned = replace(table, standard=control["name"])
        found = []
        for marker in markers:
            difference = as_json(estimates.compare(turned, marker["name"], options))
            knows = control["auc"]["low"] > 0.5 and difference["low"] <= 0
            if control["auc"]["value"] >= marker["auc"]["value"] or knows:
                found.append({"name": marker["name"], "difference": difference})
        if found:
            warnings.append({"name": control["name"], "markers": found, "sentence": _sentence(control, found)})
    return warnings


def _sentence(control: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> str:
    what = joined([marker["name"] for marker in found])
    gaps = "; ".join(f"{marker['name']} {difference_with_interval(marker['difference'])}" for marker in found)
    return (
        f"WARNING: the control {control['name']} (AUC {with_interval(control['auc'], bracket=False)}) does as well as "
        f"{what}; difference from the control: {gaps}. What the control knows may be all that is known."
    )
