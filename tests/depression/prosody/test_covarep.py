"""Voice quality of voices whose glottal pulse is known: the LF model through the resonances of vowels."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter, resample_poly

from presage.cohort import InputError, Recording
from presage.depression.prosody.covarep import COLUMNS, Voice, covarep_frames, polarity_of
from presage.depression.prosody.covarep_encoder import FUNCTIONALS, CovarepFrames, averages, frames_between, functionals
from presage.depression.prosody.harmonics import distortion, harmonics, shape_parameter, surplus_phase
from presage.depression.prosody.lf import pulse
from presage.depression.prosody.linear_prediction import filtered, predictor, residual
from presage.depression.prosody.mel_cepstrum import mel_cepstrum

RATE = 16_000
COLUMN = {name: number for number, name in enumerate(COLUMNS)}
VOWELS = {"a": (700, 1220, 2600, 3500), "i": (300, 2200, 2900, 3600), "u": (330, 900, 2300, 3400)}
SHAPES = (0.4, 0.7, 1.0, 1.5, 2.0, 2.5)


def through(vowel: str, source: NDArray[np.float64], wider: float = 1) -> NDArray[np.float64]:
    for hertz, width in zip(VOWELS[vowel], (60, 90, 120, 175), strict=True):
        radius = np.exp(-np.pi * wider * width / RATE)
        denominator = [1, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2]
        source = lfilter([sum(denominator)], denominator, source)
    return 0.3 * source / np.abs(source).max()


def spoken(
    rd: float, f0: float = 110, seconds: float = 0.8, vowel: str = "a", breath: float = 0
) -> NDArray[np.float64]:
    """A vowel with LF pulses, half a per cent of jitter, made at four times the rate."""
    generator = np.random.default_rng(0)
    time = np.arange(round(seconds * 4 * RATE)) / (4 * RATE)
    knots = np.arange(0, seconds + 0.02, 0.01)
    hertz = f0 * (1 + 0.005 * np.interp(time, knots, generator.normal(size=len(knots))))
    source = resample_poly(pulse(rd).derivative((np.cumsum(hertz) / (4 * RATE)) % 1), 1, 4)
    source = source + breath * generator.normal(size=len(source)) * source.std()
    return through(vowel, source)


def creaky(f0: float, seconds: float = 1.5) -> NDArray[np.float64]:
    """Short pulses far apart, at times that vary by a tenth."""
    generator = np.random.default_rng(1)
    source, moment, length = np.zeros(round(seconds * RATE)), 0.0, 96
    shape = pulse(0.5).derivative(np.arange(length) / length)
    while moment < seconds - 0.02:
        place = round(moment * RATE)
        source[place : place + length] += shape
        moment += max(0.008, (1 + 0.1 * generator.normal()) / f0)
    return through("a", source)


def analysed(sound: NDArray[np.float64], block: float = 20.0) -> NDArray[np.float32]:
    size = round(block * RATE)
    parts = [sound[start : start + size].astype(np.float32) for start in range(0, len(sound), size)]
    peak, polarity = polarity_of(parts, RATE)
    return np.concatenate(list(covarep_frames(parts, Voice(RATE, peak, polarity))))


@cache
def typical(rd: float, f0: float = 110, vowel: str = "a") -> dict[str, float]:
    """Median of each column over the voiced frames of a vowel, without its ends."""
    frames = analysed(spoken(rd, f0, vowel=vowel))[10:-10]
    assert (frames[:, COLUMN["vuv"]] == 1).all()
    return dict(zip(COLUMNS, np.median(frames, axis=0).tolist(), strict=True))


def test_there_are_74_columns_in_covareps_order() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 74
    assert COLUMNS[:3] == ("f0", "vuv", "naq")
    assert COLUMNS[10:12] == ("creak", "mcep_0")
    assert COLUMNS[36] == "hmpdm_0"
    assert COLUMNS[-13:] == tuple(f"hmpdd_{number}" for number in range(13))
    assert len(FUNCTIONALS) == len(set(FUNCTIONALS)) == 168


@pytest.mark.parametrize("rd", [0.3, 0.8, 1.6, 2.7])
def test_the_lf_pulse_is_fants(rd: float) -> None:
    """No flow is left after a period; the least value is -1; Rd is flow over slope and period, over 0.11."""
    one = pulse(rd)
    time = np.arange(20_000) / 20_000
    derivative = one.derivative(time)
    flow = np.cumsum(derivative) / 20_000
    assert flow[-1] == pytest.approx(0, abs=2e-4)
    # At the breathy end the least value is a little before the closure.
    assert derivative.min() == pytest.approx(-1, abs=3e-3)
    # Fant's transformation is a fit to the model, good to a tenth.
    assert flow.max() / 0.11 == pytest.approx(rd, rel=0.12)
    number = np.array([1.0, 2.0, 7.0])
    expected = [np.mean(derivative * np.exp(-2j * np.pi * k * time)) for k in number]
    assert one.spectrum(number) == pytest.approx(np.array(expected), abs=1e-3)
    with pytest.raises(InputError, match=r"between 0\.3 and 2\.7"):
        pulse(3.0)


@pytest.mark.parametrize("vowel", list(VOWELS))
@pytest.mark.parametrize("rd", SHAPES)
def test_rd_of_a_low_voice_is_the_planted_one_whatever_the_vowel(rd: float, vowel: str) -> None:
    found = typical(rd, 110, vowel)
    assert found["rd"] == pytest.approx(rd, abs=0.17)
    assert found["rd_confidence"] > 0.9


@pytest.mark.parametrize("rd", SHAPES)
def test_rd_of_a_high_voice_is_the_planted_one_where_the_first_formant_is_well_above_it(rd: float) -> None:
    assert typical(rd, 200)["rd"] == pytest.approx(rd, abs=0.1)


@pytest.mark.parametrize("vowel", ["a", "i"])
def test_naq_of_a_low_voice_is_nearly_that_of_its_pulse(vowel: str) -> None:
    """By their definitions NAQ = 0.11 Rd. The flattest pulses of a close vowel come out a quarter too high at most."""
    found = np.array([typical(rd, 110, vowel)["naq"] for rd in SHAPES])
    assert found[1:] == pytest.approx(0.11 * np.array(SHAPES[1:]), rel=0.15)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize(("f0", "vowel"), [(110, "a"), (110, "i"), (110, "u"), (200, "a"), (200, "i"), (200, "u")])
def test_measures_that_rise_from_pressed_to_breathy(f0: float, vowel: str) -> None:
    """Dispersion and slope of any vowel; the slope falls."""
    dispersed = [typical(rd, f0, vowel)["mdq"] for rd in (0.7, 1.5, 2.5)]
    assert (np.diff(dispersed) > 0).all()
    slope = [typical(rd, f0, vowel)["peak_slope"] for rd in SHAPES]
    assert (np.diff(slope) < 0).all()


@pytest.mark.parametrize("f0", [110, 200])
def test_quotients_and_harmonics_of_an_open_vowel_rise_with_rd(f0: float) -> None:
    for name in ("naq", "qoq", "h1_h2"):
        found = [typical(rd, f0)[name] for rd in SHAPES]
        assert (np.diff(found) > 0).all(), (name, found)


def test_psp_of_a_low_voice_rises_from_modal_to_breathy() -> None:
    """Of pressed voices (below Rd 0.7) and of high ones it tells nothing."""
    assert (np.diff([typical(rd)["psp"] for rd in SHAPES[1:]]) > 0).all()


def test_qoq_is_about_the_time_that_the_pulse_is_above_half() -> None:
    for rd in SHAPES:
        flow = np.cumsum(pulse(rd).derivative(np.arange(1000) / 1000))
        share = np.mean(flow - flow.min() > np.ptp(flow) / 2)
        assert typical(rd)["qoq"] == pytest.approx(share, abs=0.08)


def test_a_turned_sound_has_the_same_measures() -> None:
    sound = spoken(1.0)
    for sign in (1, -1):
        assert polarity_of([(sign * sound).astype(np.float32)], RATE)[1] == sign
    np.testing.assert_allclose(analysed(-sound), analysed(sound), atol=2e-3)


def test_phases_of_a_pulse_are_met_whatever_the_moment() -> None:
    """The model's own pulse, moved by a part of a period."""
    time = np.arange(640) - 320
    for shift in (0.0, 0.3, 0.8):
        frame = pulse(1.2).derivative((time * 125 / RATE + shift) % 1)[None]
        change = distortion(surplus_phase(harmonics(frame, np.array([125.0]), RATE), np.array([125.0]), RATE))
        rd, confidence = shape_parameter(change, np.array([125.0]), RATE)
        assert rd[0] == pytest.approx(1.2, abs=0.1)
        assert confidence[0] > 0.9


