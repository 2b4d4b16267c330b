from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from presage.cohort import Recording
from presage.depression.prosody.cycles import local_jitter, local_shimmer
from presage.depression.prosody.encoder import FUNCTIONALS, ProsodyFrames, functionals
from presage.depression.prosody.frames import COLUMNS, frames_of
from presage.depression.prosody.spectrum import cepstrum, formants, power

RATE = 16_000
DATA = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "face_speech"
COLUMN = {name: number for number, name in enumerate(COLUMNS)}


def pulses(hertz: float, seconds: float, *, jitter: float = 0.0, shimmer: float = 0.0) -> NDArray[np.float64]:
    """A voice: smooth pulses with disturbed periods and amplitudes."""
    generator = np.random.default_rng(3)
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    mark = 0.0
    while mark < seconds:
        height = 1 + shimmer * generator.normal()
        near = np.abs(time - mark) < 0.004
        sound[near] += height * np.exp(-0.5 * ((time[near] - mark) / 0.0006) ** 2)
        mark += (1 + jitter * generator.normal()) / hertz
    return 0.5 * sound


def analysed(sound: NDArray[np.float64], block: float = 10.0) -> dict[str, NDArray[np.float64]]:
    size = round(block * RATE)
    parts = [sound[i : i + size].astype(np.float32) for i in range(0, len(sound), size)]
    found = list(frames_of(parts, RATE, float(np.abs(sound).max())))
    return {
        "frames": np.concatenate([b.values for b in found]),
        "runs": np.concatenate([np.zeros((0, 4)), *(b.runs for b in found)]),
    }


@pytest.mark.parametrize("hertz", [82.0, 120.5, 217.3, 333.0, 470.0])
def test_f0_of_a_steady_voice_is_met(hertz: float) -> None:
    f0 = analysed(pulses(hertz, 1.0))["frames"][8:-8, COLUMN["f0"]]
    assert (f0 > 0).all()
    assert f0 == pytest.approx(np.full(len(f0), hertz), rel=2e-3)


def test_f0_follows_a_glide_and_pauses_are_unvoiced() -> None:
    time = np.arange(2 * RATE) / RATE
    hertz = 110 * 2 ** (time / 2)  # an octave in two seconds
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    sound = sum(np.cos(k * phase) / k for k in range(1, 11)) * 0.1
    sound[RATE - 1600 : RATE + 1600] = 0
    f0 = analysed(sound)["frames"][:, COLUMN["f0"]]
    centre = (np.arange(len(f0)) + 0.5) * 0.01
    pause = np.abs(centre - 1) < 0.07
    assert (f0[pause] == 0).all()
    steady = (np.abs(centre - 1) > 0.13) & (centre > 0.05) & (centre < 1.95)
    assert f0[steady] == pytest.approx(110 * 2 ** (centre[steady] / 2), rel=0.01)


def test_noise_and_silence_have_no_voice() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=3 * RATE)
    assert (analysed(noise)["frames"][:, 0] > 0).mean() < 0.05
    silent = analysed(np.zeros(RATE))
    assert (silent["frames"][:, 0] == 0).all()
    assert np.isfinite(silent["frames"]).all()


@pytest.mark.parametrize("decibel", [5.0, 10.0, 20.0])
def test_harmonics_to_noise_is_the_planted_ratio(decibel: float) -> None:
    time = np.arange(2 * RATE) / RATE
    voice = sum(np.cos(2 * np.pi * 150 * k * time + k) for k in range(1, 6))
    noise = np.random.default_rng(1).normal(size=len(time))
    noise *= np.sqrt((voice**2).mean() / (noise**2).mean()) * 10 ** (-decibel / 20)
    frames = analysed(0.05 * (voice + noise))["frames"][10:-10]
    assert np.median(frames[:, COLUMN["hnr"]]) == pytest.approx(decibel, abs=1.0)


