"""Inputs and encoders of the deep markers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from presage.breast.augment import Augmentation
from presage.breast.encoders import DeepFeatures, PreparedImage, StageMaps, pooled
from presage.breast.inputs import frame, shrunk_to
from presage.breast.trunks import trunk_named
from presage.cohort import Cohort, InputError, Recording, UnusableRecording

SMALL = {"size": (128, 96), "spacing_mm": 1.6}


def tissue(rows: int = 100, columns: int = 80, spacing_mm: float = 0.4) -> SimpleNamespace:
    """Tissue of a square breast at the chest wall, with one dense spot."""
    image = np.zeros((rows, columns), dtype=np.float32)
    image[20:80, 0:50] = np.linspace(0.2, 0.8, 50, dtype=np.float32)
    breast = image > 0
    dense = np.zeros_like(breast)
    dense[40:60, 30:40] = True
    return SimpleNamespace(image=image, breast=breast, dense=dense, spacing_mm=spacing_mm)


def test_the_frame_keeps_the_scale_and_begins_at_the_chest_wall() -> None:
    framed = frame(tissue(), "whole-breast", (128, 64), 0.4)
    rows, columns = np.flatnonzero(framed.region.any(axis=1)), np.flatnonzero(framed.region.any(axis=0))
    assert (rows[0], rows[-1]) == (64 - 30, 64 + 29)
    assert (columns[0], columns[-1]) == (0, 49)
    assert framed.image.max() == 1
    assert not framed.image[framed.region == 0].any()


def test_a_breast_larger_than_the_frame_is_cropped_not_stretched() -> None:
    whole = frame(tissue(), "whole-breast", (128, 64), 0.4)
    cropped = frame(tissue(), "whole-breast", (32, 32), 0.4)
    np.testing.assert_array_equal(cropped.image, whole.image[48:80, :32])


def test_a_coarser_frame_shows_the_same_millimetres() -> None:
    framed = frame(tissue(), "whole-breast", (64, 32), 0.8)
    assert framed.region.sum() * 0.8**2 == pytest.approx(60 * 50 * 0.4**2, rel=1e-6)


def test_dense_tissue_stays_in_place_and_the_rest_is_black() -> None:
    whole = frame(tissue(), "whole-breast", (128, 64), 0.4)
    dense = frame(tissue(), "dense-tissue", (128, 64), 0.4)
    shown = dense.region > 0
    assert shown.sum() == 200
    np.testing.assert_array_equal(dense.image[shown], whole.image[shown])
    assert not dense.image[~shown].any()


def test_gain_and_offset_of_a_detector_do_not_matter() -> None:
    other = tissue()
    other.image = np.where(other.breast, 0.1 + 0.7 * other.image, 0).astype(np.float32)
    first = frame(tissue(), "whole-breast", (128, 64), 0.4)
    second = frame(other, "whole-breast", (128, 64), 0.4)
    np.testing.assert_allclose(first.image, second.image, atol=1e-5)


def test_nothing_to_show_is_unusable() -> None:
    empty = tissue()
    empty.dense[:] = False
    with pytest.raises(UnusableRecording, match="empty after segmentation") as caught:
        frame(empty, "dense-tissue", (128, 64), 0.4)
    assert caught.value.reason == "no dense tissue found"
    flat = tissue()
    flat.image = np.where(flat.breast, 0.5, 0).astype(np.float32)
    with pytest.raises(UnusableRecording, match="single grey level"):
        frame(flat, "whole-breast", (128, 64), 0.4)


def test_places_weights_add_up_to_one_and_average_a_constant_to_itself() -> None:
    framed = frame(tissue(), "whole-breast", (128, 64), 0.4)
    weights = shrunk_to(framed.region, (4, 2))
    assert weights.sum() == pytest.approx(1)
    assert pooled([np.full((3, 4, 2), 2.5, np.float32)], [weights]).tolist() == [2.5] * 3


@pytest.mark.parametrize("input_", ["whole-breast", "dense-tissue"])
def test_features_are_the_same_bytes_whatever_the_threads(cohort: Cohort, input_: str) -> None:
    encoder = DeepFeatures(input=input_, **SMALL)
    recordings = cohort.iter_recordings()[:8]
    runs = []
    for threads in (1, 4):
        found = dict(encoder.encode_all(recordings, threads=threads))
        runs.append([found[index]["features"].tobytes() for index in range(len(recordings))])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(recordings)


def test_features_are_pytorchs(cohort: Cohort) -> None:
    encoder = DeepFeatures(layers=("stage3.2", "head"), pooling="frame", **SMALL)
    recording = cohort.iter_recordings()[0]
    trunk = trunk_named(encoder.trunk)
    network, _ = trunk.load()
    x = torch.from_numpy(encoder.framed(recording).image)[None, None].expand(1, 3, -1, -1)
    with torch.inference_mode():
        maps = network.maps((x - trunk.mean) / trunk.deviation, encoder.taps)
    expected = torch.cat([layer.mean(dim=(2, 3))[0] for layer in maps]).numpy()
    np.testing.assert_allclose(encoder.encode(recording)["features"], expected, atol=1e-4)


def test_identity_names_the_weights_by_their_bytes(tmp_path: Path) -> None:
    state = {k: v.contiguous() for k, v in trunk_named("googlenet").build().state_dict().items()}
    save_file(state, tmp_path / "a.safetensors")
    shutil.copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    state["fc.bias"] = state["fc.bias"] + 1
    save_file(state, tmp_path / "c.safetensors")
    a, b, c = (DeepFeatures(trunk="googlenet", weights=str(tmp_path / f"{n}.safetensors"), **SMALL) for n in "abc")
    assert a.fingerprint() == b.fingerprint()
    assert a.fingerprint() != c.fingerprint()
    assert str(tmp_path) not in json.dumps(a.identity())


def test_identity_tells_settings_and_arithmetic_apart() -> None:
    encoders = [
        DeepFeatures(**SMALL),
        DeepFeatures(device="cuda:0", **SMALL),
        DeepFeatures(input="dense-tissue", **SMALL),
        DeepFeatures(pooling="frame", **SMALL),
        DeepFeatures(layers=("stage3.2",), **SMALL),
        DeepFeatures(size=(128, 128), spacing_mm=1.6),
        PreparedImage(**SMALL),
        StageMaps(until="stage3.2", **SMALL),
    ]
    assert len({encoder.fingerprint() for encoder in encoders}) == len(encoders)
    # Two GPUs give the same numbers; where they sit is no part of the identity.
    assert DeepFeatures(device="cuda:1", **SMALL).fingerprint() == encoders[1].fingerprint()


def test_prepared_image_is_the_frame_in_8_bits(cohort: Cohort) -> None:
    encoder = PreparedImage(**SMALL)
    recording = cohort.iter_recordings()[0]
    image = encoder.encode(recording)["image"]
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image / 255, encoder.framed(recording).image, atol=0.5 / 255 + 1e-6)


def test_stage_maps_begin_with_the_unchanged_image_and_repeat_themselves(cohort: Cohort) -> None:
    encoder = StageMaps(until="stage5.3", copies=2, **SMALL)
    recording = cohort.iter_recordings()[0]
    maps = encoder.encode(recording)["maps"]
    assert maps.shape == (3, 112, 8, 6)
    assert maps.dtype == np.float16
    np.testing.assert_array_equal(maps[0], encoder.stage_map(encoder.framed(recording).image))
    assert not np.array_equal(maps[1], maps[2])
    assert encoder.encode(recording)["maps"].tobytes() == maps.tobytes()


def test_augmentation_keeps_the_background_black_and_the_grey_levels_in_range() -> None:
    image = frame(tissue(), "whole-breast", (128, 64), 0.4).image
    generator = np.random.default_rng(0)
    changed = [Augmentation(rotation_degrees=0, shift_pixels=0).apply(image, generator) for _ in range(20)]
    for copy in changed:
        assert copy.min() >= 0
        assert copy.max() <= 1
        assert not copy[np.minimum(image, image[::-1]) + np.maximum(image, image[::-1]) == 0].any()
    # Contrast and brightness alone: the order of grey levels stays, flipped or not.
    assert any(np.corrcoef(copy.ravel(), image.ravel())[0, 1] > 0.999 for copy in changed)
    none = Augmentation(flip=False, rotation_degrees=0, shift_pixels=0, contrast=0, brightness=0)
    np.testing.assert_allclose(none.apply(image, generator), image, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trunk": "efficientnet"}, "there is no trunk"),
        ({"size": (100, 96)}, r"not made of multiples of 32.*\n.*\[96, 96\]"),
        ({"layers": ("stage9",)}, "has no layer 'stage9'"),
        ({"layers": ("head", "stage3.2")}, "in the trunk's order"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeepFeatures(**settings)


def test_a_file_that_is_no_mammogram_is_counted_not_crashed_on(cohort: Cohort, tmp_path: Path) -> None:
    recording = cohort.iter_recordings()[0]
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(recording.path).read_bytes()[:200])
    black = tmp_path / "black.png"
    import cv2

    cv2.imwrite(str(black), np.zeros((240, 200), np.uint8))
    recordings = [type(recording)("P", "1", "mammogram", str(path), recording.attributes) for path in (broken, black)]
    found = dict(DeepFeatures(**SMALL).encode_all(recordings))
    assert all(isinstance(found[index], UnusableRecording) for index in (0, 1))


def test_missing_weights_are_an_input_error(cohort: Cohort) -> None:
    encoder = DeepFeatures(trunk="googlenet", weights="/nowhere.safetensors", **SMALL)
    with pytest.raises(InputError, match="no such weights file"):
        encoder.fingerprint()


def test_a_finer_frame_shows_detail_that_the_tissue_grid_has_lost(cohort: Cohort, tmp_path: Path) -> None:
    import cv2

    # One-pixel stripes of 0.2 mm inside the breast: grey on the 0.4 mm grid, stripes again in a frame of 0.2 mm.
    y, x = np.mgrid[:960, :800]
    inside = ((y - 480) / 400) ** 2 + (x / 480) ** 2 < 1
    shade = 90 + 60 * (y > 480) + 40 * (y % 2)
    cv2.imwrite(str(tmp_path / "stripes.png"), np.where(inside, shade, 0).astype(np.uint8))
    attributes = {**cohort.iter_recordings()[0].attributes, "spacing_mm": "0.2"}
    recording = Recording("P", "1", "mammogram", str(tmp_path / "stripes.png"), attributes)
    fine = PreparedImage(size=(960, 800), spacing_mm=0.2).framed(recording)
    grid = PreparedImage(size=(480, 384), spacing_mm=0.4).framed(recording)
    middle = np.s_[300:400, 100:200]
    assert np.abs(np.diff(fine.image[middle], axis=0)).mean() > 0.2
    assert np.abs(np.diff(grid.image[150:200, 50:100], axis=0)).mean() < 0.05
    assert fine.region.sum() * 0.2**2 == pytest.approx(grid.region.sum() * 0.4**2, rel=0.01)
