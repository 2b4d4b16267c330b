"""Transcripts by recognition: pieces, files, and what is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depression.recordings import recording, tone, write_sound
from presage.cohort import Cohort, InputError, UnusableRecording
from presage.depression.media import read_audio
from presage.depression.speech import transcription
from presage.depression.speech.transcription import cut_at_pauses, transcribe_cohort, transcribed
from presage.depression.speech.windows import sound_between
from presage.depression.transcript import PARTICIPANT, Turn

DATA = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "face_speech"


def test_stretches_are_cut_from_the_stream_as_from_the_whole(tmp_path: Path) -> None:
    path = str(write_sound(tmp_path / "a.wav", np.random.default_rng(3).uniform(-0.4, 0.4, 8000 * 47)))
    whole = read_audio(path)
    spans = [(0.0, 1.0), (0.5, 25.0), (0.5, 0.7), (11.0, 12.0), (26.03, 44.0), (46.0, 60.0), (70.0, 80.0)]
    for (start, stop), part in zip(spans, sound_between(path, spans), strict=True):
        np.testing.assert_array_equal(part, whole[round(start * 16000) : round(stop * 16000)])
    (rest,) = sound_between(path, [(40.0, float("inf"))])
    np.testing.assert_array_equal(rest, whole[40 * 16000 :])


@given(st.lists(st.tuples(st.floats(0.05, 40), st.floats(0.2, 8)), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_pieces_hold_all_speech_and_none_is_too_long(pairs: list[tuple[float, float]]) -> None:
    lengths, gaps = np.array(pairs).T
    begins = np.cumsum(gaps) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    speech = np.stack([begins, begins + lengths], axis=1)
    pieces = list(cut_at_pauses(speech, 10.0))
    assert all(0 < stop - start <= 10.0 + 0.4 + 1e-9 for start, stop in pieces)
    # Nothing is heard twice.
    assert all(first[1] <= second[0] + 1e-9 for first, second in pairwise(pieces))
    for moment in np.concatenate([np.linspace(a, b, 7) for a, b in speech]):
        assert any(start - 1e-9 <= moment <= stop + 1e-9 for start, stop in pieces)


def test_times_are_those_of_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sound(tmp_path / "a.wav", tone(40))
    monkeypatch.setattr(transcription, "speech_probability", lambda parts: np.zeros(0))
    monkeypatch.setattr(transcription, "stretches", lambda _: np.array([[1.0, 4.0], [20.0, 39.0]]))
    heard: list[int] = []

    def recogniser(part: np.ndarray) -> list[Turn]:
        heard.append(len(part))
        return [Turn(PARTICIPANT, f"piece {len(heard)}", 0.2, 1.7), Turn(PARTICIPANT, " ", 2, 3)]

    found = transcribed(recording(path, "audio"), recogniser)
    assert [(turn.text, turn.start, turn.stop) for turn in found] == [("piece 1", 1.0, 2.5), ("piece 2", 20.0, 21.5)]
    assert heard == [round(3.4 * 16000), round(19.4 * 16000)]


def test_a_recording_without_speech_is_named(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", np.random.default_rng(1).normal(size=8000 * 3) * 0.01)
    with pytest.raises(UnusableRecording, match="no speech was heard"):
        transcribed(recording(path, "audio"), lambda part: [])


def _cohort(folder: Path, channel: str = "") -> Cohort:
    write_sound(folder / "sound" / "a.wav", tone(3))
    write_sound(folder / "sound" / "b.wav", tone(4))
    (folder / "b.csv").write_text("start,stop,speaker,text\n0,1,Participant,there already\n")
    (folder / "patients.csv").write_text("patient_id,phq9\nP1,3\nP2,12\n")
    (folder / "recordings.csv").write_text(
        "patient_id,visit,kind,path,channel\n"
        f"P1,1,audio,sound/a.wav,{channel}\nP2,1,audio,sound/b.wav,\nP2,1,transcript,b.csv,\n"
        "P1,2,audio,gone.wav,\n"
    )
    return Cohort.read(str(folder))


def test_transcripts_are_added_for_their_owner_alone_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort, calls = _cohort(tmp_path), []

    def heard(sound: object, recogniser: object) -> list[Turn]:
        calls.append(sound)
        return [Turn(PARTICIPANT, 'she said "fine", and left', 0.5, 2.0)]

    monkeypatch.setattr(transcription, "transcribed", heard)
    with pytest.raises(InputError, match="interviewer's words would be taken for the participant's"):
        transcribe_cohort(cohort)
    assert transcribe_cohort(cohort, participant_alone=True) == (1, [])
    table = pd.read_csv(tmp_path / "recordings.csv", keep_default_na=False)
    # What stood in the table is there still, a row whose file is missing included.
    assert len(table) == 5
    assert table.iloc[-1].to_dict() == {
        "patient_id": "P1",
        "visit": 1,
        "kind": "transcript",
        "path": table.iloc[-1]["path"],
        "channel": "",
        "language": "en",
    }
    assert (tmp_path / table.iloc[-1]["path"]).is_file()
    assert stat.S_IMODE((tmp_path / "transcripts").stat().st_mode) == 0o700
    again = Cohort.read(str(tmp_path))
    found = [r for r in again.iter_recordings("transcript") if r.patient_id == "P1"]
    from presage.depression.transcripts import read_transcript

    assert read_transcript(found[0]).participant().text == 'she said "fine", and left'
    with pytest.raises(InputError, match="every session with sound has a transcript"):
        transcribe_cohort(again, participant_alone=True)
    assert len(calls) == 1


def test_what_was_recognised_before_a_stop_is_kept_and_another_model_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, calls = _cohort(tmp_path, channel="left"), []
    before = (tmp_path / "recordings.csv").read_text()

    def heard(sound: object, recogniser: object) -> list[Turn]:
        calls.append(sound)
        return [Turn(PARTICIPANT, f"number {len(calls)}", 0.5, 2.0)]

    @contextmanager
    def nobody(**_: object) -> Iterator[None]:
        yield None

    monkeypatch.setattr(transcription, "transcribed", heard)
    monkeypatch.setattr(transcription, "opened_recogniser", nobody)
    assert transcribe_cohort(cohort) == (1, [])
    (tmp_path / "recordings.csv").write_text(before)
    assert transcribe_cohort(cohort) == (1, [])
    assert len(calls) == 1
    (tmp_path / "recordings.csv").write_text(before)
    assert transcribe_cohort(cohort, language="zh", model="elsewhere") == (1, [])
    assert len(calls) == 2
    row = pd.read_csv(tmp_path / "recordings.csv").iloc[-1]
    assert row["language"] == "zh"
    assert "number 2" in (tmp_path / row["path"]).read_text()


def test_persons_whose_codes_look_alike_have_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        transcription, "transcribed", lambda sound, _: [Turn(PARTICIPANT, Path(sound.path).stem, 0.0, 1.0)]
    )
    people = ["a b", "a-b", "a/b"]
    for number, _ in enumerate(people):
        write_sound(tmp_path / f"s{number}.wav", tone(1 + number))
    (tmp_path / "patients.csv").write_text("patient_id\n" + "\n".join(people) + "\n")
    (tmp_path / "recordings.csv").write_text(
        "patient_id;visit;kind;path;note\n"
        + "".join(f"{who};1;audio;s{number}.wav;NA\n" for number, who in enumerate(people))
    )
    assert transcribe_cohort(Cohort.read(str(tmp_path)), participant_alone=True) == (3, [])
    lines = (tmp_path / "recordings.csv").read_text().splitlines()
    # Separator and cells are those of before.
    assert lines[1] == "a b;1;audio;s0.wav;NA;"
    said = [(tmp_path / line.split(";")[3]).read_text().split(",")[-1].strip() for line in lines[4:]]
    assert said == ["s0", "s1", "s2"]


def test_the_mean_of_both_channels_is_not_the_participants(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="interviewer's words would be taken"):
        transcribe_cohort(_cohort(tmp_path, channel="mix"))


def test_a_transcript_that_is_listed_and_gone_is_named(tmp_path: Path) -> None:
    _cohort(tmp_path)
    table = (tmp_path / "recordings.csv").read_text()
    (tmp_path / "recordings.csv").write_text(table + "P1,1,transcript,lost.csv,\n")
    with pytest.raises(InputError, match=r"file not found: gone\.wav, lost\.csv.*whose voice is whose: sound/a\.wav"):
        transcribe_cohort(Cohort.read(str(tmp_path)))


@pytest.mark.skipif(not DATA.is_dir(), reason="the research data (PRESAGE_DATA) are not here")
def test_read_speech_is_transcribed_with_its_times(tmp_path: Path) -> None:
    pytest.importorskip("moonshine_voice")
    from presage.depression.speech.recognition import recognise

    found = transcribed(recording(DATA / "beckett.wav", "audio"), lambda part: recognise(part).turns)
    words = " ".join(turn.text for turn in found).lower()
    assert sum(word in words for word in ("ever", "tried", "failed", "matter", "again", "fail", "better")) >= 6
    assert all(0 <= turn.start < turn.stop <= 10.5 for turn in found)
    assert all(first.stop <= second.start + 0.5 for first, second in pairwise(found))
