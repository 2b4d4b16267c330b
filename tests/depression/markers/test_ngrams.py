"""The marker on n-grams: no leak, no words of a few, any script."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import Cohort, InputError, Outcome
from presage.depression.language.ngrams import Vocabulary, ngrams, pieces
from presage.depression.markers.language import LanguageMeasures
from presage.depression.markers.late import LateFusion
from presage.depression.markers.ngrams import LanguageNgrams
from presage.study import EncoderCache, Resources, Study
from presage.study.saved import fit_and_save, score_cohort

GLAD, SAD = "我很开心，喜欢看电影", "我很难过，总是睡不着"


def make(folder: Path, texts: list[str], cases: list[int], **about: list[str]) -> Cohort:
    """A cohort of one transcript for each person."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"p{number:02d}" for number in range(len(texts))]
    for pid, text in zip(ids, texts, strict=True):
        (folder / f"{pid}.txt").write_text(text, encoding="utf-8")
    pd.DataFrame({"patient_id": ids, "ill": cases}).to_csv(folder / "patients.csv", index=False)
    rows = {"patient_id": ids, "visit": "1", "kind": "transcript", "path": [f"{pid}.txt" for pid in ids]}
    pd.DataFrame({**rows, "participant_label": "*", **about}).to_csv(folder / "recordings.csv", index=False)
    return Cohort.read(str(folder)).with_outcome(Outcome("ill"))


def texts_of(n: int, sad: str = SAD, glad: str = GLAD) -> tuple[list[str], list[int]]:
    """Numbered, so that no file is another's twin."""
    return [f"{sad if k % 2 else glad}，{chr(0x4E10 + k)}" for k in range(n)], [k % 2 for k in range(n)]


@pytest.fixture
def people(tmp_path: Path) -> Cohort:
    return make(tmp_path / "c", *texts_of(24))


def test_a_marker_comes_back_from_its_state(people: Cohort) -> None:
    ids = people.patient_ids
    marker = LanguageNgrams().fit(people.select(ids[:16]), Resources(seed=1))
    test = people.select(ids[16:]).blinded()
    scores = marker.score(test)
    assert (scores[1::2].min()) > scores[::2].max()
    assert [marker.score(test.select([pid]))[0] for pid in test.patient_ids] == pytest.approx(scores.tolist())
    arrays, facts = marker.state()
    again = LanguageNgrams(**marker.model_dump())
    again.restore(arrays, json.loads(json.dumps(facts)))
    assert again.score(test).tolist() == scores.tolist()
    with pytest.raises(InputError, match="not fitted"):
        LanguageNgrams().score(test)


def test_only_what_five_training_patients_use_is_kept(tmp_path: Path) -> None:
    texts, cases = texts_of(24)
    for k in range(4):
        texts[k] += "，住在延庆区"  # four training patients
    for k in range(16, 24):
        texts[k] += "，骑自行车"  # all of the others
    people = make(tmp_path / "c", texts, cases)
    marker = LanguageNgrams().fit(people.select(people.patient_ids[:16]))
    arrays, facts = marker.state()
    kept = facts["runs"]
    assert "难过" in kept
    assert not {"延", "庆", "延庆", "骑", "自行车"} & set(kept)  # too few, and nobody in training
    everything = json.dumps(facts, ensure_ascii=False) + repr({name: array.dtype for name, array in arrays.items()})
    assert "延" not in everything
    assert chr(0x4E10) not in everything
    with pytest.raises(ValueError, match="greater than or equal to 5"):
        LanguageNgrams(people=4)


def test_what_the_tested_say_changes_nothing_that_was_fitted(tmp_path: Path) -> None:
    texts, cases = texts_of(24)
    other = texts[:16] + [f"完全不同的话{chr(0x4E10 + k)}" for k in range(8)]
    states = []
    for name, said in (("a", texts), ("b", other)):
        people = make(tmp_path / name, said, cases)
        states.append(LanguageNgrams().fit(people.select(people.patient_ids[:16]), Resources(seed=3)).state())
    assert states[0][1] == states[1][1]
    for name, array in states[0][0].items():
        np.testing.assert_array_equal(array, states[1][0][name])


