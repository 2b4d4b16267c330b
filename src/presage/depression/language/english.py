"""English: its words, and the lists of them that are counted."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from presage.cohort import InputError
from presage.depression.language.lists import WordLists

_SINGULAR = frozenset(["i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll"])
_PLURAL = frozenset(["we", "us", "our", "ours", "ourselves", "we're", "we've", "we'd", "we'll"])
#: The 19 words of M. Al-Mosaiwi and T. Johnstone, Clinical Psychological Science 6 (2018), 529-542.
ABSOLUTIST = frozenset(
    (
        *("absolutely", "all", "always", "complete", "completely", "constant", "constantly", "definitely", "entire"),
        *("ever", "every", "everyone", "everything", "full", "must", "never", "nothing", "totally", "whole"),
    )
)
_NEGATIONS = frozenset(
    ["no", "not", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "cannot", "without"]
)
_FILLERS = frozenset(["um", "uh", "uhm", "erm", "hmm", "mm", "er", "ah"])


def words_of(text: str) -> list[str]:
    """The words of an English text, lower case, without punctuation."""
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))


def negates(word: str) -> bool:
    """Whether a word is a negation or ends with one (``don't``)."""
    return word in _NEGATIONS or word.endswith("n't")


def valence(word: str) -> float:
    """Valence (-4 to 4) by the lexicon of VADER (Hutto and Gilbert, ICWSM 2014; MIT licence); 0 of other words."""
    return _lexicon().get(word, 0.0)


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, float]:
    try:
        text = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    except ImportError as error:
        raise InputError(
            "affect needs the lexicon of vaderSentiment", cure="pip install 'presage[depression]'"
        ) from error
    rows = (line.split("\t") for line in text.splitlines() if line)
    return {row[0]: float(row[1]) for row in rows}


LISTS = WordLists(
    words_of=words_of,
    singular=_SINGULAR,
    plural=_PLURAL,
    absolutist=ABSOLUTIST,
    negates=negates,
    valence=valence,
    fillers=_FILLERS,
    window=50,
)
