"""Bases of a genome FASTA at given positions, by its index (`.fai`), without reading the whole."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.selection.context.changes import DIGIT, NO_BASE

_ANEW = "Make it anew: samtools faidx."


class _Contig(NamedTuple):
    length: int
    offset: int
    line_bases: int
    line_bytes: int


class Genome:
    """A genome FASTA with its index, as `samtools faidx` writes it beside the file.

    Parameters
    ----------
    path
        Not packed: a place in a gzipped file cannot be looked up.

    Raises
    ------
    InputError
        When the file or its index is missing, packed, or the index does not fit the file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError("no such file", where=str(path), cure="Check the path.")
        with self.path.open("rb") as stream:
            start = stream.read(2)
        if start == b"\x1f\x8b":
            cure = "Unpack it (gunzip, bgzip -d) and index it (samtools faidx)."
            raise InputError("is packed: single positions cannot be looked up", where=self.path.name, cure=cure)
        if not start.startswith(b">"):
            raise InputError("is no FASTA (it does not begin with `>`)", where=self.path.name, cure="Give FASTA.")
        index = Path(f"{self.path}.fai")
        if not index.is_file():
            raise InputError("has no index", where=self.path.name, cure=f"samtools faidx {self.path.name}")
        self._contigs = self._read_index(index)
        self._bytes = np.memmap(self.path, dtype=np.uint8, mode="r")

    def _read_index(self, index: Path) -> dict[str, _Contig]:
        found = {}
        size = self.path.stat().st_size
        try:
            lines = index.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise InputError("is no text, as an index is", where=index.name, cure=_ANEW) from None
        for number, line in enumerate(lines, start=1):
            try:
                name, *numbers = line.split("\t")
                contig = _Contig(*(int(word) for word in numbers[:4]))
            except (ValueError, TypeError):
                raise InputError(f"line {number} is no line of an index", where=index.name, cure=_ANEW) from None
            if min(contig.length, contig.line_bases, contig.offset) < 1 or contig.line_bytes < contig.line_bases:
                raise InputError(
                    f"line {number}: {name} has {contig.length} bases from byte {contig.offset}, {contig.line_bases} "
                    f"of {contig.line_bytes} bytes a line",
                    where=index.name,
                    cure=f"All are above 0, and no line has more bases than bytes. {_ANEW}",
                )
            last = contig.length - 1
            end = contig.offset + last // contig.line_bases * contig.line_bytes + last % contig.line_bases
            if end >= size:
                cure = "The index is of another file: samtools faidx."
                raise InputError(f"{name} ends behind the end of {self.path.name}", where=index.name, cure=cure)
            found[_plain(name)] = contig
        return found

    def around(self, chromosome: pd.Series, position: pd.Series) -> NDArray[np.uint8]:
        """Base before, at and behind each position, 0 to 3, or :data:`NO_BASE` where there is none; shape (n, 3).

        Parameters
        ----------
        chromosome, position
            Names with `chr` or without, and 1-based positions.
        """
        found = np.full((len(position), 3), NO_BASE, dtype=np.uint8)
        names = chromosome.astype("category")
        codes, at = names.cat.codes.to_numpy(), position.to_numpy(np.int64) - 1
        for code, name in enumerate(names.cat.categories):
            contig = self._contigs.get(_plain(str(name)))
            rows = np.flatnonzero(codes == code)
            if contig is None or not rows.size:
                continue
            for column, step in enumerate((-1, 0, 1)):
                place = at[rows] + step
                inside = (place >= 0) & (place < contig.length)
                line, column_in_line = np.divmod(place[inside], contig.line_bases)
                byte = contig.offset + line * contig.line_bytes + column_in_line
                found[rows[inside], column] = DIGIT[self._bytes[byte]]
        return found


def _plain(name: str) -> str:
    text = name[3:] if name.lower().startswith("chr") else name
    return {"M": "MT", "23": "X", "24": "Y"}.get(text, text)
