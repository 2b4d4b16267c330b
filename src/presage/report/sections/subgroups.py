"""Subgroups: a forest for each covariate, and sensitivity and false alarms at one threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import limits, number, p_value, percent, signed
from presage.report.figures.forest import Row, forest, forest_narrow
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, opening, people, series, slug


def subgroups(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``subgroups``."""
    number_of = series(document)
    blocks: list[Block] = []
    for entry in section["covariates"]:
        blocks.append(_forest(entry, section, number_of))
        if entry["interactions"]:
            blocks.append(_interactions(entry))
        blocks.append(_opportunity(entry))
        if entry.get("sites"):
            blocks.append(_sites(entry["sites"]))
    return Part("subgroups", "Does it hold for everyone?", [*opening(section), *blocks, *closing(section)], order=32)


def _forest(entry: Mapping[str, Any], section: Mapping[str, Any], number_of: Mapping[str, int | None]) -> Figure:
    rows, data = [], []
    for group in entry["groups"]:
        size = f"{group['name']} ({group['n_cases']} of {group['n']})"
        if group["aucs"] is None:
            rows.append(Row(size, None, None, "too few to say"))
            data.append((group["name"], group["n"], group["n_cases"], "", "", "", ""))
            continue
        rows.append(Row(size, None, None))
        for found in group["aucs"]:
            name, estimate = found["name"], found["auc"]
            rows.append(Row(name, estimate, number_of.get(name, 0)))
            values = (estimate["value"], estimate["low"], estimate["high"])
            data.append((group["name"], group["n"], group["n_cases"], name, *values))
    told = "; ".join(
        f"{row.name} {row.note}".strip() if row.estimate is None else f"{row.name} {_auc(row.estimate)}" for row in rows
    )
    title = f"AUC by {entry['covariate']}"
    label = "Area under the ROC curve (AUC)"
    return Figure(
        name=f"subgroups-{slug(entry['covariate'])}",
        title=title,
        caption=f"AUC of every score in each group, with intervals; in brackets cases of people. {people(section)}.",
        alt=f"{title}: {told}.",
        svg=forest(rows, label=label, title=f"{title}: {told}", reference=0.5, reference_label="chance"),
        narrow=forest_narrow(rows, label=label, title=f"{title}: {told}", reference=0.5),
        columns=(entry["covariate"], "n", "cases", "score", "auc", "low", "high"),
        data=data,
        wide=True,
    )


def _interactions(entry: Mapping[str, Any]) -> Table:
    rows = [
        [row["question"], *(p_value(row[key]).removeprefix("p ").removeprefix("= ") for key in ("p", "p_adjusted"))]
        for row in entry["interactions"]
    ]
    return Table(f"Does it differ by {entry['covariate']}? Cochran's test.", ("Question", "p", "p (Holm)"), rows)


def _opportunity(entry: Mapping[str, Any]) -> Table:
    rows: list[list[str]] = []
    groups: dict[int, str] = {}
    for found in entry["opportunity"]:
        groups[len(rows)] = f"{found['name']}, threshold with {percent(found['specificity'])} specificity over all"
        rows += [
            [
                f"{group['name']} ({group['n_cases']} cases, {group['n_controls']} controls)",
                _share(group["sensitivity"]),
                _gap(group["sensitivity_gap"]),
                _share(group["false_positive_rate"]),
                _gap(group["false_positive_gap"]),
            ]
            for group in found["groups"]
        ]
    return Table(
        caption=(
            f"At one threshold for everyone, by {entry['covariate']}: are cases found, and controls alarmed, equally "
            "often?"
        ),
        columns=("Group", "Cases found", "Less all others", "Controls alarmed", "Less all others"),
        rows=rows,
        groups=groups,
    )


def _auc(estimate: Mapping[str, Any] | None) -> str:
    return "–" if estimate is None else f"{number(estimate['value'])} ({limits(estimate)})"


def _share(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return "too few to say"
    return f"{percent(estimate['value'])} ({number(100 * estimate['low'], 0)} to {number(100 * estimate['high'], 0)})"


def _gap(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return "–"
    low, high = number(100 * estimate["low"], 0), number(100 * estimate["high"], 0)
    return f"{signed(100 * estimate['value'], 0)} points ({low} to {high})"


def _sites(sites: list[Mapping[str, Any]]) -> Table:
    rows = []
    for entry in sites:
        further = entry["prediction"]
        rows.append(
            [
                entry["name"],
                _auc(entry["pooled"]),
                "–" if further is None else f"{number(further[0])} to {number(further[1])}",
                "–" if entry["heterogeneity"] is None else percent(entry["heterogeneity"]),
                *(_auc(rest["auc"]) for rest in entry["without"]),
            ]
        )
    left_out = [f"Without {rest['site']}" for rest in sites[0]["without"]]
    return Table(
        caption="AUC over sites (random effects), what a further site may expect, and leaving out each site.",
        columns=("Score", "Pooled AUC", "A further site", "Variance between sites (I²)", *left_out),
        rows=rows,
    )
