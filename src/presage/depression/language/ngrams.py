"""Runs of characters or words in a text of any language, and how telling each of them is."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.depression.scripts import UNSPACED

Floats = NDArray[np.float64]
Unit = Literal["characters", "words"]

# Figures are ages, dates and numbers of telephones: that there is one is kept, and not which.
_FIGURES = re.compile(r"\d+")


def pieces(text: str) -> Iterator[tuple[str, ...]]:
    """Stretches of a text without a space or mark in them, as sequences of characters, in lower case.

    Words of scripts that part them begin and end with ``_``. Figures are ``0``.
    """
    plain = _FIGURES.sub("0", unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))
    for script, run in groupby(plain, key=_sort):
        letters = tuple(run)
        if script == "unspaced":
            yield letters
        elif script == "spaced":
            yield ("_", *letters, "_")


def _sort(letter: str) -> str:
    # Vowel signs of Indian and other scripts are marks and not letters.
    if unicodedata.category(letter)[0] not in "LMN" and letter != "'":
        return ""
    return "unspaced" if unicodedata.name(letter, "").split(" ")[0] in UNSPACED else "spaced"


def ngrams(text: str, unit: Unit, longest: int) -> Counter[str]:
    """How often each run of one to `longest` characters (or words) occurs.

    Runs of characters stay within a word, or between two marks where the script parts no words; runs of words stay
    within a line. Where the script parts no words its characters count as words.
    """
    counts: Counter[str] = Counter()
    if unit == "characters":
        for letters in pieces(text):
            counts.update(run for run in _runs(letters, longest, "") if run != "_")
        return counts
    for line in text.splitlines():
        words = ["".join(p).strip("_") for p in chain.from_iterable(map(_words, pieces(line)))]
        counts.update(_runs([word for word in words if word], longest, " "))
    return counts


def _words(letters: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [letters] if letters[0] == "_" else [(letter,) for letter in letters]


def _runs(units: Sequence[str], longest: int, between: str) -> Iterator[str]:
    for size in range(1, longest + 1):
        for start in range(len(units) - size + 1):
            yield between.join(units[start : start + size])


@dataclass(frozen=True)
class Vocabulary:
    """The runs that enough people of a group use, with a weight by how few do.

    Attributes
    ----------
    runs
        Sorted.
    weights
        Inverse document frequency (Sparck Jones 1972), smoothed, shape (runs,).
    """

    runs: tuple[str, ...]
    weights: Floats

    @classmethod
    def of(cls, people: Sequence[Counter[str]], *, fewest: int, most: int) -> Vocabulary:
        """What at least `fewest` of the people use; of more than `most` runs the commonest.

        What few people say may tell who they are, so it is never kept.
        """
        users: Counter[str] = Counter(chain.from_iterable(people))
        kept = [run for run, n in users.items() if n >= fewest]
        kept = sorted(sorted(kept, key=lambda run: (-users[run], run))[:most])
        weights = [np.log((1 + len(people)) / (1 + users[run])) + 1 for run in kept]
        return cls(tuple(kept), np.array(weights, dtype=np.float64))

    def rows(self, people: Sequence[Counter[str]]) -> Floats:
        """One plus the logarithm of each count times its weight, each row of length 1, shape (people, runs).

        NaN throughout for a person who uses none of them.
        """
        counts = np.array([[person[run] for run in self.runs] for person in people], dtype=np.float64)
        counts = counts.reshape(len(people), len(self.runs))
        values = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * self.weights
        length = np.sqrt((values**2).sum(axis=1, keepdims=True))
        return np.where(length > 0, values / np.where(length > 0, length, 1), np.nan)
