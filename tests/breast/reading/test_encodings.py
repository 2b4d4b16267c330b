"""Every transfer syntax gives the pixels of the uncompressed file; a decoder that dies takes nothing with it."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from breast.dicom_files import DEFLATED, breast_values, compress, mammogram_dataset, recording, save
from presage.breast import read_mammogram
from presage.breast.reading import decode, source
from presage.cohort import UnusableRecording

FROZEN = Path(__file__).parents[2] / "data" / "mammogram_bytes.json"
UNCOMPRESSED = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DEFLATED]
LOSSLESS = [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1]


def values_of(kind: str) -> tuple[NDArray[Any], dict[str, Any]]:
    values = breast_values(96, 72, bits=8 if kind == "8 bit" else 12)
    if kind == "8 bit":
        return values.astype(np.uint8), {"bits": 8}
    if kind == "signed":
        return values.astype(np.int16) - 1500, {"WindowCenter": 500, "WindowWidth": 4096}
    return values, {}


@pytest.mark.parametrize("kind", ["8 bit", "12 bit", "signed"])
@pytest.mark.parametrize("syntax", UNCOMPRESSED + LOSSLESS, ids=lambda uid: uid.keyword)
def test_lossless_encodings_give_the_same_array(tmp_path: Path, syntax: Any, kind: str) -> None:
    values, elements = values_of(kind)
    plain = read_mammogram(recording(save(mammogram_dataset(values, **elements), tmp_path / "plain")))
    if syntax in UNCOMPRESSED:
        path = save(mammogram_dataset(values, **elements), tmp_path / "encoded", syntax)
    else:
        path = tmp_path / "encoded"
        compress(mammogram_dataset(values, **elements), syntax).save_as(path)
    encoded = read_mammogram(recording(path))
    assert np.array_equal(encoded.pixels, plain.pixels)


def test_lossy_encodings(tmp_path: Path) -> None:
    plain = read_mammogram(recording(save(mammogram_dataset(), tmp_path / "plain"))).pixels
    near = mammogram_dataset()
    near.compress(JPEGLSNearLossless, jls_error=4)
    wavelet = mammogram_dataset()
    wavelet.compress(JPEG2000, j2k_psnr=[60])
    for dataset, error in ((near, 4 / 4095 + 2e-5), (wavelet, 0.02)):
        dataset.save_as(tmp_path / "lossy")
        found = read_mammogram(recording(tmp_path / "lossy")).pixels
        assert 0 < np.abs(found - plain).max() <= error


def test_jpeg_baseline(tmp_path: Path) -> None:
    import io

    from PIL import Image

    values = breast_values(bits=8).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "JPEG", quality=95)
    dataset = mammogram_dataset(values, bits=8, PixelData=encapsulate([stream.getvalue()]))
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(tmp_path / "baseline")
    found = read_mammogram(recording(tmp_path / "baseline")).pixels
    assert np.abs(found - values / 255).mean() < 0.01


def test_twelve_bit_lossy_jpeg_is_refused_with_the_cure() -> None:
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    path = get_testdata_file("JPEG-lossy.dcm", download=False)
    assert path is not None
    dataset = dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID == JPEGExtended12Bit
    with pytest.raises(UnusableRecording, match="dcmdjpeg"):
        decode.decode(dataset, JPEGExtended12Bit, dataset.Rows, dataset.Columns)


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "693_J2KI.dcm"]
)
def test_files_of_other_encoders(name: str) -> None:
    """Pixels of files that came from elsewhere, against pydicom's own reading of them or of their uncompressed twin."""
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    path = get_testdata_file(name, download=False)
    twin = get_testdata_file("MR_small.dcm" if name.startswith("MR") else name, download=False)
    assert path is not None
    assert twin is not None
    dataset = dcmread(path)
    found = decode.decode(dataset, dataset.file_meta.TransferSyntaxUID, dataset.Rows, dataset.Columns)
    assert np.array_equal(found.view(np.int16), dcmread(twin).pixel_array)


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    path = save(mammogram_dataset(), tmp_path / "image")
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"))
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path))
    assert refused.value.reason == "transfer syntax not known"


def damaged(tmp_path: Path) -> Path:
    """A JPEG lossless file with a Huffman table of nonsense."""
    dataset = compress(mammogram_dataset(breast_values(96, 72)), JPEGLosslessSV1)
    stream = bytearray(dataset.PixelData)
    start = stream.find(b"\xff\xc4")  # the Huffman table
    stream[start + 4 : start + 40] = b"\xff" * 36
    dataset.PixelData = bytes(stream)
    dataset.save_as(tmp_path / "damaged")
    return tmp_path / "damaged"


def test_a_killed_decoder_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compress(mammogram_dataset(), JPEG2000Lossless).save_as(tmp_path / "good")
    first = read_mammogram(recording(tmp_path / "good")).pixels
    helper = decode._take()
    helper.process.kill()
    helper.process.wait()
    decode._give_back(helper)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(tmp_path / "good"))
    assert refused.value.reason == "pixels cannot be decoded"
    assert np.array_equal(read_mammogram(recording(tmp_path / "good")).pixels, first)


