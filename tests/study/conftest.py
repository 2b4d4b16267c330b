from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

LABPACK = Path(__file__).parent / "labpack"


@pytest.fixture(autouse=True)
def _labpack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Another lab's package is installed, and every test has a cache of its own."""
    monkeypatch.syspath_prepend(str(LABPACK))
    monkeypatch.setenv("PRESAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LABPACK_LOG", str(tmp_path / "encoded.log"))
    caches = [import_module("presage.cohort.kinds").kinds, import_module("presage.study.names")._points]
    for function in caches:
        function.cache_clear()
    yield
    for function in caches:
        function.cache_clear()


@pytest.fixture
def make_cohort(tmp_path: Path) -> Callable[..., Path]:
    """A cohort folder of `n` patients with a slide each; the first bytes differ between cases and controls."""

    def make(n: int = 40, *, name: str = "cohort", both: bool = False) -> Path:
        folder = tmp_path / name
        (folder / "slides").mkdir(parents=True)
        generator = np.random.default_rng(5)
        patients, recordings = ["patient_id,cancer,age,site"], ["patient_id,kind,path,side"]
        for i in range(n):
            case, pid = i % 2, f"id-{i:03d}"
            patients.append(f"{pid},{case},{50 + i % 7},{'north' if i % 4 < 2 else 'south'}")
            for side in ("L", "R") if both else ("L",):
                values = np.clip(generator.normal(100 + 15 * case, 20, size=32), 1, 255).astype(np.uint8)
                (folder / "slides" / f"{i:03d}{side}.bin").write_bytes(values.tobytes() + bytes([i % 256, ord(side)]))
                recordings.append(f"{pid},slide,slides/{i:03d}{side}.bin,{side}")
        (folder / "patients.csv").write_text("\n".join(patients) + "\n")
        (folder / "recordings.csv").write_text("\n".join(recordings) + "\n")
        (folder / "cohort.yaml").write_text("name: Slides\nphantom: true\noutcomes: [cancer]\n")
        return folder

    return make
