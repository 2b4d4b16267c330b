"""Everything that is found in a cohort of tumours: drivers of each, their programmes, selection and progression.

What is found is a plain document with codes in the place of patients: pages and exports are written from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.study.progress import Progress
from presage.tumor.drivers import Calls, Levels, call_drivers, chance_levels, explained
from presage.tumor.gathering import Tumours
from presage.tumor.gene_sets import rich_in
from presage.tumor.likely import chart_progression
from presage.tumor.ranks import SELECTED, Ranks, Reference, rank_genes
from presage.tumor.risk.individual import Risks, no_risks
from presage.tumor.selection import Genes
from presage.tumor.significance import judge
from presage.tumor.tci import Continuous, Evidence, Inference, LeakRule, Posterior

SCHEMA = "presage-tumours/1"
# Genes of a programme that are kept in the document, and the share of tumours from which a gene belongs to it.
_PROGRAMME, _PROGRAMME_SHARE = 100, 0.25
# Genes of a tumour that were not judged and are named.
_UNJUDGED = 12
# Permutations from which a false discovery rate is not doubtful.
_ENOUGH = 200


EvidenceKind = Literal["changed", "continuous"]


@dataclass(frozen=True)
class Settings:
    """How drivers are called; see `presage.tumor.tci`, `presage.tumor.drivers` and `presage.tumor.significance`.

    Attributes
    ----------
    evidence
        Genes that changed or did not (the published method), or expression without a threshold.
    leak, leave_out
        Of the published method. Without a threshold the leak shares the driver's explanation, and whether a tumour's
        own value is one of its group is reckoned from the other tumours.
    fdr
        Call by this false discovery rate over all pairs in the place of `alpha`; without a threshold alone.
    """

    evidence: EvidenceKind = "changed"
    leak: LeakRule = "published"
    leave_out: bool = False
    permutations: int = 20
    alpha: float = 0.01
    fdr: float | None = None
    seed: int = 2020
    threads: int = 1


def analyse(
    tumours: Tumours,
    settings: Settings,
    *,
    gene_sets: dict[str, frozenset[str]] | None = None,
    genes: Genes | None = None,
    reference: Reference | None = None,
    risks: Risks | None = None,
    codes: Mapping[str, str] | None = None,
    doubts: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Call the drivers of every tumour and gather what is known of them.

    Without expression no driver is called: what is left is what each tumour has, which of it the cohort selects for,
    the order of events and the risk.

    Parameters
    ----------
    gene_sets
        See `presage.tumor.gene_sets`.
    genes
        Protein lengths, without which, or a `reference`, selection cannot be tested.
    reference
        Coding sequences, for expectations by context.
    risks
        Of the patients.
    codes
        By patient; by default as :func:`deal_codes` deals them.
    doubts
        Sentences on the cohort's patients that its page must tell; they name nobody.
    progress
        Told of the stages.

    Returns
    -------
    dict
        ``cohort`` (counts, rule, what was lost), ``settings``, ``genes`` (one entry for each altered gene: ranks by
        every method, programme), ``tumours`` (one entry each, by code), ``selection``, ``progression``, ``risk``,
        ``phantom``.

    Raises
    ------
    InputError
        Settings that cannot be, see :func:`refuse_settings`.
    """
    refuse_settings(settings, expression=tumours.changed is not None)
    told = progress or Progress()
    known_as = codes or dict(zip(tumours.patients, deal_codes(tumours.patients, settings.seed), strict=True))
    names = [known_as[patient] for patient in tumours.patients]
    calls, programmes = None, None
    if tumours.changed is None:
        entries = [_altered(tumours, names[row], row) for row in range(len(names))]
    else:
        calls, programmes, entries = _explained(tumours, tumours.changed, settings, names, told)
    told.start("Ranking genes", 1)
    ranks = rank_genes(tumours, calls, genes, reference)
    order = _by_calls(tumours, calls, ranks)
    rows = [_gene(tumours, column, calls, ranks, programmes, gene_sets or {}) for column in order]
    told.advance()
    told.finish()
    known = {entry["gene"]: entry for entry in rows}
    for entry in entries:
        for one in entry["alterations"]:
            one["in_cohort"], one["q"] = known[one["gene"]]["altered"], known[one["gene"]]["q"]
    progression = chart_progression(tumours, *_events(rows, ranks, calls is not None), told)
    judged = risks or no_risks("it was not asked for")
    for row, entry in enumerate(entries):
        entry.update(progression.of(row))
        entry["risk"] = judged.of(tumours.patients[row])
        entry["unjudged"] = _unjudged(tumours, row)
    # By code: the order of the patients' ids says nothing then.
    entries.sort(key=lambda entry: entry["code"])
    return {
        "schema": SCHEMA,
        "phantom": tumours.phantom,
        "cohort": {**_cohort(tumours), "doubts": list(doubts)},
        "settings": asdict(settings),
        "genes": rows,
        "tumours": entries,
        "selection": ranks.document,
        "progression": progression.document,
        "risk": judged.document,
    }


