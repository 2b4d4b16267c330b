"""How many single-base changes each gene's coding sequence has room for, by class and context.

A change depends on its codon and on the bases beside the codon alone. So codons are counted by what they are and what
is beside them (1024 kinds), and each kind's nine changes are worked out once: no gene is walked base by base.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from presage.tumor.selection.context.changes import CLASSES, CONTEXTS, class_of, context_of
from presage.tumor.selection.context.coding import CodingSequences

_INSIDE, _FIRST, _LAST = 0, 1, 2
# Genes counted at once, so that their counts fit the memory of a small machine.
_AT_ONCE = 500
# Base before * 256 + codon * 4 + base behind.
_KINDS = 1024


def opportunities(sequences: CodingSequences) -> NDArray[np.int32]:
    """Possible single-base changes of every gene.

    The first and the last base of a sequence have no base beside them and are left out (six changes of a gene).
    Splice sites are not in a coding sequence and are not counted. At the seam of two exons the neighbour is the base
    of the next exon, as in the messenger RNA, and not that of the intron.

    Returns
    -------
    numpy.ndarray
        Shape (genes, 3 classes, 192 contexts).
    """
    size = len(sequences.symbols)
    kind, first = _kinds_of_codons(sequences), sequences.starts // 3
    changes = _changes_of_kinds().T.tocsr()
    found = np.zeros((size, len(CLASSES) * CONTEXTS), dtype=np.int32)
    for start in range(0, size, _AT_ONCE):
        end = min(start + _AT_ONCE, size)
        gene = np.repeat(np.arange(end - start, dtype=np.int32), sequences.codons[start:end])
        cell = gene * (3 * _KINDS) + kind[first[start] : first[end]]
        counted = np.bincount(cell, minlength=(end - start) * 3 * _KINDS).astype(np.int32).reshape(-1, 3 * _KINDS)
        found[start:end] = (changes @ counted.T).T
    return found.reshape(size, len(CLASSES), CONTEXTS)


def _kinds_of_codons(sequences: CodingSequences) -> NDArray[np.int32]:
    """The kind of each codon of all genes."""
    bases = sequences.bases
    codons = (16 * bases[::3] + 4 * bases[1::3] + bases[2::3]).astype(np.int32)
    kind = codons * 4
    kind[1:] += 256 * bases[2:-1:3].astype(np.int32)
    kind[:-1] += bases[3::3]
    first, last = sequences.starts[:-1] // 3, sequences.starts[1:] // 3 - 1
    kind[first] += _FIRST * _KINDS
    kind[last] += _LAST * _KINDS
    return kind


def _changes_of_kinds() -> sparse.csr_matrix:
    """Kind of codon -> number of changes by class and context, shape (3 * 1024, 3 * 192)."""
    kind = np.arange(3 * _KINDS)
    where, before, codon, behind = kind // _KINDS, kind // 256 % 4, kind // 4 % 64, kind % 4
    beside = np.stack([before, codon // 16, codon // 4 % 4, codon % 4, behind])
    rows: list[NDArray[Any]] = []
    columns: list[NDArray[Any]] = []
    for place in range(3):
        base = beside[place + 1]
        known = ~((where == _FIRST) & (place == 0)) & ~((where == _LAST) & (place == 2))
        for becomes in range(4):
            kept = known & (base != becomes)
            new = np.full(int(kept.sum()), becomes)
            context = context_of(beside[place][kept], base[kept], beside[place + 2][kept], new)
            what = class_of(codon[kept], np.full(new.shape, place), new, where[kept] == _FIRST)
            rows.append(kind[kept])
            columns.append(what * CONTEXTS + context)
    at, to = np.concatenate(rows), np.concatenate(columns)
    return sparse.csr_matrix((np.ones(len(at), np.int32), (at, to)), shape=(3 * _KINDS, len(CLASSES) * CONTEXTS))
