from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from presage.cohort import InputError, Recording, UnusableRecording
from presage.depression.phantom.voice import Manner, say
from presage.depression.prosody import egemaps
from presage.depression.prosody.egemaps import EgemapsFrames, EgemapsTurns, descriptors_between, turn_rows, with_turns
from presage.depression.prosody.egemaps_names import DESCRIPTORS, FUNCTIONALS, MIDDLES

RATE = 16_000
MANNER = Manner(pitch=140, melody=2.0, syllables_per_second=4.5, pause=0.3, level=0.2, breath=0.05)


def voice(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    sentences = ["I usually have coffee in the morning.", "We went for a walk by the river."] * 20
    sound, _ = say(sentences, MANNER, np.random.default_rng(seed))
    return np.tile(sound, int(np.ceil(seconds * RATE / len(sound))))[: round(seconds * RATE)]


def written(path: Path, sound: NDArray[np.floating], rate: int = RATE) -> Recording:
    soundfile.write(path, sound, rate, subtype="FLOAT")
    return Recording("P1", "1", "audio", str(path))


@pytest.fixture
def opensmile():
    return pytest.importorskip("opensmile", reason="openSMILE (research licence, extra opensmile) is not installed")


def test_there_are_25_descriptors_and_88_functionals_under_opensmiles_names(opensmile) -> None:
    assert (len(DESCRIPTORS), len(FUNCTIONALS)) == (25, 88)
    for level, names in (("LowLevelDescriptors", DESCRIPTORS), ("Functionals", FUNCTIONALS)):
        smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel[level])
        assert tuple(smile.feature_names) == names


def test_blocks_give_what_opensmile_gives_for_the_file(opensmile, tmp_path: Path) -> None:
    """31.3 s: three blocks, of which the last one takes in a rest."""
    recording = written(tmp_path / "a.wav", voice(30.7))
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.LowLevelDescriptors)
    table = smile.process_file(recording.path)
    found = EgemapsFrames().encode(recording)
    assert found["frames"].shape == table.shape
    np.testing.assert_allclose(found["frames"], table.to_numpy(), atol=1e-3)
    starts = table.index.get_level_values("start").total_seconds()
    np.testing.assert_allclose(found["times"][:, 0], starts, atol=1e-6)
    np.testing.assert_allclose(found["times"][:, 1], table.index.get_level_values("end").total_seconds(), atol=1e-6)
    assert found["duration"][0] == pytest.approx(30.7)


def test_functionals_of_turns_are_those_of_a_file_with_the_turn_alone(opensmile, tmp_path: Path) -> None:
    sound = voice(25)
    recording = written(tmp_path / "a.wav", sound)
    turns = [(0.5, 4.25), (9.0, 12.5), (3.0, 10.125)]
    rows = turn_rows(EgemapsTurns().encode(with_turns(recording, turns)))
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    for row, (start, stop) in zip(rows, turns, strict=True):
        part = written(tmp_path / "part.wav", sound[round(start * RATE) : round(stop * RATE)])
        np.testing.assert_allclose(row, smile.process_file(part.path).to_numpy()[0], rtol=1e-5)


def test_a_long_turn_is_the_mean_of_its_minutes(opensmile, tmp_path: Path) -> None:
    recording = written(tmp_path / "a.wav", voice(126))
    whole = turn_rows(EgemapsTurns().encode(with_turns(recording, [(0, 126)])))[0]
    thirds = [(0, 42), (42, 84), (84, 126)]
    parts = turn_rows(EgemapsTurns().encode(with_turns(recording, thirds)))
    np.testing.assert_allclose(whole, parts.mean(axis=0), rtol=1e-3, atol=1e-4)
    everything = turn_rows(EgemapsTurns().encode(recording))
    assert everything.shape == (1, 88)
    assert np.isfinite(everything).all()


