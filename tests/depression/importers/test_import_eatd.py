"""The EATD corpus: on made-up folders like its own, and on the corpus itself where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depression.recordings import RATE, tone, write_sound
from presage.cohort import Cohort, InputError, Outcome, check_cohort, kind_named, read_splits
from presage.depression.importers import import_eatd
from presage.study import Study


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


def corpus(root: Path, *volunteers: str) -> Path:
    """The layout of the original: recorded and processed sound, words and labels; every other one is depressed."""
    for number, volunteer in enumerate(volunteers):
        folder = root / volunteer
        for index, answer in enumerate(("positive", "neutral", "negative")):
            for suffix, level in (("", 0.3), ("_out", 0.2)):
                write_sound(folder / f"{answer}{suffix}.wav", tone(1, 150 + 20 * index + 7 * number, level))
            text = f"我{'很' * (index + 3 * number + 1)}好。"
            (folder / f"{answer}.txt").write_text(text, encoding="utf-8")
        raw = 50 if number % 2 else 30
        (folder / "label.txt").write_text(f"{raw}\n", encoding="utf-8-sig")
        (folder / "new_label.txt").write_text(f"{1.25 * raw}\n")
    return root


def test_both_parts_are_read_and_the_official_split_is_theirs(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s" / "EATD-Corpus", "t_1", "t_2", "t_3", "t_4", "v_1", "v_2", "v_10")
    for answer in ("positive", "neutral", "negative"):
        (source / "v_10" / f"{answer}.wav").unlink()
    summary = import_eatd(str(tmp_path / "s"), str(tmp_path / "c"), official_split=True)
    assert summary.n_patients == 7
    assert "splits.csv holds the official split: 4 train, 2 are tested." in summary.notes
    assert (
        "3 answer(s) are there as processed sound alone (positive_out.wav ...): --processed takes it." in summary.notes
    )
    cohort = Cohort.read(str(tmp_path / "c")).with_outcome(Outcome("sds_index", "scale", cutoff=53))
    splits = tmp_path / "c" / "splits.csv"
    (fold,) = read_splits(str(splits), cohort)
    assert (fold.train, fold.test) == (("t_1", "t_2", "t_3", "t_4"), ("v_1", "v_2"))
    assert Study.read(str(tmp_path / "c" / "study.yaml")).validation.splits == str(splits)
    splits.write_text(splits.read_text() + "0,0,v_1,train\n")
    with pytest.raises(InputError, match="v_1"):
        read_splits(str(splits), cohort)


def test_the_validation_part_alone_is_a_cohort_without_a_split(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "v_1", "v_2", "v_3", "v_4")
    summary = import_eatd(str(source), str(tmp_path / "c"))
    assert (summary.n_patients, summary.n_recordings, summary.facts["cases"]) == (4, 24, 2)
    assert not (tmp_path / "c" / "splits.csv").exists()
    with pytest.raises(InputError, match="needs both parts"):
        import_eatd(str(source), str(tmp_path / "d"), official_split=True)
    assert not (tmp_path / "d").exists()


def test_processed_sound_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "t_1", "t_2")
    import_eatd(str(source), str(tmp_path / "c"), processed=True)
    paths = Cohort.read(str(tmp_path / "c")).recordings["path"]
    assert sum(path.endswith("_out.wav") for path in paths) == 6
    assert sum(path.endswith(".wav") for path in paths) == 6


def test_the_same_folder_under_two_volunteers_is_refused(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "t_1", "t_2", "v_1", "v_2")
    (source / "v_1" / "positive.wav").write_bytes((source / "t_2" / "positive.wav").read_bytes())
    import_eatd(str(source), str(tmp_path / "c"), official_split=True)
    with pytest.raises(InputError, match="the same file stands under different patients"):
        Cohort.read(str(tmp_path / "c"))


def test_channels_of_a_person_who_speaks_alone_are_mixed(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "t_1", "t_2")
    turn = np.repeat([1.0, 0.0, 1.0, 0.0], RATE)
    hiss = 1e-4 * np.random.default_rng(0).random(4 * RATE)
    write_sound(source / "t_1" / "positive.wav", turn * tone(4, 150) + hiss, (1 - turn) * tone(4, 250) + hiss)
    write_sound(source / "t_1" / "neutral.wav", tone(2, 300), np.zeros(2 * RATE))
    import_eatd(str(source), str(tmp_path / "c"))
    cohort = check_cohort(str(tmp_path / "c")).cohort
    assert not cohort.flow
    channels = {(r.patient_id, r["answer"]): r.get("channel") for r in cohort.iter_recordings("audio")}
    assert channels["t_1", "positive"] == "mix"
    assert set(channels.values()) == {"mix", ""}


def test_what_is_no_volunteer_is_passed_over_and_shadows_are_counted(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s" / "EATD", "t_1", "t_2")
    (source / "readme.md").write_text("about")
    shadow = tmp_path / "s" / "__MACOSX" / "EATD" / "t_1" / "._positive.wav"
    shadow.parent.mkdir(parents=True)
    shadow.write_bytes(b"\0\5")
    summary = import_eatd(str(tmp_path / "s"), str(tmp_path / "c"))
    assert summary.reasons == {"shadow file of another system": 1}


def test_labels_without_recordings_are_refused(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "t_1", "t_2")
    for file in [*source.rglob("*.wav"), *source.rglob("*.txt")]:
        if "label" not in file.name:
            file.unlink()
    with pytest.raises(InputError, match="none of 2 volunteers has a recording"):
        import_eatd(str(source), str(tmp_path / "c"))


def test_the_study_has_language_markers_that_know_mandarin(tmp_path: Path) -> None:
    source = corpus(tmp_path / "s", "t_1", "t_2", "t_3", "t_4")
    import_eatd(str(source), str(tmp_path / "c"))
    plans = {plan.name: plan for plan in Study.read(str(tmp_path / "c" / "study.yaml")).plans}
    assert plans["Counted words"].marker == "language-measures"
    assert plans["Character n-grams"].marker == "language-ngrams"
    assert plans["Fused, linear"].build().members == ["language-measures", "language-ngrams", "prosody"]
    assert "the page warns until then" in (tmp_path / "c" / "study.yaml").read_text()


@pytest.mark.data
def test_the_training_part_of_the_corpus(research_data: Path, tmp_path: Path) -> None:
    if not (research_data / "eatd").is_dir():
        pytest.skip("EATD is not among the research data")
    summary = import_eatd(str(research_data / "eatd"), str(tmp_path / "c"))
    assert (summary.n_patients, summary.facts["cases"]) == (83, 19)
    kinds = Cohort.read(str(tmp_path / "c")).recordings["kind"].value_counts().to_dict()
    assert kinds == {"transcript": 249, "audio": 241}
    assert summary.reasons == {"audio missing in the corpus": 8}
