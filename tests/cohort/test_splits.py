from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presage.cohort import Cohort, InputError, Outcome, Splits, make_splits, read_splits


def cohort_of(cases: list[int], **columns: list[object]) -> Cohort:
    ids = [f"{i:03d}" for i in range(len(cases))]
    patients = pd.DataFrame({"cancer": cases, **columns}, index=pd.Index(ids, name="patient_id"))
    recordings = pd.DataFrame({"patient_id": ids, "visit": "1", "kind": "picture", "path": ids})
    return Cohort(patients, recordings).with_outcome(Outcome("cancer"))


def check_invariants(cohort: Cohort, splits: Splits, folds: int, repeats: int, group: pd.Series) -> None:
    everyone = set(cohort.patient_ids)
    tested: dict[int, list[str]] = {}
    cases = pd.Series(cohort.cases(), index=list(cohort.patient_ids))
    for fold in splits:
        assert set(fold.train) | set(fold.test) == everyone
        assert not set(fold.train) & set(fold.test)
        assert not set(group[list(fold.train)]) & set(group[list(fold.test)])
        assert 0 < cases[list(fold.test)].sum() < len(fold.test)
        tested.setdefault(fold.repeat, []).extend(fold.test)
    assert sorted(tested) == list(range(repeats))
    assert all(sorted(ids) == sorted(everyone) for ids in tested.values())
    assert (splits.folds, splits.repeats, set(splits.tested)) == (folds, repeats, everyone)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(1, 3), st.data())
def test_everybody_is_tested_once_per_repeat_in_even_strata(folds: int, repeats: int, data: st.DataObject) -> None:
    n_cases = data.draw(st.integers(folds, 40))
    n_controls = data.draw(st.integers(folds, 40))
    cases = data.draw(st.permutations([1] * n_cases + [0] * n_controls))
    seed = data.draw(st.integers(0, 2**32 - 1))
    cohort = cohort_of(cases)
    splits = make_splits(cohort, folds=folds, repeats=repeats, seed=seed)
    check_invariants(cohort, splits, folds, repeats, pd.Series(cohort.patient_ids, index=list(cohort.patient_ids)))
    status = dict(zip(cohort.patient_ids, cohort.cases(), strict=True))
    for repeat in range(repeats):
        sizes = [len(f.test) for f in splits if f.repeat == repeat]
        held = [sum(status[p] for p in f.test) for f in splits if f.repeat == repeat]
        assert max(sizes) - min(sizes) <= 1
        assert max(held) - min(held) <= 1
    assert splits.to_csv() == make_splits(cohort, folds=folds, repeats=repeats, seed=seed).to_csv()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 1000), st.sampled_from(["match_set", "site"]), st.data())
def test_groups_are_never_parted(folds: int, seed: int, by: str, data: st.DataObject) -> None:
    # Groups of a case and one to three controls, as in a matched study.
    groups = data.draw(st.lists(st.integers(1, 3), min_size=folds, max_size=25))
    cases = [c for controls in groups for c in (1, *[0] * controls)]
    names = [f"g{i}" for i, controls in enumerate(groups) for _ in range(controls + 1)]
    cohort = cohort_of(cases, **{by: names})
    splits = make_splits(cohort, folds=folds, repeats=2, seed=seed, group_by=by)
    check_invariants(cohort, splits, folds, 2, cohort.patients[by])
    held = [sum(cohort.patients.loc[list(f.test), "cancer"]) for f in splits if f.repeat == 0]
    assert max(held) - min(held) <= 2


def test_matched_pairs_are_spread_evenly() -> None:
    cohort = cohort_of([1, 0] * 113, match_set=[f"m{i // 2}" for i in range(226)])
    splits = make_splits(cohort, folds=10, seed=1, group_by="match_set")
    assert {len(f.test) for f in splits} == {22, 24}


def test_the_seed_decides_and_repeats_differ() -> None:
    cohort = cohort_of([0, 1] * 20)
    one, two = (make_splits(cohort, folds=4, repeats=2, seed=s) for s in (1, 2))
    assert one.digest() != two.digest()
    first, second = ([f.test for f in one if f.repeat == r] for r in (0, 1))
    assert first != second


def test_the_splits_of_a_seed_do_not_change_with_the_version() -> None:
    splits = make_splits(cohort_of([0, 1] * 6), folds=3, seed=7)
    # Frozen: computed once with numpy's PCG64; published studies are repeated from their seed.
    assert [f.test for f in splits] == FROZEN


FROZEN = [("002", "009", "010", "011"), ("000", "003", "005", "006"), ("001", "004", "007", "008")]


def test_a_patient_without_a_group_is_a_group_alone() -> None:
    cohort = cohort_of([0, 1] * 6, match_set=["a", "a"] + [None] * 10)
    splits = make_splits(cohort, folds=3, group_by="match_set")
    assert sum({"000", "001"} <= set(f.test) for f in splits) == 1