def _explained(
    tumours: Tumours, changed: pd.DataFrame, settings: Settings, names: Sequence[str], told: Progress
) -> tuple[Calls, _Programmes, list[dict[str, Any]]]:
    """What each alteration of each tumour explains of its expression."""
    inference, levels, calls = _judged(tumours, changed, settings, told)
    told.start("Explaining tumours", len(names))
    programmes = _Programmes(tumours, changed, calls)
    entries = []
    for row, found in enumerate(inference.posteriors()):
        mask = explained(found, levels.posterior)
        programmes.add(row, found, mask)
        entries.append(_tumour(tumours, changed, names[row], row, found, mask, calls.of(row), levels))
        told.advance()
    told.finish()
    return calls, programmes, entries


def _events(rows: Sequence[Mapping[str, Any]], ranks: Ranks, called: bool) -> tuple[list[str], str]:
    """Which genes may be events of the network, the first choice first, and what they are called."""
    if called:
        return [entry["gene"] for entry in rows if entry["called"]], "called drivers"
    if "not_computed" in ranks.document:
        frequent = sorted(rows, key=lambda entry: (-entry["altered"], entry["gene"]))
        return [entry["gene"] for entry in frequent], "altered genes, the most frequent"
    selected = [entry for entry in rows if entry["q"] is not None and entry["q"] < SELECTED]
    return [entry["gene"] for entry in selected], "genes that the cohort selects for"


def _judged(
    tumours: Tumours, changed: pd.DataFrame, settings: Settings, told: Progress
) -> tuple[Evidence, Levels, Calls]:
    """The method, what chance reaches, and what is called."""
    altered, threads = tumours.altered.to_numpy(), settings.threads
    number, alpha, seed = settings.permutations, settings.alpha, settings.seed
    if settings.evidence == "continuous":
        if tumours.expression is None:
            raise InputError(
                "a matrix of 0 and 1 says nothing but whether a gene changed",
                cure="--evidence changed, or give the expression as measured and no --deg-rule given",
            )
        graded = Continuous(altered, tumours.expression.to_numpy(), threads=threads)
        told.start("Permuting expression", settings.permutations)
        levels, calls = judge(
            graded, permutations=number, alpha=alpha, fdr=settings.fdr, seed=seed, progress=told.advance
        )
        told.finish()
        return graded, levels, calls
    plain = Inference(altered, changed.to_numpy(), leak=settings.leak, leave_out=settings.leave_out, threads=threads)
    told.start("Permuting expression", settings.permutations)
    levels = chance_levels(plain, permutations=number, alpha=alpha, seed=seed, progress=told.advance)
    told.finish()
    return plain, levels, call_drivers(plain, levels)


def deal_codes(patients: tuple[str, ...], seed: int) -> list[str]:
    """A code such as ``T0007`` for each tumour, dealt out at random so that it says nothing about the id's order."""
    width = max(4, len(str(len(patients))))
    drawn = np.random.default_rng([seed, 0x7075]).permutation(len(patients)) + 1
    return [f"T{number:0{width}d}" for number in drawn.tolist()]


