"""Facts of the scales, totals from items, and totals that contradict them."""

from __future__ import annotations

import pandas as pd
import pytest

from presage.cohort import InputError
from presage.depression.scales import scale_named, scales, score, scored_columns


def items(name: str, *rows: list[object]) -> pd.DataFrame:
    """Patients A, B, ... with these items."""
    scale = scale_named(name)
    return pd.DataFrame(rows, columns=list(scale.item_columns), index=list("ABCDEFG"[: len(rows)]))


@pytest.mark.parametrize(
    ("name", "n_items", "lowest", "highest", "cutoff"),
    [
        ("phq2", 2, 0, 6, 3),
        ("phq8", 8, 0, 24, 10),
        ("phq9", 9, 0, 27, 10),
        ("gad7", 7, 0, 21, 10),
        ("sds", 20, 20, 80, 40),
        ("hamd17", 17, 0, 52, 8),
        ("bdi2", 21, 0, 63, 14),
    ],
)
def test_the_facts_of_each_scale(name: str, n_items: int, lowest: int, highest: int, cutoff: float) -> None:
    scale = scale_named(name)
    assert (scale.n_items, scale.lowest, scale.highest, scale.cutoff) == (n_items, lowest, highest, cutoff)
    assert scale.sources


def test_bands_cover_every_total_once() -> None:
    for scale in scales().values():
        for total in range(scale.lowest, scale.highest + 1):
            assert sum(band.lowest <= total <= band.highest for band in scale.bands) == 1
        assert scale.cutoff in [band.lowest for band in scale.bands]


def test_half_the_items_of_the_zung_scale_count_the_other_way_round() -> None:
    assert len(scale_named("sds").reversed_items) == 10
    ticked = score(items("sds", [1] * 20), scale_named("sds"))
    assert ticked.totals["A"] == 10 * 1 + 10 * 4
    stored = score(items("sds", [1] * 20), scale_named("sds"), reversed_already=True)
    assert stored.totals["A"] == 20


def test_items_of_the_hamilton_scale_reach_two_or_four() -> None:
    highest = [high for _, high in scale_named("hamd17").item_ranges]
    assert sum(high == 2 for high in highest) == 8
    assert sum(highest) == 52
    with pytest.raises(InputError, match="hamd17_4 must be a whole number from 0 to 2: A: 3"):
        score(items("hamd17", [0, 0, 0, 3, *[0] * 13]), scale_named("hamd17"))


def test_totals_are_computed_and_named() -> None:
    scored = score(items("phq9", [1] * 9, [3] * 9, ["0"] * 9), scale_named("phq9"))
    assert scored.totals.tolist() == [9, 27, 0]
    assert scored.bands.tolist() == ["mild", "severe", "none or minimal"]


def test_missing_items_are_prorated_only_when_asked() -> None:
    table = items("phq8", [2, 2, 2, 2, 2, 2, None, ""], [1] * 8, [None] * 8)
    plain = score(table, scale_named("phq8"))
    assert plain.totals.isna().tolist() == [True, False, True]
    assert plain.incomplete == ("A",)
    asked = score(table, scale_named("phq8"), prorate=2)
    assert asked.totals["A"] == 16
    assert (asked.prorated, asked.bands["A"]) == (("A",), "moderately severe")
    assert "1 total(s)" in asked.notes[0]
    assert "A" not in asked.notes[0].split()
    with pytest.raises(InputError, match="at most 3"):
        score(table, scale_named("phq8"), prorate=4)


def test_a_total_stands_where_items_are_missing() -> None:
    table = items("phq8", [1, None, *[1] * 6], [None] * 8).assign(phq8=["9", 4])
    assert score(table, scale_named("phq8")).totals.tolist() == [9, 4]
    alone = pd.DataFrame({"phq8": ["12", ""]}, index=["A", "B"])
    assert score(alone, scale_named("phq8")).bands.tolist() == ["moderate", None]


def test_a_total_that_contradicts_its_items_names_patient_and_both_numbers() -> None:
    table = items("phq8", [1] * 8, [2] * 8).assign(phq8=[8, 12])
    with pytest.raises(InputError, match="B: total 12, items 16"):
        score(table, scale_named("phq8"))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"phq8_1": [1]}, "some items"),
        ({**{f"gad7_{n}": [1] for n in range(1, 9)}}, "there is a column gad7_8"),
        ({"phq8": [25]}, "from 0 to 24: A: 25"),
        ({"phq8": ["many"]}, "A: many"),
        ({"phq9_1": [1.5], **{f"phq9_{n}": [1] for n in range(2, 10)}}, "phq9_1 must be a whole number"),
        ({"age": [30]}, "neither a column"),
    ],
)
def test_tables_that_do_not_fit_are_refused(columns: dict[str, list[object]], words: str) -> None:
    table = pd.DataFrame(columns, index=["A"])
    chosen = (scored_columns(table.columns) or [scale_named("phq8")])[0]
    with pytest.raises(InputError, match=words):
        score(table, chosen)


def test_an_unknown_scale_gets_a_hint() -> None:
    with pytest.raises(InputError, match="did you mean 'phq9'"):
        scale_named("PHQ-9")
