"""What a reader of a cohort must know of its patients: samples that may be one patient's, and hypermutated ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from presage.tumor.readers import Mutations, hypermutators, related_samples

# Ids that are told on the terminal.
_IDS = 3


@dataclass(frozen=True)
class Doubt:
    """One of them: `page` names nobody and may stand anywhere, `terminal` is for the cohort's owner."""

    page: str
    terminal: str


def doubts_of(mutations: Mutations | None, owners: Mapping[str, str] | None = None) -> list[Doubt]:
    """Pairs of samples that may be one patient's, and hypermutated patients, whom no page leaves out.

    Parameters
    ----------
    owners
        Id -> patient, for ids of the table that are no patients.
    """
    if mutations is None:
        return []
    if owners:
        whose = {name: owners.get(name, name) for name in mutations.patients}
        table = mutations.table.assign(patient=mutations.table["patient"].astype(str).map(whose))
        mutations = replace(mutations, table=table, patients=tuple(sorted(set(whose.values()))))
    found = []
    pairs = related_samples(mutations.table)
    if pairs:
        ids = list(dict.fromkeys(name for one, other, _ in pairs for name in (one, other)))
        told = (
            f"{len(pairs)} pair(s) of samples that count as different patients share so many mutations that they may "
            "be one patient's: each such patient counts several times"
        )
        more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
        found.append(Doubt(f"{told}.", f"{told}: {', '.join(ids[:_IDS])}{more}. Keep one sample of each."))
    loud = len(hypermutators(mutations).patients)
    if loud:
        told = f"{loud} hypermutated {'patient was' if loud == 1 else 'patients were'} kept."
        found.append(Doubt(told, told))
    return found
