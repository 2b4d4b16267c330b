"""Decision curves, and what screening 1,000 people would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from presage.findings.words import level_words, limits, number, percent, signed
from presage.report.figures.canvas import colour
from presage.report.figures.curves import Curve, curves
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, opening, people, series


def utility(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``utility``; where nothing could be shown, its reason stands alone."""
    blocks: list[Block] = []
    if not section.get("shown"):
        # Where something is shown, the sentence stands below the answer, at the head of the page.
        blocks += opening(section)
    else:
        if section["per_1000"]:
            blocks.append(_table(section))
        if section.get("decision"):
            blocks.append(_figure(section, document))
        if section.get("reclassification"):
            blocks.append(_reclassification(section))
    # The clinician's next question after the answer; where it cannot be answered, the reason stands further down.
    order = 16 if section.get("shown") else 29
    return Part(
        "utility",
        "How many more are found, at what price",
        [*blocks, *closing(section)],
        order=order,
    )


def _table(section: Mapping[str, Any]) -> Table:
    rows, groups = [], {}
    last = None
    for index, row in enumerate(section["per_1000"]):
        if row["specificity"] != last:
            last = row["specificity"]
            groups[index] = f"Threshold with {percent(1 - last)} false alarms among controls"
        rows.append(
            [
                row["name"],
                number(row["positives"], 0),
                f"{number(row['found']['value'], 1)} ({limits(row['found'], 1)})",
                _more(row.get("more")),
                number(row["missed"], 1),
                number(row["needless"], 0),
                _count(row["number_needed_to_screen"]),
                _count(row["number_needed_to_recall"]),
            ]
        )
    return Table(
        caption=(
            f"Of 1,000 people at a prevalence of {percent(section['prevalence'], 1)}; shares from {people(section)}. "
            "Screened per "
            "case found: number needed to screen; positives per case found: number needed to recall."
        ),
        columns=(
            "Score",
            "Positive",
            "Cases found",
            "More than the standard",
            "Cases missed",
            "Needless alarms",
            "Screened per case found",
            "Positives per case found",
        ),
        rows=rows,
        groups=groups,
    )


def _per_1000(values: Sequence[float]) -> list[float]:
    return [1000 * value for value in values]


def _more(estimate: Mapping[str, Any] | None) -> str:
    return "–" if estimate is None else f"{signed(estimate['value'], 1)} ({limits(estimate, 1)})"


def _count(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return "–"
    high = "∞" if estimate["high"] is None else number(estimate["high"], 0)
    return f"{number(estimate['value'], 0)} ({number(estimate['low'], 0)} to {high})"


def _figure(section: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    decision, number_of = section["decision"], series(document)
    grid = decision["thresholds"]
    drawn = [
        Curve(
            entry["name"],
            grid,
            _per_1000(entry["net_benefit"]),
            number_of.get(entry["name"]),
            _per_1000(entry["low"]),
            _per_1000(entry["high"]),
        )
        for entry in decision["scores"]
    ]
    drawn.append(
        Curve(
            "act on everyone", grid, _per_1000(decision["treat_all"]), None, stroke=colour("ink"), width=1, dash="1 3"
        )
    )
    drawn.append(Curve("act on no one", grid, [0.0] * len(grid), None, stroke=colour("ink"), width=1))
    top = 1000 * max(max(entry["high"]) for entry in decision["scores"])
    level = level_words(decision["level"])
    middle = len(grid) // 5
    told = "; ".join(f"{e['name']} {1000 * e['net_benefit'][middle]:.3g}" for e in decision["scores"])
    return Figure(
        name="decision-curve",
        title="Decision curves",
        caption=(
            f"Net benefit per 1,000 people over the risk at which one would act, with {level}; prevalence "
            f"{percent(section['prevalence'], 1)}, {people(section)}. Higher is better; a marker below a black line "
            "does harm."
        ),
        alt=f"Decision curves. Net benefit per 1,000 people at a threshold of {grid[middle]:.3g}: {told}.",
        svg=curves(
            drawn,
            x_label="Risk at which one would act (threshold)",
            y_label="Net benefit per 1,000 people",
            title=f"Decision curves. At {grid[middle]:.3g}: {told}",
            x_range=(grid[0], grid[-1]),
            y_range=(-0.2 * top, 1.05 * top),
        ),
        columns=("score", "threshold", "net_benefit", "low", "high", "standardised", "positives"),
        data=[
            (entry["name"], *point)
            for entry in decision["scores"]
            for point in zip(
                grid,
                *(entry[key] for key in ("net_benefit", "low", "high", "standardised", "positives")),
                strict=True,
            )
        ],
    )


def _reclassification(section: Mapping[str, Any]) -> Table:
    def cell(estimate: Mapping[str, Any], digits: int = 2) -> str:
        return f"{signed(estimate['value'], digits)} ({limits(estimate, digits)})"

    rows = [
        [e["name"], *(cell(e[key]) for key in ("nri_cases", "nri_controls", "nri")), cell(e["idi"], 3)]
        for e in section["reclassification"]
    ]
    return Table(
        caption=(
            f"Reclassification against the standard, {people(section)}. Net reclassification index "
            "(NRI): shares moved in the right direction less shares moved in the wrong one, cases and controls added; "
            "integrated discrimination improvement (IDI): gain in the mean difference of risk between cases and "
            "controls. Both are known to mislead: see the remarks below."
        ),
        columns=("Marker", "Cases moved up, net", "Controls moved down, net", "Continuous NRI", "IDI"),
        rows=rows,
    )
