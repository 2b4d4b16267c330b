"""What every importer shares: a new folder, the source's files, and tables of outcomes that name nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from presage.cohort import InputError
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files
from presage.cohort.outcome_tables import outcome_columns, patients_with_outcomes, read_outcomes


def test_a_cohort_is_never_written_over(tmp_path: Path) -> None:
    assert new_cohort_folder(str(tmp_path / "new")) == str(tmp_path / "new")
    (tmp_path / "recordings.csv").write_text("patient_id\n")
    with pytest.raises(InputError, match=r"recordings\.csv in the folder already"):
        new_cohort_folder(str(tmp_path))


def test_files_are_listed_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a.txt", "b/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert source_files(str(tmp_path)) == (str(tmp_path), ["a.txt", "b/1.txt", "b/2.txt"])
    (tmp_path / "empty").mkdir()
    for folder, words in (("empty", "holds no file"), ("none", "no such folder")):
        with pytest.raises(InputError, match=words):
            source_files(str(tmp_path / folder))


def test_reasons_are_counted() -> None:
    summary = ImportSummary(1, 1, [("a", "empty"), ("b", "silent"), ("c", "silent")])
    assert summary.reasons == {"silent": 2, "empty": 1}


def test_outcomes_meet_the_patients_and_say_who_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("patient_id,phq8,age\nA,3,40\nC,9,50\n")
    patients, notes = patients_with_outcomes({"p1": "A", "p2": "B"}, read_outcomes(str(path)), ids="codes")
    assert patients["patient_id"].tolist() == ["p1", "p2"]
    assert patients["phq8"].tolist()[0] == "3"
    assert notes == [
        "1 patient(s) with recordings have no row in the outcomes table.",
        "1 row(s) of the outcomes table have no usable recording.",
    ]
    assert outcome_columns(patients, "") == ("phq8",)
    with pytest.raises(InputError, match="holds codes"):
        patients_with_outcomes({"p1": "X"}, read_outcomes(str(path)), ids="codes")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient_id,surname\nA,x\n", "'surname' may identify"),
        ("id,phq8\nA,1\n", "no column patient_id"),
        ("patient_id,phq8\nA,1\nA,2\n", "more than one row"),
    ],
)
def test_tables_of_outcomes_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_outcomes(str(path))
