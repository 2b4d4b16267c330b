"""Measures of what is said, in English or Mandarin, that a reader can count by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from presage.depression.language import english, mandarin
from presage.depression.language.detection import ENGLISH, MANDARIN
from presage.depression.language.lists import WordLists
from presage.depression.transcript import Transcript

LISTS: dict[str, WordLists] = {ENGLISH: english.LISTS, MANDARIN: mandarin.LISTS}

#: Name of each measure of English and what it is, in the order of the columns.
MEASURES: dict[str, str] = {
    "words": "number of words",
    "words per answer": "mean number of words of a turn",
    "first person singular": "share of I, me, my, mine, myself and their contractions",
    "first person plural": "share of we, us, our, ours, ourselves and their contractions",
    "absolutist": "share of 19 absolutist words (Al-Mosaiwi and Johnstone 2018)",
    "negations": "share of not, no, never ... and of n't",
    "negative affect": "mean VADER valence of negative words, over all words (0 to -4)",
    "positive affect": "mean VADER valence of positive words, over all words (0 to 4)",
    "diversity": "distinct words over words, mean over windows of 50 words",
    "word length": "mean number of letters",
    "fillers": "share of um, uh, er ...",
    "words per minute": "words over the time of the turns; missing without times",
    "response latency": "median seconds from the end of another's turn to the start of the participant's; missing "
    "without times",
}
NAMES = tuple(MEASURES)

_LENGTH = NAMES.index("word length")
_MANDARIN: dict[str, str] = {
    "words": "number of words, as jieba's dictionary cuts them",
    "first person singular": "share of 我, 俺, 本人",
    "first person plural": "share of 我们, 咱们, 咱, 我俩 ...",
    "absolutist": "share of absolutist words: own translation of the 19 English ones",
    "negations": "share of words with 不, 没, 毫无, and of 无, 未, 别 ...; not of 不过, 没关系, 是不是 ...",
    "negative affect": "minus the share of words on an own list of negative words (0 to -1)",
    "positive affect": "share of words on an own list of positive words (0 to 1)",
    "diversity": "distinct words over words, mean over windows of 20 words; missing below 20 words",
    "words per sentence": "words over sentences; missing where no sentence ends with a mark",
    "fillers": "share of 嗯, 呃, 额, 哎 ...",
}
#: The same of Mandarin: where nearly all words have one or two characters, the sentence's length stands for the word's.
MANDARIN_MEASURES: dict[str, str] = {
    name: _MANDARIN.get(name, MEASURES.get(name, ""))
    for name in (*NAMES[:_LENGTH], "words per sentence", *NAMES[_LENGTH + 1 :])
}

_SENTENCE_END = re.compile(r"[.!?…]+(?=\s|$)|[。！？!?…]+")


def measures(transcript: Transcript, speaker: str = "participant", language: str = ENGLISH) -> NDArray[np.float64]:
    """The measures of one speaker in one transcript, shape (13,), NaN where one cannot be computed.

    Parameters
    ----------
    transcript
        Of everybody.
    speaker
        Whose turns.
    language
        ``english`` or ``mandarin``: whose words are counted.

    Raises
    ------
    InputError
        If a package with the lexicon or the dictionary is not installed.
    """
    turns = [turn for turn in transcript if turn.speaker == speaker]
    lists = LISTS[language]
    words = [word for turn in turns for word in lists.words_of(turn.text)]
    count = len(words)
    if not count:
        return np.full(len(NAMES), np.nan)
    values = [lists.valence(word) for word in words]
    timed = [turn.duration for turn in turns if turn.duration]
    minutes = sum(timed) / 60 if len(timed) == len(turns) else np.nan
    long = sentence_length([turn.text for turn in turns], count) if language == MANDARIN else _word_length(words)
    varied = np.nan if language == MANDARIN and count < lists.window else diversity(words, lists.window)
    return np.array(
        [
            count,
            count / len(turns),
            _share(words, lists.singular),
            _share(words, lists.plural),
            _share(words, lists.absolutist),
            sum(lists.negates(word) for word in words) / count,
            sum(value for value in values if value < 0) / count,
            sum(value for value in values if value > 0) / count,
            varied,
            long,
            _share(words, lists.fillers),
            count / minutes if minutes else np.nan,
            latency(transcript, speaker),
        ]
    )


def diversity(words: Sequence[str], window: int = 50) -> float:
    """Moving-average type-token ratio (Covington and McFall 2010) over windows of so many words.

    A long interview does not look poorer than a short one. Of a text shorter than a window it is the plain ratio.
    """
    if len(words) <= window:
        return len(set(words)) / len(words)
    windows = (words[start : start + window] for start in range(len(words) - window + 1))
    return float(np.mean([len(set(part)) / window for part in windows]))


def sentence_length(turns: Sequence[str], words: int) -> float:
    """Words over sentences, which end with a mark or with a turn; NaN where no mark ends any."""
    if not any(_SENTENCE_END.search(text) for text in turns):
        return float("nan")
    parts = (part for text in turns for part in _SENTENCE_END.split(text))
    sentences = sum(any(letter.isalnum() for letter in part) for part in parts)
    return words / sentences if sentences else float("nan")


def latency(transcript: Transcript, speaker: str) -> float:
    """Median seconds from the end of another's turn to the speaker's answer; NaN without such a pair with times."""
    found = []
    for before, after in zip(transcript.turns, transcript.turns[1:], strict=False):
        answered = before.speaker != speaker and after.speaker == speaker
        if answered and before.stop is not None and after.start is not None:
            found.append(after.start - before.stop)
    return float(np.median(found)) if found else float("nan")


def _word_length(words: Sequence[str]) -> float:
    return float(np.mean([len(word) for word in words]))


def _share(words: Sequence[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words) / len(words)
