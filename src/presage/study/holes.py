"""Holes: tasks that failed for good. The rest of a study is finished, and its findings name what is missing.

A marker with a hole is left out of every statistic: numbers over the folds that happened to succeed would look like
those of the whole cohort and are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from presage.cohort import InputError
from presage.study.engine import Report
from presage.study.plan import Study
from presage.study.task import ENCODINGS, Task


def holes_of(failed: Sequence[Report], tasks: Sequence[Task], names: Sequence[str]) -> list[dict[str, Any]]:
    """For each marker with failed tasks: which, of how many, and why in words that name no patient and no file.

    Parameters
    ----------
    failed
        Reports of the tasks that failed.
    tasks
        All tasks of the study.
    names
        Of the markers by position.
    """
    holes = []
    for position in sorted({report.task.marker for report in failed}):
        mine = sorted((r for r in failed if r.task.marker == position), key=lambda r: (r.task.repeat, r.task.fold))
        holes.append(
            {
                "marker": names[position],
                "failed": [[report.task.repeat, report.task.fold] for report in mine],
                "of": sum(task.marker == position for task in tasks),
                "why": sorted({reason(report) for report in mine}),
            }
        )
    return holes


def reason(report: Report) -> str:
    """Why a task failed, by its kind alone: messages may name a patient or a file, and findings are passed on."""
    if report.trace:
        return f"the {'encoder' if report.task.kind == ENCODINGS else 'marker'} raised {report.error.partition(':')[0]}"
    return "its worker died" if report.died else "its input could not be used"


def bearable(study: Study, holes: Sequence[dict[str, Any]]) -> bool:
    """Whether a comparison is left: the standard, the primary marker where one is named, and at least one marker."""
    missing = {hole["marker"] for hole in holes}
    kept = [plan.name for plan in study.markers if plan.name not in missing]
    return study.standard.name not in missing and study.report.get("primary") not in missing and bool(kept)


def incomplete(holes: Sequence[dict[str, Any]], folder: str) -> InputError:
    """What a command says at its end where findings were written without some markers."""
    names = ", ".join(repr(hole["marker"]) for hole in holes)
    count = sum(len(hole["failed"]) for hole in holes)
    return InputError(
        f"the findings are incomplete: {count} task(s) failed, and {names} is left out of every statistic",
        where=folder,
        cure="see what is said above (or `presage status`); after the cure the same command does what is missing",
    )
