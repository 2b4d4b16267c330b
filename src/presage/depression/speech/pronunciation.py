"""How English words sound, for the aligner: its dictionary, and a guess for what is not in it."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# Letters as the dictionary's phones, longest first. A guess: names and slang align well enough by it.
_LETTERS = {
    **{"tion": "SH AH N", "tch": "CH", "igh": "AY", "sch": "SH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F"},
    **{"wh": "W", "ck": "K", "ng": "NG", "qu": "K W", "gh": "G", "kn": "N", "wr": "R", "ee": "IY", "ea": "IY"},
    **{"oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO"},
    **{"ie": "IY", "ei": "EY", "ey": "IY", "oa": "OW", "ue": "UW", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R"},
    **{"or": "AO R", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH"},
    **{"j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T"},
    **{"u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z"},
}
_LONGEST = max(map(len, _LETTERS))


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """Words of the aligner's dictionary."""
    text = (files("pocketsphinx") / "model" / "en-us" / "cmudict-en-us.dict").read_text(encoding="utf-8")
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines() if line)


def spoken(word: str) -> list[str]:
    """A written word as the words that are said, lower case: digits become words, punctuation goes."""
    found: list[str] = []
    for part in re.findall(r"[a-z]+(?:'[a-z]+)*|\d+", word.lower().replace("’", "'")):
        found += _number(part) if part.isdigit() else [part]
    return found


def guessed(word: str) -> str:
    """Phones of a word that the dictionary lacks, one letter group after another."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    # A final e is silent behind a consonant.
    letters = re.sub(r"(?<=[^aeiouy])e$", "", letters) or letters
    phones = []
    while letters:
        size = next(n for n in range(min(_LONGEST, len(letters)), 0, -1) if letters[:n] in _LETTERS)
        phones.append(_LETTERS[letters[:size]])
        letters = letters[size:]
    return " ".join(phones)


def _number(digits: str) -> list[str]:
    value = int(digits)
    if len(digits) > 4 or (len(digits) > 1 and digits[0] == "0"):
        return [_NUMBERS[int(digit)] for digit in digits]
    said: list[str] = []
    if value >= 1000:
        said += [_NUMBERS[value // 1000], "thousand"]
        value %= 1000
    if value >= 100:
        said += [_NUMBERS[value // 100], "hundred"]
        value %= 100
    if value >= 20:
        said.append(_TENS[value // 10 - 2])
        value %= 10
    return said + ([_NUMBERS[value]] if value or not said else [])
