from __future__ import annotations

import numpy as np
import pytest
import torch
from small_encoders import PieceTokenizer, drawn_person

from presage.cohort import InputError
from presage.depression.networks.batches import Layout, batches_by_length, collate, interview_batch, rows_of
from presage.depression.networks.data import Scaling, Utterance, check_persons, windows

SIZES = {"audio": 2, "video": 1}


def answer() -> Utterance:
    """Words of one, two and three pieces; the second word's face was not seen."""
    audio = np.array([[1, -1], [2, -2], [3, -3]], dtype=np.float32)
    video = np.array([[10], [np.nan], [30]], dtype=np.float32)
    return Utterance(
        ["ab", "abcd", "abcdef"], {"audio": audio, "video": video}, {"video": np.array([True, False, True])}
    )


def test_bert_rows_begin_with_cls_and_are_padded_right() -> None:
    layout = Layout(PieceTokenizer(), "bert", 50)
    batch = collate([layout.row(answer())], layout, SIZES, length=10)
    a, c, e = PieceTokenizer().convert_tokens_to_ids(["ab", "cd", "ef"])
    assert batch.text["input_ids"].tolist() == [[1, a, a, c, a, c, e, 2, 3, 3]]
    assert batch.text["attention_mask"].tolist() == [[1] * 8 + [0] * 2]
    assert batch.text["token_type_ids"].tolist() == [[0] * 10]
    assert batch.words.tolist() == [[False] + [True] * 6 + [False] * 3]
    assert batch.modalities["audio"][0, :, 0].tolist() == [0, 1, 2, 2, 3, 3, 3, 0, 0, 0]
    assert batch.modalities["audio"][0, :, 1].tolist() == [0, -1, -2, -2, -3, -3, -3, 0, 0, 0]
    assert batch.modalities["video"][0, :, 0].tolist() == [0, 10, 0, 0, 30, 30, 30, 0, 0, 0]
    assert batch.present["video"].tolist() == [[True, True, False, False, True, True, True, True, False, False]]
    assert batch.present["audio"].tolist() == [[True] * 8 + [False] * 2]


def test_xlnet_rows_end_with_cls_and_are_padded_left() -> None:
    layout = Layout(PieceTokenizer(), "xlnet", 50)
    batch = collate([layout.row(answer())], layout, SIZES, length=10)
    a, c, e = PieceTokenizer().convert_tokens_to_ids(["ab", "cd", "ef"])
    assert batch.text["input_ids"].tolist() == [[3, 3, a, a, c, a, c, e, 2, 1]]
    assert batch.text["attention_mask"].tolist() == [[0] * 2 + [1] * 8]
    assert batch.text["token_type_ids"].tolist() == [[3, 3, 0, 0, 0, 0, 0, 0, 0, 2]]
    assert batch.modalities["audio"][0, :, 0].tolist() == [0, 0, 1, 2, 2, 3, 3, 3, 0, 0]


def test_the_real_tokenizer_gives_the_encoders_own_tokens(minilm_folder: object) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder, local_files_only=True)
    words = ["unhappiness", "is", "not", "the", "word"]
    row = Layout(tokenizer, "bert", 50).row(Utterance(words))
    assert row.ids.tolist() == tokenizer(" ".join(words))["input_ids"]
    assert [word for word in row.word if word >= 0] == [
        i for i in tokenizer(words, is_split_into_words=True).word_ids() if i is not None
    ]


@pytest.mark.parametrize("kind", ["bert", "xlnet"])
def test_long_answers_are_cut_and_keep_their_special_tokens(kind: str) -> None:
    row = Layout(PieceTokenizer(), kind, 6).row(answer())
    assert len(row.ids) == 6
    assert sorted(row.ids[row.word < 0].tolist()) == [1, 2]
    assert row.word[row.word >= 0].tolist() == [0, 1, 1, 2]


def test_a_sound_without_a_word_is_the_unknown_token() -> None:
    row = Layout(PieceTokenizer(), "bert").row(Utterance(["", "ab"], {"audio": np.ones((2, 2), dtype=np.float32)}))
    assert row.ids[1] == PieceTokenizer.unk_token_id
    assert row.word.tolist() == [-1, 0, 1, -1]