class _Programmes:
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
        return self._names


def _by_calls(tumours: Tumours, calls: Calls | None, ranks: Ranks) -> list[int]:
    """Columns of the alterations: most calls first (without calls the most selected for), then the more frequent."""
    altered = tumours.altered.sum().to_numpy()
    if calls is None:
        q = ranks.table["q"].fillna(1.0).to_numpy() if "q" in ranks.table else np.ones(len(altered))
        return [int(column) for column in np.lexsort((-altered, np.where(q < SELECTED, 0, 1)))]
    called = np.bincount(calls.alteration[calls.driver], minlength=tumours.altered.shape[1])
    return [int(column) for column in np.lexsort((-altered, -called))]


def _gene(
    tumours: Tumours,
    column: int,
    calls: Calls | None,
    ranks: Ranks,
    programmes: _Programmes | None,
    sets: dict[str, frozenset[str]],
) -> dict[str, Any]:
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


def _altered(tumours: Tumours, code: str, row: int) -> dict[str, Any]:
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


def _tumour(
    tumours: Tumours,
    changed: pd.DataFrame,
    code: str,
    row: int,
    found: Posterior,
    mask: NDArray[np.bool_],
    calls: Calls,
    levels: Levels,
) -> dict[str, Any]:
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


def _unjudged(tumours: Tumours, row: int) -> dict[str, Any]:
    """How many genes of a tumour are altered in too few tumours to be judged, and the first of them."""
    if tumours.unjudged is None:
        return {"n": 0, "genes": []}
    genes = tumours.unjudged.columns[tumours.unjudged.iloc[row].to_numpy() > 0]
    return {"n": len(genes), "genes": [str(gene) for gene in genes[:_UNJUDGED]]}


def _cohort(tumours: Tumours) -> dict[str, Any]:
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


def refuse_settings(settings: Settings, *, expression: bool) -> None:
    """Refuse settings under which nothing could be called, or not in the way that is asked for.

    Parameters
    ----------
    expression
        Whether the cohort comes with any.

    Raises
    ------
    InputError
        A level or rate that is no share, a rate where nothing has a p-value, no threshold where there is no expression.
    """
    for name, value, usual in (("alpha", settings.alpha, 0.01), ("false discovery rate", settings.fdr, 0.1)):
        if value is not None and not 0 < value < 1:
            option = "--alpha" if name == "alpha" else "--fdr"
            raise InputError(f"{name} {value:g} is no share between 0 and 1", cure=f"for example {option} {usual:g}")
    if settings.fdr is not None and settings.evidence != "continuous":
        raise InputError("a false discovery rate needs p-values", cure="--evidence continuous, or --alpha")
    if settings.evidence == "continuous" and not expression:
        raise InputError(
            "without expression there is nothing that --evidence continuous could judge",
            cure="--expression FILE, or leave out --evidence and --fdr",
        )


def doubtful(settings: Settings) -> str:
    """What is doubtful about the settings and is done all the same; empty where nothing is."""
    if settings.fdr is None or settings.permutations >= _ENOUGH:
        return ""
    return (
        f"a false discovery rate from {settings.permutations} permutations is coarse: take --permutations {_ENOUGH} "
        "or more"
    )


def refuse_too_few(tumours: Tumours, least: int = 20) -> None:
    """Refuse a cohort in which nothing could be told from chance.

    Raises
    ------
    InputError
        Below `least` tumours.
    """
    if len(tumours.patients) < least:
        raise InputError(
            f"{len(tumours.patients)} tumours have {'alterations' if tumours.changed is None else 'both'}"
            f"{'' if tumours.changed is None else ' alterations and expression'}; drivers are told from chance by "
            f"comparing tumours, which needs {least} at the least",
            cure="add tumours of the same cancer",
        )
