"""The kind ``face-track``: measures of a face frame by frame, made elsewhere, where the video itself may not leave.

A CSV file: ``time`` in seconds and a column for each of :data:`presage.depression.face.measures.MEASURES`, one row per
frame; frames without a face have empty cells.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from presage.cohort import Cohort, Recording, UnusableRecording, storage
from presage.cohort.tables import some
from presage.depression.face.measures import NAMES
from presage.study.encoder import Arrays, Encoder


class FaceTrackKind:
    """The kind ``face-track``."""

    name = "face-track"
    required: Mapping[str, Sequence[str]] = {}
    optional: Sequence[str] = ("task", "answer")

    def inspect(self, recording: Recording) -> None:
        """Read it: tracks are small."""
        self.read(recording)

    def read(self, recording: Recording) -> Arrays:
        """As :class:`presage.depression.face.encoder.FaceTrack` gives it of a video."""
        times, values = read_track(recording.path)
        seen = np.asarray(np.isfinite(values).all(axis=1))
        new = seen & ~np.concatenate([[False], seen[:-1]])
        return {
            "times": times,
            "seen": np.asarray(seen, dtype=np.uint8),
            "measures": values[seen].astype(np.float32),
            "faces": np.asarray(seen, dtype=np.uint8),
            "new": np.asarray(new, dtype=np.uint8),
        }

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """Aperture of the eyes, height of the mouth corners and head pose over time."""
        from presage.depression.face.picture import draw_tracks

        return draw_tracks(cohort, out, limit=limit)


class FaceTrackFile(Encoder):
    """Tracks of files as an encoder; the same arrays as those of a video.

    Attributes
    ----------
    least
        Share of the frames that must show a face.
    """

    name: ClassVar[str] = "face-track-file"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "face-track"

    least: float = 0.2

    def encode(self, recording: Recording) -> Arrays:
        """See :meth:`FaceTrackKind.read`. Raises UnusableRecording where a face was seen too rarely."""
        arrays = FaceTrackKind().read(recording)
        share = float(arrays["seen"].mean())
        if share < self.least or not arrays["seen"].any():
            raise UnusableRecording("no face", f"{share:.0%} of the frames show a face", where=recording.path)
        return arrays


def read_track(path: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (frames,) and measures (frames, 14), NaN in frames without a face.

    Raises
    ------
    UnusableRecording
        If a column is missing, a cell is no number, the times run backwards or a row is half empty.
    """
    import pandas as pd

    try:
        table = pd.read_csv(io.BytesIO(storage.read_bytes(path)))
    except FileNotFoundError:
        raise UnusableRecording("file missing", "there is no such file", where=path) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UnusableRecording("not a face track", f"this is no CSV table ({error})", where=path) from error
    lacking = [name for name in ("time", *NAMES) if name not in table.columns]
    if lacking or not len(table):
        what = f"it has no column {some(lacking)}" if lacking else "it has no row"
        raise UnusableRecording("not a face track", what, where=path)
    try:
        values = table[["time", *NAMES]].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise UnusableRecording("not a face track", f"a cell is no number ({error})", where=path) from error
    times, measures = values[:, 0], values[:, 1:]
    back = np.flatnonzero(~(np.diff(times) > 0))
    if not np.isfinite(times).all() or len(back):
        row = int(back[0]) + 3 if len(back) else 2
        raise UnusableRecording("times run backwards", f"line {row}: each time must be later than the last", where=path)
    filled = np.isfinite(measures)
    half = np.flatnonzero(filled.any(axis=1) & ~filled.all(axis=1))
    if len(half):
        raise UnusableRecording("half a row", f"line {int(half[0]) + 2}: some measures are missing", where=path)
    return times, measures


def write_track(path: Path, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Write a track, as :func:`read_track` reads it."""
    import pandas as pd

    table = pd.DataFrame(values, columns=list(NAMES))
    table.insert(0, "time", times)
    table.to_csv(path, index=False, float_format="%.5g", lineterminator="\n")
