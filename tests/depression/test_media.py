"""Sound and pictures: blocks, channels, and files that cannot be used."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from depression.recordings import RATE, recording, tone, write_sound
from presage.cohort import InputError, UnusableRecording, kind_named
from presage.depression import Transcript, Turn
from presage.depression.channels import compare_channels
from presage.depression.media import blocks, frames, media_facts, read_audio


def inspect(path: Path, kind: str = "audio", **columns: str) -> None:
    kind_named(kind).inspect(recording(path, kind, **columns))


def reason(path: Path, kind: str = "audio", **columns: str) -> str:
    with pytest.raises(UnusableRecording) as caught:
        inspect(path, kind, **columns)
    assert str(path) in str(caught.value)
    return caught.value.reason


def two_speakers(seconds: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    """Left and right speak in turns of 1.5 s, each faintly heard by the other's microphone."""
    speech = tone(seconds)
    first = (np.arange(len(speech)) // int(1.5 * RATE)) % 2 == 0
    return np.where(first, speech, 0.05 * speech), np.where(first, 0.05 * speech, speech)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_blocks_are_the_sound_at_the_wanted_rate(tmp_path: Path, ending: str) -> None:
    path = write_sound(tmp_path / f"a.{ending}", tone(2.3))
    facts = media_facts(str(path))
    assert (facts.rate, facts.channels, facts.width) == (RATE, 1, 0)
    assert facts.duration == pytest.approx(2.3, abs=0.05)
    parts = list(blocks(str(path), rate=16000, seconds=0.5))
    assert [len(part) for part in parts[:4]] == [8000] * 4
    sound = np.concatenate(parts)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2.3 * 16000, abs=800)
    middle = sound[8000:24000]
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.3, abs=0.02)
    peak = np.fft.rfftfreq(len(middle), 1 / 16000)[np.abs(np.fft.rfft(middle)).argmax()]
    assert peak == pytest.approx(220, abs=2)


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    peaks = []
    for minutes in (1, 6):
        path = write_sound(tmp_path / f"{minutes}.wav", np.tile(tone(60), minutes))
        tracemalloc.start()
        total = sum(len(block) for block in blocks(str(path), seconds=5))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total == pytest.approx(minutes * 60 * 16000, abs=100)
    assert peaks[1] < 1.5 * peaks[0]


def test_channels_are_taken_as_named(tmp_path: Path) -> None:
    path = str(write_sound(tmp_path / "a.wav", tone(1, level=0.4), tone(1, level=0.2)))
    loud = {name: np.abs(read_audio(path, rate=RATE, channel=name)).max() for name in ("left", "right", "mix", "")}
    expected = {"left": 0.4, "right": 0.2, "mix": 0.3, "": 0.3}
    assert loud == pytest.approx(expected, abs=0.01)
    with pytest.raises(InputError, match="channel must be"):
        read_audio(path, channel="middle")


def test_speakers_on_channels_of_their_own_need_a_name(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", *two_speakers())
    assert reason(path) == "channels differ and none was named"
    with pytest.raises(UnusableRecording, match="swings by"):
        read_audio(str(path))
    inspect(path, channel="right")
    inspect(path, channel="mix")
    assert reason(path, channel="both") == "channel not left, right or mix"


def test_a_room_with_two_microphones_needs_none(tmp_path: Path) -> None:
    speech, _ = two_speakers()
    path = write_sound(tmp_path / "a.wav", speech, 0.3 * speech)
    inspect(path)
    assert compare_channels(str(path)).swing_db < 1


def test_a_dead_channel_is_left_out(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", np.zeros(RATE), tone(1))
    inspect(path)
    assert np.abs(read_audio(str(path), rate=RATE)).max() == pytest.approx(0.3, abs=0.01)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    assert reason(write_sound(tmp_path / "silent.wav", np.zeros(3 * RATE))) == "silent audio"
    (tmp_path / "words.wav").write_text("not sound at all" * 50)
    assert reason(tmp_path / "words.wav") == "cannot be decoded"
    assert reason(tmp_path / "none.wav") == "file missing"
    inspect(write_sound(tmp_path / "good.wav", tone(1)), answer="neutral")
    assert reason(tmp_path / "good.wav", answer="happy").startswith("answer not")
    assert reason(tmp_path / "good.wav", kind="video") == "no pictures"


def test_a_silence_with_one_word_in_it_is_no_silence(tmp_path: Path) -> None:
    sound = np.zeros(60 * RATE)
    sound[31 * RATE + 3000 : 31 * RATE + 3400] = tone(0.05)
    inspect(write_sound(tmp_path / "a.wav", sound))


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_truncated_file_is_named(tmp_path: Path, ending: str) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(20 * RATE)
    path = write_sound(tmp_path / f"a.{ending}", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert reason(path) == "truncated file"
    with pytest.raises(UnusableRecording, match=r"20\.0 s"):
        read_audio(str(path))


def test_a_recording_shorter_than_its_transcript_names_both_lengths(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(2))
    media = kind_named("audio").read(recording(path, "audio"))
    media.check_covers(Transcript((Turn("participant", "yes", 0.5, 2.4),)))
    media.check_covers(Transcript((Turn("participant", "yes"),)))
    with pytest.raises(UnusableRecording, match=r"2\.0 s.*9\.0 s") as caught:
        media.check_covers(Transcript((Turn("participant", "yes", 0.5, 9.0),)))
    assert caught.value.reason == "audio shorter than its transcript"


@pytest.mark.data
def test_a_video_gives_pictures_and_sound(research_data: Path) -> None:
    path = research_data / "face_speech" / "baseline.mp4"
    facts = media_facts(str(path))
    assert (facts.width, facts.height, facts.fps, facts.rate) == (1920, 1080, 30.0, 44100)
    assert facts.duration == pytest.approx(3.48, abs=0.01)
    inspect(path, kind="video")
    inspect(path)
    pictures = list(frames(str(path), every=1.0, height=90))
    assert [round(time) for time, _ in pictures] == [0, 1, 2, 3]
    assert pictures[0][1].shape == (90, 160, 3)
    assert len(read_audio(str(path))) / 16000 == pytest.approx(3.48, abs=0.05)


def test_damaged_files_are_refused_and_never_break(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    whole = [
        write_sound(tmp_path / f"a.{end}", tone(0.5), tone(0.5, 300)).read_bytes() for end in ("wav", "flac", "ogg")
    ]
    path, refusals = tmp_path / "damaged.bin", 0
    for turn in range(60):
        damaged = bytearray(whole[turn % 3])
        for place in generator.integers(0, 200, 1 + turn % 20):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged[: len(damaged) if turn % 2 else int(generator.integers(1, len(damaged)))])
        try:
            inspect(path)
            read_audio(str(path))
        except InputError:
            refusals += 1
    assert refusals > 20


def test_without_the_packages_for_interviews_the_cure_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sound(tmp_path / "a.wav", tone(1))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"presage\[depression\]") as caught:
        inspect(path)
    assert not isinstance(caught.value, UnusableRecording)
