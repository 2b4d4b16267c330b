"""Mandarin: the words of a text, and the lists of them that are counted.

The lists (``mandarin.txt``) are our own and compact. The absolutist words are a translation of the published English
list; affect is a selection of words that people use of themselves and of others in conversation. Nobody rated them,
they were validated on no corpus, and nothing in them was chosen by an outcome. The usual Chinese lexica (DUTIR, HowNet,
NTUSD, C-LIWC) are for research only or say no licence, so none is in here.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

from presage.depression.language.lists import WordLists
from presage.depression.language.segmentation import segmented

_TEXT = (files(__package__) / "mandarin.txt").read_text(encoding="utf-8")
#: SHA-256 (hex) of the lists: other lists count other words.
DIGEST = hashlib.sha256(_TEXT.encode()).hexdigest()


def _read() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    name = ""
    for line in _TEXT.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif not line.startswith("#"):
            found.setdefault(name, set()).update(line.split())
    return {name: frozenset(words) for name, words in found.items() if name}


_LISTS = _read()
ABSOLUTIST = _LISTS["absolutist"]
_NEGATIONS, _NO_NEGATIONS = _LISTS["negations"], _LISTS["no-negations"]
_NEGATIVE, _POSITIVE = _LISTS["negative"], _LISTS["positive"]
# 是不是, 好不好, 有没有 ask; they deny nothing.
_ASKS = re.compile(r"(.)[不没]\1.*")
# What the dictionary must not cut; a single character is a word in any case.
_KNOWN = tuple(sorted(word for words in _LISTS.values() for word in words if len(word) > 1))


def words_of(text: str) -> list[str]:
    """The words of a Mandarin text in simplified characters, without punctuation.

    Raises
    ------
    InputError
        If jieba or OpenCC is not installed.
    """
    return segmented(text, _KNOWN)


def negates(word: str) -> bool:
    """Whether a word is a negation: listed, or with 不, 没 or 毫无 in it and neither a set phrase nor a question."""
    if word in _NO_NEGATIONS or _ASKS.fullmatch(word):
        return False
    return word in _NEGATIONS or any(part in word for part in ("不", "没", "毫无"))


def valence(word: str) -> float:
    """1 of a word on the list of positive words, -1 of one on the list of negative words, else 0."""
    return float(word in _POSITIVE) - float(word in _NEGATIVE)


LISTS = WordLists(
    words_of=words_of,
    singular=_LISTS["singular"],
    plural=_LISTS["plural"],
    absolutist=ABSOLUTIST,
    negates=negates,
    valence=valence,
    fillers=_LISTS["fillers"],
    window=20,
)
