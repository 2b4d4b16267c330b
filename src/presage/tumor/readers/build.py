"""The genome build of a table of positions: named, never guessed, and never mixed.

What is detected: a build column with a second build, or another one than was asked for; a position behind the end of
its chromosome (hg38 has the longer chromosomes 3, 5, 7, 11, 17, 18, 20 and X, hg19 the longer ones of all others); and
calls in a hundred often mutated genes (:mod:`presage.tumor.readers.places`) that lie where the other of hg19 and hg38
has the gene: nearly every exome and panel has such calls. What is not: a file without a build column, without any of
those genes and without a call near the end of a chromosome looks right in both builds. Such a file is read, and said to
be unverified. Comparing reference alleles would settle it and needs the genome itself, which is no part of the project.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.tumor.readers.columns import of_category, renamed
from presage.tumor.readers.places import PLACES

Build = Literal["hg18", "hg19", "hg38"]
_NAMES: dict[str, Build] = {
    "36": "hg18", "36.1": "hg18", "hg18": "hg18", "ncbi36": "hg18",
    "37": "hg19", "hg19": "hg19", "grch37": "hg19", "grch37-lite": "hg19", "hg19_broad_variant": "hg19", "b37": "hg19",
    "38": "hg38", "hg38": "hg38", "grch38": "hg38", "grch38.p0": "hg38", "grch38.d1.vd1": "hg38",
}  # fmt: skip
_CHROMOSOMES = (*(str(number) for number in range(1, 23)), "X", "Y")
# UCSC chromosome lengths (chromInfo) of the three builds, chromosomes 1-22, X, Y.
_LENGTHS: dict[Build, tuple[int, ...]] = {
    "hg18": (
        247249719, 242951149, 199501827, 191273063, 180857866, 170899992, 158821424, 146274826, 140273252, 135374737,
        134452384, 132349534, 114142980, 106368585, 100338915, 88827254, 78774742, 76117153, 63811651, 62435964,
        46944323, 49691432, 154913754, 57772954,
    ),
    "hg19": (
        249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
        135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
        48129895, 51304566, 155270560, 59373566,
    ),
    "hg38": (
        248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
        135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
        46709983, 50818468, 156040895, 57227415,
    ),
}  # fmt: skip


class BuildError(InputError):
    """Positions are in another build than is said, or nothing says in which."""


def chromosome_lengths(build: Build) -> dict[str, int]:
    """Bases of each chromosome ("1".."22", "X", "Y") in a build."""
    return dict(zip(_CHROMOSOMES, _LENGTHS[build], strict=True))


def plain_chromosomes(chromosome: pd.Series) -> pd.Series:
    """Chromosome names as a categorical without `chr`; 23 is X, 24 is Y, MT and M are MT; others stay as they are."""
    names = chromosome.astype("category")
    same = {"23": "X", "24": "Y", "M": "MT", "x": "X", "y": "Y"}

    def one(name: object) -> str:
        text = str(name).strip()
        text = text[3:] if text.lower().startswith("chr") else text
        text = text.removesuffix(".0")
        return same.get(text, text)

    return renamed(names, {name: one(name) for name in names.cat.categories})


def resolve(stated: pd.Series | None, asked: str | None, where: str) -> Build:
    """The one build of a file.

    Parameters
    ----------
    stated
        The file's build column, None where it has none.
    asked
        The build that the caller names ("hg19", "GRCh38" ...), None to take the file's.

    Raises
    ------
    InputError
        When neither says it, a name is not known, the file mixes builds or contradicts the caller.
    """
    named = None if asked is None else _build(asked, where)
    values = [] if stated is None else [str(value) for value in stated.dropna().unique()]
    builds = {value: _build(value, where) for value in values}
    if len(set(builds.values())) > 1:
        assert stated is not None
        counts = stated.astype(str).map(builds).value_counts()
        told = ", ".join(f"{name}: {count} rows" for name, count in counts.items())
        raise BuildError(
            f"mixes genome builds ({told})", where=where, cure="Lift one of them over; give each its file."
        )
    own = next(iter(builds.values()), None)
    if own is None and named is None:
        raise BuildError(
            "does not say its genome build",
            where=where,
            cure="Name it: --build hg19 or --build hg38 (in Python build='hg19').",
        )
    if own is not None and named is not None and own != named:
        raise BuildError(f"says genome build {own}, and {named} was asked for", where=where, cure="Lift it over first.")
    build = own if own is not None else named
    assert build is not None
    return build


def refuse_beyond(chromosome: pd.Series, position: pd.Series, build: Build, where: str, first_row: int = 2) -> None:
    """Refuse positions behind the end of their chromosome.

    Parameters
    ----------
    chromosome, position
        As :func:`plain_chromosomes` gives them; 1-based positions.
    first_row
        The row number of the first position in the file, for the error.
    """
    lengths = _ends(chromosome, build)
    beyond = np.flatnonzero((position.to_numpy(float) > lengths) | (position.to_numpy(float) < 1))
    if not beyond.size:
        return
    fits = []
    for other in _LENGTHS:
        there = _ends(chromosome, other)
        if np.all(position.to_numpy(float)[beyond] <= there[beyond]) and position.min() >= 1:
            fits.append(other)
    told = "; ".join(
        f"row {row + first_row}: {chromosome.iloc[row]}:{int(position.iloc[row])}, chromosome of {int(lengths[row])}"
        for row in beyond[:3]
    )
    raise BuildError(
        f"{beyond.size} position(s) behind the end or before the start of the chromosome in {build} ({told})",
        where=where,
        cure=f"They fit {' and '.join(fits)}: the file is probably in {' or '.join(fits)}."
        if fits
        else "They fit no known build.",
    )


def _ends(chromosome: pd.Series, build: Build) -> NDArray[np.float64]:
    """The length of each row's chromosome, NaN where it is not one of the 24."""
    lengths = chromosome_lengths(build)
    words = chromosome.astype("category")
    return of_category(words, [float(lengths.get(str(name), np.nan)) for name in words.cat.categories], np.nan)


