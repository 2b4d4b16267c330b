"""Tables with one row per turn: start, stop, speaker, text; commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io

from presage.cohort import UnusableRecording
from presage.cohort.tables import some
from presage.depression.transcripts.utterances import Utterance, seconds

# The names that transcription services and annotation tools give the columns.
NAMES = {
    "start": ("start", "start_time", "starttime", "begin", "onset", "from", "start_s", "start (s)", "tmin", "in"),
    "stop": ("stop", "stop_time", "stoptime", "end", "end_time", "endtime", "offset", "to", "stop_s", "tmax", "out"),
    "speaker": ("speaker", "label", "who", "role", "speaker_label", "participant", "tier", "name"),
    "text": ("text", "value", "utterance", "transcript", "transcription", "content", "sentence", "words"),
}


def is_table(text: str) -> bool:
    """Whether the first line is the header of a table of turns."""
    first = text.split("\n", 1)[0]
    return any(separator in first for separator in "\t;,") and "text" in _columns(
        [cell.strip('" ') for cell in first.split(_separator(first))]
    )


def parse_table(text: str, where: str) -> list[Utterance]:
    """Rows of a table. Columns other than the text may be missing.

    Raises
    ------
    UnusableRecording
        If there is no header with a text column, or a row has more or fewer cells than it.
    """
    first = text.split("\n", 1)[0]
    separator = _separator(first)
    # A tab-separated transcript is not quoted: a lone quotation mark in it is a character like any other.
    lines = io.StringIO(text)
    if separator == "\t":
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=separator)
    found = []
    try:
        header = next(reader)
        columns = _columns(header)
        if "text" not in columns:
            raise UnusableRecording(
                "header missing",
                f"no column of text among {some(map(repr, header))}",
                where=f"{where}, line 1",
                cure="the first line names the columns: start, stop, speaker, text",
            )
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append(_utterance(row, columns, len(header), where, reader.line_num))
    except csv.Error as error:
        raise UnusableRecording("not a table", str(error), where=f"{where}, line {reader.line_num}") from error
    return [utterance for utterance in found if utterance.text]


def _utterance(row: list[str], columns: dict[str, int], width: int, where: str, line: int) -> Utterance:
    if len(row) != width:
        raise UnusableRecording(
            "row with a cell too many or too few",
            f"this row has {len(row)} cells, the header has {width}",
            where=f"{where}, line {line}",
            cure='put text that holds the separator into double quotes: "like, this"',
        )

    def cell(name: str) -> str:
        return row[columns[name]].strip() if name in columns else ""

    start, stop = (seconds(cell(name), where, line) for name in ("start", "stop"))
    return Utterance(line, cell("speaker"), cell("text"), start, stop)


def _separator(first: str) -> str:
    return max("\t;,", key=first.count)


def _columns(header: list[str]) -> dict[str, int]:
    """Position of each column by what it holds; the earlier name of a list wins."""
    plain = [cell.strip().lower() for cell in header]
    found = {}
    for name, variants in NAMES.items():
        position = next((plain.index(variant) for variant in variants if variant in plain), None)
        if position is not None:
            found[name] = position
    return found
