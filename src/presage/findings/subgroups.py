"""Subgroups and sites: does it hold for everyone? Each with its numbers, or "too few to say"."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.options import Options
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import as_json, p_value
from presage.stats.checks import StatsError
from presage.stats.hypotheses import holm
from presage.stats.operating import sensitivity_at_specificity
from presage.stats.sites import by_site
from presage.stats.subgroups import OpportunityGap, Subgroup, opportunity_gaps, subgroup_aucs

# A number with more distinct values than this is cut at its median.
MOST_VALUES = 6
MISSING = "not recorded"


def subgroups(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``subgroups``: the covariates named in the options, or ``site`` where there is one; None without."""
    options = Options.read(chosen)
    names = options.subgroups or (("site",) if "site" in table.covariates.columns else ())
    if table.outcome_kind == "time-to-event" or not names:
        return None
    covariates = [entry for name in names if (entry := _one(table, name, options)) is not None]
    if not covariates:
        return None
    asked = [row for entry in covariates for row in entry["interactions"]]
    # One adjustment over every question of every covariate.
    for row, adjusted in zip(asked, holm([row["p"] for row in asked]).tolist() if asked else [], strict=True):
        row["p_adjusted"] = adjusted
    return {
        "title": "Subgroups and sites",
        "n": len(table.cases),
        "n_cases": int(table.cases.sum()),
        "least": options.smallest_subgroup,
        "covariates": covariates,
        "sentence": _sentence(covariates, options),
        "caveats": _caveats(table, covariates, options),
    }


def _one(table: ScoreTable, name: str, options: Options) -> dict[str, Any] | None:
    groups = _groups(table, name)
    if len(np.unique(groups)) < 2:
        return None
    names = sorted(table.scores, key=lambda score: score != table.standard)
    patients = table.patient if table.clustered else None
    if table.folds is None:
        matrix = np.stack([table.combined(score) for score in names])
    else:
        # People are compared within the folds that one fitted model scored, as in the main comparison.
        matrix = np.stack([np.broadcast_to(table.scores[score], table.folds.shape) for score in names])
    found = subgroup_aucs(
        table.cases,
        matrix,
        groups,
        names=names,
        folds=table.folds,
        patients=patients,
        least=options.smallest_subgroup,
        level=options.level,
    )
    return {
        "covariate": name,
        "groups": [_group(group, names) for group in found.groups],
        "interactions": [{"question": row.question, "p": float(row.p)} for row in found.interactions],
        "opportunity": [_opportunity(table, score, groups, options) for score in names],
        "sites": _sites(table, names, groups, options) if name == "site" else None,
    }


def _groups(table: ScoreTable, name: str) -> NDArray[np.str_]:
    """The group of each row as text; a number of many values is cut at its median."""
    if name not in table.covariates.columns:
        known = [str(column) for column in table.covariates.columns]
        near = get_close_matches(name, known, n=1)
        raise TableError(
            f"there is no covariate {name!r} to make subgroups of (there are: {', '.join(known) or 'none'})"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    column = table.covariates[name]
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > MOST_VALUES:
        middle = float(column.median())
        text = np.where(column.isna(), MISSING, np.where(column <= middle, f"up to {middle:g}", f"above {middle:g}"))
        return np.asarray(text, dtype=str)
    if column.nunique() > 4 * MOST_VALUES:
        raise TableError(f"{name!r} has {column.nunique()} distinct values: too many for subgroups; group them first")
    return np.asarray(column.astype("string").fillna(MISSING), dtype=str)


def _group(group: Subgroup, names: list[str]) -> dict[str, Any]:
    aucs = None
    if group.aucs is not None:
        aucs = [{"name": name, "auc": as_json(auc)} for name, auc in zip(names, group.aucs, strict=True)]
    return {"name": str(group.name), "n": group.n, "n_cases": group.n_cases, "note": group.note, "aucs": aucs}


def _opportunity(table: ScoreTable, score: str, groups: NDArray[np.str_], options: Options) -> dict[str, Any]:
    """Sensitivity and false alarms of each group at one threshold for all: the last of the fixed specificities."""
    values = table.ranking(score)
    specificity = options.specificities[-1] if options.specificities else 0.9
    threshold = sensitivity_at_specificity(table.cases, values, specificity, replicates=100).threshold
    found = opportunity_gaps(
        table.cases, values, groups, threshold, least=options.smallest_subgroup, level=options.level
    )
    return {"name": score, "specificity": specificity, "groups": [_gap(entry) for entry in found]}


def _gap(entry: OpportunityGap) -> dict[str, Any]:
    def told(part: Any) -> dict[str, Any] | None:
        return None if part is None else as_json(part)

    return {
        "name": str(entry.name),
        "n_cases": entry.n_cases,
        "n_controls": entry.n_controls,
        "sensitivity": told(entry.sensitivity),
        "false_positive_rate": told(entry.false_positive_rate),
        "sensitivity_gap": told(entry.sensitivity_gap),
        "false_positive_gap": told(entry.false_positive_gap),
    }


def _sites(
    table: ScoreTable, names: list[str], groups: NDArray[np.str_], options: Options
) -> list[dict[str, Any]] | None:
    """What a further site may expect, and the AUC without each site; not for clustered rows."""
    if table.clustered:
        return None
    rows = []
    for name in names:
        try:
            found = by_site(
                table.cases, table.ranking(name), groups, least=options.smallest_subgroup, level=options.level
            )
        except StatsError:
            continue
        rows.append(
            {
                "name": name,
                "pooled": None if found.pooled is None else as_json(found.pooled),
                "prediction": None if found.prediction is None else list(found.prediction),
                "heterogeneity": found.heterogeneity,
                "without": [
                    {"site": str(site.name), "auc": None if rest is None else as_json(rest)}
                    for site, rest in zip(found.sites, found.without, strict=True)
                ],
            }
        )
    return rows


def _sentence(covariates: list[dict[str, Any]], options: Options) -> str:
    told = []
    for entry in covariates:
        differing = [row for row in entry["interactions"] if row["p_adjusted"] < options.alpha]
        few = sum(group["aucs"] is None for group in entry["groups"])
        if not entry["interactions"]:
            text = "too few in the groups to say"
        elif differing:
            text = "; ".join(f"{row['question']} differs ({p_value(row['p_adjusted'])})" for row in differing)
        else:
            text = "no proof that any score works differently"
        told.append(
            f"By {entry['covariate']}: {text}"
            + (f"; {few} of {len(entry['groups'])} groups too few to say" if few else "")
        )
    return ". ".join(told) + "."


def _caveats(table: ScoreTable, covariates: list[dict[str, Any]], options: Options) -> list[str]:
    asked = sum(len(entry["interactions"]) for entry in covariates)
    caveats = [
        f"Groups with fewer than {options.smallest_subgroup} cases or controls are not judged. The tests of difference "
        f"({asked} in all) are adjusted together (Holm); in a study of this size they find only large differences."
    ]
    if table.folds is not None:
        caveats.append(
            "AUCs of groups compare people within a test fold, as the main comparison does. The share of cases "
            "found and "
            "of controls alarmed, and the table over sites, use each person's mean score, all folds together; their "
            "intervals leave out the share of the training."
        )
    if table.clustered:
        caveats.append("Sensitivity and false alarms by group take rows as independent.")
    return caveats
