"""A plot area with axes. Colours are CSS variables with fallbacks, so that one drawing serves light, dark and print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

# Okabe & Ito's palette (2008), told apart by every common kind of colour vision; dashes repeat what the colour says.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#B65C93", "#E69F00", "#56B4E9")
DASHES = ("", "9 3", "3 3", "12 3 3 3", "6 2", "2 2")
INK, MUTED, RULE, PAPER, STANDARD = "#1b1f24", "#5b636d", "#d7d9dc", "#ffffff", "#6a6f76"
VARIABLES = {"ink": INK, "muted": MUTED, "rule": RULE, "paper": PAPER, "standard": STANDARD} | {
    f"series-{number + 1}": colour for number, colour in enumerate(SERIES)
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"


def colour(name: str) -> str:
    """A colour by its role, as a CSS variable with its fallback."""
    return f"var(--{name}, {VARIABLES[name]})"


def series_style(number: int | None) -> tuple[str, str]:
    """Colour and dashes of the marker with this number; None is the standard."""
    if number is None:
        return colour("standard"), "5 4"
    return colour(f"series-{number % len(SERIES) + 1}"), DASHES[number % len(DASHES)]


def plain(svg: str) -> str:
    """The same drawing without CSS variables, for programs that are not browsers."""
    return re.sub(r"var\(--[a-z0-9-]+, (#[0-9A-Fa-f]{6})\)", r"\1", svg)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`."""
    if high <= low:
        return [low]
    rough = (high - low) / max(about, 1)
    power = 10.0 ** int(f"{rough:e}".split("e")[1])
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = int(-(-low // step))
    return [round(i * step, 10) for i in range(first, int(high / step + 1e-9) + 1)]


def tick_label(value: float) -> str:
    """A tick without needless zeros."""
    return f"{value:g}".replace("-", "−")


@dataclass
class Canvas:
    """A drawing with at most one plot area.

    Attributes
    ----------
    width, height
        Size in user units; the page scales it.
    left, right, top, bottom
        Margins of the plot area.
    x_range, y_range
        Data limits of the plot area.
    parts, below
        What was drawn, and how far legends reach below `height`.
    """

    width: float = 440
    height: float = 360
    left: float = 54
    right: float = 14
    top: float = 12
    bottom: float = 46
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    parts: list[str] = field(default_factory=list)
    below: float = 0.0

    def x(self, value: float) -> float:
        """Horizontal place of a data value."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Vertical place of a data value."""
        low, high = self.y_range
        return self.height - self.bottom - (value - low) / (high - low) * (self.height - self.top - self.bottom)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: float = 12,
        fill: str = "ink",
        bold: bool = False,
        turn: bool = False,
    ) -> None:
        """Words at a place in user units."""
        weight = ' font-weight="600"' if bold else ""
        turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"{weight}{turned} '
            f'style="fill:{colour(fill)}">{escape(text)}</text>'
        )

    def segment(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        stroke: str = "",
        width: float = 1,
        dash: str = "",
    ) -> None:
        """A straight line in user units."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke-width="{width:g}"{dashed} '
            f'style="stroke:{stroke or colour("rule")}"/>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        stroke: str = "none",
        opacity: float = 1,
        radius: float = 0,
    ) -> None:
        """A rectangle in user units."""
        faint = f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
        rounded = f' rx="{radius:g}"' if radius else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"{rounded}{faint} '
            f'style="fill:{fill};stroke:{stroke}"/>'
        )

    def dot(self, x: float, y: float, *, fill: str, radius: float = 4, square: bool = False) -> None:
        """A mark in user units; the standard's is a square."""
        if square:
            self.box(x - radius, y - radius, 2 * radius, 2 * radius, fill=fill, stroke=colour("paper"))
            return
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" style="fill:{fill};stroke:{colour("paper")}"/>'
        )

    def line(self, xs: Sequence[float], ys: Sequence[float], *, stroke: str, width: float = 2, dash: str = "") -> None:
        """A line through data points."""
        points = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in zip(xs, ys, strict=True))
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<polyline points="{points}" fill="none" stroke-width="{width:g}" stroke-linejoin="round"{dashed} '
            f'style="stroke:{stroke}"/>'
        )

    def area(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], *, fill: str) -> None:
        """A band between two curves of data points."""
        there = [(self.x(a), self.y(b)) for a, b in zip(xs, high, strict=True)]
        back = [(self.x(a), self.y(b)) for a, b in zip(reversed(xs), reversed(low), strict=True)]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in there + back)
        self.parts.append(f'<polygon points="{points}" fill-opacity="0.16" style="fill:{fill};stroke:none"/>')

    def axes(
        self,
        x_label: str,
        y_label: str,
        *,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        y_grid: bool = True,
    ) -> None:
        """Axes with ticks, labels (quantity and unit) and a quiet grid."""
        bottom, right = self.height - self.bottom, self.width - self.right
        for value in ticks(*self.y_range) if y_ticks is None else y_ticks:
            place = self.y(value)
            if y_grid:
                self.segment(self.left, place, right, place)
            self.text(self.left - 7, place + 4, tick_label(value), anchor="end", size=11, fill="muted")
        for value in ticks(*self.x_range) if x_ticks is None else x_ticks:
            place = self.x(value)
            self.segment(place, bottom, place, bottom + 4, stroke=colour("muted"))
            self.text(place, bottom + 17, tick_label(value), anchor="middle", size=11, fill="muted")
        self.segment(self.left, bottom, right, bottom, stroke=colour("muted"))
        self.text((self.left + right) / 2, bottom + 36, x_label, anchor="middle")
        if y_label:
            self.text(14, (self.top + bottom) / 2, y_label, anchor="middle", turn=True)

    def legend(self, entries: Sequence[tuple[str, str, str]], *, columns: int = 54) -> None:
        """Entries (colour, dashes, words) below what is drawn so far; the drawing grows."""
        place = self.height + self.below + 8
        for stroke, dash, words in entries:
            lines = wrap(words, columns) or [""]
            self.segment(self.left - 34, place - 4, self.left - 8, place - 4, stroke=stroke, width=2.5, dash=dash)
            for number, line in enumerate(lines):
                self.text(self.left, place + 15 * number, line)
            place += 15 * len(lines) + 5
        self.below = place - self.height

    def svg(self, title: str) -> str:
        """The drawing as one element; `title` is its accessible name."""
        height = self.height + self.below
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:g}" role="img" '
            f'aria-label="{escape(title, quote=True)}" font-family="{escape(FONT, quote=True)}">'
            + "".join(self.parts)
            + "</svg>"
        )
