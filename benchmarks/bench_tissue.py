"""CPU time of the tissue analysis on one core, against reading and against the bare trunk.

    python benchmarks/bench_tissue.py

Times `segment` on phantom mammograms of the size of the demo and, where PRESAGE_DATA is there, on mini-MIAS films, and
in the same run one picture through the default frozen trunk. Process time of one thread, median of the mammograms; the
files are in the page cache.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from presage.breast import read_mammogram
from presage.breast.encoders import DeepFeatures
from presage.breast.inputs import frame
from presage.breast.phantom import make_phantom
from presage.breast.tissue import measures, segment
from presage.cohort import Recording

cv2.setNumThreads(1)
SEED, COUNT = 2020, 24


def main() -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, one thread used, n = {COUNT} mammograms a row, seed {SEED}")
    print(
        f"{'milliseconds of processor time (median)':42}{'read':>8}{'segment':>9}{'measures':>10}{'trunk':>8}", end=""
    )
    print(f"{'(read + segment) / trunk':>27}")
    with tempfile.TemporaryDirectory() as folder:
        phantom = make_phantom(Path(folder) / "phantom", women=COUNT // 2, seed=SEED, workers=2)
        row("phantom, digital, 0.25 mm", phantom.iter_recordings("mammogram"))
    films = Path(os.environ.get("PRESAGE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "mini_mias"
    if films.is_dir():
        row("mini-MIAS, film, 1024 x 1024, 0.2 mm", [_film(path) for path in sorted(films.glob("*.pgm"))[:COUNT]])
    else:
        print(f"mini-MIAS: not found at {films}; set PRESAGE_DATA")


def row(title: str, recordings: list[Recording]) -> None:
    """Time every step on every recording and print one line."""
    encoder = DeepFeatures()
    spent: dict[str, list[float]] = {"read": [], "segment": [], "measures": [], "trunk": []}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        spent[step].append(1000 * (time.process_time() - start))
        return result

    for recording in recordings:
        mammogram = timed("read", lambda r=recording: read_mammogram(r))
        tissue = timed("segment", lambda m=mammogram: segment(m))
        timed("measures", lambda t=tissue: measures(t))
        framed = frame(tissue, encoder.input, encoder.size, encoder.spacing_mm)
        timed("trunk", lambda f=framed: encoder.maps(f))
    read, segmented, measured, trunk = (float(np.median(spent[step])) for step in spent)
    ratio = (read + segmented) / trunk
    print(f"{title:42}{read:8.1f}{segmented:9.1f}{measured:10.1f}{trunk:8.1f}{ratio:27.2f}")


def _film(path: Path) -> Recording:
    side = "L" if int(path.stem[3:6]) % 2 == 0 else "R"
    attributes = {"laterality": side, "view": "MLO", "spacing_mm": "0.2", "origin": "film"}
    return Recording(path.stem, "1", "mammogram", str(path), attributes)


if __name__ == "__main__":
    main()