def test_phase_deviation_tells_breath_from_a_steady_voice() -> None:
    steady, breathy = (analysed(spoken(1.0, breath=breath))[10:-10] for breath in (0.0, 0.5))
    # Coefficient 0 is the mean log deviation.
    assert np.median(breathy[:, COLUMN["hmpdd_0"]]) > np.median(steady[:, COLUMN["hmpdd_0"]]) + 1
    assert np.abs(steady[:, COLUMN["hmpdm_0"] : COLUMN["hmpdd_0"]]).max() <= np.pi + 1e-6


@pytest.mark.parametrize("f0", [35, 50])
def test_creak_is_pulses_apart_and_no_steady_voice(f0: float) -> None:
    assert np.mean(analysed(creaky(f0))[10:-10, COLUMN["creak"]]) > 0.5
    for modal in (90, 110, 220):
        assert np.mean(analysed(spoken(1.0, modal))[:, COLUMN["creak"]]) < 0.05
    noise = 0.1 * np.random.default_rng(3).normal(size=RATE)
    assert np.mean(analysed(noise)[:, COLUMN["creak"]]) < 0.05


def test_mel_cepstrum_knows_level_and_flatness() -> None:
    noise = np.random.default_rng(0).normal(size=(400, 640))
    f0 = np.zeros(400)
    found = mel_cepstrum(noise, f0, RATE).mean(axis=0)
    # The mean logarithm of a noise's power is below that of its mean by Euler's constant.
    assert found[0] == pytest.approx(-0.5772 / 2, abs=0.02)
    assert np.abs(found[1:]).max() < 0.02
    louder = mel_cepstrum(10 * noise, f0, RATE).mean(axis=0)
    assert louder[0] - found[0] == pytest.approx(np.log(10), abs=1e-3)
    # A pole a, sum of a^n cos(n w) / n, is on the warped scale a pole (a - c) / (1 - a c) and a zero -c.
    pole, warp = 0.9, 0.42
    slow = lfilter([1], [1, -pole], np.random.default_rng(1).normal(size=400 * 640)).reshape(400, 640)
    inner = (pole - warp) / (1 - pole * warp)
    number = np.arange(1, 6)
    expected = (inner**number - (-warp) ** number) / number
    assert mel_cepstrum(slow, f0, RATE).mean(axis=0)[1:6] == pytest.approx(expected, abs=0.05)


