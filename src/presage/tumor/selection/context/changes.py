"""Single-base changes of a coding sequence: their 192 trinucleotide contexts, and what they do to the protein.

A context is the base before, the base, the base behind and what it becomes, on the strand of the gene: 4 * 4 * 4 * 3.
Where the strand is not known a change and its reverse complement are one: 96, named by the pyrimidine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]

BASES = "ACGT"
#: The classes of single-base changes, in the order of every array of opportunities. `truncating` is what gains a stop
#: codon, loses it, or loses the start, as in :data:`~presage.tumor.readers.effects.EFFECTS`.
CLASSES = ("silent", "missense", "truncating")
CONTEXTS = 192
#: A byte that is no base.
NO_BASE = 255
# The standard genetic code (NCBI translation table 1), codons in the order TCAG.
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"


def _code() -> Integers:
    """Amino acid (its letter's byte) of each codon, first base * 16 + second * 4 + third."""
    order = [BASES.index(base) for base in "TCAG"]
    found = np.zeros(64, dtype=np.uint8)
    for number, letter in enumerate(_AMINO_ACIDS):
        first, second, third = order[number // 16], order[number // 4 % 4], order[number % 4]
        found[16 * first + 4 * second + third] = ord(letter)
    return found


#: Codon -> the byte of its amino acid's letter, `*` for a stop.
AMINO_ACID = _code()
STOP = ord("*")
#: The codon of the start, ATG.
START = 16 * 0 + 4 * 3 + 2


def _digits() -> Integers:
    digits = np.full(256, NO_BASE, dtype=np.uint8)
    for number, base in enumerate(BASES):
        digits[ord(base)] = digits[ord(base.lower())] = number
    digits[ord("U")] = digits[ord("u")] = 3
    return digits


#: Byte of a letter -> 0 to 3 for A, C, G, T (U), else :data:`NO_BASE`.
DIGIT = _digits()


def context_of(before: Integers, base: Integers, behind: Integers, becomes: Integers) -> NDArray[np.int64]:
    """The context of changes whose bases are numbers 0 to 3; `becomes` differs from `base`."""
    rank = np.asarray(becomes, np.int64) - (becomes > base)
    return ((np.asarray(before, np.int64) * 4 + base) * 4 + behind) * 3 + rank


def bases_of(context: Integers) -> tuple[Integers, Integers, Integers, Integers]:
    """Base before, base, base behind and what it becomes, of contexts."""
    base = context // 12 % 4
    rank = context % 3
    return context // 48, base, context // 3 % 4, rank + (rank >= base)


def _folding() -> Integers:
    before, base, behind, becomes = bases_of(np.arange(CONTEXTS))
    other = context_of(3 - behind, 3 - base, 3 - before, 3 - becomes)
    return np.where((base == 1) | (base == 3), np.arange(CONTEXTS), other)


#: Context -> the same change as its pyrimidine strand has it; 96 different ones.
FOLDED = _folding()
#: Context -> the change on the other strand.
OPPOSITE = context_of(*(3 - part for part in (bases_of(np.arange(CONTEXTS))[i] for i in (2, 1, 0, 3))))
NAMES = tuple(
    f"{BASES[p]}{BASES[b]}{BASES[n]}>{BASES[p]}{BASES[t]}{BASES[n]}"
    for p, b, n, t in zip(*(part.tolist() for part in bases_of(np.arange(CONTEXTS))), strict=True)
)


def class_of(codon: Integers, place: Integers, becomes: Integers, first: NDArray[np.bool_]) -> Integers:
    """Class (index in :data:`CLASSES`) of changes.

    Parameters
    ----------
    codon
        0 to 63.
    place
        0, 1 or 2: which base of the codon changes.
    becomes
        The new base, 0 to 3.
    first
        Whether the codon is the start: whatever changes there loses it.
    """
    codon, place = np.asarray(codon, np.int64), np.asarray(place, np.int64)
    weight = np.array([16, 4, 1])[place]
    old = codon // weight % 4
    before, after = AMINO_ACID[codon], AMINO_ACID[codon + (np.asarray(becomes, np.int64) - old) * weight]
    changed = np.where((before == STOP) | (after == STOP), 2, 1)
    return np.where(first, 2, np.where(before == after, 0, changed)).astype(np.int64)
