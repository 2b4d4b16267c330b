"""What was said, where nobody wrote it down: speech recognition on this machine.

The embedded default is Moonshine tiny (English, MIT), whose weights come with its package; any local model of
faster-whisper can be named instead. Recognised words are guesses: transcripts by hand are better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.depression.transcript import PARTICIPANT, Transcript, Turn

RATE = 16_000
#: From sound (16 kHz, full scale 1) to turns.
Recogniser = Callable[[NDArray[np.float32]], list[Turn]]


def recognise(sound: NDArray[np.float32], *, model: str | None = None, language: str = "en") -> Transcript:
    """A transcript of one speaker's sound; one turn for each sentence or pause.

    Parameters
    ----------
    sound
        16 kHz, full scale 1, shape (samples,).
    model
        Folder of a faster-whisper model; None for the embedded one, which knows English alone.
    language
        Code of what is spoken.

    Raises
    ------
    InputError
        If the package or the model is missing, or the embedded model does not know the language.
    """
    with opened_recogniser(model=model, language=language) as recogniser:
        turns = recogniser(sound)
    note = f"words recognised by a machine ({'faster-whisper' if model else 'Moonshine tiny'}), not written by a person"
    return Transcript(tuple(turns), language=language, notes=(note,))


@contextmanager
def opened_recogniser(*, model: str | None = None, language: str = "en") -> Iterator[Recogniser]:
    """What :func:`recognise` uses, opened once for many pieces of sound: from samples to turns.

    Raises
    ------
    InputError
        As :func:`recognise`.
    """
    if model:
        yield _whisper(model, language)
        return
    reader = _moonshine(language)
    try:
        yield lambda sound: _heard(reader, sound)
    finally:
        reader.close()


def _moonshine(language: str) -> Any:
    if language != "en":
        raise InputError(
            f"the embedded recognition knows English alone, not {language!r}",
            cure="name the folder of a faster-whisper model, or give a transcript",
        )
    try:
        from moonshine_voice import ModelArch, get_assets_path
        from moonshine_voice.transcriber import Transcriber
    except ImportError as error:
        raise InputError(
            "speech recognition needs a package that is not installed", cure="pip install 'presage[speech]'"
        ) from error
    return Transcriber(f"{get_assets_path()}/tiny-en", ModelArch.TINY)


def _heard(reader: Any, sound: NDArray[np.float32]) -> list[Turn]:
    lines = reader.transcribe_without_streaming(sound.astype(np.float32).tolist(), RATE).lines
    return [
        Turn(PARTICIPANT, line.text.strip(), float(line.start_time), float(line.start_time + line.duration))
        for line in lines
        if line.text.strip()
    ]


def _whisper(model: str, language: str) -> Recogniser:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise InputError("this model needs faster-whisper", cure="pip install faster-whisper") from error
    try:
        reader = WhisperModel(model, device="cpu", compute_type="float32", cpu_threads=1, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"no faster-whisper model: {error}", where=model, cure="give the folder of one") from error

    def heard(sound: NDArray[np.float32]) -> list[Turn]:
        segments, _ = reader.transcribe(sound, language=language, beam_size=5)
        return [Turn(PARTICIPANT, s.text.strip(), float(s.start), float(s.end)) for s in segments if s.text.strip()]

    return heard