@pytest.mark.parametrize(
    ("cases", "arguments", "message"),
    [
        ([1, 1, 0, 0, 0], {"folds": 3}, "3 folds need at least 3 cases, and the cohort has 2\nuse at most 2 folds"),
        ([1, 1, 1, 0], {"folds": 2}, "need at least 2 controls, and the cohort has 1\na cohort this small"),
        ([1, 0] * 4, {"folds": 1}, "1 folds and 1 repeats make no cross-validation"),
        ([1, 0] * 4, {"folds": 4, "group_by": "site"}, "4 folds need at least 4 groups, and there are 2 by site"),
        ([1, 1, 0, 0, 0, 0, 0, 0], {"folds": 2, "group_by": "site"}, "would have no cases: too few groups hold cases"),
        ([1, 0] * 4, {"folds": 2, "group_by": "match_set"}, "groups by match_set, and patients.csv has no such column"),
    ],
)
def test_impossible_splits_are_refused_with_the_cure(
    cases: list[int], arguments: dict[str, object], message: str
) -> None:
    cohort = cohort_of(cases, site=["a" if i < len(cases) // 2 else "b" for i in range(len(cases))])
    with pytest.raises(InputError, match=message):
        make_splits(cohort, **arguments)  # type: ignore[arg-type]


def test_a_cohort_that_became_too_small_says_who_was_left_out() -> None:
    cohort = cohort_of([1, 1, 1, 0, 0, 0]).exclude("markers", "lacks a recording that Voice needs", {"000", "001"})
    with pytest.raises(InputError, match=r"has 1; left out on the way: 2 patients \(lacks .* Voice needs: 000, 001\)"):
        make_splits(cohort, folds=2)


# --- splits.csv, as a person may leave it ---------------------------------------------------------------------------


@pytest.fixture
def cohort() -> Cohort:
    return cohort_of([0, 1] * 6, match_set=[f"m{i // 2}" for i in range(12)])


def edited(cohort: Cohort, path: Path, edit: object, **arguments: object) -> Splits:
    splits = make_splits(cohort, folds=3, repeats=2, seed=3)
    table = splits.table.copy()
    table = edit(table)  # type: ignore[operator]
    table.to_csv(path, index=False)
    return read_splits(str(path), cohort, **arguments)  # type: ignore[arg-type]


def test_what_was_written_is_read_back(cohort: Cohort, tmp_path: Path) -> None:
    splits = make_splits(cohort, folds=3, repeats=2, seed=3, group_by="match_set")
    splits.write(str(tmp_path / "splits.csv"))
    again = read_splits(str(tmp_path / "splits.csv"), cohort, group_by="match_set")
    assert list(again) == list(splits)
    assert again.digest() == splits.digest()


def test_the_same_patient_on_both_sides_is_named(cohort: Cohort, tmp_path: Path) -> None:
    def leak(table: pd.DataFrame) -> pd.DataFrame:
        extra = table[(table["repeat"] == 1) & (table["fold"] == 2) & (table["role"] == "test")].iloc[:1]
        leak.who = extra["patient_id"].item()  # type: ignore[attr-defined]
        return pd.concat([table, extra.assign(role="train")])

    with pytest.raises(InputError, match=r"repeat 1, fold 2: this split leaks: 1 patient\(s\)") as raised:
        edited(cohort, tmp_path / "s.csv", leak)
    assert leak.who in str(raised.value)  # type: ignore[attr-defined]


def test_a_match_set_on_both_sides_is_named_with_its_members(cohort: Cohort, tmp_path: Path) -> None:
    splits = make_splits(cohort, folds=3, seed=3)  # by patient: pairs are parted
    splits.write(str(tmp_path / "s.csv"))
    with pytest.raises(InputError, match=r"the same match_set is in training and in test: m\d \(\d+, \d+\)"):
        read_splits(str(tmp_path / "s.csv"), cohort, group_by="match_set")


def first(table: pd.DataFrame, role: str) -> pd.Series:
    return (table["repeat"] == 0) & (table["fold"] == 0) & (table["role"] == role)


EDITS = {
    "unknown": (lambda t: t.replace({"patient_id": {"003": "stranger"}}), r"1 patient\(s\) are not in the study: stra"),
    "twice": (lambda t: pd.concat([t, t[first(t, "train")].iloc[:1]]), "listed twice"),
    "role": (lambda t: t.replace({"role": {"test": "tset"}}), "role must be train or test: lines"),
    "number": (lambda t: t.assign(fold="one"), "fold must be a whole number from 0"),
    "column": (lambda t: t.rename(columns={"role": "part"}), "the columns must be repeat, fold, patient_id, role"),
    "nobody": (lambda t: t.iloc[:0], "lists nobody"),
    "no cases": (
        lambda t: t[~(first(t, "test") & t["patient_id"].map(lambda p: int(p) % 2 == 1))],
        r"the test side has \d patient\(s\) and no cases",
    ),
    "untested": (
        lambda t: t[~((t["repeat"] == 1) & (t["patient_id"] == "004") & (t["role"] == "test"))],
        "repeat 1: this repeat does not test the same patients as the first: 004",
    ),
    "tested twice": (
        lambda t: t.assign(role=np.where((t["repeat"] == 0) & (t["patient_id"] == "005"), "test", t["role"])),
        "tested in several folds of one repeat: 005",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_that_cannot_be_used_are_refused(cohort: Cohort, tmp_path: Path, name: str) -> None:
    edit, message = EDITS[name]
    with pytest.raises(InputError, match=message):
        edited(cohort, tmp_path / "s.csv", edit)


def test_an_official_train_and_test_split_is_accepted(cohort: Cohort, tmp_path: Path) -> None:
    ids = list(cohort.patient_ids)
    roles = ["train"] * 6 + ["test"] * 4  # two patients are in neither
    table = pd.DataFrame({"repeat": 0, "fold": 0, "patient_id": ids[:10], "role": roles})
    table.to_csv(tmp_path / "s.csv", index=False)
    splits = read_splits(str(tmp_path / "s.csv"), cohort)
    assert (splits.folds, splits.repeats, splits.tested) == (1, 1, tuple(ids[6:10]))


def test_a_missing_file_is_named(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such splits file"):
        read_splits(str(tmp_path / "none.csv"), cohort)