@pytest.mark.parametrize("unit", ["characters", "words"])
@pytest.mark.parametrize(
    ("sad", "glad"),
    [
        (SAD, GLAD),
        ("i am sad and tired", "what a sunny day"),
        ("я плохо сплю", "сегодня хороший день"),
        ("私は眠れません", "今日は楽しいです"),
        ("나는 잠을 못 잔다", "오늘은 좋은 날"),
        ("मैं दुखी हूँ", "आज अच्छा दिन है"),
        ("ฉันนอนไม่หลับ", "วันนี้อากาศดี"),
        ("أنا حزين جدا", "اليوم يوم جميل"),
    ],
)
def test_any_script_is_read(tmp_path: Path, sad: str, glad: str, unit: str) -> None:
    people = make(tmp_path / "c", *texts_of(20, sad, glad))
    scores = LanguageNgrams(unit=unit).fit(people).score(people.blinded())
    assert scores[1::2].min() > scores[::2].max()


def test_who_says_nothing_is_counted_out_and_who_says_something_new_gets_the_mean(tmp_path: Path) -> None:
    texts, cases = texts_of(24)
    texts[0], texts[1], texts[2] = "……。！", "   ", "zzz qqq"
    people = make(tmp_path / "c", texts, cases)
    marker = LanguageNgrams()
    assert marker.usable(people.blinded()).tolist() == [False, False] + [True] * 22
    marker.fit(people.select(people.patient_ids[3:]))
    new = people.select(people.patient_ids[2:3]).blinded()
    assert marker.score(new)[0] == marker._fitted().intercept


def test_too_few_people_are_refused(tmp_path: Path) -> None:
    people = make(tmp_path / "c", *texts_of(6))
    with pytest.raises(InputError, match="is used by 5 of the 4 training patients"):
        LanguageNgrams().fit(people.select(people.patient_ids[:4]))


def test_reasons_and_a_constant_make_up_the_score(people: Cohort) -> None:
    marker = LanguageNgrams().fit(people)
    constants = []
    for pid in people.patient_ids[:4]:
        found = marker.reasons(people.blinded(), pid)
        assert any("我" in reason.words for reason in found)
        constants.append(marker.score(people.select([pid]).blinded())[0] - sum(r.contribution for r in found))
    assert constants == pytest.approx([constants[0]] * 4)


def test_runs_stay_within_words_and_figures_are_not_kept() -> None:
    assert ["".join(piece) for piece in pieces("Don’t 我打game，1987!")] == ["_don't_", "我打", "_game_", "_0_"]
    assert ngrams("ab 12", "characters", 2) == Counter(
        {"a": 1, "b": 1, "_a": 1, "ab": 1, "b_": 1, "0": 1} | {"_0": 1, "0_": 1}
    )
    assert ngrams("我 打 game", "words", 2) == Counter(["我", "打", "game", "我 打", "打 game"])
    assert not ngrams("……", "characters", 3)


def test_the_commonest_runs_are_kept_and_rows_have_length_one() -> None:
    people = [Counter({"a": 3, "b": 1}), Counter({"a": 1}), Counter({"a": 1, "c": 2}), Counter({"d": 1})]
    vocabulary = Vocabulary.of(people, fewest=1, most=2)
    assert vocabulary.runs == ("a", "b")
    assert vocabulary.weights.tolist() == pytest.approx([np.log(5 / 4) + 1, np.log(5 / 2) + 1])
    rows = vocabulary.rows(people)
    assert np.linalg.norm(rows[:3], axis=1) == pytest.approx([1, 1, 1])
    assert np.isnan(rows[3]).all()
    assert rows[0, 0] / rows[0, 1] == pytest.approx((1 + np.log(3)) * vocabulary.weights[0] / vocabulary.weights[1])


