"""The contact sheet: one cell a mammogram, bad files with their reason, pages, and what was left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import presage.breast.contact_sheet as module
from presage.breast import MammogramKind
from presage.breast.contact_sheet import contact_sheet
from presage.cohort import Cohort, InputError

from .cohorts import drawn_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return drawn_cohort(tmp_path_factory.mktemp("sheet"), women=3)


def _captions(cohort: Cohort, out: Path, monkeypatch: pytest.MonkeyPatch, limit: int = 48) -> list[str]:
    seen: list[str] = []
    page = module._page
    monkeypatch.setattr(module, "_page", lambda cells, caption: (seen.append(caption), page(cells, caption))[1])
    contact_sheet(cohort, out, limit=limit)
    return seen


def test_sheet_shows_outline_muscle_and_dense_tissue(cohort: Cohort, tmp_path: Path) -> None:
    out = MammogramKind().show(cohort, tmp_path / "new" / "sheet.png")
    assert out == tmp_path / "new" / "sheet.png"
    with Image.open(out) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    for colour in (module._OUTLINE, module._MUSCLE):
        assert (np.abs(pixels - colour).sum(axis=2) < 40).sum() > 200
    # Tinted tissue is bluer than grey.
    assert ((pixels[:, :, 2] - pixels[:, :, 0]) > 30).sum() > 5000


def test_equal_cohorts_give_equal_sheets(cohort: Cohort, tmp_path: Path) -> None:
    first, second = (contact_sheet(cohort, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second


def test_caption_counts_what_is_drawn_unusable_and_left_out(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.pgm"
    bad.write_bytes(b"not an image")
    row = {**cohort.recordings.iloc[0].to_dict(), "path": str(bad)}
    mixed = replace(cohort, recordings=pd.concat([cohort.recordings, pd.DataFrame([row])]), phantom=True)
    (caption,) = _captions(mixed, tmp_path / "sheet.png", monkeypatch)
    assert "PHANTOM" in caption
    assert "n = 7 of 7" in caption
    assert "1 unusable" in caption
    (caption,) = _captions(cohort, tmp_path / "few.png", monkeypatch, limit=4)
    assert "n = 4 of 6" in caption
    assert "2 not drawn" in caption


def test_more_than_a_page_goes_on_beside_the_first(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PER_PAGE", 4)
    captions = _captions(cohort, tmp_path / "sheet.png", monkeypatch)
    assert len(captions) == 2
    assert captions[1].endswith("page 2 of 2")
    assert (tmp_path / "sheet-2.png").exists()


def test_nothing_to_draw_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recordings"):
        contact_sheet(replace(cohort, recordings=cohort.recordings.iloc[:0]), tmp_path / "x.png")
    with pytest.raises(InputError, match="limit"):
        contact_sheet(cohort, tmp_path / "x.png", limit=0)
