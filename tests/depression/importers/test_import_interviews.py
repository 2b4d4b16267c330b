"""Folders of interviews to a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from depression.recordings import tone, write_sound
from presage.cohort import Cohort, InputError, check_cohort, kind_named
from presage.depression.importers import import_interviews
from presage.depression.session import sessions


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three persons: one with two visits by date, one with two tasks, one with a cut recording."""
    root = tmp_path / "source"
    for number, (folder, stem) in enumerate(
        [
            ("P01/2021-05-04", "talk"),
            ("P01/2020-05-04", "talk"),
            ("P02", "P02_reading_audio"),
            ("P02", "P02_free_audio"),
        ]
    ):
        write_sound(root / folder / f"{stem}.wav", tone(3, hertz=200 + 20 * number))
        text = root / folder / f"{stem.replace('_audio', '_transcript')}.csv"
        text.write_text(f"start,stop,speaker,text\n0,1,SPK1,number {number}\n1,2.5,SPK2,yes\n")
    write_sound(root / "P03" / "talk.wav", tone(1, hertz=400))
    (root / "P03" / "talk.srt").write_text("1\n00:00:00,500 --> 00:00:09,000\nSPK2: fine\n")
    (root / "P03" / "scan.pdf").write_bytes(b"%PDF")
    (root / "P03" / "._talk.srt").write_bytes(b"\0")
    (root / "readme.txt").write_text("about")
    return root


def test_persons_visits_and_tasks_come_from_the_folders(source: Path, tmp_path: Path) -> None:
    summary = import_interviews(str(source), str(tmp_path / "c"), participant_label="SPK2", language="en")
    assert (summary.n_patients, summary.n_recordings) == (3, 9)
    assert summary.reasons == {
        "audio shorter than its transcript (the recording lasts 1.0 s, its transcript ends at 9.0 s)": 1,
        "hidden file": 1,
        "no transcript, sound or pictures by its ending": 1,
        "not in a person's folder": 1,
    }
    cohort = Cohort.read(str(tmp_path / "c"))
    found = {(s.patient_id, s.visit, s.task): s for s in sessions(cohort)}
    assert set(found) == {
        ("P01", "1", ""),
        ("P01", "2", ""),
        ("P02", "1", "reading"),
        ("P02", "1", "free"),
        ("P03", "1", ""),
    }
    first = found["P01", "1", ""]
    assert first.transcript is not None
    assert "2020-05-04" in first.transcript.path
    assert kind_named("transcript").read(first.transcript).participant().text == "yes"
    assert found["P03", "1", ""].sound is None


