from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from presage.cohort import Recording, UnusableRecording
from presage.depression.language.encoders import TranscriptMeasures, TurnVectors, measure_row
from presage.depression.language.english import ABSOLUTIST, words_of
from presage.depression.language.measures import NAMES, diversity, latency, measures
from presage.depression.transcript import INTERVIEWER, PARTICIPANT, Transcript, Turn


def told(*turns: Turn) -> dict[str, float]:
    return dict(zip(NAMES, measures(Transcript(turns)), strict=True))


def test_measures_by_hand() -> None:
    found = told(
        Turn(INTERVIEWER, "How are you? I ask you all.", 0, 2),
        Turn(PARTICIPANT, "I never sleep, um, and we don't laugh.", 3, 6),
        Turn(INTERVIEWER, "Really?", 6, 7),
        Turn(PARTICIPANT, "No.", 7.5, 8),
    )
    assert found["words"] == 9
    assert found["words per answer"] == 4.5
    assert found["first person singular"] == pytest.approx(1 / 9)
    assert found["first person plural"] == pytest.approx(1 / 9)
    assert found["absolutist"] == pytest.approx(1 / 9)
    assert found["negations"] == pytest.approx(3 / 9)  # never, don't, no
    assert found["fillers"] == pytest.approx(1 / 9)
    assert found["word length"] == pytest.approx((1 + 5 + 5 + 2 + 3 + 2 + 5 + 5 + 2) / 9)
    assert found["words per minute"] == pytest.approx(9 / (3.5 / 60))
    assert found["response latency"] == pytest.approx(0.75)
    assert found["positive affect"] > 0 > found["negative affect"]  # laugh; no


def test_the_interviewer_changes_nothing() -> None:
    answer = Turn(PARTICIPANT, "We went home early.", 5, 6)
    plain = measures(Transcript((answer,)))
    prompted = measures(Transcript((Turn(INTERVIEWER, "Have you always felt sad and alone?", 0, 4), answer)))
    latency_ = NAMES.index("response latency")
    assert np.delete(prompted, latency_) == pytest.approx(np.delete(plain, latency_))


def test_what_cannot_be_known_is_missing() -> None:
    found = told(Turn(PARTICIPANT, "We went home."))
    assert np.isnan([found["words per minute"], found["response latency"]]).all()
    assert np.isnan(measures(Transcript((Turn(INTERVIEWER, "Well?"),)))).all()
    assert np.isnan(latency(Transcript((Turn(PARTICIPANT, "a", 0, 1), Turn(INTERVIEWER, "b", 1, 2))), PARTICIPANT))


def test_diversity_does_not_fall_with_length() -> None:
    short = [f"word{n % 25}" for n in range(50)]
    assert diversity(short) == 0.5
    assert diversity(short * 20) == 0.5
    assert diversity(["a", "b"]) == 1


def test_words_keep_their_apostrophes_and_the_list_is_the_published_one() -> None:
    assert words_of("I’m DONE -- isn't it?") == ["i'm", "done", "isn't", "it"]
    assert len(ABSOLUTIST) == 19


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    path = tmp_path / "talk.csv"
    path.write_text(
        "speaker,start,stop,text\nInterviewer,0,1,How are you?\nParticipant,2,4,I am sad and alone.\n"
        "Participant,5,7,I feel lonely and unhappy.\n"
    )
    return Recording("p", "1", "transcript", str(path))


def test_turns_become_vectors_that_know_sad_from_glad(recording: Recording, tmp_path: Path) -> None:
    arrays = TurnVectors().encode(recording)
    assert arrays["vectors"].shape == (2, 384)
    asked = TurnVectors(speaker="interviewer").encode(recording)
    assert len(asked["vectors"]) == 1
    assert TurnVectors().fingerprint() != TurnVectors(speaker="interviewer").fingerprint()
    bright = tmp_path / "bright.csv"
    bright.write_text("speaker,start,stop,text\nParticipant,0,1,What a wonderful sunny day with friends!\n")
    glad = TurnVectors().encode(Recording("p", "1", "transcript", str(bright)))["vectors"][0]
    first, second = arrays["vectors"]

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert cosine(first, second) > cosine(first, glad) + 0.1


def test_a_long_turn_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    text = " ".join(["we went to the river and had a good laugh"] * 60)
    path.write_text(f"speaker,start,stop,text\nParticipant,0,1,{text}\n")
    arrays = TurnVectors().encode(Recording("p", "1", "transcript", str(path)))
    assert arrays["tokens"][0] == 600
    assert np.isfinite(arrays["vectors"]).all()


def test_a_silent_participant_is_counted_out(tmp_path: Path) -> None:
    path = tmp_path / "silent.csv"
    path.write_text("speaker,start,stop,text\nInterviewer,0,1,Hello?\nParticipant,2,3,...\n")
    silent = Recording("p", "1", "transcript", str(path))
    with pytest.raises(UnusableRecording, match="says no word"):
        TranscriptMeasures().encode(silent)
    row = measure_row({"values": np.zeros(13), "known": np.zeros(13, dtype=np.uint8)})
    assert np.isnan(row).all()
