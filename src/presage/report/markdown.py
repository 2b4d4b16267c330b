"""The same parts as Markdown, for a manuscript's supplement: sentences, tables, and what each figure shows."""

from __future__ import annotations

from presage.findings import Findings
from presage.report.assembly import answer, meaning, missing, parts
from presage.report.parts import Block, Code, Figure, Gallery, Notes, Table, Text


def to_markdown(findings: Findings) -> str:
    """Tables and words of the page as Markdown (GitHub's tables, which Pandoc reads); figures are told in words."""
    document = findings.document
    lines = [f"# {_line(document.get('title') or 'Findings')}", ""]
    lines += ["**Made-up data: no clinical meaning.**", ""] if document.get("phantom") else []
    lines += [f"**Incomplete.** {_line(missing(findings))}", ""] if missing(findings) else []
    lines += [_line(answer(findings).removeprefix("Made-up data, no clinical meaning. ")), ""]
    lines += [_line(meaning(findings)), ""] if meaning(findings) else []
    for part in parts(findings):
        lines += [f"## {_line(part.title)}", ""]
        for block in part.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block(block: Block) -> list[str]:
    if isinstance(block, Text):
        return [_line(block.text)]
    if isinstance(block, Table):
        return [f"**Table.** {_line(block.caption)}", "", *_table(block)]
    if isinstance(block, Figure):
        return [f"**Figure ({block.name}.svg).** {_line(block.caption)}", "", _line(block.alt)]
    if isinstance(block, Gallery):
        return [f"- {_line(picture.caption or picture.alt)}" for picture in block.pictures]
    if isinstance(block, Notes):
        return [f"**{_line(block.title)}**", "", *(f"- {_line(item)}" for item in block.items)]
    return _code(block)


def _table(table: Table) -> list[str]:
    columns = [_cell(column) or " " for column in table.columns]
    rule = ["---"] + ["---:" if table.numeric else "---"] * (len(columns) - 1)
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join(rule)} |"]
    for number, row in enumerate(table.rows):
        if number in table.groups:
            lines.append(f"| **{_cell(table.groups[number])}** |{' |' * (len(columns) - 1)}")
        lines.append(f"| {' | '.join(_cell(cell) for cell in row)} |")
    return lines


def _code(block: Code) -> list[str]:
    # A fence longer than any run of backticks inside cannot be closed from within.
    longest = max((len(run) for run in block.text.split("\n") if run and set(run.strip()) == {"`"}), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"**{_line(block.caption or block.name)}**", "", fence, *block.text.rstrip().split("\n"), fence]


def _line(text: str) -> str:
    return " ".join(str(text).split()).replace("<", "&lt;")


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
