"""What users bring that cannot be used: each thing is refused or counted by its name, and none stops the rest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from depression.recordings import RATE, tone, write_sound
from presage.cohort import InputError, check_cohort
from presage.depression.importers import import_daic_woz, import_eatd, import_interviews
from presage.study import Study

HEAD = "start,stop,speaker,text\n"
GOOD = HEAD + "0,1,Interviewer,how are you\n1,3,Patient,I sleep well and eat well\n"


def person(root: Path, code: str, text: str | bytes | None = GOOD, name: str = "talk.csv", seconds: float = 4) -> None:
    """A folder with a sound of its own and a transcript."""
    write_sound(root / code / "talk.wav", tone(seconds, hertz=200 + 5 * int(code[1:])))
    if text is not None:
        data = text.encode() if isinstance(text, str) else text
        (root / code / name).write_bytes(data.replace(b"well", f"well {code}".encode()))


def reasons(folder: Path) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for left_out in check_cohort(str(folder)).flow:
        if left_out.unit == "recording":
            counts[left_out.reason] += len(left_out.ids)
    return dict(counts)


def test_every_fault_is_counted_by_its_name(tmp_path: Path) -> None:
    source = tmp_path / "s"
    person(source, "P1")
    person(source, "P2", HEAD + "3,4,Interviewer,how are you\n1,2,Patient,fine\n")
    person(source, "P3", HEAD + "0,1,Interviewer,how are you\n1,30,Patient,fine\n")
    person(source, "P4")
    write_sound(source / "P4" / "talk.wav", np.zeros(4 * RATE))
    person(source, "P5")
    turn = np.repeat([1.0, 0.0, 1.0, 0.0], RATE)
    hiss = 1e-4 * np.random.default_rng(0).random(4 * RATE)
    write_sound(source / "P5" / "talk.wav", turn * tone(4, 150) + hiss, (1 - turn) * tone(4, 250) + hiss)
    person(source, "P6", "病人：我睡得不好\n医生：为什么\n病人：不知道".encode("gb18030"), "talk.txt")
    person(source, "P7", bytes(range(1, 256)), "talk.txt")
    person(source, "P8", b"", "talk.txt")
    (source / "P9").mkdir()
    summary = import_interviews(str(source), str(tmp_path / "c"))
    assert summary.n_patients == 8
    assert list(summary.reasons) == [
        "audio shorter than its transcript (the recording lasts 4.0 s, its transcript ends at 30.0 s)"
    ]
    assert reasons(tmp_path / "c") == {
        "times run backwards": 1,
        "silent audio": 1,
        "channels differ and none was named": 1,
        "not a text file": 1,
        "empty file": 1,
        # Of P2, P7 and P8: else the interviewer in it would be heard.
        "without the transcript that says whose voice is whose": 3,
    }


def test_the_participants_channel_can_be_named(tmp_path: Path) -> None:
    turn = np.repeat([1.0, 0.0, 1.0, 0.0], RATE)
    hiss = 1e-4 * np.random.default_rng(0).random(4 * RATE)
    write_sound(tmp_path / "s" / "P1" / "talk.wav", turn * tone(4, 150) + hiss, (1 - turn) * tone(4, 250) + hiss)
    import_interviews(str(tmp_path / "s"), str(tmp_path / "c"), channel="right")
    assert reasons(tmp_path / "c") == {}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("patient_id,phq8,{items}\nP1,9,1,1,1,1,1,1,1,1\n", "P1: total 9, items 8"),
        ("patient_id,phq8\nP1,99\n", "from 0 to 24: P1: 99"),
        ("patient_id,phq8\nP1,severe\n", "from 0 to 24: P1: severe"),
        ("patient_id,phq8\nP1,3\nP1,4\n", "more than one row"),
        ("person,phq8\nP1,3\n", "no column patient_id"),
        ("patient_id,phq8\nP7,3\n", "no patient of the outcomes table"),
        ("", "the table is empty"),
        (None, "no such outcomes table"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(tmp_path: Path, table: str | None, words: str) -> None:
    person(tmp_path / "s", "P1")
    if table is not None:
        items = ",".join(f"phq8_{number}" for number in range(1, 9))
        (tmp_path / "o.csv").write_text(table.replace("{items}", items))
    with pytest.raises(InputError, match=words):
        import_interviews(str(tmp_path / "s"), str(tmp_path / "c"), outcomes=str(tmp_path / "o.csv"))
    assert not (tmp_path / "c" / "patients.csv").exists()


@pytest.mark.parametrize("importer", [import_interviews, import_eatd, import_daic_woz])
def test_an_empty_folder_and_none_at_all_are_refused(importer, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        importer(str(tmp_path / "empty"), str(tmp_path / "c"))
    with pytest.raises(InputError, match="no such folder"):
        importer(str(tmp_path / "none"), str(tmp_path / "c"))


@pytest.mark.parametrize(
    ("said", "told", "members", "counted"),
    [
        ("I sleep well and eat {}", "", ["language", "prosody", "face"], False),
        ("我睡得不好，吃得也不好，{}", "", ["language-measures", "language-ngrams", "prosody"], True),
        ("我睡得不好，吃得也不好，{}", "zh", ["language-measures", "language-ngrams", "prosody"], True),
        ("ich schlafe schlecht {}", "de", ["language-ngrams", "prosody"], False),
        ("よく眠れません {}", "", ["language-ngrams", "prosody"], False),
    ],
)
def test_the_study_has_language_markers_that_know_the_language(
    tmp_path: Path, said: str, told: str, members: list[str], counted: bool
) -> None:
    for k in range(6):
        person(tmp_path / "s", f"P{k}", f"speaker,text\nInterviewer,hello\nPatient,{said.format(k)}\n")
    (tmp_path / "o.csv").write_text("patient_id,phq8\n" + "".join(f"P{k},{4 * k}\n" for k in range(6)))
    import_interviews(str(tmp_path / "s"), str(tmp_path / "c"), outcomes=str(tmp_path / "o.csv"), language=told)
    study = Study.read(str(tmp_path / "c" / "study.yaml"))
    plans = {plan.marker: plan.build() for plan in study.plans}
    assert plans["late-fusion"].members == members
    assert ("language-measures" in plans) == counted
    assert ("language-ngrams" in plans) == (members[0] != "language")
    assert "language" in plans
