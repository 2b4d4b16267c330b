"""Example pictures for the report: a few recordings, and where in them the score of their patient comes from."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError, Recording, kind_named
from presage.study.marker import Explanation, Resources
from presage.study.opened import Run, unfitted
from presage.study.scored import saves
from presage.study.state import restore_state
from presage.study.task import SCORES, Task

if TYPE_CHECKING:
    from PIL import Image

#: How many cases and how many controls are shown.
SHOWN = 3
#: Longer side of one panel, pixels.
_SIDE = 640
_GAP = 8
# Below 1, so that what is faint is seen beside a single hot spot.
_SOFTENED = 0.75
# Grey levels at most this count as empty background.
_BLACK = 8
# Told apart by colour-blind readers as well: red raises the score, blue lowers it.
_RAISES, _LOWERS = (202, 0, 32), (5, 113, 176)


def chosen(codes: list[str], cases: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[str]:
    """Who is shown: the cases with the highest scores and the controls with the lowest, equal scores in order of code.

    A fixed rule, so that nobody picks examples; it shows the marker at its best, and the report says so.
    """
    highest = sorted(np.flatnonzero(cases), key=lambda i: (-scores[i], codes[i]))
    lowest = sorted(np.flatnonzero(~cases), key=lambda i: (scores[i], codes[i]))
    return [codes[i] for i in (*highest[:SHOWN], *lowest[:SHOWN])]


def draw(run: Run, task: Task, resources: Resources) -> dict[str, Any]:
    """Draw the examples of one test fold with the marker that was fitted without it; the task's result."""
    fold = run.folds[task.repeat, task.fold]
    marker = unfitted(run, task)
    if saves(marker):
        restore_state(marker, run.folder, run.name(replace(task, kind=SCORES), ""))
    else:
        marker.fit(run.cohort.select(fold.train), resources)
    ids = {code: pid for pid, code in run.codes.items()}
    pictures = []
    for code in task.patients:
        patient = run.cohort.select([ids[code]]).blinded()
        for number, explanation in enumerate(marker.explain(patient, ids[code], resources), start=1):
            file = f"examples/{code}-{number}.png"
            run.folder.write(file, picture(explanation))
            what = " ".join(_shown(explanation.recording))
            pictures.append({"code": code, "file": file, "what": what, "caption": explanation.caption})
    return {"pictures": pictures, "files": [entry["file"] for entry in pictures]}


def picture(explanation: Explanation) -> bytes:
    """A PNG: the recording as it is, and beside it the recording coloured where the score comes from.

    Raises
    ------
    InputError
        If image and heat have different shapes, or the heat is not finite.
    """
    image, heat = np.asarray(explanation.image), np.asarray(explanation.heat, dtype=np.float64)
    if image.ndim != 2 or image.shape != heat.shape or not np.isfinite(heat).all():
        raise InputError(f"explain() gave an image of shape {image.shape} and a heat map of shape {heat.shape}, or NaN")
    image, heat = _cropped(image, heat)
    grey = np.repeat(image.astype(np.float64)[..., None], 3, axis=2)
    colour = np.where(heat[..., None] > 0, np.array(_RAISES, dtype=float), np.array(_LOWERS, dtype=float))
    opacity = 0.75 * np.clip(np.abs(heat), 0, 1)[..., None] ** _SOFTENED
    panels = [_panel(grey), _panel(grey * (1 - opacity) + colour * opacity)]
    width, height = panels[0].size

    from PIL import Image

    sheet = Image.new("RGB", (2 * width + _GAP, height), "white")
    for column, panel in enumerate(panels):
        sheet.paste(panel, (column * (width + _GAP), 0))
    out = io.BytesIO()
    sheet.save(out, format="PNG")
    return out.getvalue()


def _cropped(image: NDArray[np.uint8], heat: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Without the empty background around what was recorded, but for a narrow rim."""
    filled = (image > _BLACK) | (np.abs(heat) > 0.02)
    if not filled.any():
        return image, heat
    rim = max(2, max(image.shape) // 50)
    window = []
    for axis in (1, 0):
        found = np.flatnonzero(filled.any(axis=axis))
        window.append(slice(max(0, int(found[0]) - rim), int(found[-1]) + rim + 1))
    return image[window[0], window[1]], heat[window[0], window[1]]


def _panel(pixels: NDArray[np.float64]) -> Image.Image:
    from PIL import Image

    panel = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    scale = _SIDE / max(panel.size)
    if scale < 1:
        panel = panel.resize((round(panel.width * scale), round(panel.height * scale)), Image.Resampling.LANCZOS)
    return panel


def _shown(recording: Recording) -> list[str]:
    """The words that a reader needs (L, MLO): columns with a fixed list of values, which can name nobody."""
    try:
        required = kind_named(recording.kind).required
    except InputError:
        return []
    return [recording.get(column) for column, allowed in required.items() if allowed and recording.get(column)]
