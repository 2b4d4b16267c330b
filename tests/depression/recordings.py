"""Made-up sound and interviews for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from presage.cohort import Recording

RATE = 8000


def tone(seconds: float, hertz: float = 220.0, level: float = 0.3) -> NDArray[np.float64]:
    """A steady tone, shape (samples,)."""
    return level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def write_sound(path: Path, *channels: NDArray[np.float64], rate: int = RATE) -> Path:
    """A file of one channel per array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack(channels, axis=1), rate)
    return path


def recording(path: Path, kind: str = "transcript", **attributes: str) -> Recording:
    """A recording of patient P1."""
    return Recording("P1", "1", kind, str(path), attributes)