def test_a_damaged_stream_is_refused_and_the_next_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(damaged(tmp_path)))
    assert refused.value.reason == "pixels cannot be decoded"
    compress(mammogram_dataset(), JPEGLosslessSV1).save_as(tmp_path / "good")
    read_mammogram(recording(tmp_path / "good"))


def test_a_decoder_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compress(mammogram_dataset(), JPEG2000Lossless).save_as(tmp_path / "good")
    monkeypatch.setattr(decode, "SECONDS", -1.0)
    with pytest.raises(UnusableRecording, match="took more than"):
        read_mammogram(recording(tmp_path / "good"))


def test_a_decoder_without_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compress(mammogram_dataset(breast_values(1600, 1280)), JPEG2000Lossless).save_as(tmp_path / "good")
    monkeypatch.setattr(decode, "MEMORY_BYTES", 1 << 20)
    monkeypatch.setattr(decode, "MEMORY_BYTES_PER_PIXEL", 1)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(tmp_path / "good"))
    assert refused.value.reason == "pixels cannot be decoded"


def test_a_tiny_stream_for_a_huge_image_is_refused_before_decoding(tmp_path: Path) -> None:
    dataset = compress(mammogram_dataset(), JPEG2000Lossless)
    dataset.Rows = dataset.Columns = 14000
    dataset.save_as(tmp_path / "bomb")
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(tmp_path / "bomb"))
    assert refused.value.reason == "absurd image size"


def test_a_deflated_bomb_stops_at_the_largest_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(mammogram_dataset(), tmp_path / "image", DEFLATED)
    data = path.read_bytes()
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    path.write_bytes(data[:132] + meta_of(data) + packer.compress(bytes(80 << 20)) + packer.flush())
    assert path.stat().st_size < 1 << 20
    monkeypatch.setattr("presage.breast.reading.dicom.MAX_FILE_BYTES", 8 << 20)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path))
    assert refused.value.reason == "file too large"


def meta_of(data: bytes) -> bytes:
    from presage.breast.reading.dicom import file_meta

    return data[132 : file_meta(data)[1]]


def test_threads_share_nothing(tmp_path: Path) -> None:
    paths = []
    for index in range(8):
        path = tmp_path / f"{index}"
        compress(mammogram_dataset(breast_values(96 + index, 72)), JPEG2000Lossless).save_as(path)
        paths.append(path)
    alone = [read_mammogram(recording(path)).pixels for path in paths]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda path: read_mammogram(recording(path)).pixels, paths * 3))
    assert all(np.array_equal(a, b) for a, b in zip(alone * 3, together, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_decoders_of_its_own(tmp_path: Path) -> None:
    import multiprocessing

    compress(mammogram_dataset(), JPEG2000Lossless).save_as(tmp_path / "image")
    here = read_mammogram(recording(tmp_path / "image")).pixels
    with multiprocessing.get_context("fork").Pool(2) as pool:
        there = pool.map(read_sum, [str(tmp_path / "image")] * 6)
    assert there == [float(here.sum())] * 6
    assert np.array_equal(read_mammogram(recording(tmp_path / "image")).pixels, here)


def read_sum(path: str) -> float:
    return float(read_mammogram(recording(path)).pixels.sum())


def test_any_fsspec_address(tmp_path: Path) -> None:
    import fsspec

    path = save(mammogram_dataset(), tmp_path / "image")
    with fsspec.open("memory://images/one.dcm", "wb") as file:
        file.write(path.read_bytes())
    remote = read_mammogram(recording("memory://images/one.dcm"))
    assert np.array_equal(remote.pixels, read_mammogram(recording(path)).pixels)


def test_a_file_larger_than_any_mammogram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(mammogram_dataset(), tmp_path / "image")
    monkeypatch.setattr(source, "MAX_FILE_BYTES", 1000)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path))
    assert refused.value.reason == "file too large"


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the arrays that synthetic files of integers are read to: one for each grey-scale path."""
    rows, columns = np.mgrid[0:120, 0:90]
    inside = (rows - 60) ** 2 * 4 + columns**2 * 3 < 12000
    values = np.where(inside, 900 + (rows * 37 + columns * 91 + rows * columns) % 2600, 0).astype(np.uint16)
    raw = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2.1", "PresentationIntentType": "FOR PROCESSING"}
    cases: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "plain": (values, {}),
        "window": (values, {"WindowCenter": 1777, "WindowWidth": 3001}),
        "sigmoid": (values, {"WindowCenter": 1777, "WindowWidth": 3001, "VOILUTFunction": "SIGMOID"}),
        "inverted": (4095 - values, {"PhotometricInterpretation": "MONOCHROME1"}),
        "raw": (np.uint16(4095) - values, {**raw, "PixelIntensityRelationship": "LIN"}),
        "right": (values[:, ::-1], {"laterality": "R", "view": "MLO"}),
    }
    found = {}
    for name, (stored, elements) in cases.items():
        image = read_mammogram(recording(save(mammogram_dataset(stored, **elements), folder / name)))
        found[name] = hashlib.sha256(
            image.pixels.astype("<f4").tobytes() + repr(image.pixels.shape).encode()
        ).hexdigest()
    return found


def test_the_same_bytes_give_the_same_array_as_ever(tmp_path: Path) -> None:
    assert digests(tmp_path) == json.loads(FROZEN.read_text())["sha256"]
