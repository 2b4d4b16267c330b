"""The timeline of a session: what stands where, what is left open, and what a long recording costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from depression.recordings import write_sound
from presage.cohort import Cohort, kind_named
from presage.depression import Transcript, Turn, Word
from presage.depression.details import details, until
from presage.depression.face.measures import NAMES
from presage.depression.face.track_file import write_track
from presage.depression.lanes import Curve, Words, face_lanes, melody
from presage.depression.overview import DETAILED, overview
from presage.depression.phantom.voice import Manner, say
from presage.depression.session import sessions
from presage.depression.timeline import Panel, draw_panels
from presage.depression.transcripts.reader import read_transcript


def axes_of(lane, seconds: float = 10.0):
    axes = Figure(figsize=(10, 1)).subplots()
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, 1)
    lane.draw(axes, 0.0, 1.0)
    return axes


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, list[tuple[str, float, float]]]:
    """Two made-up sentences with a second of silence between them, their transcript, and a face that looks away."""
    folder = tmp_path_factory.mktemp("talk")
    how = Manner(pitch=150, melody=1.0, syllables_per_second=4.0, pause=0.05, level=0.3, breath=0.05)
    generator = np.random.default_rng(3)
    first, words = say(["I sleep badly every night"], how, generator)
    second, _ = say(["My days are empty and long"], how, generator)
    sound = np.concatenate([first, np.zeros(16_000, np.float32), second])
    write_sound(folder / "a.wav", sound, rate=16_000)
    middle = len(first) / 16_000
    end = len(sound) / 16_000
    (folder / "a.csv").write_text(
        "start,stop,speaker,text\n"
        f"0,{middle:.2f},Participant,I sleep badly every night\n"
        f"{middle + 1:.2f},{end:.2f},Participant,My days are empty and long\n"
    )
    times = np.arange(0, end, 0.1)
    values = np.tile(np.linspace(0.2, 0.4, len(NAMES)), (len(times), 1))
    values[(times > 1) & (times < 2)] = np.nan
    write_track(folder / "a-face.csv", times, values)
    rows = [("transcript", "a.csv"), ("audio", "a.wav"), ("face-track", "a-face.csv")]
    table = pd.DataFrame([{"patient_id": "A", "visit": "1", "kind": k, "path": p, "language": "xx"} for k, p in rows])
    table.to_csv(folder / "recordings.csv", index=False)
    pd.DataFrame({"patient_id": ["A"], "phq8": [3]}).to_csv(folder / "patients.csv", index=False)
    return Cohort.read(str(folder)), words


def test_a_session_is_drawn_with_all_that_is_known(talk) -> None:
    session = sessions(talk[0])[0]
    assert session.transcript is not None
    lanes, remarks = details(session, read_transcript(session.transcript), 60.0, sound=True)
    assert [lane.name.split("\n")[0] for lane in lanes] == [
        "words", "speech", "pitch (Hz)", "energy (dB)", "eyes open, ▾ blink", "mouth corners up", "head (degrees)"
    ]  # fmt: skip
    # The aligner knows English alone; nothing is invented for another language.
    assert "knows English alone" in remarks[0]
    pitch, energy = lanes[2], lanes[3]
    assert np.nanmedian(pitch.values["F0"]) == pytest.approx(150, rel=0.15)
    silent = (pitch.times > talk[1][-1][2] + 0.3) & (pitch.times < talk[1][-1][2] + 0.8)
    assert np.isnan(pitch.values["F0"][silent]).all()
    assert energy.values["energy"][silent].max() < -60
    eyes = lanes[4]
    assert np.isnan(eyes.values["eyes"][(eyes.times > 1.05) & (eyes.times < 1.95)]).all()
    assert any("face seen in" in remark for remark in remarks)


def test_only_the_first_seconds_are_looked_at(talk) -> None:
    session = sessions(talk[0])[0]
    lanes, _ = details(session, None, 1.0, sound=True)
    assert max(lane.times.max() for lane in lanes if isinstance(lane, Curve)) <= 1.0


def test_nothing_behind_the_end_is_decoded() -> None:
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield np.full(10, number, np.float32)

    assert len(np.concatenate(list(until(blocks(), 10, 2.5)))) == 25
    assert taken == [0, 1, 2]


def test_words_stand_at_their_times_and_never_cover_one_another() -> None:
    words = tuple(Word("word", 0.05 * number, 0.05 * number + 0.04) for number in range(100))
    axes = axes_of(Words(Transcript((Turn("participant", "", 0.0, 5.0, words),))))
    by_row: dict[float, list[float]] = {}
    for text in axes.texts:
        x, y = text.get_position()
        by_row.setdefault(y, []).append(x)
    assert 0.0 in [x for row in by_row.values() for x in row]
    assert len(axes.texts) + len(axes.lines) == 100  # what has no room is marked, not dropped
    assert all(np.diff(sorted(row)).min() > 0.3 for row in by_row.values())


def test_a_turn_without_word_times_begins_where_it_does() -> None:
    axes = axes_of(Words(Transcript((Turn("interviewer", "how do you sleep these days", 2.0, 3.0),))))
    assert axes.texts[0].get_position()[0] == 2.0
    assert axes.texts[0].get_text().startswith("how do")


def test_pitch_of_noise_is_not_drawn() -> None:
    frames = np.zeros((100, 21), np.float32)
    frames[:, 0], frames[:, 3] = 200, -30
    pitch = melody(frames, 0.01, np.array([[0.5, 0.6]]))[0].values["F0"]
    assert np.isnan(pitch[:35]).all()
    assert np.isfinite(pitch[45:65]).all()


def test_blinks_are_marked_and_gaps_stay_gaps() -> None:
    times = np.arange(5.0)
    eye = np.array([0.3, np.nan, 0.3, 0.1, 0.3])
    lanes = face_lanes(times, {name: eye for name in NAMES}, np.array([3.0]))
    axes = axes_of(lanes[0])
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 5]
    assert np.isnan(drawn[0].get_ydata()[1])
    assert [line.get_xdata().tolist() for line in axes.lines if line.get_marker() == "v"] == [[3.0]]


def test_few_sessions_are_shown_closely_and_many_in_brief(
    talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Panel] = []
    captions: list[str] = []

    def keep(panels: list[Panel], out: Path, caption: str) -> Path:
        drawn.extend(panels)
        captions.append(caption)
        return draw_panels(panels, out, caption)

    monkeypatch.setattr("presage.depression.overview.draw_panels", keep)
    out = kind_named("audio").show(talk[0], tmp_path / "o.png")
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert len(drawn[0].lanes) == 9
    kind_named("transcript").show(talk[0], tmp_path / "t.png")
    assert [lane.name for lane in drawn.pop().lanes] == ["turns", "words"]
    monkeypatch.setattr("presage.depression.overview.DETAILED", 0)
    overview(talk[0], "audio", tmp_path / "p.png")
    assert [lane.name for lane in drawn[1].lanes] == ["sound", "turns"]
    assert "words, pauses, pitch and face" in captions[-1]
    assert DETAILED == 12


def test_a_minute_stands_in_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = "".join(f"{start},{start + 4},Participant,words of turn {start}\n" for start in range(0, 150, 5))
    (tmp_path / "a.csv").write_text("start,stop,speaker,text\n" + turns)
    rows = "patient_id,visit,kind,path\nA,1,transcript,a.csv\n"
    (tmp_path / "recordings.csv").write_text(rows)
    (tmp_path / "patients.csv").write_text("patient_id,phq8\nA,3\n")
    drawn: list[Panel] = []

    def keep(panels: list[Panel], out: Path, caption: str) -> Path:
        drawn.extend(panels)
        return draw_panels(panels, out, caption)

    monkeypatch.setattr("presage.depression.overview.draw_panels", keep)
    overview(Cohort.read(str(tmp_path)), "transcript", tmp_path / "o.png")
    assert [panel.start for panel in drawn] == [0, 60, 120]
    axes = axes_of(drawn[1].lanes[1])
    axes.clear()
    axes.set_xlim(60, 120)
    drawn[1].lanes[1].draw(axes, 0.0, 1.0)
    assert [text.get_position()[0] for text in axes.texts] == list(range(60, 120, 5))
