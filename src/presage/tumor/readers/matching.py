"""The patients that several tables have in common, with every one that is lost counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from presage.cohort import Flow, InputError
from presage.tumor.readers.barcodes import SAMPLE_TYPES, one_per_patient, patient_of


@dataclass(frozen=True)
class Matched:
    """Patients that every table has.

    Attributes
    ----------
    patients
        In the order of the alphabet.
    ids
        Table -> patient -> the table's own id of that patient.
    flow
        Who was lost, and between which tables.
    """

    patients: tuple[str, ...]
    ids: dict[str, dict[str, str]]
    flow: Flow


def match(tables: Mapping[str, Iterable[str]], maps: Mapping[str, Mapping[str, str]] | None = None) -> Matched:
    """Match tables by patient.

    Parameters
    ----------
    tables
        Name of a table ("mutations", "expression") -> its ids: patients, samples or aliquots, TCGA barcodes or others.
    maps
        Name of a table -> id -> patient, for ids that are no barcodes.

    Raises
    ------
    InputError
        When two tables have no patient in common; an id of each is shown.
    """
    ids: dict[str, dict[str, str]] = {}
    flow = Flow()
    for name, found in tables.items():
        ids[name] = _by_patient(name, list(found), (maps or {}).get(name), flow)
    for one, other in combinations(ids, 2):
        if not ids[one].keys() & ids[other].keys():
            a, b = next(iter(ids[one].values()), "(none)"), next(iter(ids[other].values()), "(none)")
            raise InputError(
                f"no patient is both in {one} and in {other}: {one} has ids such as {a!r}, {other} such as {b!r}",
                cure="Give a map from the ids of one table to patients: maps={'" + other + "': {id: patient}}.",
            )
    common = set.intersection(*(set(found) for found in ids.values())) if ids else set()
    everyone = set().union(*ids.values()) if ids else set()
    for name, found in ids.items():
        flow.add("match", f"not in {name}", "patient", everyone - found.keys())
    if ids and not common:
        raise InputError(
            f"no patient is in all of {', '.join(ids)}", cure="Leave out the table that shares the fewest."
        )
    order = tuple(sorted(common))
    return Matched(order, {name: {who: found[who] for who in order} for name, found in ids.items()}, flow)


def _by_patient(name: str, found: list[str], given: Mapping[str, str] | None, flow: Flow) -> dict[str, str]:
    if given is None:
        chosen = one_per_patient(found, SAMPLE_TYPES)
    else:
        flow.add("match", f"id of {name} not in its map", "patient", {one for one in found if one not in given})
        chosen = {}
        for one in sorted(set(found)):
            if one in given:
                chosen.setdefault(given[one], one)
    kept = set(chosen.values())
    lost = {one for one in found if one not in kept and (given is None or one in given)}
    flow.add("match", f"further or normal sample of a patient in {name}", "recording", lost)
    return {patient_of(who) if given is None else who: one for who, one in chosen.items()}
