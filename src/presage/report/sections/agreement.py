"""Bland-Altman plots, errors in points, and agreement on change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import cell, level_words
from presage.report.figures.canvas import Canvas, colour, series_style
from presage.report.parts import Block, Figure, Part, Table
from presage.report.sections.common import closing, opening, people, series, slug


def agreement(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``agreement``."""
    number_of = series(document)
    blocks: list[Block] = [_table(section)]
    blocks += [
        _bland_altman(entry, section, number_of.get(entry["name"])) for entry in section["scores"] if entry["on_scale"]
    ]
    if section.get("changes"):
        blocks.append(_changes(section["changes"]))
    return Part("agreement", "Agreement with the scale", [*opening(section), *blocks, *closing(section)], order=14)


def _table(section: Mapping[str, Any]) -> Table:
    keys = (
        ("mean_absolute_error", "Mean absolute error", 2),
        ("root_mean_square_error", "RMSE", 2),
        ("bias", "Bias", 2),
        ("concordance", "Lin's concordance", 2),
        ("intraclass", "ICC(2,1)", 2),
        ("pearson", "Pearson", 2),
        ("kappa", "Weighted kappa of bands", 2),
        ("within", "Correlation of changes", 2),
    )
    shown = [key for key in keys if any(entry.get(key[0]) for entry in section["scores"])]
    rows = [[entry["name"], *(cell(entry.get(key), digits) for key, _, digits in shown)] for entry in section["scores"]]
    level = level_words(section["scores"][0]["pearson"]["level"])
    return Table(
        caption=f"Agreement with {section['scale']}, {level}; errors in points of the scale; {people(section)}.",
        columns=["Score", *(title for _, title, _ in shown)],
        rows=rows,
        emphasis=(0,),
    )


def _bland_altman(entry: Mapping[str, Any], section: Mapping[str, Any], place: int | None) -> Figure:
    means, gaps = entry["points"]["mean"], entry["points"]["difference"]
    lines = [entry[key] for key in ("lower_limit", "bias", "upper_limit")]
    low = min([*gaps, *(line["low"] for line in lines)])
    high = max([*gaps, *(line["high"] for line in lines)])
    margin = 0.05 * (high - low) or 1.0
    left, right = min(means), max(means)
    room = 0.04 * (right - left) or 1.0
    canvas = Canvas(x_range=(left - room, right + room), y_range=(low - margin, high + margin))
    canvas.axes("Mean of prediction and scale (points)", "Prediction − scale (points)")
    stroke, _ = series_style(place)
    for line, dash in zip(lines, ("6 4", "", "6 4"), strict=True):
        ends = [left - room, right + room]
        canvas.area(ends, [line["low"]] * 2, [line["high"]] * 2, fill=colour("standard"))
        canvas.line(ends, [line["value"]] * 2, stroke=colour("ink"), width=1.3, dash=dash)
    for x, y in zip(means, gaps, strict=True):
        canvas.parts.append(
            f'<circle cx="{canvas.x(x):.1f}" cy="{canvas.y(y):.1f}" r="2.6" fill-opacity="0.55" style="fill:{stroke}"/>'
        )
    told = f"Bias {cell(entry['bias'])}; limits {cell(entry['lower_limit'])} and {cell(entry['upper_limit'])} points."
    return Figure(
        name=f"bland-altman-{slug(entry['name'])}",
        title=f"{entry['name']} against the scale",
        caption=(
            "Difference over the mean of both (Bland-Altman). Line: bias; dashes: limits within which 95 % of the "
            "differences "
            f"lie, with intervals. {told} {people(section)}, {len(means)} drawn."
        ),
        alt=f"Bland-Altman plot of {entry['name']} against {section['scale']}. {told}",
        svg=canvas.svg(f"Bland-Altman plot of {entry['name']}. {told}"),
        columns=("mean", "difference"),
        data=list(zip(means, gaps, strict=True)),
    )


def _changes(section: Mapping[str, Any]) -> Table:
    rows = []
    for row in section["scores"]:
        for key, words in (
            ("response", "response (fell by half)"),
            ("remission", "remission (below the cut-off)"),
            ("improved", "reliable improvement"),
        ):
            found = row.get(key)
            if found:
                parts = [cell(found[part]) for part in ("kappa", "sensitivity", "specificity")]
                rows.append([row["name"], words, f"{found['n_true']} of {found['n']}", *parts])
    left = section["left_out_of_response"]
    more = f"; {left} who start at 0 are left out of the response" if left else ""
    return Table(
        caption=f"Do prediction and scale agree on change from first to last visit? n = {section['n']} people{more}.",
        columns=("Score", "Change", "True of", "Kappa", "Sensitivity", "Specificity"),
        rows=rows,
    )
