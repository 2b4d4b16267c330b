"""Over the visits: does a marker follow its patients' scale, and how many of them responded or remitted?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from presage.findings.options import Options
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import as_json, joined, percent, with_interval
from presage.stats.agreement import repeated_measures_correlation
from presage.stats.checks import StatsError
from presage.stats.discrimination import auc_interval
from presage.stats.operating import proportion
from presage.stats.severity import remission, response
from presage.stats.visits import (
    compare_repeated_correlations,
    correlation_of_changes,
    repeated_correlation_bootstrap,
    visit_error,
)

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def course(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The section ``course`` of a table with several rows a patient, in the order of the visits within each.

    Parameters
    ----------
    table
        A scale outcome; the covariate ``visit`` names the visit of each row. A score that falls means improvement.
    chosen
        Options of :class:`presage.findings.options.Options`; and ``remission``, the score below which the scale calls
        nobody ill (without it, the outcome's cut-off).

    Raises
    ------
    TableError
        If there is no visit, or nobody has two.
    """
    options = Options.read(chosen)
    if "visit" not in table.covariates or not table.clustered:
        raise TableError("a course needs a covariate `visit` and patients with several rows")
    truth = np.asarray(table.outcome, dtype=np.float64)
    ends = _ends(table)
    cut = float(chosen.get("remission") or table.cutoff or 0.0)
    responded = _responded(truth, ends)
    names = sorted(table.scores, key=lambda name: name != table.standard)
    section: dict[str, Any] = {
        "title": "Over the visits",
        "n": len(np.unique(table.patient)),
        "n_rows": len(truth),
        "n_followed": len(ends),
        "scale": table.outcome_title,
        "visits": _visits(table, truth),
        "remission_below": cut,
        "response": _share(responded, options.level),
        "remission": _share(remission(truth[ends[:, 1]], cut), options.level),
        "scores": [_one(table, name, truth, ends, responded, options) for name in names],
        "trajectories": _trajectories(table, names, truth, ends, responded),
    }
    section["sentence"] = _sentence(section, table)
    section["caveats"] = _caveats(section)
    return section


def _ends(table: ScoreTable) -> Places:
    """Rows of the first and the last visit of everybody with several, shape (patients, 2)."""
    _, first, counts = np.unique(table.patient, return_index=True, return_counts=True)
    last = len(table.patient) - 1 - np.unique(table.patient[::-1], return_index=True)[1]
    return np.column_stack([first, last])[counts > 1].astype(np.intp)


def _responded(truth: Floats, ends: Places) -> NDArray[np.bool_]:
    """Whose scale fell by half or more; from 0 no share can fall."""
    found = np.zeros(len(ends), dtype=bool)
    can = truth[ends[:, 0]] > 0
    if can.any():
        found[can] = response(truth[ends[can, 0]], truth[ends[can, 1]])
    return found


def _share(who: NDArray[np.bool_], level: float) -> dict[str, Any]:
    share = proportion(int(who.sum()), len(who), level=level, method="wilson")
    return {"count": int(who.sum()), "n": len(who)} | as_json(share)


def _visits(table: ScoreTable, truth: Floats) -> list[dict[str, Any]]:
    visit = table.covariates["visit"].astype(str).to_numpy()
    names = list(dict.fromkeys(visit)) if not hasattr(table.covariates["visit"], "cat") else None
    ordered = names or [str(name) for name in table.covariates["visit"].cat.categories]
    return [
        {"visit": name, "n": int((visit == name).sum()), "mean": float(truth[visit == name].mean())}
        for name in ordered
        if (visit == name).any()
    ]


