"""The contact sheet: mammograms with outline, pectoral line and dense tissue, to be looked over in a minute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from presage.breast.reading.reader import read_mammogram
from presage.breast.tissue import Tissue, segment
from presage.breast.tissue.grid import resample
from presage.cohort import Cohort, InputError, Recording, UnusableRecording

Picture = NDArray[np.uint8]

# Colours that the colour-blind tell apart (Okabe and Ito, Color Universal Design, 2008).
_OUTLINE, _MUSCLE, _DENSE, _WARNING = (240, 228, 66), (230, 120, 190), (86, 180, 233), (255, 140, 60)
_PAPER, _INK = (18, 18, 18), (235, 235, 235)
_PICTURE, _TEXT, _GAP, _HEAD = (250, 330), 58, 10, 74
_COLUMNS, _PER_PAGE = 8, 48
# What is shown beyond the breast, so that a label taken for breast is seen.
_MARGIN_MM = 30.0


@dataclass(frozen=True)
class _Cell:
    """One recording on the sheet: its picture (None where it could not be used), two lines of text, and a warning."""

    picture: Picture | None
    lines: tuple[str, str]
    warning: str


def contact_sheet(cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
    """Draw the mammograms of `cohort` with what the tissue analysis made of them.

    Parameters
    ----------
    cohort
        Any cohort with recordings of kind ``mammogram``.
    out
        The PNG to write. Beyond 48 mammograms further pages are written beside it (``name-2.png``, ...).
    limit
        How many to draw at most, spread evenly over the cohort; the caption says how many were left out.

    Returns
    -------
    Path
        The first page.

    Raises
    ------
    InputError
        If there is no mammogram to draw, or `limit` is below 1.
    """
    recordings = cohort.iter_recordings("mammogram")
    if not recordings:
        raise InputError("the cohort has no recordings of kind mammogram", where=cohort.root)
    if limit < 1:
        raise InputError(f"a contact sheet of {limit} mammograms cannot be drawn", cure="choose a limit of 1 or more")
    chosen = [recordings[index * len(recordings) // limit] for index in range(limit)]
    chosen = recordings if len(recordings) <= limit else chosen
    cells = [_cell(recording) for recording in chosen]
    out = Path(out).with_suffix(".png")
    out.parent.mkdir(parents=True, exist_ok=True)
    pages = [cells[start : start + _PER_PAGE] for start in range(0, len(cells), _PER_PAGE)]
    for number, page in enumerate(pages, 1):
        place = out if number == 1 else out.with_name(f"{out.stem}-{number}.png")
        _page(page, _caption(cohort, cells, len(recordings), number, len(pages))).save(place, optimize=True)
    return out


def _caption(cohort: Cohort, cells: list[_Cell], total: int, number: int, pages: int) -> str:
    unusable = sum(cell.picture is None for cell in cells)
    flagged = sum(bool(cell.warning) for cell in cells) - unusable
    parts = [cohort.name or Path(cohort.root).name or "Cohort", f"n = {len(cells)} of {total} mammograms"]
    if total > len(cells):
        parts.append(f"{total - len(cells)} not drawn: raise the limit to see them")
    parts += [f"{unusable} unusable", f"{flagged} with a warning"]
    if cohort.phantom:
        parts.insert(0, "PHANTOM (made up)")
    if pages > 1:
        parts.append(f"page {number} of {pages}")
    return "  |  ".join(parts)


def _cell(recording: Recording) -> _Cell:
    """Read, segment and draw one recording; what cannot be used says why."""
    name = " ".join(part for part in (recording.patient_id, recording.get("laterality"), recording.get("view")) if part)
    try:
        mammogram = read_mammogram(recording)
        name = f"{recording.patient_id} {mammogram.laterality} {mammogram.view}"
        tissue = segment(mammogram)
    except InputError as bad:
        reason = bad.reason if isinstance(bad, UnusableRecording) else bad.what
        return _Cell(None, (name, "not used"), reason)
    plain = resample(mammogram.pixels, mammogram.spacing_mm, tissue.spacing_mm)
    figures = f"{tissue.percent_density:.0f} % dense, {tissue.breast_area_cm2:.0f} cm2"
    return _Cell(_drawn(plain, tissue), (name, figures), "; ".join(tissue.flags))


def _drawn(plain: NDArray[np.float32], tissue: Tissue) -> Picture:
    """The mammogram with outlines and tint, cropped to the exposed film, fitted into a cell."""
    grey = (plain * 255).astype(np.uint8)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    tint = np.array(_DENSE) * 0.38
    picture[tissue.dense] = (picture[tissue.dense] * 0.62 + tint).astype(np.uint8)
    whole = tissue.breast | tissue.pectoral
    columns = np.flatnonzero(whole.any(axis=0))
    first, margin = max(0, int(columns[0]) - 3), round(_MARGIN_MM / tissue.spacing_mm)
    picture = picture[:, first : columns[-1] + margin]
    scale = min(_PICTURE[0] / picture.shape[1], _PICTURE[1] / picture.shape[0])
    thickness = max(1, round(1.6 / scale))
    picture = np.ascontiguousarray(picture)
    for mask, colour in ((whole, _OUTLINE), (tissue.pectoral, _MUSCLE)):
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        shifted = [contour - np.array((first, 0), dtype=contour.dtype) for contour in contours]
        cv2.drawContours(picture, shifted, -1, colour, thickness)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _page(cells: list[_Cell], caption: str) -> Image.Image:
    columns = min(_COLUMNS, len(cells)) if len(cells) >= 4 else 4
    rows = math.ceil(len(cells) / columns)
    width, height = _PICTURE[0] + _GAP, _PICTURE[1] + _TEXT + _GAP
    page = Image.new("RGB", (columns * width + _GAP, rows * height + _HEAD), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((_GAP, 12), caption, fill=_INK, font=ImageFont.load_default(20))
    _legend(draw, 44)
    for index, cell in enumerate(cells):
        left, top = _GAP + index % columns * width, _HEAD + index // columns * height
        _place(page, draw, cell, left, top)
    return page


def _legend(draw: ImageDraw.ImageDraw, top: int) -> None:
    left = float(_GAP)
    font = ImageFont.load_default(15)
    for colour, word in (
        (_OUTLINE, "breast outline"),
        (_MUSCLE, "pectoral muscle"),
        (_DENSE, "dense tissue"),
        (_WARNING, "warning: look at this one"),
    ):
        draw.rectangle((left, top + 3, left + 16, top + 15), fill=colour)
        draw.text((left + 23, top), word, fill=_INK, font=font)
        left += 45 + draw.textlength(word, font=font)


def _place(page: Image.Image, draw: ImageDraw.ImageDraw, cell: _Cell, left: int, top: int) -> None:
    font = ImageFont.load_default(15)
    if cell.picture is None:
        draw.rectangle((left, top, left + _PICTURE[0] - 1, top + _PICTURE[1] - 1), outline=_WARNING, width=2)
        draw.text((left + 12, top + 12), "cannot be used:", fill=_WARNING, font=font)
    else:
        page.paste(Image.fromarray(cell.picture), (left, top))
    text = top + _PICTURE[1] + 3
    for line, words in enumerate((*cell.lines, cell.warning)):
        fitted = _fitted(draw, words, font)
        draw.text((left, text + 18 * line), fitted, fill=_WARNING if line == 2 else _INK, font=font)


def _fitted(draw: ImageDraw.ImageDraw, words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """`words` cut to the width of a cell."""
    if draw.textlength(words, font=font) <= _PICTURE[0]:
        return words
    while words and draw.textlength(words + "…", font=font) > _PICTURE[0]:
        words = words[:-1]
    return words + "…"
