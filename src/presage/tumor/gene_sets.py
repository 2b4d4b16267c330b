"""Named sets of genes (GMT files), and which of them an alteration's programme is rich in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from presage.cohort import InputError
from presage.tumor.readers.tables import read_lines

#: Sets with fewer or more measured genes say nothing of a programme.
FEWEST, MOST = 5, 500


@dataclass(frozen=True)
class Rich:
    """A set with more genes of a programme than chance: `both` of the programme's genes are in it; q by BH."""

    name: str
    both: int
    size: int
    p: float
    q: float


def read_gene_sets(path: Path | str) -> dict[str, frozenset[str]]:
    """Read a GMT file: name, description and symbols, parted by tabs, one set a line.

    Raises
    ------
    InputError
        When a line has no genes.
    """
    sets: dict[str, frozenset[str]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        name, *rest = line.rstrip("\n").split("\t")
        genes = frozenset(gene.strip() for gene in rest[1:] if gene.strip())
        if not genes:
            raise InputError(
                f"line {number} has no genes", where=Path(path).name, cure="GMT: name, description, genes, by tabs"
            )
        sets[name] = genes
    return sets


def rich_in(programme: Sequence[str], measured: Sequence[str], sets: Mapping[str, frozenset[str]]) -> list[Rich]:
    """Sets with more genes of the programme than a draw of as many measured genes would give; smallest p first.

    Hypergeometric upper tail, false discovery rate of Benjamini and Hochberg over the sets tested.
    """
    universe, chosen = set(measured), set(programme) & set(measured)
    tested = [(name, genes & universe) for name, genes in sets.items()]
    tested = [(name, genes) for name, genes in tested if FEWEST <= len(genes) <= MOST]
    if not tested or not chosen:
        return []
    both = np.array([len(genes & chosen) for _, genes in tested])
    sizes = np.array([len(genes) for _, genes in tested])
    p = np.clip(stats.hypergeom.sf(both - 1, len(universe), sizes, len(chosen)), 0, 1)
    q = stats.false_discovery_control(p)
    order = np.lexsort((-both, p))
    return [Rich(tested[i][0], int(both[i]), int(sizes[i]), float(p[i]), float(q[i])) for i in order if both[i] > 0]
