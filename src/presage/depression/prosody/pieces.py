"""A stream of sound cut into pieces that fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]


def with_margins(sound: Iterable[Sound], margin: int) -> Iterator[tuple[Sound, int, int, bool]]:
    """Each block with `margin` samples on either side: (samples, how many before, the first one's number, is last).

    What would be a last block shorter than the margin goes with the one before it.
    """
    before = np.zeros(0, dtype=np.float32)
    here: Sound | None = None
    began = 0
    for following in sound:
        if here is None:
            here = following
            continue
        if len(following) < margin:
            here = np.concatenate([here, following])
            continue
        yield np.concatenate([before, here, following[:margin]]), len(before), began - len(before), False
        began += len(here)
        before, here = here[-margin:], following
    if here is not None:
        yield np.concatenate([before, here]), len(before), began - len(before), True


def counted(sound: Iterable[Sound], length: list[int]) -> Iterator[Sound]:
    """The same blocks; their samples are added to `length[0]`."""
    for block in sound:
        length[0] += len(block)
        yield block


def equal_pieces(sound: Iterable[Sound], longest: int) -> Iterator[Sound]:
    """All of the sound in pieces of `longest` samples (whole blocks), the last one shorter."""
    held: list[Sound] = []
    for block in sound:
        held.append(block)
        if sum(map(len, held)) >= longest:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def stretches_of(
    sound: Iterable[Sound], stretches: Sequence[tuple[float, float]], rate: int, longest: float
) -> Iterator[tuple[int, Sound]]:
    """The sound of each stretch (seconds) as it comes by: (number of the stretch, samples).

    A stretch longer than `longest` seconds comes in equal pieces. Stretches may overlap.
    """
    waiting = sorted(_cut(stretches, rate, longest))
    begun: list[tuple[int, int, int, list[Sound]]] = []
    began = 0
    for block in sound:
        ends = began + len(block)
        while waiting and waiting[0][0] < ends:
            begun.append((*waiting.pop(0), []))
        for start, stop, _, held in begun:
            held.append(block[max(0, start - began) : max(0, stop - began)])
        yield from ((number, np.concatenate(held)) for _, stop, number, held in begun if stop <= ends)
        begun = [piece for piece in begun if piece[1] > ends]
        began = ends
    yield from ((number, np.concatenate(held)) for _, _, number, held in begun)


def _cut(stretches: Sequence[tuple[float, float]], rate: int, longest: float) -> Iterator[tuple[int, int, int]]:
    """First sample, last sample and number of each stretch or piece of one."""
    for number, (start, stop) in enumerate(stretches):
        pieces = max(1, int(np.ceil((stop - start) / longest)))
        edges = np.round(np.linspace(start, stop, pieces + 1) * rate).astype(int).tolist()
        yield from ((first, last, number) for first, last in pairwise(edges))
