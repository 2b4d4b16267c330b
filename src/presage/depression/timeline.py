"""Pictures of recordings over time: lanes above one another, for a person to see whether reading went wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from presage.depression.transcript import INTERVIEWER, PARTICIPANT, Transcript

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = {PARTICIPANT: "#0072B2", INTERVIEWER: "#E69F00"}
_OTHER = "#999999"
_WARNING = "#D55E00"
_EASTERN = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "SimHei")
_PANEL_INCHES = (7.0, 0.55)
_COLUMNS = 2
# Panels with more strips than this stand alone in their row, so wide (inches).
_BRIEF, _WIDE = 3, 10.5


class Lane(Protocol):
    """One strip of a panel; it draws itself between two heights."""

    @property
    def name(self) -> str:
        """What is written beside the strip."""

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """Draw over the panel's seconds."""


@dataclass(frozen=True)
class Envelope:
    """Smallest and largest sample around each time; full scale 1."""

    times: NDArray[np.float64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    name: str = "sound"

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """A filled curve, scaled to the loudest sample."""
        middle, half = (bottom + top) / 2, (top - bottom) / 2
        scale = half / max(float(np.abs(self.low).max(initial=0)), float(np.abs(self.high).max(initial=0)), 1e-6)
        axes.fill_between(self.times, middle + scale * self.low, middle + scale * self.high, color="#333333", lw=0)


@dataclass(frozen=True)
class Speakers:
    """Who speaks when; one colour each."""

    transcript: Transcript
    name: str = "turns"

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """Bars, the participant's above the others'."""
        step = (top - bottom) / 2
        for speaker in self.transcript.speakers:
            turns = self.transcript.of(speaker)
            spans = [(t.start, t.stop - t.start) for t in turns if t.start is not None and t.stop is not None]
            low = bottom + step if speaker == PARTICIPANT else bottom
            axes.broken_barh(spans, (low, step * 0.9), color=COLOURS.get(speaker, _OTHER), lw=0)


@dataclass(frozen=True)
class Panel:
    """One recording.

    Attributes
    ----------
    title
        Above the lanes.
    lanes
        From top to bottom.
    duration
        Seconds.
    warning
        What is wrong with it; empty where nothing is.
    start
        Seconds at which it begins: long recordings have several panels, one below the other.
    """

    title: str
    lanes: Sequence[Lane]
    duration: float
    warning: str = ""
    start: float = 0.0


def draw_panels(panels: Sequence[Panel], out: Path, caption: str) -> Path:
    """Write the panels, two in a row, as PNG; return the path.

    Chinese words need one of the usual fonts that have them; without one they are drawn as boxes.
    """
    import matplotlib as mpl

    with mpl.rc_context({"font.family": _families()}), warnings.catch_warnings():
        # One for every letter and every size; the boxes tell it once.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return _draw_panels(panels, out, caption)


def _families() -> list[str]:
    """The usual font, then those installed that have Chinese, Japanese and Korean letters."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _EASTERN if name in installed)]


def _draw_panels(panels: Sequence[Panel], out: Path, caption: str) -> Path:
    from matplotlib.figure import Figure

    lanes = max((len(panel.lanes) for panel in panels), default=1) or 1
    # What is shown in detail needs the width.
    columns = 1 if lanes > _BRIEF else min(_COLUMNS, max(1, len(panels)))
    width = _WIDE if lanes > _BRIEF else _PANEL_INCHES[0] * columns
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(width, 0.8 + rows * (0.5 + _PANEL_INCHES[1] * lanes)), dpi=130 if lanes > _BRIEF else 100)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for panel, axes in zip(panels, grid.flat, strict=False):
        _draw(panel, axes)
    figure.suptitle(caption, fontsize=10, x=0.01, ha="left")
    figure.tight_layout(rect=(0, 0, 0.97 if lanes > _BRIEF else 1, 1 - 0.3 / figure.get_figheight()))
    figure.savefig(out)
    return out


def _draw(panel: Panel, axes: Axes) -> None:
    title = f"{panel.title}: {panel.warning}" if panel.warning else panel.title
    axes.set_title(title, fontsize=8, loc="left", pad=2, color=_WARNING if panel.warning else "black")
    n = max(1, len(panel.lanes))
    axes.set_ylim(0, n)
    axes.set_xlim(panel.start, panel.start + (panel.duration or 1))
    axes.set_yticks([n - index - 0.5 for index in range(len(panel.lanes))], [lane.name for lane in panel.lanes])
    axes.tick_params(labelsize=7, length=2)
    axes.set_xlabel("seconds", fontsize=7, labelpad=1)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for index, lane in enumerate(panel.lanes):
        lane.draw(axes, n - index - 0.95, n - index - 0.05)
