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


def write_video(path: Path, seconds: float = 2.0, *, sound: NDArray[np.float64] | None = None) -> Path:
    """A small grey video, with `sound` (one channel) where there is any."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        heard = container.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        for number in range(round(10 * seconds)):
            values = np.full((48, 64, 3), 60 + number, dtype=np.uint8)
            for packet in pictures.encode(av.VideoFrame.from_ndarray(values, format="rgb24")):
                container.mux(packet)
        if heard is not None and sound is not None:
            frame = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate = RATE
            for packet in (*heard.encode(frame), *heard.encode(None)):
                container.mux(packet)
        for packet in pictures.encode(None):
            container.mux(packet)
    return path
