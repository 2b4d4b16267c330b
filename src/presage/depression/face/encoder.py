"""The face in a video as an encoder: measures frame by frame, and what is missing counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from presage.cohort import Recording, UnusableRecording
from presage.depression.face.measures import MOVING, NAMES, blinks, expressivity
from presage.depression.face.track import FaceTracker
from presage.depression.face.weights import FILES
from presage.depression.media import frames
from presage.study.encoder import Arrays, Encoder

_COLUMN = {name: number for number, name in enumerate(NAMES)}
_MOVING = [_COLUMN[name] for name in MOVING]
#: Names of :func:`summary`, in order.
SUMMARY = (
    *(f"{name} mean" for name in NAMES),
    *(f"{name} SD" for name in NAMES),
    "expressivity mean",
    "expressivity 90th percentile",
    "smile 90th percentile",
    "head movement (degrees/s)",
    "blinks per minute",
    "share of frames with a face",
)


class FaceTrack(Encoder):
    """Follows the participant's face through a video.

    Arrays: ``times`` (frames,) seconds; ``seen`` (frames,) whether there was a face; ``measures`` (frames with a face,
    14), columns as in :data:`presage.depression.face.measures.MEASURES`; ``faces`` (frames,) how many faces of like
    size; ``new`` (frames,) whether the face does not continue the one before.

    Attributes
    ----------
    fps
        Frames per second looked at, at most.
    height
        Rows of the pictures; larger ones are made smaller first.
    least
        Share of the frames that must show a face.
    rivals
        Share of the frames that may show a second face of like size: with more, nobody can tell whose face it is.
    """

    name: ClassVar[str] = "face-track"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "video"

    fps: Annotated[float, Field(gt=0, le=120)] = 30.0
    height: Annotated[int, Field(ge=96, le=2160)] = 360
    least: Annotated[float, Field(ge=0, le=1)] = 0.2
    rivals: Annotated[float, Field(ge=0, le=1)] = 0.1

    def identity(self) -> dict[str, Any]:
        """Settings and the networks' digests."""
        return {**super().identity(), "networks": {name: digest for name, (_, digest) in FILES.items()}}

    def encode(self, recording: Recording) -> Arrays:
        """See the class.

        Raises
        ------
        UnusableRecording
            If the video cannot be decoded, shows a face too rarely, or two people.
        """
        # A little less than the interval, so that rounding of time stamps does not drop every other frame.
        pictures = frames(recording.path, every=0.98 / self.fps, height=self.height)
        times, seen, values, faces, new = [], [], [], [], []
        for look in FaceTracker().follow(pictures):
            times.append(look.time)
            seen.append(look.face)
            faces.append(min(look.faces, 255))
            new.append(look.new)
            if look.face:
                values.append(look.values)
        share = float(np.mean(seen)) if seen else 0.0
        if share < self.least or not values:
            raise UnusableRecording(
                "no face", f"a face was found in {share:.0%} of {len(seen)} frames", where=recording.path
            )
        crowded = float(np.mean(np.array(faces) > 1))
        if crowded > self.rivals:
            raise UnusableRecording(
                "two faces",
                f"{crowded:.0%} of the frames show two faces of like size: cut the video to the participant's",
                where=recording.path,
            )
        return {
            "times": np.array(times),
            "seen": np.array(seen, dtype=np.uint8),
            "measures": np.array(values, dtype=np.float32),
            "faces": np.array(faces, dtype=np.uint8),
            "new": np.array(new, dtype=np.uint8),
        }


def by_frame(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Measures of every frame, shape (frames, 14); NaN where no face was seen."""
    values = np.full((len(arrays["times"]), len(NAMES)), np.nan)
    values[arrays["seen"].astype(bool)] = arrays["measures"]
    return values


def summary(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """One row for a recording, shape (34,), columns :data:`SUMMARY`; from frames with a face alone, finite."""
    values, times = by_frame(arrays), arrays["times"]
    seen = np.isfinite(values[:, 0])
    shown = values[seen]
    moving = expressivity(values[:, _MOVING])[seen]
    corners = shown[:, _COLUMN["mouth_corners"]]
    # Between neighbouring frames that both show the same face.
    pairs = seen[1:] & seen[:-1] & (arrays["new"][1:] == 0) & (np.diff(times) > 0)
    steps = np.linalg.norm(np.diff(values[:, :3], axis=0)[pairs], axis=1) / np.diff(times)[pairs]
    duration = float(np.median(np.diff(times))) * seen.sum() / 60 if len(times) > 1 else 0.0
    count = len(blinks(values[:, _COLUMN["eye_aperture"]], times))
    return np.array(
        [
            *shown.mean(axis=0),
            *shown.std(axis=0),
            moving.mean(),
            np.quantile(moving, 0.9),
            np.quantile(corners, 0.9) - np.median(corners),
            steps.mean() if len(steps) else 0.0,
            count / duration if duration else 0.0,
            seen.mean(),
        ]
    )
