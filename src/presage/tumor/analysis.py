"""Everything that is found in a cohort of tumours: drivers of each, their programmes, selection and progression.

What is found is a plain document with codes in the place of patients: pages and exports are written from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.study.progress import Progress
from presage.tumor.drivers import Calls, Levels, call_drivers, chance_levels, explained
from presage.tumor.entries import Programmes, altered_entry, cohort_entry, gene_entry, tumour_entry, unjudged
from presage.tumor.gathering import Tumours
from presage.tumor.likely import chart_progression
from presage.tumor.ranks import SELECTED, Ranks, Reference, rank_genes
from presage.tumor.risk.individual import Risks, no_risks
from presage.tumor.selection import Genes
from presage.tumor.significance import judge
from presage.tumor.tci import Continuous, Evidence, Inference, LeakRule

SCHEMA = "presage-tumours/1"
# Permutations from which a false discovery rate is not doubtful.
_ENOUGH = 100


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
    permutations, alpha
        How often chance is drawn, and how much of it may be called. Without a threshold each draw gives every
        alteration to tumours that lack it, and the drivers of the cohort stay in place.
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
        entries = [altered_entry(tumours, names[row], row) for row in range(len(names))]
    else:
        calls, programmes, entries = _explained(tumours, tumours.changed, settings, names, told)
    told.start("Ranking genes", 1)
    ranks = rank_genes(tumours, calls, genes, reference)
    order = _by_calls(tumours, calls, ranks)
    rows = [gene_entry(tumours, column, calls, ranks, programmes, gene_sets or {}) for column in order]
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
        entry["unjudged"] = unjudged(tumours, row)
    # By code: the order of the patients' ids says nothing then.
    entries.sort(key=lambda entry: entry["code"])
    return {
        "schema": SCHEMA,
        "phantom": tumours.phantom,
        "cohort": {**cohort_entry(tumours), "doubts": list(doubts)},
        "settings": asdict(settings),
        "genes": rows,
        "tumours": entries,
        "selection": ranks.document,
        "progression": progression.document,
        "risk": judged.document,
    }


def _explained(
    tumours: Tumours, changed: pd.DataFrame, settings: Settings, names: Sequence[str], told: Progress
) -> tuple[Calls, Programmes, list[dict[str, Any]]]:
    """What each alteration of each tumour explains of its expression."""
    inference, levels, calls = _judged(tumours, changed, settings, told)
    told.start("Explaining tumours", len(names))
    programmes = Programmes(tumours, changed, calls)
    entries = []
    for row, found in enumerate(inference.posteriors()):
        mask = explained(found, levels.posterior)
        programmes.add(row, found, mask)
        entries.append(tumour_entry(tumours, changed, names[row], row, found, mask, calls.of(row), levels))
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
        told.start("Exchanging alterations", settings.permutations)
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


def _by_calls(tumours: Tumours, calls: Calls | None, ranks: Ranks) -> list[int]:
    """Columns of the alterations: most calls first (without calls the most selected for), then the more frequent."""
    altered = tumours.altered.sum().to_numpy()
    if calls is None:
        q = ranks.table["q"].fillna(1.0).to_numpy() if "q" in ranks.table else np.ones(len(altered))
        return [int(column) for column in np.lexsort((-altered, np.where(q < SELECTED, 0, 1)))]
    called = np.bincount(calls.alteration[calls.driver], minlength=tumours.altered.shape[1])
    return [int(column) for column in np.lexsort((-altered, -called))]


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
