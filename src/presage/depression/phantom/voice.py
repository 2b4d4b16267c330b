"""A made-up voice: pulses through three resonators, syllable by syllable. It is no language; its prosody is real."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
# Resonances (Hz) by vowel letter; coarse averages of the classic measurements, the same for everybody.
_VOWELS = {"a": (710, 1200, 2500), "e": (530, 1800, 2500), "i": (330, 2150, 2900), "o": (520, 950, 2450)}
_VOWELS |= {"u": (360, 1000, 2300), "y": (330, 2000, 2800)}
_WIDTHS = (70, 90, 130)


@dataclass(frozen=True)
class Manner:
    """How somebody speaks.

    Attributes
    ----------
    pitch
        Median fundamental frequency, Hz.
    melody
        Spread of the pitch accents, semitones.
    syllables_per_second
        Speaking rate without pauses.
    pause
        Mean pause between sentences, seconds.
    level
        Amplitude, full scale 1.
    breath
        Noise in the voice relative to it.
    """

    pitch: float
    melody: float
    syllables_per_second: float
    pause: float
    level: float
    breath: float


def manner(sign: float, sex: str, generator: np.random.Generator) -> Manner:
    """The manner that goes with a sign: flatter, slower, quieter, with longer pauses the higher it is."""
    bounded = float(np.clip(sign, -2.5, 2.5))
    base = 205.0 if sex == "female" else 118.0
    return Manner(
        pitch=base * 2 ** (generator.normal(scale=0.12)),
        melody=2.6 * np.exp(-0.30 * bounded),
        syllables_per_second=4.6 * np.exp(-0.10 * bounded),
        pause=0.45 * np.exp(0.30 * bounded),
        level=0.20 * np.exp(-0.12 * bounded),
        breath=0.05,
    )


def say(
    sentences: list[str], how: Manner, generator: np.random.Generator
) -> tuple[NDArray[np.float32], list[tuple[str, float, float]]]:
    """Sound of some sentences, shape (samples,), and (word, start, stop) of each word in seconds."""
    parts: list[NDArray[np.float64]] = []
    words: list[tuple[str, float, float]] = []
    now = 0.0

    def silence(seconds: float) -> None:
        nonlocal now
        samples = round(max(0.0, seconds) * RATE)
        parts.append(1e-4 * generator.normal(size=samples))
        now += samples / RATE

    for sentence in sentences:
        spoken = sentence.split()
        count = max(1, sum(len(_syllables(word)) for word in spoken))
        done = 0
        for word in spoken:
            begin = now
            for vowel in _syllables(word):
                # Pitch falls through a sentence; accents go up and down around the line.
                accent = generator.normal(scale=how.melody) - 3.0 * (done / count - 0.5)
                sound = _syllable(vowel, how, accent, generator)
                parts.append(sound)
                now += len(sound) / RATE
                done += 1
            words.append((word, begin, now))
            silence(0.03)
        silence(how.pause * float(np.exp(0.35 * generator.normal())))
    return np.concatenate(parts).astype(np.float32), words


def _syllables(word: str) -> list[str]:
    """The vowel letter of each syllable, at least one."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouy])e$", "", letters) or letters)
    return [group[0] for group in groups] or ["e"]


def _syllable(vowel: str, how: Manner, accent: float, generator: np.random.Generator) -> NDArray[np.float64]:
    from scipy.signal import lfilter

    seconds = float(np.exp(0.15 * generator.normal())) / how.syllables_per_second
    onset, length = round(0.22 * seconds * RATE), round(0.78 * seconds * RATE)
    time = np.arange(length) / RATE
    pitch = how.pitch * 2 ** ((accent + 1.2 * np.sin(np.pi * time / time[-1])) / 12)
    pitch *= 1 + 0.006 * np.repeat(generator.normal(size=length // 80 + 1), 80)[:length]
    phase = np.cumsum(pitch) / RATE
    source = np.diff(np.floor(phase), prepend=0.0)
    source = lfilter([1], [1, -0.96], source)  # the falling spectrum of a voice
    source = source + how.breath * generator.normal(size=length)
    for hertz, width in zip(_VOWELS[vowel], _WIDTHS, strict=True):
        radius = np.exp(-np.pi * width / RATE)
        source = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2], source)
    level = np.abs(source).max() or 1.0
    voiced = how.level * source / level * np.sin(np.pi * np.linspace(0.04, 0.96, length)) ** 0.5
    hiss = 0.06 * how.level * np.diff(generator.normal(size=onset + 1)) * np.hanning(onset)
    return np.concatenate([hiss, voiced])
