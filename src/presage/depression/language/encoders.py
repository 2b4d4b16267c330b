"""Transcripts as encoders: measures, and vectors of a text encoder."""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np

from presage.cohort import Recording, UnusableRecording
from presage.depression.language.detection import ENGLISH, MANDARIN, Language, language_of
from presage.depression.language.mandarin import DIGEST
from presage.depression.language.measures import NAMES, measures
from presage.depression.language.segmentation import segmenter
from presage.depression.transcripts import read_transcript
from presage.study.encoder import Arrays, Encoder

Speaker = Literal["participant", "interviewer"]
#: Whose words are counted; ``auto`` tells it for each transcript.
Counted = Literal["auto", "english", "mandarin"]
#: The languages, in the order of the numbers in the encoder's arrays.
LANGUAGES = (ENGLISH, MANDARIN)
# Tokens that the default encoder reads at once; longer turns are read in pieces.
_LONGEST = 256
_OPENING = threading.Lock()


class TranscriptMeasures(Encoder):
    """Measures of one speaker: ``values`` (13,), 0 where one is missing, and ``known`` (13,), which are not.

    ``language`` () is the place in :data:`LANGUAGES` of the language whose words were counted, ``foreign`` () the share
    of words in another script.

    Attributes
    ----------
    speaker
        Whose turns.
    language
        Whose words are counted: ``english``, ``mandarin``, or ``auto``, which tells it by the script of each transcript
        and refuses other languages.
    """

    name: ClassVar[str] = "transcript-measures"
    version: ClassVar[int] = 2
    kind: ClassVar[str] = "transcript"

    speaker: Speaker = "participant"
    language: Counted = "auto"

    def identity(self) -> dict[str, Any]:
        """With the versions of what cuts Mandarin into words, and the lists."""
        return {**super().identity(), "segmenter": segmenter(), "lists": DIGEST}

    def encode(self, recording: Recording) -> Arrays:
        """See the class. Raises UnusableRecording where the speaker says nothing, or in a language without lists."""
        transcript = read_transcript(recording)
        text = transcript.of(self.speaker).text
        if not any(letter.isalpha() for letter in text):
            raise UnusableRecording("no words", f"the {self.speaker} says no word", where=recording.path)
        language = language_of(text, recording.get("language"))
        if self.language != "auto":
            language = Language(self.language, language.foreign)
        if not language.measured:
            raise UnusableRecording(
                f"no word lists for its language ({language.name})",
                f"words are counted in English and Mandarin, and the text is in: {language.name}",
                where=recording.path,
                cure="use the marker language-ngrams, or correct the column language of recordings.csv",
            )
        found = measures(transcript, self.speaker, language.name)
        known = np.isfinite(found)
        if not known.any():
            raise UnusableRecording(
                "no words", f"the {self.speaker} says no word of {language.name}", where=recording.path
            )
        return {
            "values": np.where(known, found, 0.0),
            "known": np.asarray(known, dtype=np.uint8),
            "language": np.array(LANGUAGES.index(language.name), dtype=np.uint8),
            "foreign": np.array(language.foreign, dtype=np.float64),
        }


class TurnVectors(Encoder):
    """A vector for each turn of one speaker: the mean of its tokens behind a text encoder.

    Arrays: ``vectors`` (turns, width) float32, ``tokens`` (turns,).

    Attributes
    ----------
    speaker
        Whose turns.
    encoder
        Folder of a Hugging Face encoder; None for all-MiniLM-L6-v2, which comes as a package (English).
    """

    name: ClassVar[str] = "turn-vectors"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "transcript"

    speaker: Speaker = "participant"
    encoder: str | None = None

    def identity(self) -> dict[str, Any]:
        """The encoder by the digest of its weights: its folder may move."""
        settings = {"speaker": self.speaker, "weights": _digest(self.encoder)}
        return {"encoder": self.name, "version": self.version, "settings": settings}

    def encode(self, recording: Recording) -> Arrays:
        """See the class. Raises UnusableRecording where the speaker says nothing."""
        import torch

        turns = [turn.text for turn in read_transcript(recording).of(self.speaker) if turn.text.strip()]
        if not turns:
            raise UnusableRecording("no words", f"the {self.speaker} says no word", where=recording.path)
        model, tokenizer = _opened(self.encoder)
        vectors, counts = [], []
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # sums in another order give other bytes
        try:
            with torch.inference_mode():
                for text in turns:
                    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
                    around = tokenizer(text)["input_ids"]
                    # Encoders that pad on the left (XLNet) have their special tokens behind the text.
                    before = 0 if tokenizer.padding_side == "left" else 1
                    head, tail = around[:before], around[before + len(ids) :]
                    room = _LONGEST - len(head) - len(tail)
                    total = np.zeros(model.config.hidden_size)
                    for start in range(0, max(1, len(ids)), room):
                        piece = [*head, *ids[start : start + room], *tail]
                        hidden = model(input_ids=torch.tensor([piece])).last_hidden_state[0]
                        total += (
                            hidden.double().sum(dim=0).numpy() / len(piece) * max(1, len(ids[start : start + room]))
                        )
                    vectors.append(total / max(1, len(ids)))
                    counts.append(len(ids))
        finally:
            torch.set_num_threads(threads)
        return {"vectors": np.array(vectors, dtype=np.float32), "tokens": np.array(counts, dtype=np.int64)}


def _opened(encoder: str | None) -> tuple[Any, Any]:
    # Two threads that import transformers at once find half of it.
    with _OPENING:
        return _opened_once(encoder)


@lru_cache(maxsize=2)
def _opened_once(encoder: str | None) -> tuple[Any, Any]:
    from presage.depression.networks.encoders import open_encoder

    return open_encoder(encoder)


@lru_cache(maxsize=8)
def _digest(encoder: str | None) -> str:
    """SHA-256 (hex) of the encoder's weights and vocabulary."""
    from pathlib import Path

    from presage.depression.networks.encoders import default_encoder

    place = Path(encoder) if encoder is not None else default_encoder()
    digest = hashlib.sha256()
    for file in sorted(place.glob("*")):
        if file.suffix in (".safetensors", ".json", ".txt", ".model"):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def measure_row(arrays: Arrays) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The measures of :class:`TranscriptMeasures`, NaN where missing, shape (13,)."""
    assert len(arrays["values"]) == len(NAMES)
    return np.where(arrays["known"].astype(bool), arrays["values"], np.nan)
