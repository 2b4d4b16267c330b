"""What is counted in one language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class WordLists:
    """The words of a language and which of them are counted.

    Attributes
    ----------
    words_of
        Cuts a text into words, in the form in which they stand on the lists.
    singular, plural
        Pronouns of the first person.
    absolutist, fillers
        Words that leave no exception; sounds of hesitation.
    negates
        Whether a word is a negation.
    valence
        Of a word: below 0 unpleasant, above 0 pleasant.
    window
        Words in each window over which lexical diversity is averaged.
    """

    words_of: Callable[[str], list[str]]
    singular: frozenset[str]
    plural: frozenset[str]
    absolutist: frozenset[str]
    negates: Callable[[str], bool]
    valence: Callable[[str], float]
    fillers: frozenset[str]
    window: int
