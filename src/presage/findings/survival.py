"""Time to event: who is expected to have it earlier, whether a marker tells that better than the standard, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.findings.comparison import HOW, judge
from presage.findings.estimates import described
from presage.findings.options import Options
from presage.findings.survival_words import c_index
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import as_json, difference_with_interval, limits, number, p_value, with_interval
from presage.stats.checks import StatsError
from presage.stats.concordance import compare_concordance, harrell_c, time_dependent_auc, uno_c
from presage.stats.kaplan_meier import kaplan_meier, log_rank
from presage.stats.survival_risk import brier_over_time, calibration_at

GROUPS = ("lowest third", "middle third", "highest third")
POINTS = 120


def survival(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``survival``; None for other outcomes than a time to an event."""
    if table.outcome_kind != "time-to-event":
        return None
    options = Options.read(chosen)
    horizon = options.horizon or float(np.median(table.outcome["time"]))
    longest = float(table.outcome["time"].max())
    if horizon >= longest:
        raise TableError(
            f"the horizon is {horizon:g}, but nobody was followed longer than {longest:g}: nothing is known about "
            "later times. Choose an earlier horizon, in the unit of the follow-up time"
        )
    scores = [_one(table, name, horizon, options) for name in sorted(table.scores, key=lambda n: n != table.standard)]
    markers = [_against(table, name, horizon, options) for name in table.markers]
    primary = judge(markers, options)
    return {
        "title": "Time to the event",
        "n": len(table.patient),
        "n_events": int(table.cases.sum()),
        "horizon": horizon,
        "median_follow_up": float(np.median(table.outcome["time"])),
        "scores": scores,
        "markers": markers,
        "primary": primary["name"] if primary else None,
        "null_result": not any(row["verdict"] == "beats" for row in ([primary] if primary else markers)),
        "sentence": _sentence(table, scores, markers, options),
        "caveats": _caveats(table, horizon, options),
    }


def _one(table: ScoreTable, name: str, horizon: float, options: Options) -> dict[str, Any]:
    event, time, score = table.cases, table.outcome["time"], table.ranking(name)
    entry: dict[str, Any] = {
        "name": name,
        "role": table.role(name),
        "harrell": as_json(harrell_c(event, time, score, level=options.level).estimate),
        "uno": _uno(table, name, horizon, options),
        "auc_at_horizon": None,
        "groups": _groups(event, time, score, options),
    }
    try:
        entry["auc_at_horizon"] = as_json(
            time_dependent_auc(event, time, score, [horizon], level=options.level).aucs[0]
        )
        if name in table.probabilities:
            entry |= _risk(event, time, score, horizon, options)
    except StatsError as reason:
        entry["not_at_horizon"] = str(reason)
    return entry


def _uno(table: ScoreTable, name: str, horizon: float, options: Options) -> dict[str, Any] | None:
    try:
        found = uno_c(table.cases, table.outcome["time"], table.ranking(name), until=horizon, level=options.level)
    except StatsError:
        return None
    return as_json(found.estimate)


def _risk(
    event: NDArray[np.bool_],
    time: NDArray[np.float64],
    risk: NDArray[np.float64],
    horizon: float,
    options: Options,
) -> dict[str, Any]:
    """Brier score and calibration of scores that are risks of the event by the horizon."""
    brier = brier_over_time(event, time, risk, [horizon], level=options.level)
    fit = calibration_at(event, time, risk, horizon, level=options.level)
    return {
        "brier": as_json(brier.scores[0]),
        "calibration": {
            "observed_to_expected": as_json(fit.observed_to_expected),
            "intercept": as_json(fit.intercept),
            "slope": as_json(fit.slope),
            "groups": [{"n": g.n, "predicted": g.predicted, "observed": as_json(g.observed)} for g in fit.groups],
        },
    }


def _groups(
    event: NDArray[np.bool_], time: NDArray[np.float64], score: NDArray[np.float64], options: Options
) -> dict[str, Any]:
    """Kaplan-Meier by thirds of the score; a third without an event stays at 1."""
    edges = np.quantile(score, (1 / 3, 2 / 3))
    third = np.searchsorted(edges, score, side="right")
    curves = []
    for index, words in enumerate(GROUPS):
        rows = third == index
        if not rows.any():
            continue
        curve: dict[str, Any] = {"group": words, "n": int(rows.sum()), "events": int(event[rows].sum())}
        if event[rows].any():
            found = kaplan_meier(event[rows], time[rows], level=options.level)
            keep = np.unique(np.linspace(0, len(found.times) - 1, POINTS).astype(int))
            parts = {"times": found.times, "survival": found.survival, "low": found.low, "high": found.high}
            for key, values in parts.items():
                start = 0.0 if key == "times" else 1.0
                curve[key] = [start, *(float(f"{value:.6g}") for value in values[keep])]
        else:
            curve |= {"times": [0.0, float(time[rows].max())]} | {k: [1.0, 1.0] for k in ("survival", "low", "high")}
        curves.append(curve)
    test = log_rank(event, time, third) if len(curves) > 1 else None
    return {"curves": curves, "log_rank_p": None if test is None else float(test.p)}


def _against(table: ScoreTable, name: str, horizon: float, options: Options) -> dict[str, Any]:
    """Difference in concordance from the standard: Uno's up to the horizon, Harrell's where that is undefined."""
    pair = table.ranking(name), table.ranking(table.standard)
    event, time = table.cases, table.outcome["time"]
    try:
        found = compare_concordance(event, time, *pair, until=horizon, level=options.level)
    except StatsError:
        found = compare_concordance(event, time, *pair, uno=False, level=options.level)
    return {"name": name, "difference": as_json(found), "p": float(found.p)}


def _sentence(table: ScoreTable, scores: list[dict[str, Any]], markers: list[dict[str, Any]], options: Options) -> str:
    by_name = {entry["name"]: c_index(entry) for entry in scores}
    standard = by_name[table.standard]
    who = f"In these {described(table, options)}"
    if not markers:
        return f"{who}, {table.standard} put the earlier event first with a concordance of {with_interval(standard)}."
    told = []
    for row in markers:
        how = HOW[row["verdict"]].format(standard=table.standard, what="those with an early event from the others")
        told.append(
            f"{row['name']} {how}: concordance {with_interval(by_name[row['name']])} against "
            f"{number(standard['value'])} "
            f"({limits(standard)}), difference {difference_with_interval(row['difference'])}, "
            f"{p_value(row['p_adjusted'])}"
        )
    judged = [row for row in markers if options.primary in (None, row["name"])]
    null = " This is a null result." if not any(row["verdict"] == "beats" for row in judged) else ""
    return f"{who}, {'; '.join(told)}.{null}"


def _caveats(table: ScoreTable, horizon: float, options: Options) -> list[str]:
    chosen = "as chosen" if options.horizon is not None else "the median follow-up, as none was chosen"
    caveats = [
        f"Judged up to a time of {horizon:g} ({chosen}). Censoring is taken to be independent of the risk; weights "
        "come from "
        "the Kaplan-Meier curve of the censoring."
    ]
    if table.clustered:
        caveats.append("Some people have several rows, which these intervals take as independent: they are too narrow.")
    if table.folds is not None:
        caveats.append(
            "Scores are means over repeated cross-validation; intervals leave out the share of the training."
        )
    if len(table.markers) > 1:
        spared = f", but for {options.primary}, which was named as the one to judge" if options.primary else ""
        caveats.append(f"The p-values of {len(table.markers)} markers are adjusted together (Holm){spared}.")
    return caveats
