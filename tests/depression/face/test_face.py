from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from presage.cohort import InputError, Recording, UnusableRecording
from presage.depression.face import weights
from presage.depression.face.encoder import SUMMARY, FaceTrack, by_frame, summary
from presage.depression.face.measures import NAMES, blinks, expressivity, measures

av = pytest.importorskip("av")
DATA = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "face_speech"
networks = pytest.mark.skipif(
    any(not (weights.folder() / name).exists() for name in weights.FILES), reason="needs `presage fetch face`"
)
people = pytest.mark.skipif(not DATA.is_dir(), reason="the research data (PRESAGE_DATA) are not here")
ANGLES = NAMES.index("yaw"), NAMES.index("pitch"), NAMES.index("roll")


def frontal() -> NDArray[np.float64]:
    """A made-up face that looks straight ahead; only the places that are measured matter."""
    points = np.random.default_rng(5).normal(scale=20, size=(468, 3))
    # Right-left pairs, x to the image's right (the person's left), y downwards.
    pairs = {(33, 263): (50, 0), (133, 362): (20, 0), (107, 336): (12, -25), (70, 300): (55, -18), (61, 291): (28, 70)}
    pairs |= {(159, 386): (35, -7), (145, 374): (35, 7), (160, 387): (42, -5), (144, 373): (42, 5)}
    pairs |= {(158, 385): (28, -5), (153, 380): (28, 5)}
    for (right, left), (x, y) in pairs.items():
        points[right], points[left] = (-x, y, 0), (x, y, 0)
    for index, y in {10: -80, 152: 130, 1: 40, 2: 50, 0: 64, 13: 69, 14: 72, 17: 80}.items():
        points[index] = (0, y, 0)
    return points


def of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    irises = np.array([(points[33, :2] + points[133, :2]) / 2, (points[263, :2] + points[362, :2]) / 2])
    return measures(points, irises)


def turned(points: NDArray[np.float64], axis: str, degrees: float) -> NDArray[np.float64]:
    return points @ Rotation.from_euler(axis, degrees, degrees=True).as_matrix().T


def test_a_frontal_face_has_no_angles_and_the_planted_lengths() -> None:
    found = dict(zip(NAMES, of(frontal()), strict=True))
    assert [found[name] for name in ("yaw", "pitch", "roll", "gaze_x", "gaze_y")] == pytest.approx([0] * 5, abs=1e-12)
    expected = {"mouth_width": 0.56, "brow_gap": 0.24, "brow_inner": 0.25, "brow_outer": 0.18, "mouth_open": 0.03}
    expected |= {"mouth_corners": 0.005, "chin": 0.5, "lip_upper": 0.14, "eye_aperture": (14 + 10 + 10) / 3 / 30}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    # The person's left is the image's right, and depth grows away from the camera: a turn to the person's left takes
    # the left eye away from it, a nod upwards the forehead.
    ("axis", "degrees", "name", "expected"),
    [("y", -20, "yaw", 20), ("y", 15, "yaw", -15), ("x", -12, "pitch", 12), ("z", 9, "roll", 9)],
)
def test_a_turn_of_the_head_is_measured_and_changes_no_length(
    axis: str, degrees: float, name: str, expected: float
) -> None:
    straight, found = of(frontal()), of(turned(frontal(), axis, degrees))
    assert found[NAMES.index(name)] == pytest.approx(expected, abs=1e-9)
    lengths = [number for number in range(5, len(NAMES))]
    assert found[lengths] == pytest.approx(straight[lengths], abs=1e-9)


@pytest.mark.parametrize("scale", [0.2, 7.0])
def test_the_distance_to_the_camera_changes_nothing(scale: float) -> None:
    assert of(frontal() * scale + [300, 200, 0]) == pytest.approx(of(frontal()), abs=1e-9)


def test_blinks_are_short_closings_that_open_again() -> None:
    times = np.arange(300) / 30
    aperture = np.full(300, 0.3)
    aperture[60:65] = 0.05  # a blink
    aperture[120:160] = 0.02  # closed eyes
    aperture[200:204] = 0.05  # a closing into frames without a face
    aperture[204:210] = np.nan
    aperture[290:] = 0.01  # never seen to open
    assert blinks(aperture, times) == pytest.approx([2.0])
    assert len(blinks(np.full(10, np.nan), times[:10])) == 0


