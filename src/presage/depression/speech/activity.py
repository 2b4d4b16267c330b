"""When somebody speaks: voice activity by Silero's network (MIT; its weights come with its package)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

RATE = 16_000
#: Samples of one step, 32 ms.
STEP = 512
_CONTEXT = 64
# A stretch begins above the first and ends below the second: the network's own advice.
_BEGINS, _ENDS = 0.5, 0.35


@dataclass(frozen=True)
class Pauses:
    """How somebody paused in a stretch of speech.

    Attributes
    ----------
    speech
        Seconds of speech.
    count
        Pauses between stretches of speech.
    total, mean, longest
        Of the pauses, seconds; 0 without any.
    """

    speech: float
    count: int
    total: float
    mean: float
    longest: float

    @property
    def share(self) -> float:
        """Share of pauses in the time from the first to the last speech."""
        whole = self.speech + self.total
        return self.total / whole if whole > 0 else 0.0


def speech_probability(blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Probability of speech in each step of 32 ms, shape (steps,).

    Parameters
    ----------
    blocks
        The sound in any blocks, 16 kHz, full scale 1; it is streamed.

    Raises
    ------
    InputError
        If the package of the network is not installed.
    """
    session = _session()
    h, c = np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)
    context = np.zeros(_CONTEXT, np.float32)
    rest = np.zeros(0, np.float32)
    found = [np.zeros(0, np.float32)]
    for block in blocks:
        sound = np.concatenate([rest, block.astype(np.float32)])
        steps = len(sound) // STEP
        rest = sound[steps * STEP :]
        if steps:
            whole = np.concatenate([context, sound[: steps * STEP]])
            rows = np.lib.stride_tricks.sliding_window_view(whole, _CONTEXT + STEP)[::STEP]
            given = {"input": np.ascontiguousarray(rows), "h": h, "c": c}
            probability, h, c = session.run(["speech_probs", "hn", "cn"], given)
            found.append(probability.astype(np.float32))
            context = whole[-_CONTEXT:]
    return np.concatenate(found)


def stretches(probability: NDArray[np.float32], *, shortest: float = 0.1, pause: float = 0.2) -> NDArray[np.float64]:
    """Stretches of speech, shape (stretches, 2), begin and end in seconds.

    Parameters
    ----------
    probability
        As :func:`speech_probability` gives it.
    shortest
        Shorter ones are clicks, not speech; seconds.
    pause
        Gaps shorter than this belong to the speech around them (stop consonants, breath); seconds.
    """
    step = STEP / RATE
    found: list[list[float]] = []
    speaking = False
    for index, value in enumerate(probability):
        if not speaking and value >= _BEGINS:
            found.append([index * step, index * step])
            speaking = True
        elif speaking and value < _ENDS:
            speaking = False
        if speaking:
            found[-1][1] = (index + 1) * step
    joined: list[list[float]] = []
    for begin, end in found:
        if joined and begin - joined[-1][1] < pause:
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return np.array([pair for pair in joined if pair[1] - pair[0] >= shortest], dtype=np.float64).reshape(-1, 2)


def pauses(speech: NDArray[np.float64]) -> Pauses:
    """Pauses between stretches of speech, as :func:`stretches` gives them."""
    gaps = speech[1:, 0] - speech[:-1, 1]
    total = float((speech[:, 1] - speech[:, 0]).sum())
    if not len(gaps):
        return Pauses(total, 0, 0.0, 0.0, 0.0)
    return Pauses(total, len(gaps), float(gaps.sum()), float(gaps.mean()), float(gaps.max()))


def within(speech: NDArray[np.float64], start: float, stop: float) -> NDArray[np.float64]:
    """The stretches inside a turn, cut at its ends."""
    kept = speech[(speech[:, 1] > start) & (speech[:, 0] < stop)]
    return np.asarray(np.clip(kept, start, stop))


@lru_cache(maxsize=1)
def _session() -> Any:
    try:
        import onnxruntime

        network = files("silero_vad") / "data" / "silero_vad_16k_sequence.onnx"
    except ImportError as error:
        raise InputError(
            f"voice activity needs a package that is not installed ({error.name})",
            cure="pip install 'presage[depression]'",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
