"""Whatever stands in the tables, a cohort is read or refused with a message: nothing else comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from presage.cohort import Cohort, InputError, Outcome, make_splits, read_splits
from presage.cohort.tables import parse_csv

Make = Callable[..., Path]
PIECES = [b",", b";", b"\n", b"\r\n", b'"', b"\t", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"..", b"/", b"://", b"1e5"]
PIECES += [b"nan", b"patient_id", b"001", b"path", b"\xc3\xa9", b"\xe9", b"-", b"[", b"{", b": ", b"&a *a", b"!!", b"%"]


def mutated(text: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, cut, piece in edits:
        at %= len(text) + 1
        text = text[:at] + piece + text[at + cut :]
    return text


EDITS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 8), st.sampled_from(PIECES)), min_size=1, max_size=4)


@pytest.mark.parametrize("name", ["patients.csv", "recordings.csv", "cohort.yaml"])
def test_damaged_folders(make_folder: Make, name: str) -> None:
    folder = make_folder(4, about="name: Test\noutcomes: [cancer]\nphantom: false\n")
    original = (folder / name).read_bytes()

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def attempt(edits: list[tuple[int, int, bytes]]) -> None:
        (folder / name).write_bytes(mutated(original, edits))
        try:
            cohort = Cohort.read(str(folder))
        except InputError:
            return
        assert set(cohort.recordings["patient_id"]) == set(cohort.patient_ids)
        assert len(set(cohort.patient_ids)) == len(cohort)

    attempt()


def test_damaged_splits(make_folder: Make, tmp_path: Path) -> None:
    cohort = Cohort.read(str(make_folder(8))).with_outcome(Outcome("cancer"))
    original = make_splits(cohort, folds=2).to_csv().encode()
    path = tmp_path / "splits.csv"

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def attempt(edits: list[tuple[int, int, bytes]]) -> None:
        path.write_bytes(mutated(original, edits))
        try:
            splits = read_splits(str(path), cohort)
        except InputError:
            return
        for fold in splits:
            assert not set(fold.train) & set(fold.test)

    attempt()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        table = parse_csv(data, "t.csv")
    except InputError:
        return
    assert len(set(table.columns)) == len(table.columns)
