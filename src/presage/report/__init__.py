"""The report: one self-contained page, and its tables as Markdown."""

from presage.report.assembly import answer, missing, parts
from presage.report.markdown import to_markdown
from presage.report.page import render, to_html
from presage.report.parts import Code, Figure, Gallery, Notes, Part, Picture, SectionRenderer, Table, Text

__all__ = [
    "Code",
    "Figure",
    "Gallery",
    "Notes",
    "Part",
    "Picture",
    "SectionRenderer",
    "Table",
    "Text",
    "answer",
    "missing",
    "parts",
    "render",
    "to_html",
    "to_markdown",
]
