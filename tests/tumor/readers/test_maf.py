"""MAF dialects, genome builds, dates in the place of genes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from presage.cohort import InputError
from presage.tumor.readers import altered_genes, read_maf
from presage.tumor.readers.build import chromosome_lengths
from presage.tumor.readers.symbols import likely_gene, new_name
from tumor.readers.maf_files import row, write


def test_gdc_with_comments_and_gzip(tmp_path: Path) -> None:
    rows = [
        row(),
        row(
            "KRAS", Chromosome="chr12", Start_Position="25245350", HGVSp_Short="p.G12D", Variant_Classification="Silent"
        ),
        row(
            "NPM1",
            Chromosome="chr5",
            Start_Position="171410539",
            Variant_Classification="Splice_Site",
            Variant_Type="INS",
        ),
        row("TTN", Chromosome="chr2", Start_Position="178600000", Variant_Classification="Intron", HGVSp_Short=""),
    ]
    found = read_maf(write(tmp_path / "gdc.maf.gz", rows, comments=2))
    assert found.build == "hg38"
    assert found.patients == ("TCGA-AA-0001",)
    assert list(found.table["class"]) == ["missense", "silent", "indel", "noncoding"]
    assert found.table["codon"].tolist()[:2] == [248.0, 12.0]
    assert found.table["codon"].isna().tolist() == [False, False, False, True]
    assert list(found.table["chromosome"]) == ["17", "12", "5", "2"]


def test_other_dialects(tmp_path: Path) -> None:
    older = {"Hugo_Symbol": "TP53", "NCBI_Build": "37", "Chromosome": "17", "Start_position": "7577538"}
    older |= {"Variant_Classification": "Missense_Mutation", "Tumor_Sample_Barcode": "P1", "Protein_Change": "p.R248Q"}
    assert read_maf(write(tmp_path / "older.maf", [older])).table["codon"].tolist() == [248.0]
    portal = {
        "gene": "TP53",
        "chr": "17",
        "startPosition": "7577538",
        "mutationType": "Missense_Mutation",
        "sampleId": "P1",
    }
    path = write(tmp_path / "portal.csv", [portal], separator=",")
    with pytest.raises(InputError, match=r"no column for effect .*start") as error:
        read_maf(path, build="hg19")
    assert "sampleId" in error.value.cure
    found = read_maf(path, build="hg19", columns={"effect": "mutationType", "start": "startPosition"})
    assert found.table["gene"].tolist() == ["TP53"]


def test_the_build_is_stated_and_never_mixed(tmp_path: Path) -> None:
    plain = {key: value for key, value in row().items() if key != "NCBI_Build"}
    with pytest.raises(InputError, match="does not say its genome build"):
        read_maf(write(tmp_path / "a.maf", [plain]))
    with pytest.raises(InputError, match="hg38, and hg19 was asked for"):
        read_maf(write(tmp_path / "b.maf", [row()]), build="hg19")
    with pytest.raises(InputError, match=r"mixes genome builds .*hg19: 1 rows"):
        read_maf(write(tmp_path / "c.maf", [row(), row("KRAS", NCBI_Build="37")]))


def test_hg38_positions_under_a_hg19_label_are_found(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lie where hg38 has the gene, 0 .*TP53 at 17:7674220"):
        read_maf(write(tmp_path / "a.maf", [row(NCBI_Build="37")]))
    behind = row("ZNF", NCBI_Build="37", Chromosome="17", Start_Position=str(chromosome_lengths("hg19")["17"] + 1))
    with pytest.raises(InputError, match=r"row 3: 17:81195211") as error:
        read_maf(write(tmp_path / "b.maf", [row("GENE", NCBI_Build="37", Chromosome="1"), behind]))
    assert "probably in hg38" in error.value.cure


@pytest.mark.parametrize(
    ("date", "gene"),
    [("1-Mar", "MARCH1"), ("2-Sep", "SEPT2"), ("Sep-02", "SEPT2"), ("43160", "MARCH1"), ("2018-09-11", "SEPT11"),
     ("1-Dec", "DEC1"), ("31-Mar", "?"), ("43101", "?"), ("TP53", None), ("NKX2-1", None), ("HLA-A", None)],
)  # fmt: skip
def test_dates_and_their_genes(date: str, gene: str | None) -> None:
    assert likely_gene(date) == gene


def test_dates_are_refused_with_rows_or_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "a.maf", [row(), row("1-Mar"), row("43101")], comments=1)
    with pytest.raises(InputError, match=r"2 gene symbol.*row 4: 1-Mar \(likely MARCH1\)"):
        read_maf(path)
    found = read_maf(path, dates="repair")
    assert found.table["gene"].tolist() == ["TP53", "MARCH1"]
    assert found.counts["dropped: a date that fits no gene"] == 1
    assert new_name("SEPT2") == "SEPTIN2"


def test_bad_rows_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 3: start is 'x12'"):
        read_maf(write(tmp_path / "a.maf", [row(), row(Start_Position="x12")]))
    with pytest.raises(InputError, match="Misense"):
        read_maf(write(tmp_path / "b.maf", [row(), row(Variant_Classification="Misense")]))
    with pytest.raises(InputError, match="row 2: no gene"):
        read_maf(write(tmp_path / "c.maf", [row("")]))
    with pytest.raises(InputError, match="holds no mutation"):
        read_maf(_headed(tmp_path / "d.maf"))
    cut = write(tmp_path / "e.maf.gz", [row() for _ in range(500)])
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        read_maf(cut)
    ragged = write(tmp_path / "f.maf", [row()])
    ragged.write_text(ragged.read_text() + "TP53\tGRCh38\n")
    with pytest.raises(InputError, match="a row with 2 fields"):
        read_maf(ragged)


def _headed(path: Path) -> Path:
    path.write_text("\t".join(row()) + "\n")
    return path


def test_repeated_calls_count_once(tmp_path: Path) -> None:
    found = read_maf(write(tmp_path / "a.maf", [row(), row(), row(Tumor_Sample_Barcode="TCGA-AA-0001-06A")]))
    assert len(found.table) == 2
    assert found.counts["dropped: the same call of the same sample again"] == 1
    assert altered_genes(found).to_dict() == {"TP53": {"TCGA-AA-0001": 1}}


@pytest.mark.data
def test_laml(research_data: Path) -> None:
    found = read_maf(research_data / "tumor" / "laml" / "tcga_laml.maf.gz")
    assert found.build == "hg19"
    assert (len(found.table), len(found.patients)) == (2207, 193)
    assert (found.table["class"] == "silent").sum() == 449
