"""What is told of each gene, each tumour and the cohort: plain entries of the document, with codes for patients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.tumor.drivers import Calls, Levels
from presage.tumor.gathering import Tumours
from presage.tumor.gene_sets import rich_in
from presage.tumor.ranks import Ranks
from presage.tumor.tci import Posterior

# Genes of a programme that are kept in the document, and the share of tumours from which a gene belongs to it.
_PROGRAMME, _PROGRAMME_SHARE = 100, 0.25
# Genes of a tumour that were not judged and are named.
_UNJUDGED = 12


class Programmes:
    """Counts of explained genes over the tumours, of the alterations that are called somewhere."""

    def __init__(self, tumours: Tumours, changed: pd.DataFrame, calls: Calls) -> None:
        self._columns = {int(column): place for place, column in enumerate(np.unique(calls.alteration[calls.driver]))}
        size = (len(self._columns), changed.shape[1])
        self._count, self._up = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
        self._names = list(changed.columns)
        self._z = None if tumours.z is None else tumours.z.to_numpy()
        self._having = tumours.altered.sum().to_numpy()

    def add(self, row: int, found: Posterior, mask: NDArray[np.bool_]) -> None:
        """Count one tumour."""
        for number, column in enumerate(found.alterations):
            place = self._columns.get(int(column))
            if place is not None:
                genes = found.genes[mask[number]]
                self._count[place, genes] += 1
                if self._z is not None:
                    self._up[place, genes] += self._z[row, genes] > 0

    def of(self, column: int) -> list[dict[str, Any]]:
        """Genes of one alteration's programme, the most frequent first."""
        place = self._columns.get(column)
        if place is None:
            return []
        count = self._count[place]
        order = np.argsort(-count, kind="stable")
        order = order[count[order] > 0][:_PROGRAMME]
        return [
            {
                "gene": self._names[gene],
                "share": float(count[gene] / self._having[column]),
                "up": None if self._z is None else float(self._up[place, gene] / count[gene]),
            }
            for gene in order
        ]

    def measured(self) -> list[str]:
        """Names of the measured genes."""
        return self._names


def gene_entry(
    tumours: Tumours,
    column: int,
    calls: Calls | None,
    ranks: Ranks,
    programmes: Programmes | None,
    sets: dict[str, frozenset[str]],
) -> dict[str, Any]:
    """One altered gene: how often and how it is altered, its ranks by every method, its programme and gene sets."""
    gene = str(tumours.altered.columns[column])
    programme = [] if programmes is None else programmes.of(column)
    core = [entry["gene"] for entry in programme if entry["share"] >= _PROGRAMME_SHARE]
    return {
        "gene": gene,
        "altered": int(tumours.altered[gene].sum()),
        "kinds": {kind: int(part[gene].sum()) for kind, part in tumours.kinds.items() if part[gene].any()},
        "called": 0 if calls is None else int((calls.driver & (calls.alteration == column)).sum()),
        **ranks.of(gene),
        "programme": programme,
        "sets": [asdict(rich) for rich in rich_in(core, programmes.measured(), sets)[:5]]
        if programmes is not None and core and sets
        else [],
    }


def altered_entry(tumours: Tumours, code: str, row: int) -> dict[str, Any]:
    """One tumour without expression: what it has, and nothing of what that does."""
    genes = tumours.altered.columns[tumours.altered.iloc[row].to_numpy() > 0]
    alterations = [
        {
            "gene": str(gene),
            "kinds": [kind for kind, part in tumours.kinds.items() if gene in part and part[gene].iloc[row]],
            "targets": None,
            "needed": None,
            "share": None,
            "called": False,
            "genes": [],
        }
        for gene in genes
    ]
    alone = {"code": code, "changed": None, "unexplained": None, "alterations": alterations}
    return {**alone, **_follow_up(tumours, tumours.patients[row])}


def tumour_entry(
    tumours: Tumours,
    changed: pd.DataFrame,
    code: str,
    row: int,
    found: Posterior,
    mask: NDArray[np.bool_],
    calls: Calls,
    levels: Levels,
) -> dict[str, Any]:
    """One tumour: what each of its alterations explains of its expression, and what happened to the patient."""
    place = {int(column): number for number, column in enumerate(found.alterations)}
    alterations = []
    for number, column in enumerate(calls.alteration.tolist()):
        gene = str(tumours.altered.columns[column])
        own = mask[place[column]]
        probability = found.probability[place[column]]
        genes = [found.genes[i] for i in np.flatnonzero(own)[np.argsort(-probability[own], kind="stable")]]
        sure = np.sort(probability[own])[::-1]
        alterations.append(
            {
                "gene": gene,
                "kinds": [kind for kind, part in tumours.kinds.items() if part[gene].iloc[row]],
                "targets": int(calls.targets[number]),
                "needed": None if levels.targets is None else int(levels.targets[column]),
                "score": float(calls.score[number]),
                "p": _known(calls.p[number]),
                "pair_q": _known(calls.q[number]),
                "share": float(calls.share[number]),
                "called": bool(calls.driver[number]),
                "genes": [
                    {
                        "gene": str(changed.columns[one]),
                        "posterior": float(p),
                        "z": None if tumours.z is None else float(tumours.z.to_numpy()[row, one]),
                    }
                    for one, p in zip(genes, sure.tolist(), strict=True)
                ],
            }
        )
    return {
        "code": code,
        "changed": int(changed.to_numpy()[row].sum()),
        "asked": len(found.genes),
        "unexplained": float(found.probability[-1].mean()) if len(found.genes) else 1.0,
        "alterations": alterations,
        **_follow_up(tumours, tumours.patients[row]),
    }


def _known(value: np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None


def _follow_up(tumours: Tumours, patient: str) -> dict[str, Any]:
    if tumours.clinical is None or patient not in tumours.clinical.table.index:
        return {"follow_up": None}
    table = tumours.clinical.table
    names = [name for name in ("age", "os_event", "os_days", "pfi_event", "pfi_days") if name in table]
    own = table.loc[[patient], names].to_numpy(float)[0]
    return {"follow_up": {name: value for name, value in zip(names, own.tolist(), strict=True) if np.isfinite(value)}}


def unjudged(tumours: Tumours, row: int) -> dict[str, Any]:
    """How many genes of a tumour are altered in too few tumours to be judged, and the first of them."""
    if tumours.unjudged is None:
        return {"n": 0, "genes": []}
    genes = tumours.unjudged.columns[tumours.unjudged.iloc[row].to_numpy() > 0]
    return {"n": len(genes), "genes": [str(gene) for gene in genes[:_UNJUDGED]]}


def cohort_entry(tumours: Tumours) -> dict[str, Any]:
    """The cohort: counts, when a gene counts as changed, and what was lost on the way."""
    return {
        "tumours": len(tumours.patients),
        "altered_genes": int(tumours.altered.shape[1]),
        "rare": tumours.rare,
        "at_least": tumours.at_least,
        "scale": tumours.scale,
        "measured_genes": 0 if tumours.changed is None else int(tumours.changed.shape[1]),
        "changed_a_tumour": None if tumours.changed is None else float(tumours.changed.sum(axis=1).median()),
        "rule": tumours.rule,
        "directions": tumours.z is not None,
        "kinds": list(tumours.kinds),
        "flow": tumours.flow.counts(),
        "read": {} if tumours.mutations is None else dict(tumours.mutations.counts),
        "clinical": None if tumours.clinical is None else tumours.clinical.flow.counts(),
    }