def refuse_misplaced(gene: pd.Series, chromosome: pd.Series, position: pd.Series, build: Build, where: str) -> bool:
    """Refuse a table most of whose calls in often mutated genes lie where the other build has the gene.

    Returns
    -------
    bool
        Whether the calls show that the build is this one of hg19 and hg38: most of those in such genes lie where it has
        them, or one lies behind the end of its chromosome in the other. Of hg18 nothing shows it.
    """
    if build == "hg18":
        return False
    other: Build = "hg38" if build == "hg19" else "hg19"
    words = gene.astype("category")
    known = of_category(words, [name in PLACES for name in words.cat.categories], False)
    own_place = other_place = 0
    example = ""
    for name, chrom, at in zip(gene[known], chromosome[known], position[known], strict=True):
        its, *spans = PLACES[name]
        first, second = (spans[:2], spans[2:]) if build == "hg19" else (spans[2:], spans[:2])
        in_own, in_other = (its == chrom and low <= at <= high for low, high in (first, second))
        own_place += in_own
        other_place += in_other and not in_own
        if in_other and not in_own and not example:
            example = f"{name} at {chrom}:{int(at)}, which has it at {first[0]}-{first[1]}"
    if other_place > own_place:
        raise BuildError(
            f"{other_place} call(s) in often mutated genes lie where {other} has the gene, {own_place} where "
            f"{build} has it "
            f"({example})",
            where=where,
            cure=f"The file is in {other}: read it with build={other!r}, or correct its build column.",
        )
    return own_place > other_place or bool(np.any(position.to_numpy(float) > _ends(chromosome, other)))


def _build(name: str, where: str) -> Build:
    plain = name.strip().lower().removesuffix(".0")
    if plain not in _NAMES:
        cure = "Known are hg18 (NCBI36), hg19 (GRCh37) and hg38 (GRCh38)."
        raise BuildError(f"genome build {name!r} is not known", where=where, cure=cure)
    return _NAMES[plain]
