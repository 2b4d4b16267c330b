"""The sound of many short stretches of one recording, streamed: hours need no more memory than the longest stretch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from presage.depression.media import RATE, blocks


def sound_between(
    path: str, spans: Iterable[tuple[float, float]], *, channel: str = ""
) -> Iterator[NDArray[np.float32]]:
    """The sound of each stretch, at 16 kHz.

    Parameters
    ----------
    path, channel
        As for :func:`presage.depression.media.blocks`.
    spans
        Begin and end in seconds, ordered by their beginnings; they may overlap. What lies behind the recording's end is
        left out.

    Yields
    ------
    numpy.ndarray
        float32, shape (samples,), full scale 1.
    """
    source = blocks(path, channel=channel)
    held, first, over = np.zeros(0, dtype=np.float32), 0, False
    for start, stop in spans:
        begin = round(max(start, 0.0) * RATE)
        end = round(stop * RATE) if np.isfinite(stop) else None
        parts = [held]
        length = len(held)
        while not over and (end is None or first + length < end):
            block = next(source, None)
            if block is None:
                over = True
                break
            if first + length <= begin and first + length + len(block) <= begin:
                # Nothing of it is asked for, now or later.
                parts, first, length = [], first + length + len(block), 0
                continue
            parts.append(block)
            length += len(block)
        held = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
        # Later stretches begin no earlier.
        unneeded = min(max(0, begin - first), len(held))
        held, first = held[unneeded:], first + unneeded
        yield held[: None if end is None else max(0, end - first)]
