"""Each grey-scale path of the reader against a slow version that follows the standard's words pixel by pixel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from breast.dicom_files import PROCESSING, breast_values, mammogram_dataset, recording, save
from presage.breast import read_mammogram
from presage.cohort import UnusableRecording

VALUES = breast_values(64, 48)


def read(tmp_path: Path, values: NDArray[Any] = VALUES, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Any:
    path = save(mammogram_dataset(values, **elements), tmp_path / "image.dcm", syntax)
    return read_mammogram(recording(path))


def check(pixels: NDArray[np.float32], expected: list[list[float]]) -> None:
    """Equal to half a step of the 16-bit scale."""
    assert pixels.dtype == np.float32
    assert np.abs(pixels - np.array(expected)).max() <= 0.5 / 65535 + 1e-7


def by_pixel(values: NDArray[Any], formula: Any) -> list[list[float]]:
    return [[formula(float(value)) for value in row] for row in values]


def clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def linear(x: float, center: float, width: float) -> float:
    """PS3.3 C.11.2.1.2.1, output 0 to 1."""
    if x <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if x > center - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (center - 0.5)) / (width - 1) + 0.5


def sigmoid(x: float, center: float, width: float) -> float:
    """PS3.3 C.11.2.1.3.1."""
    return 1.0 / (1.0 + math.exp(-4.0 * (x - center) / width))


def linear_exact(x: float, center: float, width: float) -> float:
    """PS3.3 C.11.2.1.3.2."""
    return clip((x - center) / width + 0.5)


WINDOWS = {"LINEAR": linear, "SIGMOID": sigmoid, "LINEAR_EXACT": linear_exact}


def test_without_window_the_narrowest_detector_is_the_full_scale(tmp_path: Path) -> None:
    top = int(VALUES.max())
    assert 2048 <= top < 4096
    check(read(tmp_path).pixels, by_pixel(VALUES, lambda x: x / 4095))
    # The same values in a header that says 16 bits: still 12-bit data.
    check(read(tmp_path, BitsStored=16, HighBit=15).pixels, by_pixel(VALUES, lambda x: x / 4095))


@pytest.mark.parametrize("function", [None, *WINDOWS])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_windows(tmp_path: Path, function: str | None, photometric: str) -> None:
    window = WINDOWS[function or "LINEAR"]
    inverted = photometric == "MONOCHROME1"
    values = (4095 - VALUES) if inverted else VALUES
    image = read(
        tmp_path,
        values,
        PhotometricInterpretation=photometric,
        PresentationLUTShape="INVERSE" if inverted else "IDENTITY",
        WindowCenter=1900,
        WindowWidth=2500,
        VOILUTFunction=function,
    )
    shown = by_pixel(values, lambda x: window(x, 1900, 2500))
    check(image.pixels, [[1.0 - y for y in row] for row in shown] if inverted else shown)


@pytest.mark.parametrize(
    ("names", "chosen"), [(None, 0), (["WIDE", "NORMAL"], 1), (["HARDER", "SOFTER"], 0), (["Normal", "x"], 0)]
)
def test_of_several_windows_the_normal_one_else_the_first(tmp_path: Path, names: list[str] | None, chosen: int) -> None:
    center, width = [1500, 2100], [3000, 3900]
    image = read(tmp_path, WindowCenter=center, WindowWidth=width, WindowCenterWidthExplanation=names)
    check(image.pixels, by_pixel(VALUES, lambda x: linear(x, center[chosen], width[chosen])))


def test_rescale_comes_before_the_window(tmp_path: Path) -> None:
    image = read(tmp_path, RescaleSlope=0.5, RescaleIntercept=-100, WindowCenter=900, WindowWidth=1900)
    check(image.pixels, by_pixel(VALUES, lambda x: linear(0.5 * x - 100, 900, 1900)))


def lut_item(entries: list[int], first: int, bits: int, *, explanation: str = "", as_bytes: bool = False) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    if as_bytes:
        item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    else:
        item.add_new("LUTData", "US", entries)
    if explanation:
        item.LUTExplanation = explanation
    return item


def lut(x: float, entries: list[int], first: int) -> int:
    """PS3.3 C.11.2.1.1: below the first value the first entry, above the last the last."""
    return entries[min(len(entries) - 1, max(0, math.floor(x) - first))]


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_voi_table_wins_over_window_and_the_normal_one_over_the_first(
    tmp_path: Path, as_bytes: bool, syntax: str
) -> None:
    steep = [min(1023, round(i**1.1)) for i in range(600)]
    flat = [i * 1023 // 799 for i in range(800)]
    items = [lut_item(steep, 100, 10, explanation="HARDER"), lut_item(flat, 900, 10, explanation="NORMAL")]
    items[1] = lut_item(flat, 900, 10, explanation="NORMAL", as_bytes=as_bytes)
    image = read(tmp_path, syntax=syntax, VOILUTSequence=items, WindowCenter=10, WindowWidth=20)
    check(image.pixels, by_pixel(VALUES, lambda x: lut(x, flat, 900) / 1023))
    image = read(tmp_path, syntax=syntax, VOILUTSequence=items[:1])
    check(image.pixels, by_pixel(VALUES, lambda x: lut(x, steep, 100) / 1023))


def test_big_endian_table(tmp_path: Path) -> None:
    flat = [i * 4095 // 3999 for i in range(4000)]
    image = read(tmp_path, syntax=ExplicitVRBigEndian, VOILUTSequence=[lut_item(flat, 0, 12)])
    check(image.pixels, by_pixel(VALUES, lambda x: lut(x, flat, 0) / 4095))


def test_modality_table_comes_first(tmp_path: Path) -> None:
    entries = [min(4095, i + 50) for i in range(4096)]
    item = lut_item(entries, 0, 12)
    item.ModalityLUTType = "US"
    image = read(tmp_path, ModalityLUTSequence=[item], WindowCenter=2000, WindowWidth=3500)
    check(image.pixels, by_pixel(VALUES, lambda x: linear(lut(x, entries, 0), 2000, 3500)))


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 1000, "WindowWidth": 0},
        {"WindowCenter": [1000, 2000], "WindowWidth": 100},
        {"WindowCenter": 1000, "WindowWidth": 100, "VOILUTFunction": "CUBIC"},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"VOILUTSequence": [lut_item([1, 2, 3], 0, 40)]},
    ],
)
def test_a_grey_scale_that_cannot_be_applied_is_refused(tmp_path: Path, elements: dict[str, Any]) -> None:
    with pytest.raises(UnusableRecording) as refused:
        read(tmp_path, **elements)
    assert refused.value.reason == "grey scale cannot be applied"
    assert str(tmp_path) in refused.value.where


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_signed_values(tmp_path: Path, syntax: str) -> None:
    values = VALUES.astype(np.int16) - 1500
    image = read(tmp_path, values, syntax, WindowCenter=500, WindowWidth=4000)
    check(image.pixels, by_pixel(values, lambda x: linear(x, 500, 4000)))


def test_signed_values_without_sign_extension(tmp_path: Path) -> None:
    values = VALUES.astype(np.int16) - 1500
    stored = (values.view(np.uint16) & 0x0FFF).view(np.int16)  # the four spare bits are zero
    image = read(tmp_path, stored, WindowCenter=500, WindowWidth=4000)
    check(image.pixels, by_pixel(values, lambda x: linear(x, 500, 4000)))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_every_depth(tmp_path: Path, bits: int) -> None:
    values = breast_values(64, 48, bits=bits)
    values = values.astype(np.uint8) if bits == 8 else values
    image = read(tmp_path, values, bits=bits)
    check(image.pixels, by_pixel(values, lambda x: x / ((1 << bits) - 1)))


@pytest.mark.parametrize(("bits", "high"), [(10, 9), (12, 15), (17, 16), (12, 9)])
def test_wrong_bits_stored_is_refused(tmp_path: Path, bits: int, high: int) -> None:
    with pytest.raises(UnusableRecording, match="Bits Stored") as refused:
        read(tmp_path, BitsStored=bits, HighBit=high)
    assert refused.value.reason in ("grey levels beyond the stated bits", "bits contradict each other")
    assert refused.value.cure


def test_padding_is_black_and_does_not_stretch_the_scale(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[:, -6:] = 60000
    values[:, -3:] = 60500
    image = read(tmp_path, values, bits=16, PixelPaddingValue=60000, PixelPaddingRangeLimit=61000)
    expected = by_pixel(VALUES, lambda x: x / 4095)
    check(image.pixels, [[*row[:-6], *[0.0] * 6] for row in expected])


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME2", "INVERSE"), ("MONOCHROME1", "IDENTITY")])
@pytest.mark.parametrize("background_high", [False, True])
def test_when_photometric_and_shape_disagree_the_rim_decides(
    tmp_path: Path, photometric: str, shape: str, background_high: bool
) -> None:
    values = (4095 - VALUES) if background_high else VALUES
    image = read(tmp_path, values, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    check(image.pixels, by_pixel(VALUES, lambda x: x / 4095))


def raw_signal() -> NDArray[np.uint16]:
    """Detector signal behind a breast: 12000 in the open beam, down to exp(-2.5) of it, and a collimated corner."""
    attenuation = 2.5 * VALUES / 4095.0
    signal = np.rint(12000 * np.exp(-attenuation)).astype(np.uint16)
    signal[:4, -4:] = 1
    return signal


def test_raw_images_follow_the_documented_formula(tmp_path: Path) -> None:
    signal = raw_signal()
    raw = {"SOPClassUID": PROCESSING, "PresentationIntentType": "FOR PROCESSING", "PixelIntensityRelationship": "LIN"}
    image = read(tmp_path, signal, bits=14, PixelIntensityRelationshipSign=1, **raw)
    assert image.origin == "for-processing"
    ordered = sorted(float(s) for s in signal.ravel())
    opened = ordered[math.ceil(len(ordered) * 99 / 100) - 1]
    lit = [s for s in ordered if s >= opened * math.exp(-6)]
    dense = math.log(opened / lit[math.ceil(len(lit) / 200) - 1])
    expected = by_pixel(signal, lambda s: clip(math.log(opened / s) / dense) if s >= opened * math.exp(-6) else 0.0)
    check(image.pixels, expected)
    # What the formula is for: attenuation, up to one factor.
    assert np.corrcoef(image.pixels[8:].ravel(), VALUES[8:].ravel())[0, 1] > 0.999
    # The same exposure stored upside down, and as its logarithm.
    falling = read(tmp_path, 16383 - signal, bits=14, PixelIntensityRelationshipSign=-1, **raw)
    assert np.array_equal(falling.pixels, image.pixels)


def test_raw_logarithms(tmp_path: Path) -> None:
    logarithm = np.rint(1500 * np.log(raw_signal().astype(float) + 1)).astype(np.uint16)
    image = read(
        tmp_path,
        logarithm,
        bits=14,
        SOPClassUID=PROCESSING,
        PresentationIntentType="FOR PROCESSING",
        PixelIntensityRelationship="LOG",
    )
    # Without the collimated corners the picture is that of the linear signal.
    assert np.corrcoef(image.pixels[8:].ravel(), VALUES[8:].ravel())[0, 1] > 0.999


def test_raw_of_an_unknown_relationship_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match="Pixel Intensity Relationship") as refused:
        read(
            tmp_path, SOPClassUID=PROCESSING, PresentationIntentType="FOR PROCESSING", PixelIntensityRelationship="DISP"
        )
    assert "For Presentation" in refused.value.cure
