"""Smaller batches where a graphics card's memory is too small for whole ones."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from presage.cohort import InputError

#: Batches are divided by at most so much.
MOST = 64


def with_smaller_batches(do: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """Call `do` with a divisor of batches: 1, and twice the last as long as the card's memory is too small.

    What was learned before (checkpoints) is `do`'s own to judge.

    Raises
    ------
    InputError
        If the memory is too small for the smallest parts, too.
    """
    divisor = 1
    while True:
        try:
            return do(divisor)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            if divisor >= MOST:
                raise InputError(
                    f"the graphics card's memory is too small, even for batches divided by {MOST}",
                    cure="give a task a larger share of a card (`place: {gpus: 1}`), end what else runs on it, or use "
                    "smaller images",
                ) from error
        # Out of the handler: the error holds the frames, and with them the arrays, of what did not fit.
        divisor *= 2
        _free()


def note_of(divisor: int) -> str:
    """What a reader of the findings is told of it."""
    times = divisor.bit_length() - 1
    return f"batches were halved {times} time{'s' * (times > 1)}: the card's memory was too small"


def _is_out_of_memory(error: BaseException | None) -> bool:
    # Whoever raised it has imported torch; nobody else has to.
    torch = sys.modules.get("torch")
    while torch is not None and error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return True
        error = error.__cause__
    return False


def _free() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
