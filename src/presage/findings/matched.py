"""Matched sets and adjustment: what a score tells beyond what cases and controls were matched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.comparison import verdict
from presage.findings.options import Options
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import as_json, difference_with_interval, p_value, with_interval
from presage.stats.checks import StatsError
from presage.stats.hypotheses import holm
from presage.stats.matched import adjusted_auc, compare_matched, conditional_logistic, matched_concordance

MOST_REPLICATES = 500


def matched(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``matched``; None without match sets and without covariates to adjust for, and for a time.

    Match sets are the covariate ``match_set``. Sets that lost their case or every control are left out and counted.
    """
    options = Options.read(chosen)
    sets = _sets(table)
    if table.outcome_kind == "time-to-event" or (sets is None and not options.adjust):
        return None
    adjust = _adjustment(table, options)
    names = sorted(table.scores, key=lambda name: name != table.standard)
    scores = [_one(table, name, sets, adjust, options) for name in names]
    section: dict[str, Any] = {
        "title": "Matched sets and adjustment",
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "n_sets": None if sets is None else _informative(table.cases, sets),
        "adjusted_for": list(options.adjust),
        "scores": scores,
        "markers": [] if sets is None else _against(table, sets, options),
    }
    section["sentence"] = _sentence(section, table)
    section["caveats"] = _caveats(section, sets, table)
    return section


def _sets(table: ScoreTable) -> NDArray[np.str_] | None:
    """Match set of each row; a person without one is a set alone, which says nothing."""
    if "match_set" not in table.covariates.columns:
        return None
    text = table.covariates["match_set"].astype("string")
    alone = pd.Series([f"alone {row}" for row in range(len(text))], index=text.index, dtype="string")
    sets = np.asarray(text.fillna(alone), dtype=str)
    return sets if _informative(table.cases, sets) >= 2 else None


def _informative(cases: NDArray[np.bool_], sets: NDArray[np.str_]) -> int:
    return len(np.intersect1d(sets[cases], sets[~cases]))


def _adjustment(table: ScoreTable, options: Options) -> NDArray[np.float64] | None:
    """Numeric covariates, shape (n, covariates), complete."""
    columns = []
    for name in options.adjust:
        if name not in table.covariates.columns:
            known = ", ".join(map(str, table.covariates.columns)) or "none"
            raise TableError(f"cannot adjust for {name!r}: no such covariate (there are: {known})")
        values = pd.to_numeric(table.covariates[name], errors="coerce").to_numpy(dtype=np.float64)
        missing = int(np.isnan(values).sum())
        if missing:
            raise TableError(
                f"cannot adjust for {name!r}: {missing} row(s) have no number there; fill them or leave it out"
            )
        columns.append(values)
    return np.column_stack(columns) if columns else None


def _one(
    table: ScoreTable,
    name: str,
    sets: NDArray[np.str_] | None,
    adjust: NDArray[np.float64] | None,
    options: Options,
) -> dict[str, Any]:
    score = table.ranking(name)
    entry: dict[str, Any] = {
        "name": name,
        "role": table.role(name),
        "concordance": None,
        "odds_ratio": None,
        "adjusted": None,
    }
    if sets is not None:
        entry["concordance"] = as_json(matched_concordance(table.cases, score, sets, level=options.level))
        entry["odds_ratio"] = _odds_ratio(table, score, sets, options)
    if adjust is not None:
        replicates = options.draws(len(score), MOST_REPLICATES)
        found = adjusted_auc(table.cases, score, adjust, level=options.level, replicates=replicates, seed=options.seed)
        entry["adjusted"] = as_json(found)
    return entry


def _odds_ratio(
    table: ScoreTable, score: NDArray[np.float64], sets: NDArray[np.str_], options: Options
) -> dict[str, Any] | None:
    """Odds ratio within sets for one standard deviation of the controls; None where no finite one exists."""
    spread = float(score[~table.cases].std(ddof=1)) if (~table.cases).sum() > 1 else 0.0
    if spread == 0:
        return None
    try:
        fit = conditional_logistic(table.cases, score / spread, sets)
    except StatsError:
        return None
    value, low, high = (float(limit) for limit in fit.odds_ratios(options.level)[0])
    method = "conditional logistic regression, Wald"
    return {"value": value, "low": low, "high": high, "level": options.level, "method": method, "p": float(fit.p[0])}


def _against(table: ScoreTable, sets: NDArray[np.str_], options: Options) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in table.markers:
        pair = table.ranking(name), table.ranking(table.standard)
        found = compare_matched(table.cases, *pair, sets, level=options.level)
        rows.append({"name": name, "difference": as_json(found), "p": float(found.p)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]).tolist() if rows else [], strict=True):
        row["p_adjusted"] = adjusted
        row["verdict"] = verdict(row["difference"], adjusted, options)
    return rows


def _sentence(section: Mapping[str, Any], table: ScoreTable) -> str:
    told = []
    by_name = {entry["name"]: entry for entry in section["scores"]}
    if section["n_sets"] is not None:
        standard = by_name[table.standard]["concordance"]
        told.append(
            f"Within {section['n_sets']} matched sets, {table.standard} scored the case above its control in "
            f"{with_interval(standard)} of the pairs"
        )
        told += [
            f"{row['name']} in {with_interval(by_name[row['name']]['concordance'])}, difference "
            f"{difference_with_interval(row['difference'])}, {p_value(row['p_adjusted'])} ({row['verdict']})"
            for row in section["markers"]
        ]
    if section["adjusted_for"]:
        adjusted = [f"{entry['name']} {with_interval(entry['adjusted'])}" for entry in section["scores"]]
        told.append(f"AUC adjusted for {', '.join(section['adjusted_for'])}: " + ", ".join(adjusted))
    return "; ".join(told) + "."


def _caveats(section: Mapping[str, Any], sets: NDArray[np.str_] | None, table: ScoreTable) -> list[str]:
    caveats = []
    if sets is not None:
        left_out = len(np.unique(sets)) - section["n_sets"]
        caveats.append(
            "What cases and controls were matched on (such as age) cannot show its own worth here; this section "
            "compares "
            "within the sets."
        )
        if left_out:
            caveats.append(f"{left_out} set(s) without a case or without a control say nothing and are left out here.")
    if section["adjusted_for"]:
        caveats.append("The adjusted AUC compares a case with controls of the same covariates, taken to act linearly.")
    if table.clustered:
        caveats.append("Some people have several rows, which these intervals take as independent.")
    return caveats
