"""Patients, samples and aliquots: TCGA barcodes at their levels, other ids by a map, several samples of one patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import pandas as pd

from presage.cohort import InputError

_TCGA = re.compile(r"^TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(?:-(\d{2})([A-Z])?)?(?:-|$)")
#: Which sample of a patient is kept, best first: primary solid tumour, primary blood, recurrence, metastasis ...
SAMPLE_TYPES = ("01", "03", "09", "05", "02", "04", "06", "07", "40")
# Sample types of the barcode that are no tumour.
NORMAL_TYPES = ("10", "11", "12", "13", "14")


def plain_id(name: str) -> str:
    """An id with `.` written as `-` where it is a TCGA barcode (R's column names), untouched otherwise."""
    text = str(name).strip()
    dashed = text.replace(".", "-").replace("_", "-").upper()
    return dashed if _TCGA.match(dashed) else text


def patient_of(name: str) -> str:
    """The patient of a TCGA barcode (its first 12 characters); another id is its own patient."""
    text = plain_id(name)
    return text[:12] if _TCGA.match(text) else text


def sample_type_of(name: str) -> str | None:
    """The two digits of the sample type ("01" primary, "03" blood, "06" metastasis), None where the id has none."""
    match = _TCGA.match(plain_id(name))
    return match[1] if match else None


def patients(samples: Iterable[str], given: Mapping[str, str] | None = None, where: str = "") -> dict[str, str]:
    """Sample -> patient.

    Parameters
    ----------
    samples
        Sample ids.
    given
        A map of sample to patient, for ids that are no TCGA barcodes. With one, every sample must be in it.

    Raises
    ------
    InputError
        When samples are missing from the map.
    """
    names = list(dict.fromkeys(samples))
    if given is None:
        return {name: patient_of(name) for name in names}
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} samples are not in the map of samples to patients, such as {missing[0]!r}",
            where=where,
            cure=f"The map has ids such as {next(iter(given), '(none)')!r}.",
        )
    return {name: given[name] for name in names}


def one_per_patient(samples: Sequence[str], preference: Sequence[str] = SAMPLE_TYPES) -> dict[str, str]:
    """The sample of each patient that is kept: by type in the order of preference, then by name; normals never.

    Parameters
    ----------
    samples
        TCGA barcodes of sample level or longer.
    preference
        Sample types, best first.

    Returns
    -------
    dict
        Patient -> sample.
    """
    chosen: dict[str, str] = {}
    for name in in_preference(samples, preference):
        chosen.setdefault(patient_of(name), name)
    return chosen


def in_preference(samples: Iterable[str], preference: Sequence[str] = SAMPLE_TYPES) -> list[str]:
    """Samples by type in the order of preference, then by name, without normals; an id without a type is a primary."""
    ranks = {code: rank for rank, code in enumerate(preference)}
    tumours = [name for name in set(samples) if sample_type_of(name) not in NORMAL_TYPES]
    return sorted(tumours, key=lambda name: (ranks.get(sample_type_of(name) or preference[0], len(ranks)), name))


def related_samples(mutations: pd.DataFrame, share: float = 0.3, least: int = 5) -> list[tuple[str, str, int]]:
    """Pairs of samples called different patients that share so many mutations that they are one person's.

    Parameters
    ----------
    mutations
        With `patient`, `sample`, `chromosome`, `start`, and `allele` where there is one.
    share
        Smallest share of the smaller sample's mutations.
    least
        Smallest number of shared mutations.

    Returns
    -------
    list of (sample, sample, shared mutations)
        Unrelated tumours share a hotspot or two; samples of one patient share the trunk of its tree.
    """
    keys = [name for name in ("chromosome", "start", "allele") if name in mutations]
    table = mutations[["sample", "patient", *keys]].astype({"sample": str, "patient": str}).drop_duplicates()
    sizes = table.groupby("sample").size()
    repeated = table[table.duplicated(keys, keep=False)]
    pairs: Counter[tuple[str, str]] = Counter()
    for _, group in repeated.groupby(keys, observed=True, sort=False):
        found = sorted(zip(group["sample"], group["patient"], strict=True))
        # A position that half the cohort has is a hotspot or an artefact, and says nothing of kinship.
        if len(found) <= 40:
            pairs.update((a, b) for (a, p), (b, q) in combinations(found, 2) if p != q)
    return sorted(
        (a, b, count) for (a, b), count in pairs.items() if count >= least and count >= share * min(sizes[a], sizes[b])
    )
