"""What the findings say of tuning: what was searched, what each training fold chose, and how alike the choices are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from statistics import median
from typing import Any

from presage.findings.words import joined
from presage.study.inner import LOWER_IS_BETTER
from presage.study.plan import MarkerPlan
from presage.study.search_space import Values

#: (repeat, fold, what :meth:`presage.study.tuning.Tuning.plain` gave) of each outer training fold.
Outer = tuple[int, int, Mapping[str, Any]]

_SCORES = {
    "auc": "AUC",
    "brier": "Brier score",
    "log-loss": "log loss",
    "mae": "mean absolute error",
    "concordance": "concordance (Harrell)",
}


def tuning_section(
    plans: Sequence[MarkerPlan], group_by: str, found: Mapping[str, Sequence[Outer]]
) -> dict[str, Any] | None:
    """The section ``tuning``; None where nothing was tuned. It holds settings and scores, and no patient.

    Parameters
    ----------
    plans
        Of the study, in its order.
    group_by
        Who is never on both sides of an inner fold.
    found
        By marker, every outer fold of it.
    """
    entries = [_entry(plan, group_by, found[plan.name]) for plan in plans if found.get(plan.name)]
    if not entries:
        return None
    fits = sum(entry["inner_fits"] for entry in entries)
    return {
        "title": "Settings that were tuned",
        "sentence": (
            f"The settings of {joined([entry['name'] for entry in entries])} were chosen inside each training fold. "
            "The outer test folds played no part in the choice, so the results above count its price. The inner scores "
            "below are the best of many and therefore optimistic: they are no result."
        ),
        "markers": entries,
        "inner_fits": fits,
        "caveats": [remark for entry in entries for remark in _remarks(entry)],
    }


def _entry(plan: MarkerPlan, group_by: str, outer: Sequence[Outer]) -> dict[str, Any]:
    assert plan.tune is not None
    score = outer[0][2]["score"]
    folds = [_outer(*one) for one in sorted(outer, key=lambda one: one[:2])]
    defaults = outer[0][2]["trials"][0]["settings"]
    space = []
    for name, values in sorted(plan.tune.space.items()):
        chosen = [fold["chosen"][name] for fold in folds]
        space.append(
            {
                "setting": name,
                "values": values.words(),
                "logarithmic": values.log,
                "given": defaults[name],
                "chosen": _spread(chosen, values),
                "different": len({str(value) for value in chosen}),
                "at_the_end": _at_the_end(chosen, values),
            }
        )
    return {
        "name": plan.name,
        "score": score,
        "score_title": _SCORES[score],
        "higher_is_better": score not in LOWER_IS_BETTER,
        "trials": plan.tune.trials,
        "inner_folds": plan.tune.folds,
        "inner_repeats": plan.tune.repeats,
        "group_by": group_by,
        "pruning": plan.tune.prune or "none",
        "inner_fits": sum(fold["inner_fits"] for fold in folds),
        "space": space,
        "outer": folds,
    }


def _outer(repeat: int, fold: int, tuning: Mapping[str, Any]) -> dict[str, Any]:
    trials = tuning["trials"]
    states = [trial["status"] for trial in trials]
    # The same settings tried again were not fitted again.
    fits = {str(sorted(trial["settings"].items())): len(trial["folds"]) for trial in trials}
    return {
        "repeat": repeat,
        "fold": fold,
        "chosen": tuning["chosen"]["settings"],
        "trial": tuning["chosen"]["trial"],
        "value": tuning["chosen"]["value"],
        "value_as_given": trials[0]["value"],
        "values": [trial["value"] for trial in trials],
        "complete": states.count("complete"),
        "pruned": states.count("pruned"),
        "failed": states.count("failed"),
        "inner_fits": sum(fits.values()),
    }


def _spread(chosen: Sequence[Any], values: Values) -> str:
    """How alike the choices of the folds are, in words."""
    n = len(chosen)
    if len({str(value) for value in chosen}) == 1:
        return f"{_plain(chosen[0])} in {'the one fold' if n == 1 else f'all {n} folds'}"
    if values.choice is None and all(map(_is_number, chosen)):
        low, middle, high = min(chosen), median(chosen), max(chosen)
        return f"{_plain(low)} to {_plain(high)}, median {_plain(middle)}"
    # Also a range, where what stands outside it as given ("auto", none) was chosen by some folds.
    listed = [_plain(value) for value in chosen]
    counts = sorted({value: listed.count(value) for value in listed}.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{value} in {count}" for value, count in counts) + f" of {n} folds"


def _at_the_end(chosen: Sequence[Any], values: Values) -> int | None:
    """In how many folds the choice lies within 2 % of an end of its range; None where there are few values."""
    if values.choice is not None or (all(isinstance(value, int) for value in chosen) and _few(values)):
        return None
    first, last = values.ends()
    inside = [value for value in chosen if _is_number(value) and first <= value <= last]
    low, high = (log(end) if values.log else end for end in (first, last))
    placed = [((log(value) if values.log else value) - low) / (high - low) for value in inside]
    return sum(not 0.02 < place < 0.98 for place in placed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _few(values: Values) -> bool:
    low, high = values.ends()
    return (high - low) / (values.step or 1) < 5


def _remarks(entry: Mapping[str, Any]) -> list[str]:
    name, folds = entry["name"], entry["outer"]
    n, remarks = len(folds), []
    for setting in entry["space"]:
        if (setting["at_the_end"] or 0) > n / 2:
            remarks.append(
                f"{name}: {setting['setting']} was chosen at an end of its range in {setting['at_the_end']} of {n} "
                "folds, so better values may lie outside. Whoever widens the range after these results says so."
            )
    kept = sum(fold["trial"] == 0 for fold in folds)
    if kept > n / 2:
        remarks.append(f"{name}: in {kept} of {n} folds no trial did better than the settings as given.")
    failed = sum(fold["failed"] for fold in folds)
    if failed:
        trials = sum(len(fold["values"]) for fold in folds)
        remarks.append(
            f"{name}: {failed} of {trials} trials failed; the reasons are in the run folder, with the tasks."
        )
    return remarks


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
