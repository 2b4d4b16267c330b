"""What a page is made of: a section renderer turns a section of the findings into a `Part`; a writer prints it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` for the sentence that answers the section's question."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows.

    Attributes
    ----------
    caption
        What it shows, with n.
    columns
        Headings.
    rows
        Cells as text, one list per row.
    numeric
        Whether the columns after the first are numbers, which are aligned.
    emphasis
        Indices of rows to set apart (the standard).
    groups
        Row index -> heading above that row.
    links
        Row index -> page that the row's name leads to, below this page's folder.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: bool = True
    emphasis: tuple[int, ...] = ()
    groups: Mapping[int, str] = field(default_factory=dict)
    links: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A figure: drawing, data and words.

    Attributes
    ----------
    name
        File name of the downloads, without extension; unique on the page.
    title, caption
        Heading, and what is seen with n.
    alt
        The figure in words, for a reader who does not see it.
    svg
        The drawing; colours are CSS variables with fallbacks (see `presage.report.figures.canvas`).
    data
        The numbers drawn: columns, then rows.
    wide
        Whether it takes the full width.
    narrow
        The same for a narrow screen, where `svg` would be too small to read; empty where it would not.
    """

    name: str
    title: str
    caption: str
    alt: str
    svg: str
    columns: Sequence[str]
    data: Sequence[Sequence[Any]]
    wide: bool = False
    narrow: str = ""

    def csv(self) -> str:
        """The data as comma-separated text."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.data)
        return text.getvalue()


@dataclass(frozen=True)
class Picture:
    """One example image: a file below the run folder, what it shows in words, and its caption."""

    file: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Example images; those whose file is not there are named, not shown."""

    pictures: Sequence[Picture]
    caption: str = ""


@dataclass(frozen=True)
class Code:
    """Text to be copied as it is, with a name for its download."""

    text: str
    name: str
    caption: str = ""


@dataclass(frozen=True)
class Notes:
    """A list of short remarks: limits of what was shown."""

    items: Sequence[str]
    title: str = "Read with care"


Block = Text | Table | Figure | Gallery | Code | Notes


@dataclass(frozen=True)
class Part:
    """One section of the page.

    Attributes
    ----------
    name
        Anchor, unique on the page.
    title
        Heading.
    blocks
        What follows, in order.
    order
        Place on the page: 10 answer, 20 performance, 30 use, 40 who, 50 people's images, 80 how, 90 guidelines.
    folded
        Whether a reader opens it; print always shows it.
    """

    name: str
    title: str
    blocks: Sequence[Block]
    order: int = 60
    folded: bool = False


class SectionRenderer(Protocol):
    """A callable registered under ``presage.sections`` with the name of the analysis whose section it draws."""

    def __call__(self, section: Mapping[str, Any], document: Mapping[str, Any]) -> Part | None:
        """The part of the page for `section`, given the whole findings document; None to leave it out."""
