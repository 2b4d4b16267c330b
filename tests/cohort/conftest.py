from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest


class Picture:
    """A kind of recording for these tests."""

    name = "picture"
    required: ClassVar = {"laterality": ("L", "R"), "view": ("CC", "MLO")}
    optional: Sequence[str] = ("spacing_mm",)

    def inspect(self, recording: Any) -> None:
        from presage.cohort import UnusableRecording

        if Path(recording.path).read_bytes().startswith(b"broken"):
            raise UnusableRecording("not a picture", where=recording.path, cure="send it again")

    def read(self, recording: Any) -> bytes:
        return Path(recording.path).read_bytes()

    def show(self, cohort: Any, out: Path, *, limit: int = 48) -> Path:
        return out


@pytest.fixture(autouse=True)
def _picture_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    # The package exports a function of the module's name, so that the module is only to be had this way.
    monkeypatch.setattr(import_module("presage.cohort.kinds"), "kinds", lambda: {"picture": Picture()})


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a cohort folder of `n` patients with one file each; texts given replace the tables."""

    def make(
        n: int = 6,
        *,
        patients: str | bytes | None = None,
        recordings: str | bytes | None = None,
        about: str | None = None,
        files: Iterable[str] | None = None,
        name: str = "cohort",
    ) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        ids = [f"{i:03d}" for i in range(1, n + 1)]
        for pid in ids if files is None else files:
            (folder / "images" / f"{pid}.dat").write_bytes(f"bytes of {pid}".encode())
        default = "patient_id,cancer,age\n" + "".join(f"{p},{i % 2},{50 + i}\n" for i, p in enumerate(ids))
        listed = "patient_id,visit,kind,path,laterality,view\n" + "".join(
            f"{p},1,picture,images/{p}.dat,L,CC\n" for p in ids
        )
        for table, text, usual in (("patients", patients, default), ("recordings", recordings, listed)):
            text = usual if text is None else text
            (folder / f"{table}.csv").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        if about is not None:
            (folder / "cohort.yaml").write_text(about, encoding="utf-8")
        return folder

    return make
