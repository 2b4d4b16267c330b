"""Strips of a timeline: words, pauses, melody, energy and what the face does. Gaps stand for what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from presage.depression.timeline import COLOURS
from presage.depression.transcript import PARTICIPANT, Transcript, Turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GRID, _INK, _MUTED = "#E3E3E3", "#222222", "#777777"
# Rough width of a letter of the words' size, inches.
_LETTER = 0.056
_ROWS = 3


@dataclass(frozen=True)
class Words:
    """What is said: each word at its time where times are known, else each turn's beginning as far as there is room."""

    transcript: Transcript
    name: str = "words"

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """Texts on three rows; one that would cover another is left out and marked by a tick."""
        width = axes.get_figure().get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
        low, high = axes.get_xlim()
        seconds_per_letter = _LETTER * (high - low) / width
        free = [low] * _ROWS
        step = (top - bottom) / _ROWS
        for text, start, speaker in self._texts(seconds_per_letter, low, high):
            row = next((index for index, until in enumerate(free) if until <= start), None)
            colour = COLOURS.get(speaker, _MUTED)
            if row is None:
                axes.plot([start, start], [bottom, bottom + 0.12 * step], color=colour, lw=0.6)
                continue
            axes.text(start, top - (row + 0.5) * step, text, fontsize=7, color=colour, va="center", clip_on=True)
            free[row] = start + (len(text) + 1) * seconds_per_letter

    def _texts(self, seconds_per_letter: float, begin: float, end: float) -> list[tuple[str, float, str]]:
        found: list[tuple[str, float, str]] = []
        for turn in self.transcript:
            if turn.words:
                found += [(word.text, word.start, turn.speaker) for word in turn.words]
            elif turn.start is not None:
                found.append((_fitting(turn, seconds_per_letter), turn.start, turn.speaker))
        return sorted((entry for entry in found if entry[0] and begin <= entry[1] < end), key=lambda entry: entry[1])


def _fitting(turn: Turn, seconds_per_letter: float) -> str:
    """As much of a turn as its own duration has room for, at least a few letters."""
    room = max(6, int((turn.duration or 0.0) / seconds_per_letter * _ROWS))
    return turn.text if len(turn.text) <= room else f"{turn.text[: room - 1].rstrip()}…"


@dataclass(frozen=True)
class Spans:
    """When something is so: bars from begin to end, shape (spans, 2), seconds."""

    name: str
    spans: NDArray[np.float64]
    colour: str = COLOURS[PARTICIPANT]

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """Bars over the middle of the strip."""
        height = top - bottom
        bars = [(float(begin), float(end - begin)) for begin, end in self.spans]
        axes.axhline((bottom + top) / 2, color=_GRID, lw=0.6, zorder=0)
        axes.broken_barh(bars, (bottom + 0.25 * height, 0.5 * height), color=self.colour, lw=0)


@dataclass(frozen=True)
class Curve:
    """One or several numbers over time with their own scale; NaN is a gap.

    Attributes
    ----------
    name
        Beside the strip, with the unit.
    times
        Shape (frames,), seconds.
    values
        By what they are, each of shape (frames,).
    low, high
        Ends of the strip's scale; values beyond are drawn at its edge.
    marks
        Times at which something happened, as small triangles.
    dots
        Whether frames are drawn as dots, not joined.
    """

    name: str
    times: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    low: float
    high: float
    marks: NDArray[np.float64] | None = None
    dots: bool = False

    def draw(self, axes: Axes, bottom: float, top: float) -> None:
        """Curves, the ends of the scale at the right edge, and a legend where there are several."""
        span = (self.high - self.low) or 1.0
        for value, place, side in ((self.low, bottom, "bottom"), (self.high, top, "top")):
            axes.axhline(place, color=_GRID, lw=0.5, zorder=0)
            axes.annotate(
                f"{value:g}",
                (1.003, place),
                xycoords=("axes fraction", "data"),
                fontsize=5.5,
                color=_MUTED,
                va=side,
            )
        for (what, numbers), (colour, style) in zip(self.values.items(), _STYLES, strict=False):
            heights = bottom + (np.clip(numbers, self.low, self.high) - self.low) / span * (top - bottom)
            kind = {"marker": ".", "ms": 1.6, "ls": ""} if self.dots else {"ls": style, "lw": 0.9}
            axes.plot(self.times, heights, color=colour, label=what, **kind)  # type: ignore[arg-type]
        if self.marks is not None and len(self.marks):
            axes.plot(self.marks, np.full(len(self.marks), top), "v", color=_INK, ms=3)
        if len(self.values) > 1:
            for index, (what, (colour, _)) in enumerate(zip(self.values, _STYLES, strict=False)):
                axes.annotate(
                    what, (1.03, top - (index + 0.5) * (top - bottom) / len(self.values)), fontsize=6, color=colour,
                    xycoords=("axes fraction", "data"), va="center",
                )  # fmt: skip