def test_every_recording_can_be_checked_and_shown(source: Path, tmp_path: Path) -> None:
    (source / "P03" / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nfine\n")
    import_interviews(str(source), str(tmp_path / "c"), participant_label="SPK2", name="Clinic")
    report = check_cohort(str(tmp_path / "c"))
    assert report.kinds == {"audio": {"all": 4}, "transcript": {"all": 4}}
    # Whose words these are must not be guessed where the others' transcripts name their speakers, nor whose voice.
    assert [e.reason for e in report.flow if e.unit == "recording"] == [
        "no speaker named",
        "without the transcript that says whose voice is whose",
    ]
    picture = kind_named("audio").show(report.cohort, tmp_path / "a.png")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_totals_of_scales_come_from_items(source: Path, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.csv"
    rows = {f"phq9_{number}": [1, 2, ""] for number in range(1, 10)}
    pd.DataFrame({"patient_id": ["P01", "P02", "P03"], "age": [30, 40, 50], "hamd17": [7, 20, 9], **rows}).to_csv(
        outcomes, index=False
    )
    summary = import_interviews(str(source), str(tmp_path / "c"), outcomes=str(outcomes), participant_label="SPK2")
    cohort = Cohort.read(str(tmp_path / "c"))
    assert cohort.patients["phq9"].tolist()[:2] == [9, 18]
    assert np.isnan(cohort.patients.at["P03", "phq9"])
    assert {"phq9", "phq9_1", "hamd17"} <= set(cohort.outcome_columns)
    assert "age" not in cohort.outcome_columns
    assert "PHQ-9: 1 of 2 patients have 10 or more." in summary.notes


def test_a_table_says_what_each_file_is(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "files.csv"
    table.write_text("patient_id;path;visit;answer\nA;P03/talk.srt;2;positive\nB;P02/P02_free_audio.wav;;\n")
    summary = import_interviews(str(source), str(tmp_path / "c"), table=str(table))
    cohort = Cohort.read(str(tmp_path / "c"))
    rows = cohort.recordings[["patient_id", "visit", "kind", "answer"]].fillna("").to_numpy().tolist()
    assert rows == [["A", "2", "transcript", "positive"], ["B", "1", "audio", ""]]
    assert summary.reasons == {"not in the table": 11}
    table.write_text("patient_id,path\nA,P09/none.wav\n")
    with pytest.raises(InputError, match=r"P09/none\.wav"):
        import_interviews(str(source), str(tmp_path / "d"), table=str(table))


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (("Maria Lopez", "Jane Doe"), "persons' names"),
        (("depressed/P1", "control/P2"), "look like classes"),
        (("P1/a/b",), "none of 1 files"),
    ],
)
def test_folders_that_would_leak_are_refused(tmp_path: Path, folders: tuple[str, ...], words: str) -> None:
    for folder in folders:
        path = tmp_path / "s" / folder / "a.txt"
        path.parent.mkdir(parents=True)
        path.write_text("hello")
    with pytest.raises(InputError, match=words) as caught:
        import_interviews(str(tmp_path / "s"), str(tmp_path / "c"))
    assert "Maria" not in str(caught.value)


def test_columns_that_identify_persons_are_refused(source: Path, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("patient_id,birth_date,phq8\nP01,1970-01-01,3\n")
    with pytest.raises(InputError, match="birth_date"):
        import_interviews(str(source), str(tmp_path / "c"), outcomes=str(outcomes))


def test_two_files_of_one_session_are_refused(tmp_path: Path) -> None:
    for ending in ("wav", "flac"):
        write_sound(tmp_path / "s" / "P1" / f"talk.{ending}", tone(1))
    with pytest.raises(InputError, match="both the audio of one session"):
        import_interviews(str(tmp_path / "s"), str(tmp_path / "c"))


def test_the_sound_of_a_video_counts_where_there_is_no_other(tmp_path: Path) -> None:
    from depression.recordings import write_video

    root = tmp_path / "videos"
    write_video(root / "P01" / "talk.mp4", sound=tone(2))
    write_video(root / "P02" / "talk.mp4")
    write_video(root / "P03" / "talk.mp4", sound=tone(2, hertz=330))
    write_sound(root / "P03" / "talk.wav", tone(2))
    (root / "P04").mkdir()
    (root / "P04" / "talk.mp4").write_bytes(b"no video")
    import_interviews(str(root), str(tmp_path / "c"), channel="left")
    table = pd.read_csv(tmp_path / "c" / "recordings.csv")
    found = {person: sorted(rows["kind"]) for person, rows in table.groupby("patient_id")}
    assert found == {"P01": ["audio", "video"], "P02": ["video"], "P03": ["audio", "video"], "P04": ["video"]}
    cohort = check_cohort(str(tmp_path / "c")).cohort
    (session,) = [s for s in sessions(cohort) if s.patient_id == "P01"]
    assert session.audio is not None
    assert session.audio.path == session.video.path
    assert session.audio.get("channel") == "left"
    from presage.depression.prosody.encoder import ProsodyFrames

    frames = ProsodyFrames().encode(session.audio)["frames"]
    assert len(frames) == pytest.approx(200, abs=25)  # AAC begins with a frame of its own
    assert np.median(frames[:, 0]) == pytest.approx(220, rel=0.02)


def test_a_channel_that_does_not_exist_is_refused_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no channel 'middle'"):
        import_interviews(str(source), str(tmp_path / "c"), channel="middle")
    assert not (tmp_path / "c").exists()