def test_linear_prediction_finds_the_filter_and_leaves_the_noise() -> None:
    weights = np.array([1, -1.6, 0.8])
    noise = np.random.default_rng(2).normal(size=8000)
    sound = lfilter([1], weights, noise)
    assert predictor(sound[None], 2)[0] == pytest.approx(weights, abs=0.05)
    assert filtered(weights[None], sound[None])[0] == pytest.approx(noise[2:], abs=1e-3)
    left = residual(sound, 160, 2)
    assert np.corrcoef(left[400:-400], noise[400:-400])[0, 1] > 0.97
    assert (predictor(np.zeros((1, 50)), 3) == [[1, 0, 0, 0]]).all()


def test_silence_and_whisper_have_no_measures_of_a_voice() -> None:
    # A whisper has wide resonances and little below the first.
    whisper = np.diff(through("a", np.random.default_rng(5).normal(size=RATE + 1), wider=5))
    for sound in (np.zeros(RATE), whisper):
        frames = analysed(sound)
        assert frames.shape == (100, 74)
        assert np.isfinite(frames).all()
        row = dict(zip(FUNCTIONALS, functionals(frames.astype(float)), strict=True))
        assert row["vuv mean"] < 0.05
        for name in ("f0", "naq", "rd", "hmpdm_3", "hmpdd_0", "mdq"):
            assert (frames[frames[:, COLUMN["vuv"]] == 0, COLUMN[name]] == 0).all()
        assert np.isfinite(row["mcep_0 mean"])
    silent = dict(zip(FUNCTIONALS, functionals(analysed(np.zeros(RATE)).astype(float)), strict=True))
    assert np.isnan(silent["naq mean"])
    assert np.isnan(silent["rd 80th percentile"])
    assert silent["creak mean"] == 0


