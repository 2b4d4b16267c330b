"""The EATD corpus: on made-up folders like its own, and on the corpus itself where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from depression.recordings import tone, write_sound
from presage.cohort import Cohort, InputError, Outcome, check_cohort, kind_named
from presage.depression.importers import import_eatd


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two volunteers; the second one's neutral answer was not recorded."""
    for number, (volunteer, raw) in enumerate([("t_1", 37), ("v_10", 43)]):
        folder = tmp_path / "eatd" / volunteer
        for index, answer in enumerate(("positive", "neutral", "negative")):
            if (volunteer, answer) != ("v_10", "neutral"):
                write_sound(folder / f"{answer}.wav", tone(1, hertz=200 + 30 * index + 10 * number))
            (folder / f"{answer}.txt").write_text(f"我{'很' * (index + 3 * number + 1)}好", encoding="utf-8")
        (folder / "label.txt").write_text(f"{raw:.1f}")
        (folder / "new_label.txt").write_text(f"{1.25 * raw:.6f}")
    return tmp_path / "eatd"


def test_answers_and_index_come_in(source: Path, tmp_path: Path) -> None:
    summary = import_eatd(str(source), str(tmp_path / "c"))
    assert (summary.n_patients, summary.n_recordings) == (2, 11)
    assert summary.excluded == [("v_10/neutral.wav", "audio missing in the corpus")]
    assert (summary.facts["cases"], summary.facts["controls"]) == (1, 1)
    report = check_cohort(str(tmp_path / "c"))
    assert report.kinds == {"audio": {"all": 5}, "transcript": {"all": 6}}
    assert report.cohort.outcome_columns == ("sds_index", "sds")
    cohort = report.cohort.with_outcome(Outcome("sds_index", "scale", cutoff=53))
    assert cohort.cases().tolist() == [False, True]
    recording = next(r for r in cohort.iter_recordings() if r.kind == "transcript")
    assert (recording["answer"], recording["language"]) == ("positive", "zh")
    assert kind_named("transcript").read(recording).participant().text == "我很好"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("new_label.txt", "50.0", "1.25 x 37"),
        ("label.txt", "12", "from 20 to 80"),
        ("label.txt", "", "must be a number"),
        ("label.txt", None, r"no label\.txt"),
    ],
)
def test_labels_that_contradict_are_refused(
    source: Path, tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    path = source / "t_1" / name
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        import_eatd(str(source), str(tmp_path / "c"))
    assert "t_1" in caught.value.where


def test_a_folder_without_volunteers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.txt").write_text("a")
    with pytest.raises(InputError, match="t_1"):
        import_eatd(str(tmp_path / "s"), str(tmp_path / "c"))


@pytest.mark.data
def test_the_training_part_of_the_corpus(research_data: Path, tmp_path: Path) -> None:
    if not (research_data / "eatd").is_dir():
        pytest.skip("EATD is not among the research data")
    summary = import_eatd(str(research_data / "eatd"), str(tmp_path / "c"))
    assert (summary.n_patients, summary.facts["cases"]) == (83, 19)
    kinds = Cohort.read(str(tmp_path / "c")).recordings["kind"].value_counts().to_dict()
    assert kinds == {"transcript": 249, "audio": 241}
    assert summary.reasons == {"audio missing in the corpus": 8}
