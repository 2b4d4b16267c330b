"""What belongs together, how it is drawn, and in which script it is written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from depression.recordings import tone, write_sound, write_video
from presage.cohort import Cohort, InputError, kind_named
from presage.cohort.check import check_cohort
from presage.depression import Transcript, Turn, Word
from presage.depression.overview import envelope, overview
from presage.depression.scripts import language_warning, main_script, words_or_characters
from presage.depression.session import sessions
from presage.depression.timeline import Panel, Speakers, draw_panels


def cohort_of(tmp_path: Path, *rows: dict[str, str]) -> Cohort:
    """A cohort read back from disk with these recordings of patient A."""
    base = {"patient_id": "A", "visit": "1", "kind": "", "path": "", "task": "", "answer": ""}
    pd.DataFrame([{**base, **row} for row in rows]).to_csv(tmp_path / "recordings.csv", index=False)
    pd.DataFrame({"patient_id": ["A"], "phq8": [3]}).to_csv(tmp_path / "patients.csv", index=False)
    return Cohort.read(str(tmp_path))


def test_recordings_of_one_answer_make_a_session(tmp_path: Path) -> None:
    for name in ("p.wav", "n.wav"):
        write_sound(tmp_path / name, tone(1, hertz=200 + len(name) * ord(name[0])))
    (tmp_path / "p.txt").write_text("fine")
    rows = [{"kind": "audio", "path": f"{a[0]}.wav", "answer": a} for a in ("positive", "negative")]
    cohort = cohort_of(tmp_path, *rows, {"kind": "transcript", "path": "p.txt", "answer": "positive"})
    first, second = sessions(cohort)
    assert first.transcript is not None
    assert first.sound is first.audio
    assert (second.answer, second.transcript, second.video) == ("negative", None, None)
    assert first.title == "A visit 1 positive"


def test_two_recordings_of_a_kind_in_a_session_are_refused(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    cohort = cohort_of(tmp_path, *({"kind": "transcript", "path": name} for name in ("a.txt", "b.txt")))
    with pytest.raises(InputError, match=r"a\.txt and b\.txt"):
        sessions(cohort)


def test_the_overview_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sound(tmp_path / "a.wav", tone(2))
    (tmp_path / "a.csv").write_text("start,stop,speaker,text\n0,1,Ellie,why\n1,9,Participant,because\n")
    rows = [{"kind": "audio", "path": "a.wav"}, {"kind": "transcript", "path": "a.csv"}]
    drawn: list[Panel] = []

    def keep(panels: list[Panel], out: Path, caption: str) -> Path:
        drawn.extend(panels)
        return draw_panels(panels, out, caption)

    monkeypatch.setattr("presage.depression.overview.draw_panels", keep)
    out = overview(cohort_of(tmp_path, *rows), "audio", tmp_path / "o.png")
    assert out.stat().st_size > 5000
    assert [lane.name for lane in drawn[0].lanes] == ["sound", "turns"]
    assert drawn[0].warning == "not used: audio shorter than its transcript"
    assert "1 words" in drawn[0].title
    with pytest.raises(InputError, match="kind video"):
        overview(cohort_of(tmp_path, *rows), "video", tmp_path / "v.png")


def test_the_envelope_follows_the_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(10))
    lane = envelope(str(path), channel="", duration=10.0)
    assert 500 < len(lane.times) < 900
    assert (lane.times[0], lane.times[-1]) == (pytest.approx(0, abs=0.02), pytest.approx(10, abs=0.05))
    assert lane.high[100:-100].mean() == pytest.approx(0.3, abs=0.02)
    assert lane.low[100:-100].mean() == pytest.approx(-0.3, abs=0.02)


def test_every_kind_is_registered_and_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("I sleep badly")
    cohort = cohort_of(tmp_path, {"kind": "transcript", "path": "a.txt"})
    assert kind_named("transcript").show(cohort, tmp_path / "t.png").exists()
    assert {name: kind_named(name).name for name in ("transcript", "audio", "video")} == {
        "transcript": "transcript", "audio": "audio", "video": "video"
    }  # fmt: skip


def test_participant_alone_is_what_a_marker_sees() -> None:
    turns = (
        Turn("interviewer", "why", 0.0, 1.0),
        Turn("participant", "so tired", 1.0, 2.0, (Word("so", 1.0, 1.2), Word("tired", 1.3))),
        Turn("husband", "indeed"),
    )
    transcript = Transcript(turns, language="en")
    assert transcript.participant().text == "so tired"
    assert [word.text for word in transcript.participant().words] == ["so", "tired"]
    assert transcript.prompts().text == "why"
    assert transcript.speakers == ("interviewer", "participant", "husband")
    assert (transcript.timed, transcript.participant().timed, transcript.end) == (False, True, 2.0)
    assert Speakers(transcript).name == "turns"


def test_scripts_are_told_apart() -> None:
    assert [main_script(text) for text in ("tired", "我很累", "устал", "...")] == ["LATIN", "CJK", "CYRILLIC", ""]
    assert words_or_characters("so very tired") == "3 words"
    assert words_or_characters("我 很累") == "3 characters"


def test_an_english_encoder_warns_of_mandarin() -> None:
    warning = language_warning(["我很累", "今天天气很好", "ok"], "MiniLM")
    assert warning.startswith("MiniLM was trained on en alone, and 67 % of the texts are written in Chinese script")
    assert "language is de" in language_warning(["Ich bin"], "MiniLM", language="de-AT")
    assert language_warning(["so tired", "我"], "MiniLM", language="en") == ""
    assert language_warning(["我很累"], "XLM", language="zh", languages=("en", "zh"), scripts=("LATIN", "CJK")) == ""


def session_rows(tmp_path: Path, **more: str) -> list[dict[str, str]]:
    """Sound of a conversation, and its transcript."""
    write_sound(tmp_path / "a.wav", tone(4))
    return [{"kind": "audio", "path": "a.wav", **more}, {"kind": "transcript", "path": "a.csv", **more}]


BACKWARDS = "start,stop,speaker,text\n1,2,Ellie,why\n2,1,Participant,because\n"
FORWARDS = "start,stop,speaker,text\n0,1,Ellie,why\n1,2,Participant,because\n"


@pytest.mark.parametrize("text", [BACKWARDS, "", None], ids=["backwards", "empty", "missing"])
def test_sound_goes_with_its_refused_transcript(tmp_path: Path, text: str | None) -> None:
    # Else a voice marker would hear the interviewer of a conversation whose turns are not known.
    rows = session_rows(tmp_path)
    if text is not None:
        (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text(FORWARDS)
    write_sound(tmp_path / "b.wav", tone(4, hertz=300))
    rows += [
        {"kind": kind, "path": f"b.{end}", "task": "two"} for kind, end in (("audio", "wav"), ("transcript", "csv"))
    ]
    report = check_cohort(str(cohort_of(tmp_path, *rows).root))
    assert [one.path.rsplit("/")[-1] for one in report.cohort.iter_recordings()] == ["b.wav", "b.csv"]
    (left,) = [e for e in report.flow if "whose voice is whose" in e.reason]
    assert left.ids == ("a.wav",)


@pytest.mark.parametrize("more", [{"channel": "Left"}, {"answer": "positive"}], ids=["channel", "answer"])
def test_sound_of_the_participant_alone_stays(tmp_path: Path, more: dict[str, str]) -> None:
    rows = session_rows(tmp_path, **more)
    write_sound(tmp_path / "a.wav", tone(4), tone(4, hertz=300))
    (tmp_path / "a.csv").write_text(BACKWARDS)
    report = check_cohort(str(cohort_of(tmp_path, *rows).root))
    assert [one.kind for one in report.cohort.iter_recordings()] == ["audio"]


def test_a_video_stays_and_a_second_transcript_is_enough(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 3.0, sound=tone(3))
    same = [{"kind": kind, "path": "a.mp4"} for kind in ("audio", "video")]
    report = check_cohort(str(cohort_of(tmp_path, *same, {"kind": "transcript", "path": "gone.csv"}).root))
    assert [one.kind for one in report.cohort.iter_recordings()] == ["video"]
    rows = session_rows(tmp_path)
    (tmp_path / "a.csv").write_text(FORWARDS)
    report = check_cohort(str(cohort_of(tmp_path, *rows, {"kind": "transcript", "path": "gone.csv"}).root))
    assert [one.kind for one in report.cohort.iter_recordings()] == ["audio", "transcript"]
