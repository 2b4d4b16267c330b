"""Every format of transcript, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from depression.recordings import recording
from presage.cohort import InputError, UnusableRecording
from presage.depression import Transcript, read_transcript
from presage.depression.transcripts.encodings import decode

DAIC = (
    "start_time\tstop_time\tspeaker\tvalue\n"
    "0.5\t2.0\tEllie\tgreeting_1 (hi i'm here to learn)\n"
    '2.5\t4.0\tParticipant\tokay "well\n'
    "4.0\t4.1\tParticipant\t<sync>\n"
    "5.0\t9.5\tParticipant\ti slept <laughter> badly\n"
)


def read(tmp_path: Path, name: str, content: str | bytes, **columns: str) -> Transcript:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_transcript(recording(path, **columns))


def refused(tmp_path: Path, name: str, content: str | bytes, **columns: str) -> UnusableRecording:
    with pytest.raises(UnusableRecording) as caught:
        read(tmp_path, name, content, **columns)
    return caught.value


def test_daic_keeps_what_was_said(tmp_path: Path) -> None:
    transcript = read(tmp_path, "300_TRANSCRIPT.csv", DAIC, language="en")
    assert transcript.speakers == ("interviewer", "participant")
    assert transcript.prompts().text == "hi i'm here to learn"
    assert [turn.text for turn in transcript.participant()] == ['okay "well', "i slept <laughter> badly"]
    assert (transcript.turns[1].start, transcript.turns[1].stop) == (2.5, 4.0)
    assert (transcript.language, transcript.encoding, transcript.timed, transcript.end) == ("en", "utf-8", True, 9.5)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'start,stop,speaker,text\n0,1,Patient,"yes, no"\n1.5,2,Therapist,why\n'),
        ("b.csv", "Start_Time;End_Time;Speaker;Utterance\n0,0;1,0;Patient;yes, no\n1,5;2,0;Therapist;why\n"),
        ("c.tsv", "onset\toffset\twho\tvalue\n0\t1\tpatient\tyes, no\n0:01.5\t0:00:02\tclinician\twhy\n"),
        (
            "d.srt",
            "1\n00:00:00,000 --> 00:00:01,000\nPatient: yes,\nno\n\n2\n00:00:01,500 --> 00:00:02,000\nDoctor: why\n",
        ),
        (
            "e.vtt",
            "WEBVTT\n\nNOTE made by hand\n\n00:00.000 --> 00:01.000\n<v Patient>yes, <i>no</i></v>\n\n"
            "cue 2\n00:01.500 --> 00:02.000 align:start\n<v.loud Interviewer>why</v>\n",
        ),
    ],
)
def test_formats_with_times_give_the_same_turns(tmp_path: Path, name: str, content: str) -> None:
    transcript = read(tmp_path, name, content)
    said = [(turn.speaker, turn.text, turn.start, turn.stop) for turn in transcript]
    assert said == [("participant", "yes, no", 0.0, 1.0), ("interviewer", "why", 1.5, 2.0)]


def test_plain_text_has_no_times(tmp_path: Path) -> None:
    alone = read(tmp_path, "a.txt", "I sleep badly.\nSince: spring.\n")
    assert [(turn.speaker, turn.start, turn.stop) for turn in alone] == [("participant", None, None)] * 2
    assert not alone.timed
    assert alone.end is None
    both = read(tmp_path, "b.txt", "Interviewer: How are you?\nPatient: Tired.\nVery tired.\nInterviewer： Why?\n")
    assert both.participant().text == "Tired. Very tired."
    assert both.prompts().text == "How are you?\nWhy?"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("我睡得不好".encode(), "utf-8"),
        ("我睡得不好，很累".encode("gb18030"), "gb18030"),
        ("Ich schlafe für gewöhnlich früh".encode("latin-1"), "cp1252"),
        ("\ufeffslept".encode(), "utf-8"),
        ("slept".encode("utf-16"), "utf-16"),
        (b"slept\fbadly\x1a", "utf-8"),
    ],
)
def test_the_encoding_is_found_and_said(tmp_path: Path, content: bytes, encoding: str) -> None:
    transcript = read(tmp_path, "a.txt", content)
    assert transcript.encoding == encoding
    assert "\ufeff" not in transcript.text
    assert transcript.text == decode(content, "a")[0].removeprefix("\ufeff")
    assert bool(transcript.notes) == (encoding not in ("utf-8", "utf-16"))


def test_labels_of_the_table_of_recordings_decide(tmp_path: Path) -> None:
    rows = "start,stop,speaker,text\n0,1,SPK_0,why\n1,2,SPK_1,because\n2,3,SPK_2,go on\n"
    transcript = read(tmp_path, "a.csv", rows, participant_label="spk_1", interviewer_label="SPK_0")
    assert transcript.speakers == ("interviewer", "participant", "SPK_2")
    with pytest.raises(InputError, match="participant_label") as caught:
        read(tmp_path, "a.csv", rows)
    assert not isinstance(caught.value, UnusableRecording)
    assert refused(tmp_path, "a.csv", rows, participant_label="Bob").reason == "participant says nothing"


def test_a_star_says_that_the_participant_alone_speaks(tmp_path: Path) -> None:
    answer = "第一：我睡得不好\n第二：我很累\n"
    assert read(tmp_path, "a.txt", answer, participant_label="*").participant().text == answer.strip()
    rows = "speaker,text\nSPK_0,yes\nSPK_1,no\n"
    assert read(tmp_path, "b.csv", rows, participant_label="*").participant().text == "yes\nno"


def test_of_two_speakers_one_known_name_is_enough(tmp_path: Path) -> None:
    transcript = read(tmp_path, "a.csv", "speaker,text\nEllie,why\nSmith,because\n")
    assert transcript.participant().text == "because"
    assert refused(tmp_path, "b.csv", "speaker,text\nEllie,why\n").reason == "participant says nothing"


@pytest.mark.parametrize(
    ("name", "content", "reason", "line"),
    [
        ("a.csv", "start,stop,speaker,text\n5,6,P,a\n1,2,P,b\n", "times run backwards", "line 3"),
        ("b.csv", "start,stop,speaker,text\n5,4,P,a\n", "turn stops before it starts", "line 2"),
        ("c.csv", "start,stop,speaker,text\nsoon,4,P,a\n", "time not understood", "line 2"),
        ("d.csv", "0,1,P,hello\n", "header missing", "line 1"),
        ("e.csv", "start,stop,text\n0,1\n", "row with a cell too many or too few", "line 2"),
        ("f.csv", "start,stop,text\n", "no turn in the transcript", ""),
        ("g.csv", "speaker,text\nPatient,a\n,b\n", "turns without a speaker", "line 3"),
        ("h.srt", "hello\n", "time not understood", "line 1"),
        ("i.vtt", "00:00.000 --> 00:01.000\nhello\n", "header missing", ""),
        ("j.vtt", "WEBVTT\n\nNOTE nothing\n", "no turn in the transcript", ""),
        ("k.txt", "  \n", "empty file", ""),
        ("l.txt", b"\x00\x05\x16\x07\x00Mac OS X", "not a text file", ""),
        ("m.txt", bytes(range(1, 256)), "not a text file", ""),
        ("n.txt", "Patient: hm".encode("utf-16")[:-1], "not a text file", ""),
        ("o.csv", "start,stop,speaker,text\nnan,4,P,a\n", "time not understood", "line 2"),
        ("p.csv", "start,stop,speaker,text\n-1,4,P,a\n", "time not understood", "line 2"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, content: str | bytes, reason: str, line: str) -> None:
    error = refused(tmp_path, name, content)
    assert error.reason == reason
    assert name in error.where
    assert line in error.where


def test_a_label_without_any_speaker_in_the_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.txt", "I sleep badly.", participant_label="SPK2").reason == "no speaker named"


def test_overlaps_of_one_speaker_are_said(tmp_path: Path) -> None:
    transcript = read(tmp_path, "a.csv", "start,stop,speaker,text\n0,5,Patient,a\n3,4,Ellie,b\n4,6,Patient,c\n")
    assert len(transcript.notes) == 1
    assert "1 turn(s)" in transcript.notes[0]


def test_a_missing_file_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match="no such file"):
        read_transcript(recording(tmp_path / "none.txt"))