_STYLES: Sequence[tuple[str, str]] = (("#0072B2", "-"), ("#D55E00", "-"), ("#009E73", "-"))


def melody(frames: NDArray[np.float32], hop: float, speech: NDArray[np.float64] | None = None) -> list[Curve]:
    """Pitch and energy of prosody frames.

    Parameters
    ----------
    frames
        Columns :data:`presage.depression.prosody.frames.COLUMNS`.
    hop
        Seconds from frame to frame.
    speech
        Stretches of speech, shape (stretches, 2), seconds: noise has peaks too, and its pitch is not drawn.
    """
    times = np.arange(len(frames), dtype=np.float64) * hop + hop / 2
    voiced = frames[:, 0] > 0
    if speech is not None:
        voiced &= np.any([(times >= begin - 0.1) & (times <= end + 0.1) for begin, end in speech] or [False], axis=0)
    pitch = np.where(voiced, frames[:, 0], np.nan).astype(np.float64)
    loud = frames[:, 3].astype(np.float64)
    # An octave to either side: a melody rarely leaves it, and frames an octave off must not flatten the rest.
    middle = float(np.nanmedian(pitch)) if voiced.any() else 150.0
    quiet, loudest = (float(np.quantile(loud, 0.05)), float(loud.max())) if len(loud) else (-80.0, 0.0)
    return [
        Curve("pitch (Hz)", times, {"F0": pitch}, _down(middle / 2), _up(2 * middle), dots=True),
        Curve("energy (dB)", times, {"energy": loud}, _down(max(quiet, -80)), _up(max(loudest, -70))),
    ]


def face_lanes(
    times: NDArray[np.float64], measures: dict[str, NDArray[np.float64]], blinks: NDArray[np.float64]
) -> list[Curve]:
    """Eyes, mouth and head; frames without a face are NaN and so gaps.

    Parameters
    ----------
    times
        Shape (frames,), seconds.
    measures
        By name (see :data:`presage.depression.face.measures.MEASURES`), each of shape (frames,).
    blinks
        Times of blinks, seconds.
    """
    eye, corners = measures["eye_aperture"], measures["mouth_corners"]
    head = {name: measures[name] for name in ("yaw", "pitch", "roll")}
    turn = max(15.0, float(np.nanmax(np.abs(np.stack(list(head.values()))))) if np.isfinite(eye).any() else 15.0)
    return [
        Curve("eyes open, ▾ blink\n(eye widths)", times, {"eyes": eye}, 0.0, _top(eye, 0.4), marks=blinks),
        Curve(
            "mouth corners up\n(eye distances)",
            times,
            {"corners": corners},
            -_top(np.abs(corners), 0.1),
            _top(np.abs(corners), 0.1),
        ),
        Curve("head (degrees)", times, {"turn": head["yaw"], "nod": head["pitch"], "tilt": head["roll"]}, -turn, turn),
    ]


def _top(values: NDArray[np.float64], least: float) -> float:
    known = values[np.isfinite(values)]
    return round(max(least, float(np.quantile(known, 0.995)) if len(known) else least), 2)


def _down(value: float) -> float:
    return float(np.floor(value / 10) * 10) + 0.0


def _up(value: float) -> float:
    return float(np.ceil(value / 10) * 10) + 0.0
