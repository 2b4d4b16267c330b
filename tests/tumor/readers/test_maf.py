"""MAF dialects, genome builds, dates in the place of genes, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from presage.cohort import InputError
from presage.tumor.doubts import doubts_of
from presage.tumor.readers import Mutations, altered_genes, read_maf
from presage.tumor.readers.build import BuildError, chromosome_lengths
from presage.tumor.readers.columns import of_category, renamed
from presage.tumor.readers.places import PLACES
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


def test_a_gene_on_any_chromosome_tells_the_builds_apart(tmp_path: Path) -> None:
    ends = {build: chromosome_lengths(build) for build in ("hg19", "hg38")}
    assert len({place[0] for place in PLACES.values()}) == 22
    for gene, (chromosome, low, high, low_38, high_38) in PLACES.items():
        length = max(high - low, high_38 - low_38)
        assert length > 0, gene
        # A gene is further away than it is long, so that none of it is where the other build has a part of it.
        assert min(abs(low_38 - low), abs(high_38 - high)) > high - low, gene
        assert low > high_38 or low_38 > high, gene
        assert high < ends["hg19"][chromosome], gene
        assert high_38 < ends["hg38"][chromosome], gene
        for own, other, at in (("hg19", "hg38", low), ("hg38", "hg19", low_38)):
            call = row(gene, NCBI_Build=own, Chromosome=chromosome, Start_Position=str(at), End_Position=str(at))
            assert read_maf(write(tmp_path / "own.maf", [call])).verified, gene
            with pytest.raises(BuildError, match=f"lie where {own} has the gene, 0 where {other}|probably in .*{own}"):
                read_maf(write(tmp_path / "other.maf", [{**call, "NCBI_Build": other}]))


def test_a_build_that_nothing_shows_is_a_doubt(tmp_path: Path) -> None:
    def read(**given: str) -> Mutations:
        return read_maf(write(tmp_path / "a.maf", [row("GENE", Chromosome="4", **given)]))

    unknown = read(NCBI_Build="hg38")
    assert not unknown.verified
    (doubt,) = doubts_of(unknown)
    assert doubt.page.startswith("The genome build could not be verified: no calls lie where genes tell hg19")
    assert "Positions are read as hg38" in doubt.page
    assert "TCGA" not in doubt.page + doubt.terminal
    # Chromosome 4 is longer in hg19: what lies behind its end in hg38 is in hg19.
    last = str(chromosome_lengths("hg38")["4"] + 1)
    assert read(NCBI_Build="hg19", Start_Position=last).verified
    with pytest.raises(BuildError, match="behind the end"):
        read(NCBI_Build="hg38", Start_Position=last)
    assert "in hg19 and hg38 alone" in doubts_of(read(NCBI_Build="hg18"))[0].page
    # Made-up calls lie in no genome.
    assert not doubts_of(read(Tumor_Sample_Barcode="PHANTOM-0001"))


@pytest.mark.data
@pytest.mark.parametrize("name", ["laml/tcga_laml.maf.gz", "mc3/LGG.MC3.maf.tsv.gz"])
def test_calls_of_cohorts_lie_where_hg19_has_their_genes(research_data: Path, name: str) -> None:
    found = read_maf(research_data / "tumor" / name, build="hg19")
    assert found.verified
    table = found.table.astype({"gene": str, "chromosome": str})
    table = table[table["gene"].isin(list(PLACES))]
    places = pd.DataFrame([PLACES[gene] for gene in table["gene"]], index=table.index)
    there = table["start"].between(places[1], places[2])
    assert (table["chromosome"] == places[0]).all()
    assert len(table) > 100
    # LAML is none of the cohorts that the places were taken from.
    assert there.mean() > 0.9
    assert not table["start"].between(places[3], places[4]).any()


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


def test_blanks_around_names_do_not_make_two_of_one(tmp_path: Path) -> None:
    rows = [row(), row("TP53 "), row("KRAS", Chromosome="chr12", Start_Position="25245350", HGVSp_Short="p.G12D")]
    found = read_maf(write(tmp_path / "a.maf", rows))
    assert found.table["gene"].tolist() == ["TP53", "KRAS"]
    assert found.counts["dropped: the same call of the same sample again"] == 1


def test_repeats_are_whole_calls(tmp_path: Path) -> None:
    """The same place in one sample with another allele or another end is another call."""
    rows = [
        row(),
        row(Tumor_Seq_Allele2="A"),
        row(End_Position="7674221"),
        row(),
        row(End_Position=""),
        row(End_Position=""),
    ]
    found = read_maf(write(tmp_path / "a.maf", rows))
    assert found.table["allele"].tolist() == ["T", "A", "T", "T"]
    assert found.counts["dropped: the same call of the same sample again"] == 2


def test_coding_changes_are_read_on_request_alone(tmp_path: Path) -> None:
    more = {"HGVSc": "c.743G>A", "Transcript_ID": "ENST00000269305", "CONTEXT": "AACCCGGAGGC"}
    path = write(tmp_path / "a.maf", [row(**more)])
    assert not {"cds_change", "transcript", "context"} & set(read_maf(path).table)
    found = read_maf(path, coding=True).table
    assert found.loc[0, ["cds_change", "transcript", "context"]].tolist() == list(more.values())
    older = {"cDNA_Change": "c.743G>A", "Annotation_Transcript": "ENST00000269305.4", "ref_context": "AACCCGGAGGC"}
    found = read_maf(write(tmp_path / "b.maf", [row(**older)]), coding=True).table
    assert found.loc[0, ["cds_change", "transcript", "context"]].tolist() == list(older.values())


def test_what_is_worked_out_by_category_is_what_rows_give() -> None:
    words = pd.Series(["b", None, "a", "b"], dtype=pd.CategoricalDtype(["b", "a", "unused"]))
    assert of_category(words, [1.0, 2.0, 3.0], 9.0).tolist() == [1, 9, 2, 1]
    found = renamed(words, {"a": "y", "b": "x", "unused": "z"})
    pd.testing.assert_series_equal(found, pd.Series(["x", None, "y", "x"]).astype("category"))
    joined = renamed(words, {"a": "x", "b": "x", "unused": "z"})
    assert list(joined.cat.categories) == ["x"]
    assert joined.isna().tolist() == [False, True, False, False]


def _slowly(path: Path) -> pd.DataFrame:
    """The same table row by row, in text."""
    raw = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=3)
    raw = raw.rename(columns={"End_position": "End_Position", "Protein_Change": "HGVSp_Short"})
    classes = {"Silent": "silent", "Missense_Mutation": "missense", "Nonsense_Mutation": "truncating",
               "Splice_Site": "truncating", "Nonstop_Mutation": "truncating", "Translation_Start_Site": "truncating",
               "Frame_Shift_Del": "indel", "Frame_Shift_Ins": "indel", "In_Frame_Del": "indel",
               "In_Frame_Ins": "indel"}  # fmt: skip
    rows, seen = [], set()
    for one in raw.to_dict("records"):
        key = tuple(one[name] for name in ("Tumor_Sample_Barcode", "Hugo_Symbol", "Chromosome", "Start_Position",
                                           "End_Position", "Tumor_Seq_Allele2"))  # fmt: skip
        if key in seen:
            continue
        seen.add(key)
        what = classes.get(one["Variant_Classification"], "noncoding")
        if what == "truncating" and one["Variant_Type"] in ("INS", "DEL"):
            what = "indel"
        number = re.match(r"[^0-9]*([0-9]+)", one["HGVSp_Short"])
        rows.append(
            (one["Hugo_Symbol"].strip(), one["Tumor_Sample_Barcode"], one["Tumor_Sample_Barcode"][:12], what,
             {"23": "X"}.get(one["Chromosome"], one["Chromosome"]),
             float(one["Start_Position"]), float(number[1]) if number else -1.0)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["gene", "sample", "patient", "class", "chromosome", "start", "codon"])


@pytest.mark.data
@pytest.mark.parametrize("name", ["laml/tcga_laml.maf.gz", "mc3/PAAD.MC3.maf.tsv.gz", "mc3/LGG.MC3.maf.tsv.gz"])
def test_real_tables_are_those_of_a_row_by_row_reading(research_data: Path, name: str) -> None:
    path = research_data / "tumor" / name
    found = read_maf(path, build="hg19").table
    slow = _slowly(path)
    text = (
        found[list(slow)].astype({"start": float}).astype(dict.fromkeys(slow.columns[:5], str)).fillna({"codon": -1.0})
    )
    pd.testing.assert_frame_equal(text.astype(slow.dtypes.to_dict()), slow)


@pytest.mark.data
def test_laml(research_data: Path) -> None:
    found = read_maf(research_data / "tumor" / "laml" / "tcga_laml.maf.gz")
    assert found.build == "hg19"
    assert (len(found.table), len(found.patients)) == (2207, 193)
    assert (found.table["class"] == "silent").sum() == 449
