"""In which language a transcript is written, as far as its letters tell: who counts words must know whose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from presage.depression.scripts import writing

ENGLISH, MANDARIN = "english", "mandarin"
#: Of a text without a letter.
NO_LANGUAGE = "no language"
_CODES = {"en": ENGLISH, "eng": ENGLISH, "zh": MANDARIN, "zho": MANDARIN, "chi": MANDARIN, "cmn": MANDARIN}
# Words of one or two characters in Chinese and Japanese: so many characters weigh as much as a word of letters.
_CHARACTERS_PER_WORD = 1.5
# Japanese has kana in every sentence, Chinese a decorative one at most.
_KANA_SHARE = 0.05
# Characters that written Cantonese has in every other sentence and Mandarin in none.
_CANTONESE = frozenset("嘅咗佢冇嚟嘢喺啲咁哋乜嗰噉瞓攞啱")
_CANTONESE_SHARE = 0.02
# Every fourth word of spoken English is one of these, and few of them are words of its neighbours.
_COMMON = frozenset(
    ("the", "and", "to", "of", "that", "it", "i", "you", "my", "not", "have", "with", "for", "this", "but", "they")
)
_COMMON_SHARE = 0.08
# Shorter texts may lack them by chance.
_ENOUGH_WORDS = 30


@dataclass(frozen=True)
class Language:
    """What a text is written in.

    Attributes
    ----------
    name
        ``english`` or ``mandarin``; else a name for a message, such as Japanese.
    foreign
        Share of its words (two or three characters in Chinese script weigh as two words) in another script.
    """

    name: str
    foreign: float = 0.0

    @property
    def measured(self) -> bool:
        """Whether its words can be counted."""
        return self.name in (ENGLISH, MANDARIN)


def language_of(text: str, told: str = "") -> Language:
    """The language of a text by its script.

    Chinese script is Mandarin unless it has kana (Japanese), hangul (Korean), the characters of written Cantonese, or
    the table names another language. Latin script is English unless the table names another language, or a text of
    some length lacks the commonest English words.

    Parameters
    ----------
    text
        Of one speaker.
    told
        The code of the language in the table of recordings, such as ``en``, ``zh-TW`` or ``de``; may be empty.
    """
    counts = writing(text)
    weights = Counter({name: n if name == "LATIN" else n / _CHARACTERS_PER_WORD for name, n in counts.items()})
    eastern = weights["CJK"] + weights["KANA"] + weights["HANGUL"]
    others = {name: weight for name, weight in weights.items() if name not in ("CJK", "KANA", "HANGUL")}
    main, most = max(others.items(), key=lambda item: item[1], default=("", 0.0))
    total = eastern + sum(others.values())
    if not total:
        return Language(NO_LANGUAGE)
    code = re.split("[-_]", told.lower())[0]
    if eastern >= most:
        return Language(_eastern(text, counts, code, told), 1 - eastern / total)
    name = _latin(text, code, told) if main == "LATIN" else main.capitalize()
    return Language(name, 1 - most / total)


def _eastern(text: str, counts: Counter[str], code: str, told: str) -> str:
    han = counts["CJK"]
    if counts["HANGUL"] > _KANA_SHARE * (counts["HANGUL"] + han):
        return "Korean"
    if counts["KANA"] > _KANA_SHARE * (counts["KANA"] + han):
        return "Japanese"
    if sum(letter in _CANTONESE for letter in text) > _CANTONESE_SHARE * han:
        return "Cantonese"
    # English as the table's default is not believed against the text; another language in this script is.
    return MANDARIN if not code or code in _CODES else f"language {told}"


def _latin(text: str, code: str, told: str) -> str:
    if code and _CODES.get(code) != ENGLISH:
        return f"language {told} in Latin script"
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower().replace("’", "'"))
    common = sum(word in _COMMON for word in words)
    if len(words) >= _ENOUGH_WORDS and common < _COMMON_SHARE * len(words):
        return "no English in Latin script"
    return ENGLISH


def counted_note(languages: Sequence[str]) -> str:
    """What a reader of the findings must know of the languages whose words were counted."""
    named = " and ".join(name.capitalize() for name in languages)
    if len(languages) < 2:
        return f"Words were counted in {named}."
    return (
        f"WARNING: words were counted in {named}, whose lists differ: the measures of one are not comparable with "
        "those of the other, and a difference may be one of language. Keep one language: "
        "recordings: {language: [...]} in the study."
    )
