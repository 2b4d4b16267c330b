"""In which script a text is written, and whether an encoder can know it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

# Scripts that part no words by spaces.
UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "THAI", "LAO", "KHMER", "MYANMAR"})
_NAMES = {"CJK": "Chinese", "HANGUL": "Korean", "HIRAGANA": "Japanese", "KATAKANA": "Japanese"}
_MOSTLY = 0.5


_JAPANESE = ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")
_RUN = re.compile(r"[^\W\d_]+")


def writing(text: str) -> Counter[str]:
    """How much of a text is in each script: characters of ``CJK``, ``KANA`` and ``HANGUL``, words of all others."""
    counts: Counter[str] = Counter()
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        before = ""
        for letter in run:
            script = unicodedata.name(letter, "").split(" ")[0]
            script = "KANA" if script in _JAPANESE else script
            counts[script] += script in ("CJK", "KANA", "HANGUL") or script != before
            before = script
    return counts


def main_script(text: str) -> str:
    """The script of most letters, as Unicode names it (``LATIN``, ``CJK``, ``CYRILLIC``); empty without letters."""
    counts = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha())
    return counts.most_common(1)[0][0] if counts else ""


def words_or_characters(text: str) -> str:
    """How long a text is, in words, or in characters where its script does not part words."""
    if main_script(text) in UNSPACED:
        return f"{sum(not letter.isspace() for letter in text)} characters"
    return f"{len(text.split())} words"


def language_warning(
    texts: Iterable[str],
    encoder: str,
    *,
    language: str = "",
    languages: Collection[str] = ("en",),
    scripts: Collection[str] = ("LATIN",),
) -> str:
    """A sentence for the flow and the page where an encoder does not know what it reads; empty where it may.

    Parameters
    ----------
    texts
        What it is to read.
    encoder
        Its name as a reader is shown it.
    language
        Code of the recordings' language, where the table says it.
    languages, scripts
        What the encoder was trained on: codes, and scripts as Unicode names them.
    """
    found = [main_script(text) for text in texts]
    foreign = [script for script in found if script and script not in scripts]
    if len(foreign) > _MOSTLY * len(found):
        script = Counter(foreign).most_common(1)[0][0]
        named = _NAMES.get(script, script.capitalize())
        # A share and no count: most folds of a study then say the same.
        what = f"{len(foreign) / len(found):.0%} of the texts are written in {named} script".replace("%", " %")
    elif language and language.split("-")[0].lower() not in languages:
        what = f"the recordings' language is {language}"
    else:
        return ""
    return (
        f"{encoder} was trained on {', '.join(languages)} alone, and {what}: its figures say little of what was said. "
        "Use an encoder that knows the language."
    )