def test_a_modality_that_was_not_recorded_is_missing_everywhere() -> None:
    layout = Layout(PieceTokenizer(), "bert")
    batch = collate([layout.row(answer()), layout.row(answer().without(["video"]))], layout, SIZES)
    assert batch.present["video"][0].any()
    assert not batch.present["video"][1].any()
    assert batch.present["audio"][1].all()
    assert torch.isfinite(batch.modalities["video"]).all()


def test_interviews_are_padded_by_groups_and_find_their_way_back() -> None:
    generator, layout = np.random.default_rng(1), Layout(PieceTokenizer(), "bert")
    persons = [rows_of(drawn_person(generator, count, SIZES, 0.3), layout) for count in (3, 5, 1)]
    batch = interview_batch(persons, layout, SIZES, rows_per_pass=2)
    flat = [row for person in persons for row in (*person, *[None] * (5 - len(person)))]
    assert sorted(batch.slots.tolist()) == [slot for slot, row in enumerate(flat) if row is not None]
    at = 0
    for group in batch.groups:
        for ids, mask in zip(group.text["input_ids"], group.text["attention_mask"], strict=True):
            assert ids[mask == 1].tolist() == flat[batch.slots[at]].ids.tolist()
            at += 1
    lengths = [group.text["input_ids"].shape[1] for group in batch.groups]
    assert lengths == sorted(lengths)


def test_batches_of_like_length_hold_everyone_once_and_follow_the_seed() -> None:
    lengths = np.random.default_rng(0).lognormal(2.3, 0.6, 500).astype(int) + 1

    def epoch(seed: int) -> list[list[int]]:
        return [batch.tolist() for batch in batches_by_length(lengths, 16, np.random.default_rng(seed))]

    assert epoch(1) == epoch(1)
    assert epoch(1) != epoch(2)
    assert sorted(index for batch in epoch(1) for index in batch) == list(range(500))
    padded = sum(len(batch) * max(lengths[batch]) for batch in epoch(1))
    assert padded < 1.1 * lengths.sum()
    # Neither short nor long batches come first.
    longest = [max(lengths[batch]) for batch in epoch(1)]
    assert longest != sorted(longest)


def test_scaling_is_by_training_words_that_have_the_modality() -> None:
    train = [[answer(), None], [answer().without(["audio"])]]
    scaling = Scaling.of(train)
    assert scaling.means["video"].tolist() == [20]
    assert scaling.spreads["video"].tolist() == [10]
    scaled = scaling.apply(train)
    assert scaled[0][0].modalities["video"][:, 0].tolist() == [-1, 0, 1]
    assert scaled[0][1] is None
    assert "audio" not in scaled[1][0].modalities
    with pytest.raises(InputError, match="audio with 3"):
        scaling.apply([[Utterance(["a"], {"audio": np.zeros((1, 3), dtype=np.float32)})]])


def test_windows_keep_every_word_and_its_vectors() -> None:
    parts = windows(answer(), 2)
    assert [list(part.words) for part in parts] == [["ab", "abcd"], ["abcdef"]]
    assert parts[1].modalities["audio"].tolist() == [[3, -3]]
    assert parts[0].mask("video").tolist() == [True, False]


@pytest.mark.parametrize(
    ("words", "vectors", "present"),
    [([], {}, {}), (["a"], {"audio": np.zeros((2, 2))}, {}), (["a"], {"audio": np.full((1, 2), np.nan)}, {}),
     (["a"], {"audio": np.zeros((1, 2))}, {"audio": np.ones(2, dtype=bool)})],
)  # fmt: skip
def test_answers_that_do_not_fit_together_are_refused(words: list[str], vectors: dict, present: dict) -> None:
    with pytest.raises(InputError):
        Utterance(words, vectors, present)


def test_people_without_answers_and_vectors_of_two_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="person 2 of 2"):
        check_persons([[answer()], [None]])
    with pytest.raises(InputError, match="vectors of 2 and of 3"):
        check_persons([[answer()], [Utterance(["a"], {"audio": np.zeros((1, 3), dtype=np.float32)})]])
