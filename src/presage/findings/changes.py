"""Change over visits: do prediction and questionnaire agree on who responded, remitted, or really changed?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.table import ScoreTable
from presage.findings.words import as_json
from presage.stats.severity import ChangeAgreement, change_agreement, reliable_change, remission, response


def changes(table: ScoreTable, on_scale: Mapping[str, bool], options: Options) -> dict[str, Any] | None:
    """Agreement on change from each person's first to last visit; None without a covariate ``visit`` or repeats.

    People who start at 0 or below, from which no share can fall, are left out of the response and counted.
    """
    pair = _first_and_last(table)
    if pair is None or not any(on_scale.values()):
        return None
    first, last = pair
    truth = np.asarray(table.outcome, dtype=np.float64)
    rows = []
    left_out = 0
    for name, usable in on_scale.items():
        if not usable:
            continue
        score = table.combined(name)
        can_fall = (truth[first] > 0) & (score[first] > 0)
        left_out = max(left_out, int((~can_fall).sum()))
        row: dict[str, Any] = {"name": name, "n": len(first)}
        if can_fall.sum() >= 2:
            before, after = first[can_fall], last[can_fall]
            row["response"] = _json(
                change_agreement(
                    response(truth[before], truth[after]), response(score[before], score[after]), level=options.level
                )
            )
        if table.cutoff is not None:
            row["remission"] = _json(
                change_agreement(
                    remission(truth[last], table.cutoff), remission(score[last], table.cutoff), level=options.level
                )
            )
        row["improved"] = _reliable(truth, score, first, last, options)
        rows.append(row)
    return {"n": len(first), "left_out_of_response": left_out, "scores": rows}


def _first_and_last(table: ScoreTable) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Rows of the first and the last visit of everyone with several."""
    if "visit" not in table.covariates.columns or not table.clustered:
        return None
    visit = pd.to_numeric(table.covariates["visit"], errors="coerce").to_numpy(dtype=np.float64)
    if np.isnan(visit).any():
        visit = np.unique(table.covariates["visit"].astype(str), return_inverse=True)[1].astype(np.float64)
    order = np.lexsort((visit, table.patient))
    starts = np.flatnonzero(np.append(True, table.patient[order][1:] != table.patient[order][:-1]))
    ends = np.append(starts[1:], len(order)) - 1
    several = ends > starts
    return (order[starts[several]], order[ends[several]]) if several.any() else None


def _reliable(
    truth: NDArray[np.float64],
    score: NDArray[np.float64],
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    options: Options,
) -> dict[str, Any] | None:
    """Agreement on reliable improvement (Jacobson and Truax), where spread and reliability of the scale are stated."""
    if options.scale_spread is None or options.scale_reliability is None:
        return None
    improved = [
        reliable_change(
            values[first], values[last], spread=options.scale_spread, reliability=options.scale_reliability
        ).direction
        < 0
        for values in (truth, score)
    ]
    return _json(change_agreement(*improved, level=options.level))


def _json(found: ChangeAgreement) -> dict[str, Any]:
    parts = {"kappa": found.kappa, "sensitivity": found.sensitivity, "specificity": found.specificity}
    return {
        "n": found.n,
        "n_true": found.truly_positive,
        **{key: None if part is None else as_json(part) for key, part in parts.items()},
    }