def test_expressivity_is_the_distance_from_the_own_neutral() -> None:
    moving = np.tile(np.arange(8.0), (5, 1))
    moving[3] += 0.4
    moving[4] = np.nan
    found = expressivity(moving)
    assert found[:4] == pytest.approx([0, 0, 0, 0.4])
    assert np.isnan(found[4])


def write_video(path: Path, pictures: list[NDArray[np.uint8]]) -> Recording:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return Recording("p", "1", "video", str(path))


@pytest.fixture(scope="module")
def speaker() -> list[NDArray[np.uint8]]:
    with av.open(str(DATA / "id2_vcd_swwp2s.mpg")) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][:30]


@networks
def test_a_video_without_a_face_is_refused_by_name(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (12, 120, 160, 3)).astype(np.uint8)
    with pytest.raises(UnusableRecording) as raised:
        FaceTrack().encode(write_video(tmp_path / "wall.mp4", list(noise)))
    assert raised.value.reason == "no face"
    assert "0% of 12 frames" in raised.value.what


@networks
@people
def test_two_people_are_refused_and_one_of_them_is_not(tmp_path: Path, speaker: list[NDArray[np.uint8]]) -> None:
    beside = [np.concatenate([picture, picture[:, ::-1]], axis=1) for picture in speaker]
    with pytest.raises(UnusableRecording) as raised:
        FaceTrack().encode(write_video(tmp_path / "two.mp4", beside))
    assert raised.value.reason == "two faces"
    found = FaceTrack().encode(write_video(tmp_path / "one.mp4", speaker))
    assert found["seen"].all()


@networks
@people
def test_frames_without_the_face_are_counted_and_not_invented(tmp_path: Path, speaker: list[NDArray[np.uint8]]) -> None:
    covered = [np.zeros_like(picture) if 10 <= i < 20 else picture for i, picture in enumerate(speaker)]
    arrays = FaceTrack().encode(write_video(tmp_path / "covered.mp4", covered))
    assert np.flatnonzero(arrays["seen"] == 0).tolist() == list(range(10, 20))
    assert np.isnan(by_frame(arrays)[10:20]).all()
    assert np.flatnonzero(arrays["new"]).tolist() == [0, 20]
    found = dict(zip(SUMMARY, summary(arrays), strict=True))
    assert found["share of frames with a face"] == pytest.approx(20 / 30)
    assert all(np.isfinite(list(found.values())))


@networks
@people
def test_a_mirrored_speaker_turns_the_other_way(tmp_path: Path, speaker: list[NDArray[np.uint8]]) -> None:
    plain = summary(FaceTrack().encode(write_video(tmp_path / "a.mp4", speaker)))
    mirrored = summary(FaceTrack().encode(write_video(tmp_path / "b.mp4", [p[:, ::-1].copy() for p in speaker])))
    for name, sign, tolerance in (("yaw", -1, 2.0), ("roll", -1, 1.0), ("gaze_x", -1, 0.03), ("pitch", 1, 2.0)):
        index = NAMES.index(name)
        assert mirrored[index] == pytest.approx(sign * plain[index], abs=tolerance), name
    lengths = [NAMES.index(name) for name in ("mouth_width", "brow_inner", "eye_aperture", "chin")]
    assert mirrored[lengths] == pytest.approx(plain[lengths], abs=0.02)


def test_networks_that_are_missing_or_damaged_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESAGE_MODELS", str(tmp_path))
    weights.checked.cache_clear()
    with pytest.raises(InputError, match="not on this machine") as raised:
        weights.checked("face_landmark.tflite")
    assert "presage fetch face" in raised.value.cure
    (tmp_path / "face_landmark.tflite").write_bytes(b"not a network")
    with pytest.raises(InputError, match="damaged"):
        weights.checked("face_landmark.tflite")
    weights.checked.cache_clear()
