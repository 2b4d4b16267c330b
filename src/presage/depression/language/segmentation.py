"""Mandarin text cut into words: jieba's dictionary, traditional characters turned into simplified ones first.

Every word stands in the dictionary, so that a reader can count what was counted: jieba's statistical guess at unknown
words is off, as it glues pronouns to the words beside them. The dictionary is read from the installed package at every
start. By itself jieba would load it from a file in the folder of temporary files, where anybody may have put one.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import warnings
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from presage.cohort import InputError

_PACKAGES = ("jieba", "OpenCC")
# Entries of the dictionary that hide a pronoun: 我家 is "my home", 我会 "I will" (and the name of an association).
_HIDING = ("我会", "我家", "我行", "我心", "我校", "我院", "我村", "俺家", "俺村", "咱家", "咱村", "咱队")
_HIDING_LONG = ("依我看", "在我看来", "在我心中", "我一语")
_WORD = re.compile(r"[^\W_]+")
_OPENING = threading.Lock()


def segmented(text: str, known: tuple[str, ...] = ()) -> list[str]:
    """The words of a Mandarin text in simplified characters, without punctuation and figures; Latin ones in lower case.

    Parameters
    ----------
    text
        Simplified or traditional characters.
    known
        Words that stand on a list and must not be cut although the dictionary lacks them.

    Raises
    ------
    InputError
        If jieba or OpenCC is not installed.
    """
    with _OPENING:
        tokenizer, converter = _opened(known)
        # Of one variant character OpenCC has no opinion.
        plain = converter.convert(unicodedata.normalize("NFKC", text)).replace("甚么", "什么").lower()
        words = (word for part in _WORD.findall(plain) for word in tokenizer.cut(part, HMM=False))
        return [word for word in words if any(letter.isalpha() for letter in word)]


def segmenter() -> str:
    """Names and versions of what cuts: other versions may give other words."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    return ", ".join(found)


@lru_cache(maxsize=2)
def _opened(known: tuple[str, ...]) -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            # The package is old and is warned about as it is compiled.
            warnings.simplefilter("ignore")
            import jieba
        from opencc import OpenCC
    except ImportError as error:
        raise InputError(
            "Mandarin is cut into words with jieba and OpenCC, and one of them is not installed",
            cure="pip install 'presage[depression]'",
        ) from error
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in (*_HIDING, *_HIDING_LONG):
        tokenizer.del_word(word)
    for word in known:
        tokenizer.add_word(word)
    return tokenizer, OpenCC("tw2s")
