"""Which word stands where in the sound: forced alignment without a network (PocketSphinx, BSD; English)."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.depression.speech.pronunciation import guessed, known_words, spoken
from presage.depression.speech.windows import sound_between
from presage.depression.transcript import Transcript, Turn, Word

RATE = 16_000
#: Languages that can be aligned.
LANGUAGES = ("", "en")
# Sound before and after a turn that is searched with it: transcribers' times are rough.
_MARGIN = 0.3
_FRAMES_PER_SECOND = 100
_LOCAL = threading.local()


def align(sound: NDArray[np.float32], text: str, *, start: float = 0.0) -> tuple[Word, ...]:
    """When each word of `text` is said in `sound`.

    Parameters
    ----------
    sound
        16 kHz, full scale 1, shape (samples,); one speaker, and the whole of `text`.
    text
        English. A written word that is said as several ("25") gets the time of all of them; what is not said (a bare
        dash) is left out.
    start
        Added to all times, seconds.

    Returns
    -------
    tuple of Word
        Empty where text and sound do not fit together at all, or either is empty: no time is invented.
    """
    written = [(word, spoken(word)) for word in text.split()]
    written = [(word, said) for word, said in written if said]
    if not written or len(sound) < RATE // 10:
        return ()
    decoder = _decoder()
    for said in {part for _, parts in written for part in parts} - known_words():
        if decoder.lookup_word(said) is None:
            decoder.add_word(said, guessed(said), True)
    samples = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    try:
        decoder.set_align_text(" ".join(part for _, parts in written for part in parts))
        decoder.start_utt()
        decoder.process_raw(samples, full_utt=True)
        decoder.end_utt()
        segments = [s for s in decoder.seg() or [] if not s.word.startswith(("<", "[", "+"))]
    except RuntimeError:
        return ()
    if len(segments) != sum(len(parts) for _, parts in written):
        return ()
    words, position = [], 0
    for word, parts in written:
        first, last = segments[position], segments[position + len(parts) - 1]
        begin, end = first.start_frame / _FRAMES_PER_SECOND, (last.end_frame + 1) / _FRAMES_PER_SECOND
        words.append(Word(word, round(start + begin, 3), round(start + end, 3)))
        position += len(parts)
    return tuple(words)


def with_words(transcript: Transcript, sound: NDArray[np.float32]) -> Transcript:
    """The transcript with a time for each word, turn by turn; turns that have word times keep them.

    Parameters
    ----------
    transcript
        Turns with start and stop, or one turn that spans the whole sound.
    sound
        The whole recording, 16 kHz, shape (samples,).

    Raises
    ------
    InputError
        If the language cannot be aligned.
    """
    refuse_unknown(transcript)
    return replace(transcript, turns=tuple(_with_words(turn, _cut(sound, turn)) for turn in transcript))


def words_in_file(transcript: Transcript, path: str, *, channel: str = "") -> Transcript:
    """The same from a file, which is streamed: memory grows with the longest turn and not with the recording.

    Raises
    ------
    InputError
        If the language cannot be aligned.
    UnusableRecording
        If the sound cannot be decoded.
    """
    refuse_unknown(transcript)
    turns = list(transcript)
    order = sorted(range(len(turns)), key=lambda number: span_of(turns[number]))
    parts = sound_between(path, [span_of(turns[number]) for number in order], channel=channel)
    for number, part in zip(order, parts, strict=True):
        turns[number] = _with_words(turns[number], part)
    return replace(transcript, turns=tuple(turns))


def span_of(turn: Turn) -> tuple[float, float]:
    """The stretch that is searched for a turn, seconds; to the end of the sound where nothing is known."""
    start = 0.0 if turn.start is None else max(0.0, turn.start - _MARGIN)
    return start, math.inf if turn.stop is None else turn.stop + _MARGIN


def refuse_unknown(transcript: Transcript) -> None:
    """Raise InputError where the language cannot be aligned."""
    if transcript.language.split("-")[0].lower() not in LANGUAGES:
        raise InputError(
            f"words in {transcript.language!r} cannot be aligned with their sound: the aligner knows English alone",
            cure="give word times in the transcript, or use markers that work on whole answers",
        )


def _cut(sound: NDArray[np.float32], turn: Turn) -> NDArray[np.float32]:
    start, stop = span_of(turn)
    return sound[round(start * RATE) : round(min(stop, len(sound) / RATE) * RATE)]


def _with_words(turn: Turn, part: NDArray[np.float32]) -> Turn:
    """The turn with times for its words; `part` is the sound of its span."""
    return turn if turn.words else replace(turn, words=align(part, turn.text, start=span_of(turn)[0]))


def _decoder() -> Any:
    """One for each thread: a decoder holds what it hears."""
    if not hasattr(_LOCAL, "decoder"):
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise InputError(
                "alignment needs the package pocketsphinx", cure="pip install 'presage[depression]'"
            ) from error
        _LOCAL.decoder = Decoder(samprate=RATE, lm=None, loglevel="FATAL", bestpath=False)
    return _LOCAL.decoder
