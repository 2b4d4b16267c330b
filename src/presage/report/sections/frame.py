"""The parts that every page has, whatever was analysed: who was there, example images, how to repeat it, limits."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import yaml

from presage.report.figures.flow import flow, flow_narrow
from presage.report.parts import Block, Code, Figure, Gallery, Notes, Part, Picture, Table, Text


def cohort(document: Mapping[str, Any]) -> Part | None:
    """Who was there, who was left out and why."""
    about = document.get("cohort", {})
    if "n_patients" not in about:
        return None
    rows = about.get("flow", [])
    n, n_cases = about["n_patients"], about.get("n_cases")
    dropped = sum(row["n"] for row in rows if row["unit"] == "patient")
    steps = [
        {"title": f"Left out: {step}", "lines": [_line(row) for row in group]}
        for step, group in groupby(rows, key=lambda row: row["step"])
    ]
    final = [f"{n} patients analysed"]
    timed = (document.get("outcome") or {}).get("kind") == "time-to-event"
    if n_cases is not None:
        final.append(
            f"{n_cases} with the event, {n - n_cases} without" if timed else f"{n_cases} cases, {n - n_cases} controls"
        )
    if about.get("n_rows"):
        final.append(f"{about['n_rows']} rows")
    if about.get("n_recordings"):
        final.append(f"{about['n_recordings']} recordings")
    told = f"{n + dropped} patients in the cohort; {dropped} left out; {', '.join(final)}"
    figure = Figure(
        name="flow",
        title="Cohort flow",
        caption=f"Who was analysed and who was left out, with the reason. n = {n} of {n + dropped} patients.",
        alt=f"{told}. " + " ".join(f"{step['title']}: {'; '.join(step['lines'])}." for step in steps),
        svg=flow(steps, final, start=f"{n + dropped} patients in the cohort", title=f"Cohort flow. {told}"),
        narrow=flow_narrow(steps, final, start=f"{n + dropped} patients in the cohort", title=f"Cohort flow. {told}"),
        columns=("step", "reason", "unit", "n"),
        data=[(row["step"], row["reason"], row["unit"], row["n"]) for row in rows],
        wide=True,
    )
    blocks: list[Block] = [Text(about["description"])] if about.get("description") else []
    return Part("cohort", "Who was analysed", [*blocks, figure], order=40)


def gallery(document: Mapping[str, Any]) -> Part | None:
    """Example images with the explanation maps that the markers gave."""
    entries = document.get("gallery") or []
    if not entries:
        return None
    pictures = [
        Picture(entry["file"], entry.get("alt") or entry.get("caption", "example image"), entry.get("caption", ""))
        for entry in entries
    ]
    return Part(
        "examples",
        "Examples, and where the scores come from",
        [
            Gallery(
                pictures,
                "Red raises the score, blue lowers it. Shown are the cases with the highest scores and the controls "
                "with "
                "the lowest, a fixed rule: the marker at its best. A map shows where a model looked, not why a disease "
                "arises.",
            )
        ],
        order=50,
    )


def repeat(document: Mapping[str, Any]) -> Part:
    """Everything that is needed to do the same again."""
    blocks: list[Block] = []
    validation = document.get("validation") or {}
    if validation:
        rows = [[key.replace("_", " "), "–" if value is None else str(value)] for key, value in validation.items()]
        blocks.append(Table("Validation", ("Setting", "Value"), rows, numeric=False))
    if document.get("markers"):
        rows = [[m["name"], m.get("role", "marker"), m.get("summary", "")] for m in document["markers"]]
        blocks.append(Table("Scores compared", ("Name", "Role", "What it is"), rows, numeric=False))
        noted = [f"{m['name']}: {note}." for m in document["markers"] for note in m.get("notes", ())]
        if noted:
            blocks.append(Text("What happened while they were fitted: " + " ".join(noted)))
    if document.get("settings"):
        text = yaml.safe_dump(document["settings"], sort_keys=True, allow_unicode=True, width=100)
        whole = "markers" in document["settings"]
        title = "The study with every default written out (YAML)" if whole else "Options that were chosen (YAML)"
        blocks.append(Code(text, "study.yaml" if whole else "options.yaml", title))
    if document.get("software"):
        rows = [[name, version] for name, version in sorted(document["software"].items())]
        blocks.append(Table("Software", ("Package", "Version"), rows, numeric=False))
    return Part("repeat", "How to repeat it", blocks, order=80)


def limitations(document: Mapping[str, Any]) -> Part:
    """What this study cannot show, in words."""
    items: list[str] = []
    if document.get("phantom"):
        items.append("The data are made up. The page shows that the software works, and nothing about medicine.")
    items += [str(item) for item in document.get("limitations", [])]
    validation = document.get("validation") or {}
    if document.get("sections") and not validation:
        items.append(
            "The scores were taken as given. If a model was trained, tuned or chosen on any of these people, "
            "every number of it is too good."
        )
    if validation.get("folds") or validation.get("given_folds"):
        items.append(
            "Cross-validation within one cohort says how well a marker works in people like these. Whether it works at "
            "another hospital, with other machines or in another population, only an external cohort can show."
        )
    about = document.get("cohort", {})
    cases = about.get("n_cases")
    timed = (document.get("outcome") or {}).get("kind") == "time-to-event"
    if timed and cases is not None and cases < 100:
        items.append(
            f"With {cases} events, the intervals are wide: fewer than 100 is below what is commonly advised for "
            "validating a prediction model."
        )
    if not timed and cases is not None and min(cases, about["n_patients"] - cases) < 100:
        items.append(
            f"With {cases} cases and {about['n_patients'] - cases} controls, the intervals are wide: fewer than 100 in "
            "one group is below what is commonly advised for validating a prediction model."
        )
    share = cases / about["n_patients"] if cases is not None and about.get("n_patients") else None
    if not timed and share is not None and 0.4 <= share <= 0.6:
        items.append(
            f"{100 * share:.0f} % of those analysed are cases, far more than in most screening populations. AUC, "
            "sensitivity and specificity carry over if cases and controls are typical; predictive values and absolute "
            "risks do not."
        )
    items.append("The comparison is of scores, not of decisions: no one was treated differently because of them.")
    return Part("limitations", "What this cannot show", [Notes(items, title="Limitations")], order=70)


def _line(row: Mapping[str, Any]) -> str:
    unit = row["unit"] if row["n"] == 1 else f"{row['unit']}s"
    return f"{row['reason']}: {row['n']} {unit}"
