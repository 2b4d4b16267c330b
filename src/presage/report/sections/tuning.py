"""Settings that were tuned inside the training folds."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from presage.findings.words import number
from presage.report.figures.search import search
from presage.report.parts import Block, Figure, Part, Table, Text
from presage.report.sections.common import closing, opening, slug


def tuning(section: Mapping[str, Any], document: Mapping[str, Any]) -> Part:
    """Renderer of the section ``tuning``, which comes from the study and from no analysis."""
    blocks: list[Block] = opening(section)
    for entry in section["markers"]:
        blocks += [Text(_how(entry)), _space(entry), _choices(entry), _figure(entry)]
    return Part("tuning", section["title"], [*blocks, *closing(section)], order=66)


def _how(entry: Mapping[str, Any]) -> str:
    counts = {state: sum(fold[state] for fold in entry["outer"]) for state in ("complete", "pruned", "failed")}
    trials = sum(len(fold["values"]) for fold in entry["outer"])
    repeats = f"{entry['inner_repeats']} × " if entry["inner_repeats"] > 1 else ""
    pruning = {"none": "none was given up early", "median": "median pruning", "halving": "successive halving"}
    return (
        f"{entry['name']}: in each of {len(entry['outer'])} training folds up to {entry['trials']} sets of settings, "
        "the first as given and the others proposed by a tree-structured Parzen estimator (Optuna), were judged by "
        f"their {entry['score_title']} ({'higher' if entry['higher_is_better'] else 'lower'} is better) in {repeats}"
        f"{entry['inner_folds']} inner folds by {str(entry['group_by']).replace('_', ' ')}. Of {trials} trials "
        f"{counts['complete']} were completed, {counts['pruned']} given up early ({pruning[entry['pruning']]}) and "
        f"{counts['failed']} failed: {entry['inner_fits']:,} inner fits."
    )


def _space(entry: Mapping[str, Any]) -> Table:
    rows = [
        [setting["setting"], setting["values"], _plain(setting["given"]), setting["chosen"]]
        for setting in entry["space"]
    ]
    caption = f"{entry['name']}: what was searched, and how stable the choice was over {len(entry['outer'])} folds"
    return Table(caption, ("Setting", "Values tried", "As given", "Chosen"), rows, numeric=False)


def _choices(entry: Mapping[str, Any]) -> Table:
    names = [setting["setting"] for setting in entry["space"]]
    rows = [
        [
            f"{fold['repeat'] + 1}.{fold['fold'] + 1}",
            *(_plain(fold["chosen"][name]) for name in names),
            number(fold["value"], 3),
            number(fold["value_as_given"], 3),
        ]
        for fold in entry["outer"]
    ]
    caption = (
        f"{entry['name']}: chosen settings by outer fold (repeat.fold), with the inner {entry['score_title']} of the "
        "choice and of the settings as given; optimistic, for it is the best of many"
    )
    return Table(caption, ("Fold", *names, "Inner score", "Inner score as given"), rows)


def _figure(entry: Mapping[str, Any]) -> Figure:
    best = [fold["value"] for fold in entry["outer"]]
    given = [fold["value_as_given"] for fold in entry["outer"] if fold["value_as_given"] is not None]
    started = f", from {number(median(given), 3)} with the settings as given" if given else ""
    told = (
        f"Inner {entry['score_title']} by trial. Median over {len(best)} training folds of the best: "
        f"{number(median(best), 3)}{started}"
    )
    return Figure(
        name=f"tuning-{slug(entry['name'])}",
        title=f"The search: {entry['name']}",
        caption=(
            f"Inner {entry['score_title']} of every completed trial of {len(best)} training folds (circles), the "
            "chosen ones (squares), and the median over the folds of the best so far (line). No test patient is in it."
        ),
        alt=f"{told}.",
        svg=search(
            [fold["values"] for fold in entry["outer"]],
            [fold["trial"] for fold in entry["outer"]],
            higher=entry["higher_is_better"],
            label=f"Inner {entry['score_title']}",
            title=told,
        ),
        columns=("repeat", "fold", "trial", "inner_score", "chosen"),
        data=[
            (fold["repeat"] + 1, fold["fold"] + 1, position + 1, value, "yes" if position == fold["trial"] else "no")
            for fold in entry["outer"]
            for position, value in enumerate(fold["values"])
            if value is not None
        ],
    )


def _plain(value: Any) -> str:
    return number(value, 3) if isinstance(value, float) and 0.01 <= abs(value) < 1000 else _short(value)


def _short(value: Any) -> str:
    return f"{value:.3g}".replace("-", "−") if isinstance(value, float) else str(value)