def _one(
    table: ScoreTable, name: str, truth: Floats, ends: Places, responded: NDArray[np.bool_], options: Options
) -> dict[str, Any]:
    score, level = table.combined(name), options.level
    entry: dict[str, Any] = {"name": name, "role": table.role(name), "within": None, "unchanged": ""}
    draws: dict[str, Any] = {"level": level, "replicates": options.replicates, "seed": options.seed}
    try:
        entry["within"] = as_json(repeated_measures_correlation(truth, score, table.patient, level=level))
        entry["within_bootstrap"] = as_json(repeated_correlation_bootstrap(truth, score, table.patient, **draws))
        error = visit_error(truth, score, table.patient, level=level)
        entry["error"] = {
            "error": error.error,
            "spread": error.spread,
            "reliability": error.reliability,
            "smallest": error.smallest,
        }
    except StatsError as reason:
        entry["unchanged"] = str(reason)
        return entry
    entry["against_standard"] = None
    if name != table.standard:
        # Where the standard does not change over visits there is nothing to compare, and its own entry says so.
        with suppress(StatsError):
            entry["against_standard"] = as_json(
                compare_repeated_correlations(truth, score, table.combined(table.standard), table.patient, **draws)
            )
    change, of_scale = score[ends[:, 1]] - score[ends[:, 0]], truth[ends[:, 1]] - truth[ends[:, 0]]
    entry["changes"] = None
    if len(ends) >= 4 and np.ptp(change) > 0 and np.ptp(of_scale) > 0:
        found = correlation_of_changes(of_scale, change, level=level)
        entry["changes"] = {"pearson": as_json(found.pearson), "spearman": as_json(found.spearman)}
    entry["improved"] = _share(change < -error.smallest, level)
    entry["worse"] = _share(change > error.smallest, level)
    entry["tells_response"] = None
    if min(int(responded.sum()), int((~responded).sum())) >= 2:
        # A fall counts: the larger, the likelier a response.
        entry["tells_response"] = as_json(auc_interval(responded, -change, level=level))
    return entry


def _trajectories(
    table: ScoreTable, names: list[str], truth: Floats, ends: Places, responded: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Mean of scale and scores at each visit, of those who responded and of the others, with 95 % t intervals."""
    status = dict(zip(table.patient[ends[:, 0]].tolist(), responded.tolist(), strict=True))
    visit = table.covariates["visit"].astype(str).to_numpy()
    group = np.array([status.get(code) for code in table.patient.tolist()], dtype=object)
    order = [entry["visit"] for entry in _visits(table, truth)]
    found = []
    for name in [None, *names]:
        values = truth if name is None else table.combined(name)
        for label in (True, False):
            points = []
            for here in order:
                part = values[(visit == here) & (group == label)]
                if len(part) >= 2:
                    half = float(stats.t.ppf(0.975, len(part) - 1) * part.std(ddof=1) / len(part) ** 0.5)
                    mean = float(part.mean())
                    points.append(
                        {"visit": here, "n": len(part), "mean": mean, "low": mean - half, "high": mean + half}
                    )
            found.append(
                {"name": name or table.outcome_title, "scale": name is None, "responded": label, "points": points}
            )
    return found


def _sentence(section: Mapping[str, Any], table: ScoreTable) -> str:
    told = [
        f"{entry['name']} {with_interval(entry['within'])}"
        if entry["within"]
        else f"{entry['name']} does not change over the visits"
        for entry in section["scores"]
    ]
    n, rows = section["n_followed"], section["n_rows"]
    answered, well = section["response"], section["remission"]
    return (
        f"Correlation with {section['scale']} within the {n} patients seen more than once ({rows} visits): "
        f"{'; '.join(told)}. {_verdict(section, table)}From first to last visit {answered['count']} of {answered['n']} "
        f"({percent(answered['value'])}, {_limits(answered)}) responded, {section['scale']} falling by half or more, "
        f"and {well['count']} ({percent(well['value'])}, {_limits(well)}) were below {section['remission_below']:g} at "
        "the last."
    )


def _verdict(section: Mapping[str, Any], table: ScoreTable) -> str:
    compared = [entry for entry in section["scores"] if entry.get("against_standard")]
    if not compared:
        return ""
    better = [entry["name"] for entry in compared if entry["against_standard"]["low"] > 0]
    whom = joined(better) if better else "none of the markers" if len(compared) > 1 else compared[0]["name"]
    verb = "follows" if better or len(compared) > 1 else "does not follow"
    return f"By these intervals {whom} {verb if len(better) < 2 else 'follow'} it more closely than {table.standard}. "


def _limits(share: Mapping[str, Any]) -> str:
    return f"95 % CI {percent(share['low'])} to {percent(share['high'])}".replace(" % to", " to")


def _caveats(section: Mapping[str, Any]) -> list[str]:
    caveats = [
        "Each visit was scored by the model fitted without the patient; the score of a later visit is not given the "
        "earlier ones.",
        "A correlation within patients says that score and scale change together. It does not say that the score would "
        "see a change of one patient: for that, look at the smallest reliable change.",
        "The error of a visit is what of the score's changes the scale does not explain, so it also holds the scale's "
        "own error, and the bands are wide rather than narrow.",
    ]
    for entry in section["scores"]:
        if entry["unchanged"]:
            caveats.append(
                f"{entry['name']}: {entry['unchanged']}. If it was asked at every visit, name its column (--columns)."
            )
    return caveats
