"""Decisions at fixed thresholds as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import limits, number, p_value, percent, signed
from presage.report.parts import Block, Part, Table
from presage.report.sections.common import closing, opening, people


def decisions(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``decisions``."""
    if not section.get("shown", True):
        return Part("decisions", "Deciding yes or no", opening(section), order=29)
    blocks: list[Block] = [_accuracy(section)]
    if any(point["markers"] for point in section["points"]):
        blocks.append(_against(section))
    blocks.append(_partial(section))
    return Part("decisions", "Deciding yes or no", [*opening(section), *blocks, *closing(section)], order=23)


def _heading(specificity: float) -> str:
    return f"Threshold that spares {percent(specificity)} of the controls"


def _accuracy(section: Mapping[str, Any]) -> Table:
    predictive = section["prevalence"] is not None
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for point in section["points"]:
        groups[len(rows)] = _heading(point["specificity"])
        for entry in point["scores"]:
            row = [entry["name"], "/".join(map(str, entry["counts"]))]
            row += [_percent(entry[key]) for key in ("sensitivity", "specificity")]
            row += [_ratio(entry[f"{sign}_likelihood_ratio"]) for sign in ("positive", "negative")]
            if predictive:
                row += [_percent(entry[f"{sign}_predictive_value"], 1) for sign in ("positive", "negative")]
            rows.append(row)
    columns = ["Score", "TP/FP/FN/TN", "Sensitivity", "Specificity", "LR+", "LR−"]
    at = f"; predictive values at a prevalence of {percent(section['prevalence'], 1)}" if predictive else ""
    return Table(
        caption=(
            f"Accuracy of each decision, exact intervals{at}; {people(section)}. TP, FP: cases and controls called "
            "positive; FN, TN: cases and controls called negative; LR: likelihood ratio of a positive and of a "
            "negative call"
            + (
                "; PPV, NPV: share of the positive calls that are cases, of the negative that are not."
                if predictive
                else "."
            )
        ),
        columns=columns + (["PPV", "NPV"] if predictive else []),
        rows=rows,
        groups=groups,
    )


def _against(section: Mapping[str, Any]) -> Table:
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for point in section["points"]:
        groups[len(rows)] = _heading(point["specificity"])
        rows += [
            [
                entry["name"],
                _points(entry["sensitivity"]),
                p_value(entry["p"]).removeprefix("p ").removeprefix("= "),
                p_value(entry["p_adjusted"]).removeprefix("p ").removeprefix("= "),
                _points(entry["specificity"]),
            ]
            for entry in point["markers"]
        ]
    return Table(
        caption=f"Decisions less those of the standard, in percentage points, on the same people; {people(section)}.",
        columns=("Marker", "Sensitivity", "p", "p (Holm)", "Specificity"),
        rows=rows,
        groups=groups,
    )


def _partial(section: Mapping[str, Any]) -> Table:
    rows = [
        [entry["name"], "–" if entry["auc"] is None else f"{number(entry['auc']['value'])} ({limits(entry['auc'])})"]
        for entry in section["partial"]["scores"]
    ]
    least = percent(section["partial"]["from"])
    return Table(
        caption=f"Partial AUC over specificities of {least} and more, scaled: 0.5 is chance; {people(section)}.",
        columns=("Score", "Partial AUC"),
        rows=rows,
        emphasis=(0,),
    )


def _percent(estimate: Mapping[str, Any], digits: int = 0) -> str:
    low, high = number(100 * estimate["low"], digits), number(100 * estimate["high"], digits)
    return f"{percent(estimate['value'], digits)} ({low} to {high})"


def _ratio(estimate: Mapping[str, Any]) -> str:
    return f"{number(estimate['value'], 1)} ({limits(estimate, 1)})"


def _points(estimate: Mapping[str, Any]) -> str:
    low, high = number(100 * estimate["low"], 0), number(100 * estimate["high"], 0)
    return f"{signed(100 * estimate['value'], 0)} ({low} to {high})"
