"""What the networks take: the answers of each person as words, and arrays with one row per word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# A number that never varies in training must not blow up a test value.
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Utterance:
    """One answer, or a sentence of it.

    Attributes
    ----------
    words
        In the order in which they were said. A stretch of sound without a known word is the empty string: the text
        encoder reads it as its unknown word.
    modalities
        By modality (``audio``, ``video``, ...) the vector of each word, shape (words, size). One that is not named was
        not recorded for this answer.
    present
        By modality which words have it, shape (words,); a modality that is not named here is there for every word.

    Raises
    ------
    InputError
        If there is no word, an array has another number of rows, or a vector that is said to be there is not finite.
    """

    words: Sequence[str]
    modalities: Mapping[str, Floats] = field(default_factory=dict)
    present: Mapping[str, Bools] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.words):
            raise InputError("an answer without words", cure="give None for an answer that is missing")
        for name, value in self.modalities.items():
            if np.ndim(value) != 2 or len(value) != len(self.words):
                raise InputError(
                    f"{name} {np.shape(value)} for {len(self.words)} words",
                    where="Utterance",
                    cure="give one vector per word, shape (words, size)",
                )
            if self.mask(name).shape != (len(self.words),):
                raise InputError(
                    f"a mask {np.shape(self.present[name])} of {name} for {len(self.words)} words", where="Utterance"
                )
            if not np.isfinite(np.asarray(value)[self.mask(name)]).all():
                raise InputError(
                    f"a vector of {name} is not finite",
                    where="Utterance",
                    cure="set `present` to False where the modality is missing",
                )

    def mask(self, name: str) -> Bools:
        """Which words have a modality, shape (words,)."""
        if name not in self.modalities:
            return np.zeros(len(self.words), dtype=bool)
        return np.asarray(self.present.get(name, np.ones(len(self.words), dtype=bool)), dtype=bool)

    def without(self, names: Iterable[str]) -> Utterance:
        """The same answer where some modalities were not recorded."""
        left = {name: value for name, value in self.modalities.items() if name not in set(names)}
        return Utterance(self.words, left, {name: value for name, value in self.present.items() if name in left})


# The answers of one person, in the order of the questions; None where an answer is missing.
Person = Sequence[Utterance | None]


def check_persons(persons: Sequence[Person]) -> dict[str, int]:
    """Sizes of the modalities that occur, by name in alphabetical order.

    Raises
    ------
    InputError
        If a person has no answer at all, or a modality has vectors of two sizes.
    """
    sizes: dict[str, int] = {}
    for index, person in enumerate(persons):
        answers = [answer for answer in person if answer is not None]
        if not answers:
            raise InputError(f"person {index + 1} of {len(persons)} has no answer", cure="leave the person out")
        for answer in answers:
            for name, value in answer.modalities.items():
                if sizes.setdefault(name, value.shape[1]) != value.shape[1]:
                    raise InputError(f"{name} has vectors of {sizes[name]} and of {value.shape[1]} numbers")
    return dict(sorted(sizes.items()))


@dataclass(frozen=True)
class Scaling:
    """Mean and spread of each number of a modality over the words of the training persons, shape (size,) each."""

    means: Mapping[str, Floats]
    spreads: Mapping[str, Floats]

    @classmethod
    def of(cls, persons: Sequence[Person]) -> Scaling:
        """Taken from the words that have the modality; a modality that nobody has is left as it is."""
        means, spreads = {}, {}
        for name, size in check_persons(persons).items():
            rows = [answer.modalities[name][answer.mask(name)] for person in persons for answer in person
                    if answer is not None and name in answer.modalities]  # fmt: skip
            values = np.concatenate(rows).astype(np.float64) if rows else np.zeros((0, size))
            means[name] = (values.mean(axis=0) if len(values) else np.zeros(size)).astype(np.float32)
            spread = values.std(axis=0) if len(values) else np.ones(size)
            spreads[name] = np.where(spread > _LEAST_SPREAD, spread, 1.0).astype(np.float32)
        return cls(means, spreads)

    def apply(self, persons: Sequence[Person]) -> list[Person]:
        """The persons with standardised vectors; zeros where a modality is missing.

        Raises
        ------
        InputError
            If a modality was not among the training persons, or has vectors of another size.
        """
        return [[None if answer is None else self._one(answer) for answer in person] for person in persons]

    def _one(self, answer: Utterance) -> Utterance:
        scaled = {}
        for name, value in answer.modalities.items():
            if name not in self.means or value.shape[1] != len(self.means[name]):
                raise InputError(
                    f"{name} with {value.shape[1]} numbers; trained on { {k: len(v) for k, v in self.means.items()} }",
                    cure="score with the modalities that the network was trained on",
                )
            standard = (np.asarray(value, dtype=np.float32) - self.means[name]) / self.spreads[name]
            scaled[name] = np.where(answer.mask(name)[:, None], standard, np.float32(0))
        return Utterance(answer.words, scaled, answer.present)


def windows(utterance: Utterance, words: int) -> list[Utterance]:
    """A long answer as consecutive answers of at most so many words, so that nothing of it is cut off."""
    if words < 1:
        raise InputError(f"windows of {words} words", cure="at least 1")
    parts = [slice(start, start + words) for start in range(0, len(utterance.words), words)]
    return [
        Utterance(
            utterance.words[part],
            {name: value[part] for name, value in utterance.modalities.items()},
            {name: value[part] for name, value in utterance.present.items()},
        )
        for part in parts
    ]