def test_blocks_of_any_length_give_the_same_frames() -> None:
    sound = np.concatenate([spoken(1.0, 120), np.zeros(3200), spoken(1.6, 180, vowel="i"), np.zeros(1600)] * 3)
    whole, parts = analysed(sound), analysed(sound, 2.0)
    assert whole.shape == parts.shape == (len(sound) // 160, 74)
    same = np.abs(whole - parts) <= 0.02 * np.abs(whole) + 0.02
    # Which closure begins a cycle may change at a block's edge, and the pitch of a frame there.
    assert same.mean() > 0.97


def test_functionals_count_what_only_a_voice_has_where_it_is() -> None:
    frames = np.zeros((4, 74))
    frames[:2, COLUMN["vuv"]] = 1
    frames[:2, COLUMN["naq"]] = (0.1, 0.3)
    frames[0, COLUMN["rd"]] = 1.5
    frames[:, COLUMN["mcep_0"]] = (1, 2, 3, 4)
    row = dict(zip(FUNCTIONALS, functionals(frames), strict=True))
    assert row["naq mean"] == pytest.approx(0.2)
    assert row["naq SD"] == pytest.approx(0.1)
    assert row["naq 20th percentile"] == pytest.approx(0.14)
    assert (row["rd mean"], row["rd SD"]) == (1.5, 0)
    assert row["mcep_0 mean"] == 2.5
    assert row["vuv mean"] == 0.5
    assert np.isnan(row["psp mean"])
    assert averages(frames)[COLUMN["naq"]] == pytest.approx(0.2)
    assert frames_between(np.arange(5 * 74, dtype=np.float32).reshape(5, 74), 0.01, 0.034)[:, 0].tolist() == [74, 148]


def written(path: Path, sound: NDArray[np.floating], rate: int = RATE) -> Recording:
    soundfile.write(path, sound, rate, subtype="FLOAT")
    return Recording("P1", "1", "audio", str(path))


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_are_brought_to_16_khz(tmp_path: Path, rate: int) -> None:
    other = resample_poly(spoken(1.0), rate // 8_000, 2)
    frames = CovarepFrames().encode(written(tmp_path / "a.wav", other, rate))["frames"][10:-10]
    assert np.isfinite(frames).all()
    assert np.median(frames[:, COLUMN["f0"]]) == pytest.approx(110, rel=0.01)
    assert np.median(frames[:, COLUMN["rd"]]) == pytest.approx(1.0, abs=0.3)


def test_the_channel_that_is_named_is_read_and_short_sound_has_no_frames(tmp_path: Path) -> None:
    one, two = spoken(1.0), spoken(2.0, 190)
    both = written(tmp_path / "both.wav", np.stack([one, two], axis=1))
    right = Recording("P1", "1", "audio", both.path, {"channel": "right"})
    expected = CovarepFrames().encode(written(tmp_path / "mono.wav", two))["frames"]
    np.testing.assert_allclose(CovarepFrames().encode(right)["frames"], expected, atol=1e-4)
    blink = CovarepFrames().encode(written(tmp_path / "short.wav", one[:100]))
    assert blink["frames"].shape == (0, 74)