def test_the_middle_of_each_descriptors_sound_is_when_it_happens(opensmile, tmp_path: Path) -> None:
    """A voice from 1 to 2 s: loudness sees 20 ms, pitch 60 ms, and both begin and end then."""
    time = np.arange(3 * RATE) / RATE
    sound = sum(np.cos(2 * np.pi * 150 * k * time) / k for k in range(1, 20)) * 0.1 * ((time >= 1) & (time < 2))
    sound = sound + 1e-5 * np.random.default_rng(0).normal(size=len(time))
    found = EgemapsFrames().encode(written(tmp_path / "a.wav", sound))
    for name in ("Loudness_sma3", "F0semitoneFrom27.5Hz_sma3nz", "HNRdBACF_sma3nz"):
        column = DESCRIPTORS.index(name)
        values = np.abs(found["frames"][:, column])
        there = (found["times"][:, 0] + MIDDLES[column])[values > values.max() / 2]
        assert there[0] == pytest.approx(1, abs=0.021)
        assert there[-1] == pytest.approx(2, abs=0.021)
    share, *inside = descriptors_between(found, 1.1, 1.9)
    assert share == 1
    pitch = inside[DESCRIPTORS.index("F0semitoneFrom27.5Hz_sma3nz")]
    assert pitch == pytest.approx(12 * np.log2(150 / 27.5), abs=0.1)
    share, *outside = descriptors_between(found, 2.2, 2.8)
    assert share == 0
    assert np.isnan(outside[DESCRIPTORS.index("F0semitoneFrom27.5Hz_sma3nz")])
    assert np.isfinite(outside[DESCRIPTORS.index("Loudness_sma3")])


def test_silence_has_no_voice_and_a_blink_of_sound_no_numbers(opensmile, tmp_path: Path) -> None:
    silent = written(tmp_path / "silent.wav", np.zeros(2 * RATE))
    row = dict(zip(FUNCTIONALS, turn_rows(EgemapsTurns().encode(silent))[0], strict=True))
    assert np.isnan(row["F0semitoneFrom27.5Hz_sma3nz_amean"])
    assert np.isnan(row["F1amplitudeLogRelF0_sma3nz_amean"])
    assert np.isnan(row["slopeV0-500_sma3nz_amean"])
    assert np.isfinite(row["loudness_sma3_amean"])
    assert row["VoicedSegmentsPerSec"] == 0
    short = written(tmp_path / "short.wav", voice(0.05))
    found = EgemapsTurns().encode(short)
    assert not found["known"].any()
    assert np.isnan(turn_rows(found)).all()
    assert EgemapsFrames().encode(short)["frames"].shape == (0, 25)
    beyond = EgemapsTurns().encode(with_turns(silent, [(5.0, 7.0)]))
    assert not beyond["known"].any()
    assert np.isnan(descriptors_between(EgemapsFrames().encode(short), 0, 1)).all()


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_are_brought_to_16_khz(opensmile, tmp_path: Path, rate: int) -> None:
    from scipy.signal import resample_poly

    sound = voice(5)
    other = resample_poly(sound, rate // 8_000, RATE // 8_000)
    usual = turn_rows(EgemapsTurns().encode(written(tmp_path / "a.wav", sound)))[0]
    found = turn_rows(EgemapsTurns().encode(written(tmp_path / "b.wav", other, rate)))[0]
    assert np.isfinite(found).all()
    for name in ("F0semitoneFrom27.5Hz_sma3nz_amean", "F0semitoneFrom27.5Hz_sma3nz_percentile50.0"):
        number = FUNCTIONALS.index(name)
        assert found[number] == pytest.approx(usual[number], abs=0.5)


def test_the_channel_that_is_named_is_read(opensmile, tmp_path: Path) -> None:
    sound, other = voice(4), voice(4, seed=9)
    both = written(tmp_path / "both.wav", np.stack([other, sound], axis=1))
    right = Recording("P1", "1", "audio", both.path, {"channel": "right"})
    expected = EgemapsFrames().encode(written(tmp_path / "mono.wav", sound))["frames"]
    np.testing.assert_allclose(EgemapsFrames().encode(right)["frames"], expected, atol=1e-3)
    with pytest.raises(UnusableRecording, match="channel"):
        EgemapsFrames().encode(both)


def test_without_opensmile_the_error_says_how_to_install_it_and_its_licence(monkeypatch) -> None:
    def absent(name: str) -> str:
        raise egemaps.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(egemaps.metadata, "version", absent)
    with pytest.raises(InputError, match=r"research licence.*no\s+commercial product") as caught:
        EgemapsFrames().fingerprint()
    assert "presage[opensmile]" in caught.value.cure


def test_the_fingerprint_knows_the_version_of_opensmile(monkeypatch) -> None:
    monkeypatch.setattr(egemaps.metadata, "version", lambda name: "2.6.0")
    one = EgemapsTurns().fingerprint()
    monkeypatch.setattr(egemaps.metadata, "version", lambda name: "2.7.0")
    assert EgemapsTurns().fingerprint() != one
