"""What a reader of a cohort must know of its table: samples that may be one patient's, hypermutated ones, the build."""

from __future__ import annotations

from dataclasses import dataclass

from presage.cohort import Flow
from presage.tumor.people import PHANTOM
from presage.tumor.readers import Mutations, hypermutators, related_samples

# Ids that are told on the terminal.
_IDS = 3


@dataclass(frozen=True)
class Doubt:
    """One of them: `page` names nobody and may stand anywhere, `terminal` is for the cohort's owner."""

    page: str
    terminal: str


def doubts_of(mutations: Mutations | None) -> list[Doubt]:
    """Every one of them, of patients whom no page leaves out."""
    if mutations is None:
        return []
    return [*kin(mutations), *loud(mutations), *unverified(mutations)]


def left_out(flow: Flow) -> list[Doubt]:
    """Samples that count for nobody, see :func:`presage.tumor.people.one_tumour_each`."""
    number = sum(len(one.ids) for one in flow)
    if not number:
        return []
    told = (
        f"{number} further or normal sample(s) of patients {'was' if number == 1 else 'were'} left out: one tumour of "
        "each patient counts, the primary where barcodes tell which it is, else the first by name."
    )
    return [Doubt(told, told)]


def kin(mutations: Mutations) -> list[Doubt]:
    """Pairs of samples that count as different patients and may be one's."""
    pairs = related_samples(mutations.table)
    if not pairs:
        return []
    ids = list(dict.fromkeys(name for one, other, _ in pairs for name in (one, other)))
    told = (
        f"{len(pairs)} pair(s) of samples that count as different patients share so many mutations that they may "
        "be one patient's: each such patient counts several times"
    )
    more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
    return [Doubt(f"{told}.", f"{told}: {', '.join(ids[:_IDS])}{more}. Keep one sample of each.")]


def loud(mutations: Mutations) -> list[Doubt]:
    """Hypermutated patients."""
    number = len(hypermutators(mutations).patients)
    if not number:
        return []
    told = f"{number} hypermutated {'patient was' if number == 1 else 'patients were'} kept."
    return [Doubt(told, told)]


def unverified(mutations: Mutations) -> list[Doubt]:
    """A build that is said and that no call shows; made-up calls lie in no genome."""
    if mutations.verified or any(name.startswith(PHANTOM) for name in mutations.patients):
        return []
    why = (
        "where genes lie is known in hg19 and hg38 alone"
        if mutations.build == "hg18"
        else "no calls lie where genes tell hg19 from hg38, nor behind the end of a chromosome of the other"
    )
    told = f"The genome build could not be verified: {why}. Positions are read as {mutations.build}, as was said."
    return [Doubt(told, f"{told} Check it where segments, gene positions or a genome are read beside them.")]
