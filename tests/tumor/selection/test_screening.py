"""The test of selection as a person types it, on made-up files with planted genes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Typed = Callable[..., tuple[int, str, str]]
DATA = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "tumor"
GENES, PATIENTS = 700, 60
PLANTED = ("GENE0010", "GENE0200")


def write_cohort(folder: Path, seed: int, *, planted: bool = True, silent: bool = True) -> tuple[Path, Path]:
    """A MAF and protein lengths: genes mutate by length, two of them far more often."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"GENE{number:04d}" for number in range(GENES)]
    lengths = np.random.default_rng(1).integers(150, 1500, GENES)
    generator, rows = np.random.default_rng(seed), []
    shares = lengths / lengths.sum()
    for patient in range(PATIENTS):
        for gene in generator.choice(GENES, 30, p=shares):
            kind = generator.choice(["Missense_Mutation", "Nonsense_Mutation", "Silent"], p=[0.65, 0.07, 0.28])
            rows.append((names[gene], patient, kind))
        if planted:
            rows += [(gene, patient, "Nonsense_Mutation") for gene in PLANTED if generator.random() < 0.2]
    table = pd.DataFrame(rows, columns=["Hugo_Symbol", "who", "Variant_Classification"])
    if not silent:
        table = table[table["Variant_Classification"] != "Silent"]
    table["Tumor_Sample_Barcode"] = [f"PHANTOM-{who:03d}" for who in table.pop("who")]
    starts = generator.integers(1_000, 100_000_000, len(table))
    table = table.assign(
        Chromosome="1",
        Start_Position=starts,
        End_Position=starts,
        Variant_Type="SNP",
        Reference_Allele="A",
        Tumor_Seq_Allele2="C",
    )
    maf, known = folder / "calls.maf", folder / "lengths.tsv"
    table.to_csv(maf, sep="\t", index=False)
    pd.DataFrame({"Hugo_Symbol": names, "aa.length": lengths}).to_csv(known, sep="\t", index=False)
    return maf, known


def test_a_build_that_no_call_shows_is_told(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3)
    maf.write_text(maf.read_text().replace("PHANTOM-", "CASE-"))
    words = (
        "tumor",
        "selection",
        "--maf",
        maf,
        "--build",
        "hg19",
        "--gene-lengths",
        lengths,
        "--out",
        tmp_path / "out",
    )
    assert presage(*words)[0] == 0
    assert "The genome build could not be verified" in (tmp_path / "out" / "selection.html").read_text()


def test_planted_genes_are_told_and_nobody_is_named(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3)
    listed = tmp_path / "known.txt"
    listed.write_text("# a comment\nGENE0010\nGENE0200\nELSEWHERE\n")
    out = tmp_path / "out"
    code, said, complained = presage(
        *("tumor", "selection", "--maf", maf, "--build", "hg19", "--gene-lengths", lengths, "--known", listed),
        *("--out", out),
    )
    assert code == 0, complained
    assert str(out / "selection.html") in said
    document = json.loads((out / "selection.json").read_text())
    assert [row["gene"] for row in document["genes"]][:2] == sorted(PLANTED) or {
        row["gene"] for row in document["genes"]
    } == set(PLANTED)
    assert document["phantom"] is True
    assert document["known"]["rankings"]["selection"]["at"][0]["known"] == 2
    assert document["known"]["tested"] == 2
    table = pd.read_csv(out / "selection.tsv", sep="\t", comment="#")
    assert len(table) == GENES
    assert sorted(table["rank_length"]) == sorted(table["rank_frequency"]) == list(range(1, GENES + 1))
    page = (out / "selection.html").read_text()
    assert "made-up" in page.lower()
    for text in (page, (out / "selection.tsv").read_text(), json.dumps(document)):
        assert "PHANTOM-0" not in text


def test_known_genes_change_no_test(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3)
    listed = tmp_path / "known.txt"
    listed.write_text("GENE0300\n")
    given = ["tumor", "selection", "--maf", maf, "--build", "hg19", "--gene-lengths", lengths]
    presage(*given, "--out", tmp_path / "without")
    presage(*given, "--known", listed, "--out", tmp_path / "with")
    first, second = ((tmp_path / name / "selection.tsv").read_bytes() for name in ("without", "with"))
    assert first == second


def test_other_cohorts_silent_changes_are_a_covariate(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3)
    other, _ = write_cohort(tmp_path / "b", 4, planted=False)
    given = ["tumor", "selection", "--maf", maf, "--build", "hg19", "--gene-lengths", lengths]
    code, _, complained = presage(*given, "--others", other, "--out", tmp_path / "out")
    assert code == 0, complained
    document = json.loads((tmp_path / "out" / "selection.json").read_text())
    assert document["covariates"] is True
    assert set(PLANTED) <= {row["gene"] for row in document["genes"]}
    code, _, complained = presage(*given, "--others", maf, "--out", tmp_path / "again")
    assert code != 0
    assert "is the cohort that is tested" in complained


def test_without_silent_calls_the_page_says_what_is_not_computed(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3, silent=False)
    code, _, complained = presage(
        *("tumor", "selection", "--maf", maf, "--build", "hg19", "--gene-lengths", lengths, "--out", tmp_path / "out")
    )
    assert code == 0, complained
    assert "No silent calls" in (tmp_path / "out" / "selection.html").read_text()


def test_what_cannot_be_tested_is_refused_by_name(presage: Typed, tmp_path: Path) -> None:
    maf, lengths = write_cohort(tmp_path / "a", 3)
    given = ["tumor", "selection", "--maf", maf, "--build", "hg19", "--out", tmp_path / "out"]
    empty = tmp_path / "empty.txt"
    empty.write_text("\n# nothing\n")
    strange = tmp_path / "panel.txt"
    strange.write_text("GENE0001\nNOT_A_GENE\n")
    for more, words in (
        ([], "--gene-lengths or --coding-sequences"),
        (["--gene-lengths", lengths, "--panel", strange], "1 gene(s) of the panel have no protein length: NOT_A_GENE"),
        (["--gene-lengths", lengths, "--known", empty], "holds no symbol"),
        (["--gene-lengths", lengths, "--known", tmp_path / "none.txt"], "is not a list of symbols"),
        (["--gene-lengths", tmp_path / "none.tsv"], "none.tsv"),
    ):
        code, _, complained = presage(*given, *more)
        assert code != 0, words
        assert words in " ".join(complained.split()), complained
        assert "Traceback" not in complained


@pytest.mark.skipif(not DATA.is_dir(), reason="the research data (PRESAGE_DATA) are not here")
def test_acute_leukaemia_from_the_command(presage: Typed, tmp_path: Path) -> None:
    code, _, complained = presage(
        *("tumor", "selection", "--maf", DATA / "laml" / "tcga_laml.maf.gz", "--out", tmp_path / "out"),
        *("--gene-lengths", DATA / "laml" / "prot_len.txt.gz"),
        *("--known", DATA / "reference" / "known_cancergenes.txt"),
    )
    assert code == 0, complained
    document = json.loads((tmp_path / "out" / "selection.json").read_text())
    names = {row["gene"] for row in document["genes"]}
    assert {"FLT3", "NPM1", "DNMT3A", "IDH2", "IDH1", "TET2", "RUNX1", "TP53", "NRAS", "CEBPA"} <= names
    assert len(names) <= 28
    assert document["known"]["rankings"]["selection"]["at"][1]["known"] >= 16
    assert "TCGA-AB" not in (tmp_path / "out" / "selection.html").read_text()
