"""What a face does, from its landmarks: head pose, gaze, eye aperture, brows and mouth.

Every length is measured in the three axes of the face itself and divided by the distance of the outer eye corners, so
that neither the distance to the camera nor a turn of the head changes it (up to the depth's accuracy). The measures are
like action units of the Facial Action Coding System and are not them: nobody has coded muscles here. The numbers in
brackets are landmarks of the mesh of Kartynnik et al., 2019; right and left are the person's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from presage.depression.face.mesh import LEFT_EYE_INNER, LEFT_EYE_OUTER, RIGHT_EYE_INNER, RIGHT_EYE_OUTER

#: Name of each measure, its unit and its definition, in the order of the columns.
MEASURES: dict[str, tuple[str, str]] = {
    "yaw": ("degrees", "turn of the head to the person's left; from the line of the outer eye corners (33, 263)"),
    "pitch": ("degrees", "nod upwards; from the line from forehead to chin (10, 152)"),
    "roll": ("degrees", "tilt of the head towards the person's left shoulder; from the line of the eye corners"),
    "gaze_x": ("eye widths", "iris centre from the middle of the eye corners, towards the person's left; mean of eyes"),
    "gaze_y": ("eye widths", "iris centre above the line of the eye corners; mean of both eyes"),
    "eye_aperture": ("eye widths", "height of the lid opening (159-145, 160-144, 158-153; left alike), mean of eyes"),
    "brow_inner": ("eye distances", "height of the inner brows (107, 336) above the inner eye corners (133, 362)"),
    "brow_outer": ("eye distances", "height of the outer brows (70, 300) above the outer eye corners (33, 263)"),
    "brow_gap": ("eye distances", "distance of the inner brows (107-336); small where they are drawn together"),
    "mouth_width": ("eye distances", "distance of the mouth corners (61-291)"),
    "mouth_corners": ("eye distances", "height of the mouth corners (61, 291) above the middle of the lips (13, 14)"),
    "mouth_open": ("eye distances", "opening between the lips (13-14)"),
    "lip_upper": ("eye distances", "height of the nose's base (2) above the upper lip (0); small where it is raised"),
    "chin": ("eye distances", "depth of the chin (152) below the lower lip (17)"),
}
NAMES = tuple(MEASURES)
#: The measures that move with the face's muscles: what expressivity is made of.
MOVING = ("brow_inner", "brow_outer", "brow_gap", "mouth_width", "mouth_corners", "mouth_open", "lip_upper", "chin")
_RIGHT_LIDS, _LEFT_LIDS = ((159, 145), (160, 144), (158, 153)), ((386, 374), (387, 373), (385, 380))


def measures(landmarks: NDArray[np.float64], irises: NDArray[np.float64]) -> NDArray[np.float64]:
    """The measures of one frame.

    Parameters
    ----------
    landmarks
        Shape (468, 3), pixels, y downwards, depth growing away from the camera.
    irises
        Centres of the right and the left iris, shape (2, 2), pixels.

    Returns
    -------
    ndarray
        Shape (14,), in the order of :data:`MEASURES`.
    """
    axes = face_axes(landmarks)
    unit = float(np.linalg.norm(landmarks[LEFT_EYE_OUTER] - landmarks[RIGHT_EYE_OUTER])) or 1.0
    # In the face's own axes: x to the person's left, y upwards, z out of the face.
    own = (landmarks - landmarks[1]) @ axes.T / unit
    across, up = axes[0], axes[1]
    yaw = np.degrees(np.arctan2(across[2], across[0]))
    roll = np.degrees(np.arctan2(across[1], across[0]))
    pitch = np.degrees(np.arctan2(up[2], -up[1]))
    gaze = np.mean([_gaze(landmarks, irises[0], False), _gaze(landmarks, irises[1], True)], axis=0)
    aperture = np.mean([_aperture(own, False), _aperture(own, True)])
    height = own[:, 1]
    lips = (height[13] + height[14]) / 2
    return np.array(
        [
            yaw,
            pitch,
            roll,
            *gaze,
            aperture,
            (height[107] + height[336] - height[RIGHT_EYE_INNER] - height[LEFT_EYE_INNER]) / 2,
            (height[70] + height[300] - height[RIGHT_EYE_OUTER] - height[LEFT_EYE_OUTER]) / 2,
            np.linalg.norm(own[107] - own[336]),
            np.linalg.norm(own[61] - own[291]),
            (height[61] + height[291]) / 2 - lips,
            height[13] - height[14],
            height[2] - height[0],
            height[17] - height[152],
        ]
    )


def face_axes(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors to the person's left, upwards and out of the face, in the image's axes, shape (3, 3)."""
    across = landmarks[LEFT_EYE_OUTER] - landmarks[RIGHT_EYE_OUTER]
    across = across / (np.linalg.norm(across) or 1.0)
    up = landmarks[10] - landmarks[152]
    up = up - across * (up @ across)
    up = up / (np.linalg.norm(up) or 1.0)
    return np.stack([across, up, np.cross(across, up)])


def _gaze(landmarks: NDArray[np.float64], iris: NDArray[np.float64], left: bool) -> NDArray[np.float64]:
    """Where the iris stands between the corners of its eye: to the person's left, and above; eye widths."""
    outer, inner = (LEFT_EYE_OUTER, LEFT_EYE_INNER) if left else (RIGHT_EYE_OUTER, RIGHT_EYE_INNER)
    start, end = (inner, outer) if left else (outer, inner)
    line = landmarks[end, :2] - landmarks[start, :2]
    width = float(np.linalg.norm(line)) or 1.0
    line = line / width
    off = iris - (landmarks[start, :2] + landmarks[end, :2]) / 2
    return np.array([off @ line, off @ np.array([line[1], -line[0]])]) / width


def _aperture(own: NDArray[np.float64], left: bool) -> float:
    outer, inner = (LEFT_EYE_OUTER, LEFT_EYE_INNER) if left else (RIGHT_EYE_OUTER, RIGHT_EYE_INNER)
    width = float(np.linalg.norm(own[outer] - own[inner])) or 1.0
    lids = _LEFT_LIDS if left else _RIGHT_LIDS
    return float(np.mean([own[upper, 1] - own[lower, 1] for upper, lower in lids])) / width


def blinks(aperture: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """When the person blinked, seconds.

    A blink is a closing below half the person's own open eye (the 80th percentile) that lasts up to half a second and
    opens again; longer closings are closed eyes. Frames that are missing (NaN) end a closing without a count.
    """
    seen = np.isfinite(aperture)
    if seen.sum() < 2:
        return np.zeros(0)
    closed = np.where(seen, aperture < 0.5 * np.quantile(aperture[seen], 0.8), False)
    found = []
    start: int | None = None
    for index in range(len(aperture)):
        if closed[index]:
            start = index if start is None else start
        elif start is not None:
            whole = start > 0 and seen[start - 1] and seen[index]
            if whole and times[index] - times[start] <= 0.5:
                found.append(times[start])
            start = None
    return np.array(found)


def expressivity(moving: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each frame is from the person's own neutral face, shape (frames,), in eye distances.

    Parameters
    ----------
    moving
        The columns of :data:`MOVING`, shape (frames, 8); NaN where no face was seen. The person's neutral is the median
        of each column over the recording.
    """
    if not np.isfinite(moving).any():
        return np.full(len(moving), np.nan)
    neutral = np.nanmedian(moving, axis=0)
    return np.asarray(np.sqrt(((moving - neutral) ** 2).mean(axis=1)))
