"""DAIC-WOZ: made-up folders with the corpus' layout (the corpus itself may not be passed on)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from depression.recordings import tone, write_sound
from presage.cohort import Cohort, InputError, Outcome, check_cohort, kind_named, read_splits
from presage.depression.importers import import_daic_woz

HEAD = (
    "Participant_ID,PHQ8_Binary,PHQ8_Score,Gender,PHQ8_NoInterest,PHQ8_Depressed,PHQ8_Sleep,PHQ8_Tired,PHQ8_Appetite,"
    "PHQ8_Failure,PHQ8_Concentrating,PHQ8_Moving\n"
)
TRAIN = HEAD + "301,0,8,1,1,1,1,1,1,1,1,1\n302,1,16,0,2,2,2,2,2,2,2,2\n303,0,10,0,2,2,1,1,1,1,1,1\n"
# One item of 318 is missing, as of one participant of the corpus.
DEV = HEAD + "318,0,3,1,1,,1,0,0,1,0,0\n319,1,12,0,2,2,2,2,1,1,1,1\n"
TEST = "Participant_ID,PHQ_Binary,PHQ_Score,Gender\n320,0,4,1\n321,1,20,0\n330,0,1,0\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Seven participants in three splits; the recording of one ends before its transcript."""
    root = tmp_path / "daic"
    for number in (301, 302, 303, 318, 319, 320, 321):
        folder = root / f"{number}_P"
        write_sound(folder / f"{number}_AUDIO.wav", tone(1 if number == 303 else 4, hertz=number))
        (folder / f"{number}_TRANSCRIPT.csv").write_text(
            "start_time\tstop_time\tspeaker\tvalue\n"
            f"0.2\t1.0\tEllie\thello {number}\n1.5\t3.5\tParticipant\thi {number}\n"
        )
        (folder / f"{number}_COVAREP.csv").write_text("0,1\n")
        (folder / f"{number}_CLNF_AUs.txt").write_text("0,1\n")
    (root / "301_P" / "._301_TRANSCRIPT.csv").write_bytes(b"\0\5")
    (root / "train_split_Depression_AVEC2017.csv").write_text(TRAIN)
    (root / "dev_split_Depression_AVEC2017.csv").write_text(DEV)
    (root / "test_split_Depression_AVEC2017.csv").write_text("participant_ID,Gender\n320,1\n321,0\n330,0\n")
    (root / "full_test_split.csv").write_text(TEST)
    return root


def test_interviews_scores_and_official_split_come_in(source: Path, tmp_path: Path) -> None:
    summary = import_daic_woz(str(source), str(tmp_path / "c"))
    assert (summary.n_patients, summary.n_recordings) == (7, 13)
    assert [file for file, _ in summary.excluded] == ["301_P/._301_TRANSCRIPT.csv", "303_P/303_AUDIO.wav"]
    assert (summary.facts["cases"], summary.facts["controls"]) == (4, 3)
    report = check_cohort(str(tmp_path / "c"))
    assert report.kinds == {"audio": {"all": 6}, "transcript": {"all": 7}}
    cohort = report.cohort.with_outcome(Outcome("phq8", "scale", cutoff=10))
    assert cohort.patients["phq8"].to_dict() == {
        "301": 8, "302": 16, "303": 10, "318": 3, "319": 12, "320": 4, "321": 20
    }  # fmt: skip
    assert {"phq8", "phq8_1", "phq8_8"} <= set(cohort.outcome_columns)
    assert cohort.patients.loc["301", "gender"] == 1
    fold = next(iter(read_splits(str(tmp_path / "c" / "splits.csv"), cohort)))
    assert (fold.train, fold.test) == (("301", "302", "318", "319"), ("320", "321"))
    recording = next(r for r in cohort.iter_recordings() if r.kind == "transcript")
    assert kind_named("transcript").read(recording).participant().text == "hi 301"
    notes = " ".join(summary.notes)
    assert "contradicts the score of 303" in notes
    assert "14 file(s) of derived features" in notes
    assert "318, 321" in notes
    assert "1 participant(s) of the label files have no recording" in notes


def test_the_development_set_may_be_the_test_side(source: Path, tmp_path: Path) -> None:
    summary = import_daic_woz(str(source), str(tmp_path / "c"), evaluate="dev")
    # A run that counts 303 out, whose sound is cut, would refuse a split that lists him.
    assert "The split leaves out 1 participant(s) who lack sound or transcript." in summary.notes
    cohort = Cohort.read(str(tmp_path / "c")).with_outcome(Outcome("phq8", "scale", cutoff=10))
    fold = next(iter(read_splits(str(tmp_path / "c" / "splits.csv"), cohort)))
    assert (fold.train, fold.test) == (("301", "302"), ("318", "319"))
    with pytest.raises(InputError, match="dev or test"):
        import_daic_woz(str(source), str(tmp_path / "d"), evaluate="all")


def test_without_scores_of_the_test_set_the_development_set_is_tested(source: Path, tmp_path: Path) -> None:
    (source / "full_test_split.csv").unlink()
    summary = import_daic_woz(str(source), str(tmp_path / "c"))
    splits = pd.read_csv(tmp_path / "c" / "splits.csv", dtype=str)
    assert set(splits.loc[splits["role"] == "test", "patient_id"]) == {"318", "319"}
    assert any("2 participant(s) with recordings have no PHQ-8" in note for note in summary.notes)


def test_a_person_in_two_splits_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "dev_split_Depression_AVEC2017.csv").write_text(DEV + "302,1,16,0,2,2,2,2,2,2,2,2\n")
    with pytest.raises(InputError, match="in two splits: 302"):
        import_daic_woz(str(source), str(tmp_path / "c"))
    assert not (tmp_path / "c" / "patients.csv").exists()


def test_a_total_that_contradicts_its_items_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "train_split_Depression_AVEC2017.csv").write_text(TRAIN.replace("301,0,8", "301,0,9"))
    with pytest.raises(InputError, match="301: total 9, items 8"):
        import_daic_woz(str(source), str(tmp_path / "c"))


def test_without_interviews_or_labels_nothing_is_made(source: Path, tmp_path: Path) -> None:
    for file in source.glob("*.csv"):
        file.unlink()
    with pytest.raises(InputError, match="no labels"):
        import_daic_woz(str(source), str(tmp_path / "c"))
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.txt").write_text("a")
    with pytest.raises(InputError, match="300_P"):
        import_daic_woz(str(tmp_path / "s"), str(tmp_path / "c"))
