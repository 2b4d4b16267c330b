"""Measures of English speech that a reader can count by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.depression.transcript import Transcript

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
# Words in each window over which lexical diversity is averaged, so that long interviews do not look poorer.
_WINDOW = 50

#: Name of each measure and what it is, in the order of the columns.
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


def words_of(text: str) -> list[str]:
    """The words of an English text, lower case, without punctuation."""
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))


def measures(transcript: Transcript, speaker: str = "participant") -> NDArray[np.float64]:
    """The measures of one speaker in one transcript, shape (13,), NaN where one cannot be computed.

    Raises
    ------
    InputError
        If the package with the lexicon is not installed.
    """
    turns = [turn for turn in transcript if turn.speaker == speaker]
    words = [word for turn in turns for word in words_of(turn.text)]
    count = len(words)
    if not count:
        return np.full(len(NAMES), np.nan)
    valence = _valence()
    values = [valence.get(word, 0.0) for word in words]
    timed = [turn.duration for turn in turns if turn.duration]
    minutes = sum(timed) / 60 if len(timed) == len(turns) else np.nan
    return np.array(
        [
            count,
            count / len(turns),
            _share(words, _SINGULAR),
            _share(words, _PLURAL),
            _share(words, ABSOLUTIST),
            sum(word in _NEGATIONS or word.endswith("n't") for word in words) / count,
            sum(value for value in values if value < 0) / count,
            sum(value for value in values if value > 0) / count,
            diversity(words),
            float(np.mean([len(word) for word in words])),
            _share(words, _FILLERS),
            count / minutes if minutes else np.nan,
            latency(transcript, speaker),
        ]
    )


def diversity(words: Sequence[str]) -> float:
    """Moving-average type-token ratio over windows of 50 words; the plain ratio of a shorter text."""
    if len(words) <= _WINDOW:
        return len(set(words)) / len(words)
    windows = (words[start : start + _WINDOW] for start in range(len(words) - _WINDOW + 1))
    return float(np.mean([len(set(window)) / _WINDOW for window in windows]))


def latency(transcript: Transcript, speaker: str) -> float:
    """Median seconds from the end of another's turn to the speaker's answer; NaN without such a pair with times."""
    found = []
    for before, after in zip(transcript.turns, transcript.turns[1:], strict=False):
        answered = before.speaker != speaker and after.speaker == speaker
        if answered and before.stop is not None and after.start is not None:
            found.append(after.start - before.stop)
    return float(np.median(found)) if found else float("nan")


def _share(words: Sequence[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words) / len(words)


@lru_cache(maxsize=1)
def _valence() -> dict[str, float]:
    """Valence by word, from the lexicon of VADER (Hutto and Gilbert, ICWSM 2014; MIT licence)."""
    try:
        text = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    except ImportError as error:
        raise InputError(
            "affect needs the lexicon of vaderSentiment", cure="pip install 'presage[depression]'"
        ) from error
    rows = (line.split("\t") for line in text.splitlines() if line)
    return {row[0]: float(row[1]) for row in rows}
