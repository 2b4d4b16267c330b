"""How long it takes to read a full-size mammogram, against pydicom's own functions on the same files.

The baseline does the least that a script does: decode in the same process, pydicom's VOI function, scale to float32 in
[0, 1]. It checks nothing, does not orient the image, and dies with its decoder. Run:
``python benchmarks/bench_reading.py``.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.pixels import apply_voi_lut
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from breast.dicom_files import DEFLATED, compress, mammogram_dataset, recording, save
from presage.breast import MammogramKind, read_mammogram

ROWS, COLUMNS, SEED, REPEATS = 3328, 2560, 20, 5
ENCODINGS = {
    "uncompressed": ExplicitVRLittleEndian,
    "deflated": DEFLATED,
    "RLE": RLELossless,
    "JPEG lossless": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}


def values() -> np.ndarray:
    """A half-ellipse of smooth tissue with quantum noise on a black background, 12 bit."""
    generator = np.random.default_rng(SEED)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    radius = np.hypot((y - ROWS / 2) / (0.42 * ROWS), x / (0.72 * COLUMNS))
    tissue = 1800 + 700 * np.sin(x / 170) * np.cos(y / 210) + generator.normal(0, 12, (ROWS, COLUMNS))
    return np.where(radius < 1, np.clip(tissue, 0, 4095), 0).astype(np.uint16)


def bare(path: Path) -> np.ndarray:
    """Decode, window and scale with pydicom alone."""
    dataset = dcmread(path)
    shown = apply_voi_lut(dataset.pixel_array, dataset).astype(np.float32)
    return (shown - shown.min()) / (shown.max() - shown.min())


def milliseconds(work: Callable[[], object]) -> float:
    """Median of several runs after one that does not count."""
    work()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def main() -> None:
    """Print the table."""
    print(f"{ROWS} x {COLUMNS} pixels of 12 bit, median of {REPEATS}, seed {SEED}")
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{'encoding':14s}{'MB':>7s}{'pydicom ms':>12s}{'presage ms':>12s}{'presage/pydicom':>17s}{'inspect ms':>12s}"
    )
    image = values()
    with tempfile.TemporaryDirectory() as folder:
        for name, syntax in ENCODINGS.items():
            path = Path(folder) / "image.dcm"
            dataset = mammogram_dataset(image, WindowCenter=2000, WindowWidth=3600)
            if name in ("uncompressed", "deflated"):
                save(dataset, path, syntax)
            else:
                compress(dataset, syntax).save_as(path)
            found = recording(path)
            assert np.isfinite(read_mammogram(found).pixels).all()
            baseline = milliseconds(lambda path=path: bare(path))
            own = milliseconds(lambda found=found: read_mammogram(found))
            looked = milliseconds(lambda found=found: MammogramKind().inspect(found))
            size = path.stat().st_size / 1e6
            print(f"{name:14s}{size:7.1f}{baseline:12.0f}{own:12.0f}{own / baseline:17.2f}{looked:12.2f}")


if __name__ == "__main__":
    main()
