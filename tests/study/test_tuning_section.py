from __future__ import annotations

from typing import Any

import pytest

from presage.report.parts import Figure, Notes, Table, Text
from presage.report.sections.tuning import tuning
from presage.study.plan import MarkerPlan
from presage.study.search_space import TunePlan, Values, whole_numbers
from presage.study.tuning_section import tuning_section

SPACE = {
    "terms": {"low": 1, "high": 20},
    "mood": {"choice": ["calm", "loud"]},
    "rate": {"low": 0.001, "high": 1.0, "log": True},
}


def trial(value: float | None, status: str = "complete", folds: int = 3, **settings: Any) -> dict[str, Any]:
    told = {"terms": 5, "mood": "calm", "rate": 0.1, **settings}
    return {"settings": told, "status": status, "value": value, "folds": [0.5] * folds, "reason": ""}


def outer(fold: int, trials: list[dict[str, Any]], chosen: int) -> tuple[int, int, dict[str, Any]]:
    best = {"trial": chosen, "settings": trials[chosen]["settings"], "value": trials[chosen]["value"]}
    return 0, fold, {"score": "auc", "folds": 3, "repeats": 1, "trials": trials, "chosen": best}


def section(*found: tuple[int, int, dict[str, Any]]) -> dict[str, Any]:
    plan = MarkerPlan(marker="m", name="M", tune=TunePlan(trials=4, space=SPACE))
    told = tuning_section([MarkerPlan(marker="s", name="S"), plan], "patient", {"M": list(found), "S": []})
    assert told is not None
    return told


def test_what_the_folds_chose_is_told_with_how_far_they_agree() -> None:
    trials = [
        trial(0.6),
        trial(0.7, terms=20, rate=0.9999),
        trial(None, "pruned", 1, terms=9),
        trial(None, "failed", 0),
    ]
    told = section(
        outer(1, trials, 1), outer(0, trials, 1), outer(2, [*trials[:1], trial(0.8, mood="loud", terms=20)], 1)
    )
    entry = told["markers"][0]
    assert [fold["fold"] for fold in entry["outer"]] == [0, 1, 2]
    assert [(fold["complete"], fold["pruned"], fold["failed"]) for fold in entry["outer"]] == [
        (2, 1, 1),
        (2, 1, 1),
        (2, 0, 0),
    ]
    by_name = {setting["setting"]: setting for setting in entry["space"]}
    assert by_name["terms"]["chosen"] == "20 in all 3 folds"
    assert by_name["mood"]["chosen"] == "calm in 2, loud in 1 of 3 folds"
    assert by_name["rate"]["chosen"] == "0.1 to 1, median 1"
    assert by_name["rate"]["values"] == "0.001 to 1, logarithmic"
    assert (by_name["terms"]["at_the_end"], by_name["mood"]["at_the_end"], by_name["rate"]["at_the_end"]) == (
        3,
        None,
        2,
    )
    # Equal settings are fitted once: the failed trial repeats the first.
    assert entry["outer"][2]["inner_fits"] == 6
    assert any("terms was chosen at an end of its range in 3 of 3 folds" in remark for remark in told["caveats"])
    assert any("2 of 10 trials failed" in remark for remark in told["caveats"])
    assert tuning_section([MarkerPlan(marker="s", name="S")], "patient", {"S": []}) is None


def test_what_was_given_may_lie_outside_the_range() -> None:
    given, other = [trial(0.9, rate="auto", terms=50)], [trial(0.6), trial(0.7, rate=0.2)]
    told = section(outer(0, given, 0), outer(1, other, 1), outer(2, given, 0))
    by_name = {setting["setting"]: setting for setting in told["markers"][0]["space"]}
    assert by_name["rate"]["chosen"] == "auto in 2, 0.2 in 1 of 3 folds"
    assert by_name["terms"]["chosen"] == "5 to 50, median 50"
    assert (by_name["rate"]["at_the_end"], by_name["terms"]["at_the_end"]) == (0, 0)
    assert tuning(told, {}).name == "tuning"


def test_the_part_of_the_page_has_tables_a_figure_and_the_warning() -> None:
    failed_first = [trial(None, "failed", 0), trial(0.75, terms=6)]
    told = section(outer(0, failed_first, 1), outer(1, failed_first, 1))
    part = tuning(told, {})
    texts = [block.text for block in part.blocks if isinstance(block, Text)]
    assert "outer test folds played no part" in texts[0]
    assert "Of 4 trials 2 were completed, 0 given up early (median pruning) and 2 failed: 6 inner fits." in texts[1]
    tables = [block for block in part.blocks if isinstance(block, Table)]
    assert list(tables[0].rows[2]) == ["terms", "1 to 20", "5", "6 in all 2 folds"]
    assert list(tables[1].rows[0]) == ["1.1", "calm", "0.100", "6", "0.750", "–"]
    figure = next(block for block in part.blocks if isinstance(block, Figure))
    assert figure.data == [(1, 1, 2, 0.75, "yes"), (1, 2, 2, 0.75, "yes")]
    assert figure.svg.count("<circle") == 2
    assert figure.svg.count("<rect") == 2
    assert any(isinstance(block, Notes) for block in part.blocks)


def test_whole_numbers_by_the_type_of_the_setting_or_by_the_ends() -> None:
    from test_tuning import Ridge

    assert whole_numbers(Ridge, "terms", Values(low=1, high=2))
    assert not whole_numbers(Ridge, "penalty", Values(low=1, high=2))


def test_where_a_value_stands() -> None:
    assert Values(choice=["CC", None]).place_of(None) == 1
    assert Values(choice=["CC", "MLO"]).place_of("both") is None
    assert Values(low=1, high=9, step=2).place_of(5) == 5
    stray = [Values(low=1, high=9, step=2).place_of(4), *map(Values(low=0, high=9).place_of, (10, "auto", True, None))]
    assert stray == [None] * 5


@pytest.mark.parametrize(("told", "words"), [
    ({"low": 0, "high": 1, "step": 0.25}, "0 to 1, in steps of 0.25"),
    ({"choice": ["CC", "MLO", None]}, "CC, MLO, None"),
])  # fmt: skip
def test_values_in_words_and_back(told: dict[str, Any], words: str) -> None:
    assert Values(**told).words() == words
    assert Values(**told).model_dump() == told