@pytest.mark.parametrize(("jitter", "shimmer"), [(0.0, 0.0), (0.02, 0.0), (0.0, 0.1), (0.015, 0.05)])
def test_jitter_and_shimmer_are_the_planted_ones(jitter: float, shimmer: float) -> None:
    runs = analysed(pulses(130, 4.0, jitter=jitter, shimmer=shimmer))["runs"]
    length = runs[:, 1] - runs[:, 0]
    # The mean absolute difference of two normal draws is 2 / sqrt(pi) standard deviations.
    expected = np.array([jitter, shimmer]) * 2 / np.sqrt(np.pi)
    found = np.average(runs[:, 2:], weights=length, axis=0)
    assert found[0] == pytest.approx(expected[0], rel=0.2, abs=0.002)
    assert found[1] == pytest.approx(expected[1], rel=0.2, abs=0.012)


def test_local_jitter_and_shimmer_by_hand() -> None:
    assert local_jitter(np.array([10.0, 11.0, 10.0, 11.0])) == pytest.approx(1 / 10.5)
    assert np.isnan(local_jitter(np.array([10.0, 20.0])))  # no pair of one voice
    assert local_shimmer(np.array([1.0, 0.8, 1.0])) == pytest.approx(0.2 / (2.8 / 3))


def test_formants_are_the_planted_resonances() -> None:
    source = np.zeros(RATE)
    source[:: RATE // 100] = 1
    planted = (700.0, 1220.0, 2600.0)
    for hertz, width in zip(planted, (80, 90, 120), strict=True):
        radius = np.exp(-np.pi * width / RATE)
        source = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2], source)
    frames = np.lib.stride_tricks.sliding_window_view(source, 400)[2000:12000:160]
    found = np.nanmedian(formants(np.asarray(frames), RATE), axis=0)
    assert found == pytest.approx(planted, rel=0.05)


def test_cepstrum_is_librosas() -> None:
    import librosa

    frames = np.random.default_rng(2).normal(size=(5, 400))
    spectrum = power(frames)
    mels = librosa.feature.melspectrogram(S=spectrum.T, sr=RATE, n_mels=40, fmax=8000)
    expected = librosa.feature.mfcc(S=np.log(mels), n_mfcc=13).T
    assert cepstrum(spectrum, RATE) == pytest.approx(expected, abs=1e-5)


def test_blocks_of_any_length_give_the_same_frames() -> None:
    sound = pulses(140, 3.0, jitter=0.01) + 0.01 * np.random.default_rng(4).normal(size=3 * RATE)
    whole, parts = analysed(sound, 10.0)["frames"], analysed(sound, 0.5)["frames"]
    assert whole.shape == parts.shape
    assert parts[:, 3:5] == pytest.approx(whole[:, 3:5], abs=1e-4)
    assert np.mean(np.abs(parts[:, 0] - whole[:, 0]) < 0.5) > 0.98


def test_functionals_of_a_stretch_know_that_stretch_alone() -> None:
    low, high = pulses(100, 2.0), pulses(200, 2.0)
    arrays = analysed(np.concatenate([low, high]))
    first = dict(zip(FUNCTIONALS, functionals(arrays, 0, 1.9), strict=True))
    second = dict(zip(FUNCTIONALS, functionals(arrays, 2.1, 4), strict=True))
    name = "f0 median (semitones above 100 Hz)"
    assert first[name] == pytest.approx(0, abs=0.05)
    assert second[name] == pytest.approx(12, abs=0.05)
    nothing = functionals(analysed(np.zeros(RATE)))
    assert np.isnan(nothing[0])
    assert np.isfinite(nothing[FUNCTIONALS.index("energy mean")])
    assert np.isnan(functionals(arrays, 50, 60)).all()
    assert len(COLUMNS) == 21
    assert nothing.shape == (len(FUNCTIONALS),) == (47,)


@pytest.mark.skipif(not DATA.is_dir(), reason="the research data (PRESAGE_DATA) are not here")
def test_read_speech_agrees_with_another_method() -> None:
    import librosa

    path = str(DATA / "beckett.wav")
    f0 = ProsodyFrames().encode(Recording("p", "1", "audio", path))["frames"][:, 0]
    sound, _ = librosa.load(path, sr=RATE)
    other, voiced, _ = librosa.pyin(sound, fmin=75, fmax=500, sr=RATE, frame_length=1024, hop_length=160)
    n = min(len(f0), len(other))
    both = (f0[:n] > 0) & voiced[:n]
    off = 12 * np.abs(np.log2(f0[:n][both] / other[:n][both]))
    assert both.sum() > 200
    assert np.median(off) < 0.3
    assert (off < 1).mean() > 0.85
