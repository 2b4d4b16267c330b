"""Encoder outputs kept by content (file bytes + encoder), so that nothing is encoded twice. (contract; filled in by the study work)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from presage.cohort import Recording
from presage.study.encoder import Arrays, Encoder


class EncoderCache:
    """Encoder outputs on disk under SHA-256 of the file's bytes and of the encoder's identity.

    Parameters
    ----------
    folder
        Where to keep them; ``PRESAGE_CACHE`` or ``~/.cache/presage`` by default.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = folder

    def encoded(
        self,
        encoder: Encoder,
        recordings: Sequence[Recording],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> list[Arrays]:
        """Arrays of each recording in order; those missing are encoded and kept. Raises UnusableRecording."""
        raise NotImplementedError
