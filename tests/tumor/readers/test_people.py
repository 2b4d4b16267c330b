"""Samples, patients, hypermutated tumours and matching."""

from __future__ import annotations

from pathlib import Path

import pytest

from presage.cohort import InputError
from presage.tumor.people import one_tumour_each
from presage.tumor.readers import (
    Mutations,
    hypermutators,
    match,
    one_per_patient,
    patient_of,
    read_maf,
    related_samples,
    tame,
)
from tumor.readers.maf_files import row, write


def test_barcode_levels() -> None:
    assert patient_of("TCGA.02.0001") == "TCGA-02-0001"
    assert patient_of("TCGA-02-0001-01A-11D-1490-08") == "TCGA-02-0001"
    assert patient_of("P7-met3") == "P7-met3"
    chosen = one_per_patient(["TCGA-02-0001-06A", "TCGA-02-0001-01A", "TCGA-02-0001-11A", "TCGA-02-0002-11A"])
    assert chosen == {"TCGA-02-0001": "TCGA-02-0001-01A"}


def test_one_tumour_of_each_patient_counts(tmp_path: Path) -> None:
    samples = ["TCGA-02-0001-06A", "TCGA-02-0001-01A", "TCGA-02-0002-02A", "TCGA-02-0003-11A", "MET9", "MET1"]
    rows = [row(f"GENE{n}", Start_Position=str(n + 1), Tumor_Sample_Barcode=name) for n, name in enumerate(samples)]
    read = read_maf(write(tmp_path / "several.maf", rows))
    found, flow = one_tumour_each(read, {"MET9": "M", "MET1": "M"})
    assert found.patients == ("M", "TCGA-02-0001", "TCGA-02-0002")
    assert found.samples == ("MET1", "TCGA-02-0001-01A", "TCGA-02-0002-02A")
    assert dict(zip(found.table["patient"], found.table["gene"], strict=True)) == {
        "TCGA-02-0001": "GENE1",
        "TCGA-02-0002": "GENE2",
        "M": "GENE5",
    }
    assert [set(left.ids) for left in flow] == [{"TCGA-02-0001-06A", "TCGA-02-0003-11A", "MET9"}]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Mutations:
    """Thirty quiet patients, one with 3,000 mutations, and a pair of samples of one person under two names."""
    rows = [
        row(
            f"GENE{call}",
            Chromosome="1",
            Start_Position=str(1000 * patient + call + 1),
            Tumor_Sample_Barcode=f"P{patient:02d}",
        )
        for patient in range(30)
        for call in range(20 + patient % 7)
    ]
    rows += [
        row(f"GENE{call}", Chromosome="2", Start_Position=str(call + 1), Tumor_Sample_Barcode="LOUD")
        for call in range(3000)
    ]
    rows += [
        row(f"GENE{call}", Chromosome="3", Start_Position=str(call + 1), Tumor_Sample_Barcode=name)
        for name in ("MET1", "MET2")
        for call in range(20)
    ]
    return read_maf(write(tmp_path_factory.mktemp("maf") / "cohort.maf", rows))


def test_a_hypermutator_is_found_and_tamed(cohort: Mutations) -> None:
    found = hypermutators(cohort)
    assert found.patients == ("LOUD",)
    assert found.absolute == 300
    out = tame(cohort, "exclude", found)
    assert len(out.patients) == len(cohort.patients) - 1
    assert out.counts["dropped: of a hypermutated patient"] == 3000
    thin = tame(cohort, "thin", found)
    assert (thin.table["patient"] == "LOUD").sum() == found.counts.drop("LOUD").max()
    assert tame(cohort, "keep", found) is cohort


def test_nobody_in_a_quiet_cohort_is_hypermutated(cohort: Mutations) -> None:
    quiet = tame(cohort, "exclude", hypermutators(cohort))
    assert hypermutators(quiet).patients == ()


def test_samples_of_one_person_are_found(cohort: Mutations) -> None:
    assert related_samples(cohort.table) == [("MET1", "MET2", 20)]


def test_matching_counts_who_is_lost() -> None:
    found = match(
        {
            "mutations": ["TCGA-02-0001-01A", "TCGA-02-0001-06A", "TCGA-02-0002-01A", "TCGA-02-0003-01A"],
            "expression": ["TCGA.02.0001", "TCGA.02.0003"],
            "clinical": ["x1", "x3", "x9"],
        },
        maps={"clinical": {"x1": "TCGA-02-0001", "x3": "TCGA-02-0003"}},
    )
    assert found.patients == ("TCGA-02-0001", "TCGA-02-0003")
    assert found.ids["mutations"]["TCGA-02-0001"] == "TCGA-02-0001-01A"
    assert {(one["reason"], one["n"]) for one in found.flow.counts()} == {
        ("further or normal sample of a patient in mutations", 1),
        ("id of clinical not in its map", 1),
        ("not in expression", 1),
        ("not in clinical", 1),
    }


def test_no_overlap_shows_both_styles() -> None:
    with pytest.raises(InputError, match=r"'TCGA-02-0001'.*'patient_1'"):
        match({"mutations": ["TCGA-02-0001"], "expression": ["patient_1"]})


def test_a_map_must_know_every_sample(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.maf", [row(Tumor_Sample_Barcode="m1"), row(Tumor_Sample_Barcode="m2", HGVSp_Short="p.R1H")]
    )
    assert read_maf(path, patient_of={"m1": "P", "m2": "P"}).patients == ("P",)
    with pytest.raises(InputError, match="1 of 2 samples are not in the map"):
        read_maf(path, patient_of={"m1": "P"})
