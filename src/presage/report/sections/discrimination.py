"""ROC curves and distributions of the scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import limits, number
from presage.report.figures.curves import Curve, curves
from presage.report.figures.distribution import distributions
from presage.report.parts import Figure, Part
from presage.report.sections.common import closing, distribution_rows, opening, people, series


def discrimination(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``discrimination``."""
    return Part(
        "discrimination",
        "Telling cases from controls",
        [*opening(section), _roc(section, document), _distributions(section), *closing(section)],
        order=20,
    )


def _roc(section: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    number_of = series(document)
    drawn = [
        Curve(
            f"{entry['name']}: {number(entry['auc']['value'])} ({limits(entry['auc'])})",
            entry["roc"]["false_positive_rate"],
            entry["roc"]["sensitivity"],
            number_of.get(entry["name"]),
        )
        for entry in section["scores"]
    ]
    told = "; ".join(f"{curve.words}" for curve in drawn)
    return Figure(
        name="roc",
        title="ROC curves",
        caption=f"ROC curves with AUC and interval, {people(section)}. Dotted: chance. Grey dashes: the standard.",
        alt=f"ROC curves. Area under each curve: {told}.",
        svg=curves(
            drawn,
            x_label="False alarms among controls (1 − specificity)",
            y_label="Cases found (sensitivity)",
            title=f"ROC curves. {told}",
            diagonal=True,
        ),
        columns=("score", "false_positive_rate", "sensitivity"),
        data=[
            (entry["name"], x, y)
            for entry in section["scores"]
            for x, y in zip(entry["roc"]["false_positive_rate"], entry["roc"]["sensitivity"], strict=True)
        ],
    )


def _distributions(section: Mapping[str, Any]) -> Figure:
    scores = section["scores"]
    told = "; ".join(
        f"{entry['name']}: median {entry['distribution']['quartiles_cases'][1]:.3g} in cases, "
        f"{entry['distribution']['quartiles_controls'][1]:.3g} in controls"
        for entry in scores
    )
    far = sum(entry["distribution"].get("beyond", 0) for entry in scores)
    beyond = f" {far} score(s) far out are counted in the outermost bars." if far else ""
    return Figure(
        name="distributions",
        title="Distribution of the scores",
        caption=(
            f"Scores of cases (above) and controls (below), each as a share of its class, in the unit of the score "
            "(standard deviations of the test fold where cross-validated); "
            f"black strokes: medians. {people(section)}.{beyond}"
        ),
        alt=f"Distribution of the scores by outcome. {told}.",
        svg=distributions(scores, title=f"Distribution of the scores by outcome. {told}"),
        columns=("score", "from", "to", "cases", "controls"),
        data=distribution_rows(scores),
    )
