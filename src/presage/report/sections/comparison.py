"""The answer: each marker beside the standard, as a figure and as the table of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import level_words, limits, number, p_value, percent, signed
from presage.report.figures.forest import Row, forest, forest_narrow
from presage.report.parts import Figure, Part, Table
from presage.report.sections.common import closing, computed, people, series


def comparison(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the analysis ``comparison``. Its sentence heads the whole page, so it is not repeated here."""
    discrimination = computed(document, "discrimination")
    return Part(
        "comparison",
        "Against the standard of today",
        [_figure(section, discrimination, document), _table(section, discrimination, document), *closing(section)],
        order=10,
    )


def _figure(section: Mapping[str, Any], discrimination: Mapping[str, Any], document: Mapping[str, Any]) -> Figure:
    standard, number_of = section["standard"], series(document)
    entries = [(standard, None), *((row, number_of.get(row["name"], 0)) for row in section["markers"])]
    level = level_words(standard["auc"]["level"])
    told = "; ".join(f"{e['name']} {number(e['auc']['value'])} ({limits(e['auc'])})" for e, _ in entries)
    rows = [Row(entry["name"], entry["auc"], place) for entry, place in entries]
    label, title = "Area under the ROC curve (AUC)", f"AUC of each marker beside the standard. {told}"
    return Figure(
        name="auc",
        title="AUC of each marker beside the standard",
        caption=(
            f"Area under the ROC curve with {level}"
            + (f", {people(discrimination)}" if discrimination else "")
            + f". Square and grey band: the standard, {standard['name']}. Dotted line: chance."
        ),
        alt=f"AUC with {level}: {told}.",
        svg=forest(rows, label=label, title=title, reference=0.5, reference_label="chance", band=standard["auc"]),
        narrow=forest_narrow(rows, label=label, title=title, reference=0.5),
        columns=("score", "auc", "low", "high"),
        data=[(e["name"], e["auc"]["value"], e["auc"]["low"], e["auc"]["high"]) for e, _ in entries],
        wide=True,
    )


def _table(section: Mapping[str, Any], discrimination: Mapping[str, Any], document: Mapping[str, Any]) -> Table:
    settings = {marker["name"]: marker.get("settings", {}) for marker in document.get("markers", [])}
    what = [key for key in ("input", "views") if any(settings.get(m["name"], {}).get(key) for m in section["markers"])]
    points = {entry["name"]: entry["sensitivity_at"] for entry in discrimination.get("scores", [])}
    fixed = [point["specificity"] for point in next(iter(points.values()), [])]
    several = len(section["markers"]) > 1
    level = level_words(section["standard"]["auc"]["level"])
    columns = ["Model", *(key.capitalize() for key in what), f"AUC ({level})", "Difference from the standard"]
    primary = section.get("primary") if several else None
    holm = len(section["markers"]) - (primary is not None) > 1
    columns += ["p (Holm)" if holm else "p", "Relative gain", "Verdict"]
    columns += [f"Sensitivity at {percent(value)} specificity" for value in fixed]
    rows = []
    for entry in (section["standard"], *section["markers"]):
        inputs = [_setting(settings.get(entry["name"], {}).get(key)) for key in what]
        found = points.get(entry["name"], [])
        rows.append([entry["name"], *inputs, _estimate(entry["auc"]), *_against(entry)] + [_share(p) for p in found])
    return Table(
        caption=(
            f"Every marker beside the standard ({section['standard']['name']}, first row)"
            + (f", {people(discrimination)}" if discrimination else "")
            + ". A relative gain is read beside both AUCs."
            + (f" Named in advance as the one to judge, p without adjustment: {primary}." if primary else "")
        ),
        columns=columns,
        rows=rows,
        emphasis=(0,),
    )


def _against(entry: Mapping[str, Any]) -> list[str]:
    if "difference" not in entry:
        return ["–", "–", "–", "the standard"]
    difference, gain = entry["difference"], entry["relative_gain"]
    return [
        f"{signed(difference['value'])} ({limits(difference)})",
        p_value(entry["p_adjusted"]).removeprefix("p ").removeprefix("= "),
        "–" if gain is None else f"{signed(100 * gain, 0)} %",
        entry["verdict"],
    ]


def _estimate(estimate: Mapping[str, Any]) -> str:
    return f"{number(estimate['value'])} ({limits(estimate)})"


def _share(point: Mapping[str, Any]) -> str:
    share = point["sensitivity"]
    low, high = number(100 * share["low"], 0), number(100 * share["high"], 0)
    return f"{percent(share['value'])} ({low} to {high})"


def _setting(value: Any) -> str:
    return (
        "–" if value is None else "+".join(map(str, value)) if isinstance(value, list) else str(value).replace("-", " ")
    )
