"""Words counted in Mandarin, by hand; and in which language a transcript is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from presage.cohort import Recording, UnusableRecording
from presage.depression.language import mandarin
from presage.depression.language.detection import MANDARIN, language_of
from presage.depression.language.encoders import LANGUAGES, TranscriptMeasures
from presage.depression.language.measures import LISTS, MANDARIN_MEASURES, MEASURES, measures
from presage.depression.language.segmentation import segmenter
from presage.depression.transcript import INTERVIEWER, PARTICIPANT, Transcript, Turn


def told(*turns: Turn) -> dict[str, float]:
    return dict(zip(MANDARIN_MEASURES, measures(Transcript(turns), language=MANDARIN), strict=True))


def test_measures_by_hand() -> None:
    found = told(
        Turn(INTERVIEWER, "你绝对总是难过吗？", 0, 2),
        # 嗯 / 我 / 从来不 / 开心 / 我们 / 没有 / 人 / 喜欢 / 我
        Turn(PARTICIPANT, "嗯，我从来不开心。我们没有人喜欢我！", 3, 6),
        Turn(INTERVIEWER, "真的？", 6, 7),
        # 我 / 很 / 难过
        Turn(PARTICIPANT, "我很难过", 7.5, 8),
    )
    assert found["words"] == 12
    assert found["words per answer"] == 6
    assert found["first person singular"] == pytest.approx(3 / 12)
    assert found["first person plural"] == pytest.approx(1 / 12)
    assert found["absolutist"] == pytest.approx(1 / 12)  # 从来不
    assert found["negations"] == pytest.approx(2 / 12)  # 从来不, 没有
    assert found["negative affect"] == pytest.approx(-1 / 12)  # 难过
    assert found["positive affect"] == pytest.approx(2 / 12)  # 开心, 喜欢: negations are not applied
    assert found["words per sentence"] == 4
    assert found["fillers"] == pytest.approx(1 / 12)
    assert found["words per minute"] == pytest.approx(12 / (3.5 / 60))
    assert found["response latency"] == pytest.approx(0.75)
    assert np.isnan(found["diversity"])  # fewer words than a window


def test_thirteen_measures_of_both_languages_stand_in_the_same_order() -> None:
    assert len(MANDARIN_MEASURES) == len(MEASURES) == 13
    other = [(a, b) for a, b in zip(MEASURES, MANDARIN_MEASURES, strict=True) if a != b]
    assert other == [("word length", "words per sentence")]
    assert all(MANDARIN_MEASURES.values())


def test_traditional_characters_count_like_simplified_ones() -> None:
    simplified = told(Turn(PARTICIPANT, "我们总是睡不着，什么都没有，我觉得难过。"))
    traditional = told(Turn(PARTICIPANT, "我們總是睡不著，甚麼都沒有，我覺得難過。"))
    assert traditional == pytest.approx(simplified, nan_ok=True)
    assert simplified["negative affect"] < 0


def test_diversity_does_not_fall_with_length() -> None:
    words = "苹果 香蕉 学校 老师 电影 音乐 火车 飞机 大海 小猫"
    once = told(Turn(PARTICIPANT, words.replace(" ", "，") + "，" + words.replace(" ", "，")))
    often = told(Turn(PARTICIPANT, "，".join([words.replace(" ", "，")] * 20)))
    assert once["diversity"] == often["diversity"] == 0.5


@pytest.mark.parametrize(
    ("text", "denying"),
    [
        ("不过他没关系", []),
        ("是不是好不好有没有", []),
        ("我不去，也没时间", ["不", "没"]),
        ("我不一定来", ["不一定"]),
        ("睡不着", ["睡不着"]),
        ("毫无办法", ["毫无办法"]),
    ],
)
def test_negations(text: str, denying: list[str]) -> None:
    assert [word for word in mandarin.words_of(text) if mandarin.negates(word)] == denying


def test_a_pronoun_is_found_where_the_dictionary_hides_it() -> None:
    words = mandarin.words_of("我家里人说我会好，在我看来我行")
    assert words.count("我") == 4
    assert "我们" not in words


def test_every_listed_word_comes_out_whole_and_no_word_is_both_glad_and_sad() -> None:
    lists = mandarin._LISTS
    cut = [word for name in lists for word in lists[name] if mandarin.words_of(word) != [word]]
    assert cut == []
    assert not lists["positive"] & lists["negative"]
    assert not lists["singular"] & lists["plural"]
    assert LISTS[MANDARIN].singular == {"我", "俺", "本人"}


def test_the_dictionary_comes_from_the_package_and_never_from_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """jieba by itself loads (and writes) a file there that anybody may have put."""
    from presage.depression.language import segmentation

    (tmp_path / "jieba.cache").write_bytes(b"not a dictionary")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    segmentation._opened.cache_clear()
    assert mandarin.words_of("我喜欢看电影") == ["我", "喜欢", "看", "电影"]
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"not a dictionary"
    assert "jieba 0" in segmenter()


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("我睡得不好，很累", "", "mandarin"),
        ("我睡得不好，很累", "zh-TW", "mandarin"),
        ("我睡得不好，很累", "en", "mandarin"),  # a default in the table is not believed against the text
        ("我打game然后看youtube", "zh", "mandarin"),
        ("私は眠れません。とても疲れました。", "", "Japanese"),
        ("東京大学病院", "ja", "language ja"),
        ("나는 잠을 못 잔다", "", "Korean"),
        ("我今日好唔開心，佢哋都冇嚟", "", "Cantonese"),
        ("I sleep badly", "", "english"),
        ("I like 寿司 very much and the sea", "en", "english"),
        ("Ich schlafe schlecht", "de", "language de in Latin script"),
        ("wo shui de bu hao", "zh", "language zh in Latin script"),
        ("ich schlafe schlecht und bin den ganzen Tag müde " * 5, "", "no English in Latin script"),
        ("i sleep badly and i am tired all day so that my work is not good " * 3, "", "english"),
        ("я плохо сплю", "", "Cyrillic"),
        ("... 123", "", "no language"),
    ],
)
def test_the_language_is_told_by_the_script(text: str, code: str, name: str) -> None:
    assert language_of(text, code).name == name


def test_words_in_another_script_are_told() -> None:
    assert language_of("我睡得不好").foreign == 0
    assert 0.2 < language_of("我打game然后看youtube").foreign < 0.5


def transcript(tmp_path: Path, text: str, **about: str) -> Recording:
    path = tmp_path / "talk.txt"
    path.write_text(text, encoding="utf-8")
    return Recording("p", "1", "transcript", str(path), about)


def test_the_encoder_says_whose_words_it_counted(tmp_path: Path) -> None:
    arrays = TranscriptMeasures().encode(transcript(tmp_path, "我很难过。"))
    assert LANGUAGES[int(arrays["language"])] == MANDARIN
    assert arrays["values"][0] == 3
    english = TranscriptMeasures().encode(transcript(tmp_path, "I am sad."))
    assert LANGUAGES[int(english["language"])] == "english"
    forced = TranscriptMeasures(language="english").encode(transcript(tmp_path, "wo am ok", language="zh"))
    assert LANGUAGES[int(forced["language"])] == "english"
    assert TranscriptMeasures().fingerprint() != TranscriptMeasures(language="english").fingerprint()


@pytest.mark.parametrize("text", ["私は眠れません。", "나는 잠을 못 잔다", "я плохо сплю", "佢今日冇嚟，我好唔開心"])
def test_a_language_without_lists_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnusableRecording, match="English and Mandarin") as caught:
        TranscriptMeasures().encode(transcript(tmp_path, text))
    assert "no word lists for its language" in caught.value.reason
    assert "language-ngrams" in caught.value.cure


def test_a_language_that_was_forced_and_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match="no word of english"):
        TranscriptMeasures(language="english").encode(transcript(tmp_path, "我很难过。"))
