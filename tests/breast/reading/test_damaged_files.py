"""The reader against damaged files: each must give a mammogram or one clear refusal, in bounded time and memory.

``PYTHONPATH=tests python -m breast.reading.test_damaged_files 20000 SEED`` reads more and prints the same table.
"""

from __future__ import annotations

import io
import random
import resource
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from breast.dicom_files import DEFLATED, PROCESSING, breast_values, compress, mammogram_dataset, recording, save
from presage.breast import Mammogram, MammogramKind, read_mammogram
from presage.cohort import InputError, UnusableRecording

FILES = 2100
SLOWEST_SECONDS = 30.0
MEMORY_GROWTH_MIB = 700
_GROUPS = (b"\x28\x00", b"\x18\x00", b"\x08\x00", b"\x54\x00", b"\xfe\xff")
_LENGTHS = (0, 1, 0x7F, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


def originals(folder: Path) -> dict[str, bytes]:
    """Valid files of every encoding that can be written here, with several grey-scale paths."""
    values = breast_values(96, 72)
    signed = values.astype(np.int16) - 1000
    native = {
        "explicit": (mammogram_dataset(values), ExplicitVRLittleEndian),
        "implicit, window": (
            mammogram_dataset(values, WindowCenter=[2000, 1800], WindowWidth=[4000, 3000], PixelPaddingValue=0),
            ImplicitVRLittleEndian,
        ),
        "big endian": (mammogram_dataset(values, PhotometricInterpretation="MONOCHROME1"), ExplicitVRBigEndian),
        "deflated": (mammogram_dataset(values), DEFLATED),
        "signed": (mammogram_dataset(signed, WindowCenter=1000, WindowWidth=4096), ExplicitVRLittleEndian),
        "raw": (
            mammogram_dataset(
                np.uint16(4095) - values // 2,
                SOPClassUID=PROCESSING,
                PresentationIntentType="FOR PROCESSING",
                PixelIntensityRelationship="LIN",
                PixelIntensityRelationshipSign=1,
            ),
            ExplicitVRLittleEndian,
        ),
    }
    found = {}
    for name, (dataset, syntax) in native.items():
        found[name] = save(dataset, folder / "original.dcm", syntax).read_bytes()
    for name, syntax in (
        ("RLE", RLELossless),
        ("JPEG-LS", JPEGLSLossless),
        ("JPEG 2000", JPEG2000Lossless),
        ("JPEG lossless", JPEGLosslessSV1),
    ):
        compress(mammogram_dataset(values), syntax).save_as(folder / "original.dcm")
        found[name] = (folder / "original.dcm").read_bytes()
    return found


def mutated(data: bytes, draw: random.Random) -> bytes:
    """A damaged copy: one to six changes, most of them in the header."""
    changed = bytearray(data)
    pixels = data.rfind(b"\xe0\x7f\x10\x00")
    header = pixels + 16 if pixels > 0 else min(len(data), 1500)
    for _ in range(draw.choice((1, 1, 2, 6))):
        where = draw.randrange(128, header) if draw.random() < 0.7 else draw.randrange(len(changed))
        where = min(where, len(changed) - 9)
        kind = draw.randrange(7)
        if kind == 0:
            changed[where] ^= 1 << draw.randrange(8)
        elif kind == 1:
            changed[where] = draw.randrange(256)
        elif kind == 2:  # the lengths of elements are what parsers trust
            element = changed.find(
                draw.choice((b"\x28\x00", b"\x18\x00", b"\x08\x00", b"\x54\x00", b"\xfe\xff")), where
            )
            if 0 < element < len(changed) - 12:
                size = draw.choice((2, 4))
                value = draw.choice(_LENGTHS) & ((1 << 8 * size) - 1)
                struct.pack_into("<H" if size == 2 else "<I", changed, element + draw.choice((4, 6, 8)), value)
        elif kind == 3:
            other = draw.randrange(128, len(changed))
            changed[where], changed[other] = changed[other], changed[where]
        elif kind == 4:
            del changed[where : where + draw.choice((1, 2, 4, 64))]
        elif kind == 5:
            changed[where:where] = changed[where : where + draw.choice((1, 2, 8, 64))]
        elif draw.random() < 0.4:
            del changed[draw.randrange(100, len(changed)) :]
        if len(changed) < 150:
            break
    return bytes(changed)


def outcomes_of(count: int, folder: Path, *, seed: int = 20260101) -> tuple[Counter[str], list[str], float]:
    """Read `count` damaged files; give the outcomes by reason, what must not happen, and the slowest time."""
    draw = random.Random(seed)
    sources = list(originals(folder).items())
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = 0.0
    path = folder / "mutated.dcm"
    for index in range(count):
        name, data = sources[index % len(sources)]
        path.write_bytes(mutated(data, draw))
        started = time.perf_counter()
        for step in (read_mammogram, MammogramKind().inspect):
            try:
                result = step(recording(path))
                outcome = "read"
                if isinstance(result, Mammogram) and not (
                    np.isfinite(result.pixels).all() and result.pixels.min() >= 0 and result.pixels.max() <= 1
                ):
                    wrong.append(f"file {index} ({name}): grey levels outside [0, 1]")
            except InputError as refused:
                outcome = getattr(refused, "reason", f"InputError: {refused.what}")
                if not refused.where:
                    wrong.append(f"file {index} ({name}): refused without a place: {refused}")
            except BaseException as error:
                wrong.append(f"file {index} ({name}): {type(error).__name__}: {error}")
                outcome = "wrong"
            if step is read_mammogram:
                outcomes[outcome] += 1
        slowest = max(slowest, time.perf_counter() - started)
    return outcomes, wrong, slowest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes, wrong, slowest = outcomes_of(FILES, tmp_path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with capsys.disabled():
        print(_table(outcomes, slowest, grown))
    assert wrong == []
    assert sum(outcomes.values()) == FILES
    assert slowest < SLOWEST_SECONDS
    assert grown < MEMORY_GROWTH_MIB
    # A mutation that nothing notices would test nothing: many reasons must have been met, and many files still read.
    assert outcomes["read"] > FILES // 20
    assert len(outcomes) > 15


def rasters() -> dict[str, bytes]:
    """PNG, TIFF of three compressions and PGM."""
    values = breast_values(96, 72)
    found = {"PGM": b"P5 72 96 4095\n" + values.astype(">u2").tobytes()}
    for name, form, options in (
        ("PNG", "PNG", {}),
        ("TIFF", "TIFF", {}),
        ("TIFF LZW", "TIFF", {"compression": "tiff_lzw"}),
        ("TIFF deflate", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ):
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, form, **options)
        found[name] = stream.getvalue()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("capfd")
def test_damaged_raster_files_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(7)
    path = tmp_path / "image"
    found = recording(path, laterality="L", view="MLO", spacing_mm="0.2")
    outcomes: Counter[str] = Counter()
    for _ in range(120):
        for data in rasters().values():
            changed = bytearray(data)
            for _ in range(draw.choice((1, 2, 6))):
                # The directory of a TIFF file may stand at its end.
                area = draw.choice((range(4, 60), range(len(changed) - 200, len(changed)), range(len(changed))))
                changed[draw.choice(area)] = draw.choice((0, 1, 255, draw.randrange(256)))
            path.write_bytes(bytes(changed[: draw.randrange(100, len(changed))] if draw.random() < 0.1 else changed))
            for step in (MammogramKind().inspect, read_mammogram):
                try:
                    step(found)
                    outcome = "read"
                except UnusableRecording as refused:
                    outcome = refused.reason if refused.where == str(path) else "refused without its file"
            outcomes[outcome] += 1
    assert "refused without its file" not in outcomes
    assert outcomes["read"] > 30
    assert len(outcomes) >= 4


def _table(outcomes: Counter[str], slowest: float, grown: float) -> str:
    rows = [f"{count:7d}  {reason}" for reason, count in outcomes.most_common()]
    return "\n".join(["", *rows, f"slowest {slowest:.2f} s, memory grew by {grown:.0f} MiB"])


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        counted, failures, longest = outcomes_of(int(sys.argv[1]), Path(name), seed=int((sys.argv[2:] or ["1"])[0]))
        print(_table(counted, longest, 0.0), f"{time.perf_counter() - start:.0f} s in all", *failures[:20], sep="\n")
