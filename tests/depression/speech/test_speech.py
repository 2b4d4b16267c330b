from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.cohort import InputError
from presage.depression.media import blocks, read_audio
from presage.depression.speech.activity import STEP, pauses, speech_probability, stretches, within
from presage.depression.speech.alignment import RATE, align, with_words
from presage.depression.speech.pronunciation import guessed, known_words, spoken
from presage.depression.speech.recognition import recognise
from presage.depression.transcript import PARTICIPANT, Transcript, Turn

DATA = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "face_speech"
people = pytest.mark.skipif(not DATA.is_dir(), reason="the research data (PRESAGE_DATA) are not here")
PHONES = frozenset(
    phone
    for line in (
        "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K",
        "L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH",
    )
    for phone in line.split()
)
BECKETT = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."


def grid() -> list[tuple[str, float, float]]:
    """Word times of the GRID sentence, seconds; the file counts in 1/25000 s."""
    rows = [line.split() for line in (DATA / "swwp2s.align").read_text().splitlines() if line.strip()]
    return [(word, int(start) / 25_000, int(stop) / 25_000) for start, stop, word in rows if word != "sil"]


@people
def test_the_aligner_meets_the_words_of_a_grid_sentence() -> None:
    truth = grid()
    words = align(read_audio(str(DATA / "id2_vcd_swwp2s.mpg")), " ".join(word for word, _, _ in truth))
    assert [word.text for word in words] == [word for word, _, _ in truth]
    off = [abs(w.start - b) for w, (_, b, _) in zip(words, truth, strict=True)]
    off += [abs((w.stop or 0) - e) for w, (_, _, e) in zip(words, truth, strict=True)]
    assert np.mean(off) < 0.06


@people
def test_read_speech_is_aligned_turn_by_turn_where_people_speak() -> None:
    path = str(DATA / "beckett.wav")
    sound = read_audio(path)
    speech = stretches(speech_probability(blocks(path)))
    assert len(speech) == 6
    half = Turn(PARTICIPANT, "Ever tried. Ever failed. No matter.", 0.1, 4.5)
    rest = Turn(PARTICIPANT, "Try again. Fail again. Fail better.", 4.7, 9.5)
    aligned = with_words(Transcript((half, rest), language="en"), sound)
    assert " ".join(word.text for word in aligned.words) == BECKETT
    middles = [(word.start + (word.stop or 0)) / 2 for word in aligned.words]
    inside = [bool(len(within(speech, middle - 0.01, middle + 0.01))) for middle in middles]
    assert all(inside)
    whole = align(sound, BECKETT)
    apart = [abs(one.start - two.start) for one, two in zip(whole, aligned.words, strict=True)]
    assert max(apart) < 0.1


@people
def test_recognition_hears_most_of_what_was_read() -> None:
    pytest.importorskip("moonshine_voice")
    found = recognise(read_audio(str(DATA / "beckett.wav")))
    heard = [word.strip(".,").lower() for word in found.text.split()]
    assert len(set(heard) & set(BECKETT.lower().replace(".", "").split())) >= 7
    assert "recognised by a machine" in found.notes[0]


@people
def test_blocks_of_any_size_give_the_same_activity() -> None:
    path = str(DATA / "beckett.wav")
    whole = speech_probability([read_audio(path)])
    parts = speech_probability(blocks(path, seconds=0.37))
    assert len(whole) == len(read_audio(path)) // STEP
    assert parts == pytest.approx(whole, abs=1e-5)


def test_silence_and_noise_are_no_speech() -> None:
    assert stretches(speech_probability([np.zeros(3 * RATE, np.float32)])).shape == (0, 2)
    noise = (0.05 * np.random.default_rng(0).normal(size=3 * RATE)).astype(np.float32)
    assert stretches(speech_probability([noise])).shape == (0, 2)


def test_no_time_is_invented_for_words_that_are_not_there() -> None:
    assert align(np.zeros(0, np.float32), "hello") == ()
    assert align(np.zeros(2 * RATE, np.float32), "- ...") == ()
    assert align(np.zeros(RATE // 4, np.float32), "this sentence is far too long for a quarter of a second") == ()


def test_a_language_that_cannot_be_aligned_is_named() -> None:
    with pytest.raises(InputError, match="'zh' cannot be aligned"):
        with_words(Transcript((Turn(PARTICIPANT, "你好", 0, 1),), language="zh"), np.zeros(RATE, np.float32))
    with pytest.raises(InputError, match="English alone"):
        recognise(np.zeros(RATE, np.float32), language="zh")


def test_stretches_and_pauses_by_hand() -> None:
    step = STEP / RATE
    probability = np.zeros(100, np.float32)
    probability[10:20] = 0.9
    probability[22:30] = 0.9  # a gap of two steps, 64 ms: the same stretch
    probability[50:60] = 0.9
    probability[80:82] = 0.9  # 64 ms: a click
    found = stretches(probability)
    assert found == pytest.approx(np.array([[10, 30], [50, 60]]) * step)
    told = pauses(found)
    assert (told.count, told.total, told.longest) == (1, pytest.approx(20 * step), pytest.approx(20 * step))
    assert told.share == pytest.approx(20 / 50)
    assert within(found, 12 * step, 55 * step) == pytest.approx(np.array([[12, 30], [50, 55]]) * step)
    assert pauses(found[:1]).count == 0


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20))
def test_every_word_has_a_pronunciation_of_known_phones(word: str) -> None:
    phones = guessed(word).split()
    assert phones
    assert set(phones) <= PHONES


@given(st.integers(min_value=0, max_value=9999))
def test_numbers_become_words_of_the_dictionary(value: int) -> None:
    said = spoken(str(value))
    assert said
    assert set(said) <= known_words()


def test_written_words_as_they_are_said() -> None:
    assert spoken("I'm,") == ["i'm"]
    assert spoken("1,250") == ["one", "two", "hundred", "fifty"]
    assert spoken("1250") == ["one", "thousand", "two", "hundred", "fifty"]
    assert spoken("007") == ["zero", "zero", "seven"]
    assert spoken("100") == ["one", "hundred"]
    assert spoken("--") == []