def test_nothing_of_a_text_enters_the_cache(people: Cohort, tmp_path: Path) -> None:
    cache = EncoderCache(str(tmp_path / "cache"))
    LanguageNgrams().fit(people, Resources(cache=cache))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_late_fusion_takes_words_that_need_no_encoder(people: Cohort, tmp_path: Path) -> None:
    resources = Resources(cache=EncoderCache(str(tmp_path / "cache")))
    members = ["language-measures", "language-ngrams"]
    marker = LateFusion(members=members, inner_folds=2).fit(people, resources)
    scores = marker.score(people.blinded(), resources)
    assert scores[1::2].min() > scores[::2].max()
    arrays, facts = marker.state()
    again = LateFusion(members=members, inner_folds=2)
    again.restore(arrays, json.loads(json.dumps(facts)))
    assert again.score(people.blinded(), resources).tolist() == scores.tolist()
    alone = LateFusion(members=["language-ngrams"])
    silent = people.keep_recordings("test", "lost", lambda r: r.patient_id != "p00")
    assert alone.usable(silent).tolist() == [False] + [True] * 23


def measured(people: Cohort, folder: Path) -> tuple[LanguageMeasures, Resources]:
    resources = Resources(cache=EncoderCache(str(folder / "cache")))
    return LanguageMeasures().fit(people, resources), resources


def test_counted_words_say_which_language_was_counted(people: Cohort, tmp_path: Path) -> None:
    marker, resources = measured(people, tmp_path)
    assert resources.notes == ["Words were counted in Mandarin."]
    assert "words per sentence" in marker.column_names()
    again = LanguageMeasures()
    again.restore(*marker.state())
    assert again.column_names() == marker.column_names()
    assert again.score(people.blinded(), resources).tolist() == marker.score(people.blinded(), resources).tolist()
    assert any("first person singular" in r.words for r in again.reasons(people.blinded(), "p00", resources))
    # A marker that was saved before Mandarin was counted knows English alone.
    arrays, facts = marker.state()
    again.restore(arrays, {key: value for key, value in facts.items() if key != "languages"})
    assert "word length" in again.column_names()


def test_two_languages_in_one_cohort_are_warned_about(tmp_path: Path) -> None:
    texts, cases = texts_of(24)
    texts[:6] = [f"I am glad that we went {'very ' * k}far." for k in range(6)]
    people = make(tmp_path / "c", texts, cases)
    _, resources = measured(people, tmp_path)
    (note,) = resources.notes
    assert note.startswith("WARNING")
    assert "English and Mandarin" in note
    english, mandarin = people.select(people.patient_ids[:6]).blinded(), people.select(people.patient_ids[6:])
    marker, resources = measured(mandarin, tmp_path)
    marker.score(english, resources)
    assert any("English, which no training patient spoke" in note for note in resources.notes)


def test_a_saved_marker_warns_of_a_language_that_it_was_not_fitted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path / "c", *texts_of(24))
    study = tmp_path / "study.yaml"
    study.write_text(
        "cohort: c\noutcome: {column: ill}\nstandard: {marker: language-ngrams, name: Runs}\n"
        "markers: [{marker: language-measures, name: Words}]\nvalidation: {folds: 2}\n"
    )
    saved = fit_and_save(Study.read(study), "Words", tmp_path / "saved")
    same = score_cohort(saved, Cohort.read(str(tmp_path / "c")))
    assert same.attrs["notes"] == []
    english, cases = texts_of(6, "I am sad and tired", "I am glad and well")
    other = make(tmp_path / "d", [f"{text} {'very ' * k}" for k, text in enumerate(english)], cases)
    (note,) = score_cohort(saved, other).attrs["notes"]
    assert "English, which no training patient spoke" in note
