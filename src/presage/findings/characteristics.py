"""Table 1: what is known of the people, by outcome. No tests, and nothing that could name a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.table import ScoreTable

# A column with more distinct texts than this describes persons (a postcode, a name), not groups.
MOST_LEVELS = 12


def characteristics(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``characteristics``; None where the table has no covariates.

    Each person counts once, with the first row where there are several. ``match_set`` and ``visit`` are left out,
    and so are columns of many distinct texts, which the caveats name.
    """
    if table.covariates.empty:
        return None
    _, first = np.unique(table.patient, return_index=True)
    first = np.sort(first)
    people = table.covariates.iloc[first]
    # Whoever is a case in any row is one, as everywhere in the findings.
    ever = pd.Series(table.cases).groupby(table.patient).transform("any").to_numpy(dtype=bool)
    cases = ever[first]
    masks = [np.ones(len(people), dtype=bool), cases, ~cases]
    rows, left_out = [], []
    for column in people.columns:
        if column in ("match_set", "visit"):
            continue
        row = _row(str(column), people[column], masks)
        rows.append(row) if row is not None else left_out.append(str(column))
    if not rows:
        return None
    caveats = ["Several rows belong to one person; the table describes each person once."] if table.clustered else []
    if left_out:
        caveats.append(f"Left out, as they have more than {MOST_LEVELS} distinct texts: {', '.join(left_out)}.")
    timed = table.outcome_kind == "time-to-event"
    names = ("all", "with the event", "without") if timed else ("all", "cases", "controls")
    return {
        "title": "Characteristics",
        "groups": [{"name": name, "n": int(mask.sum())} for name, mask in zip(names, masks, strict=True)],
        "rows": rows,
        "caveats": caveats,
    }


def _row(name: str, column: pd.Series[Any], masks: list[NDArray[np.bool_]]) -> dict[str, Any] | None:
    known = column.dropna()
    missing = [int(column[mask].isna().sum()) for mask in masks]
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and known.nunique() > 2:
        return {
            "variable": name,
            "kind": "numeric",
            "missing": missing,
            "values": [_quartiles(column[mask].dropna().to_numpy(dtype=np.float64)) for mask in masks],
        }
    text = column.astype("string")
    levels = sorted(text.dropna().unique())
    if len(levels) > MOST_LEVELS:
        return None
    counted = [{"level": level, "counts": [int((text[mask] == level).sum()) for mask in masks]} for level in levels]
    return {"variable": name, "kind": "categorical", "missing": missing, "levels": counted}


def _quartiles(values: NDArray[np.float64]) -> dict[str, float] | None:
    if len(values) == 0:
        return None
    low, middle, high = (float(f"{value:.4g}") for value in np.quantile(values, (0.25, 0.5, 0.75)))
    return {
        "median": middle,
        "q1": low,
        "q3": high,
        "mean": float(f"{values.mean():.4g}"),
        "sd": float(f"{values.std(ddof=1):.4g}") if len(values) > 1 else 0.0,
    }
