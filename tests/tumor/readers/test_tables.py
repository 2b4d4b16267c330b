"""Copy number, GISTIC, expression, follow-up and alteration matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import InputError
from presage.tumor.readers import (
    changed_genes,
    gains_and_losses,
    gene_copies,
    normal_scores,
    peak_genes,
    read_alterations,
    read_clinical,
    read_expression,
    read_lesions,
    read_peaks,
    read_scores,
    read_segments,
    split_normals,
)
from presage.tumor.readers.tables import read_table
from presage.tumor.selection import read_genes


def _file(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_segments_become_gains_and_losses(tmp_path: Path) -> None:
    text = "ID,chrom,loc.start,loc.end,num.mark,seg.mean\n"
    text += "s1,1,1,1000,9,-1.5\ns1,1,1001,9000,9,0.5\ns1,2,1,9,1,NA\ns2,chr1,1,9000,9,0\n"
    segments = read_segments(_file(tmp_path, text), build="hg19")
    assert segments.without_mean == 1
    genes = pd.DataFrame(
        {"gene": ["A", "B", "C"], "chromosome": ["1", "1", "7"], "start": [100, 901, 5], "end": [200, 1100, 9]}
    )
    copies = gene_copies(segments, genes, "hg19")
    assert copies.loc["s1", "A"] == -1.5
    # Half of B lies in each segment.
    assert copies.loc["s1", "B"] == pytest.approx(-0.5)
    assert np.isnan(copies.loc["s2", "C"])
    assert gains_and_losses(copies).to_numpy().tolist() == [[-2, -1, 0], [0, 0, 0]]
    with pytest.raises(InputError, match="segments are in hg19, genes in hg38"):
        gene_copies(segments, genes, "hg38")


def test_segments_that_are_none_or_in_another_build(tmp_path: Path) -> None:
    head = "sample,chromosome,start,end,mean\n"
    with pytest.raises(InputError, match="row 2 is no segment"):
        read_segments(_file(tmp_path, head + "s,1,900,100,0.1\n"), build="hg19")
    with pytest.raises(InputError, match="behind the end") as error:
        read_segments(_file(tmp_path, head + "s,3,1,199379566,0.1\n"), build="hg19")
    assert "hg18" in error.value.cure
    with pytest.raises(InputError, match="copies, not log2"):
        read_segments(_file(tmp_path, head + "s,3,1,100,2\ns,3,101,200,4\n"), build="hg19")


def test_expression_either_way_round(tmp_path: Path) -> None:
    across = read_expression(_file(tmp_path, ",A,B\nTCGA.02.0001,-0.5,1.2\nTCGA.02.0003,0.1,-2\n"))
    down = read_expression(_file(tmp_path, ",TCGA.02.0001,TCGA.02.0003\nA,-0.5,0.1\nB,1.2,-2\n", "b.csv"))
    pd.testing.assert_frame_equal(across.values, down.values)
    assert across.scale == "log-ratio"
    with pytest.raises(InputError, match="which are the tumours"):
        read_expression(_file(tmp_path, ",x,y\np,1.5,2\nq,3,4\n", "c.csv"))


@pytest.mark.parametrize(
    ("cells", "scale"), [("0,812", "counts"), ("0.5,12.2", "log-intensity"), ("0.5,812.5", "intensity")]
)
def test_scales(tmp_path: Path, cells: str, scale: str) -> None:
    path = _file(tmp_path, f",A,B\nTCGA-02-0001,{cells}\nTCGA-02-0002,{cells}\n")
    assert read_expression(path).scale == scale
    with pytest.raises(InputError, match=f"was called log-ratio and looks like {scale}"):
        read_expression(path, scale="log-ratio")


def test_holes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tumour TCGA-02-0002, gene B"):
        read_expression(_file(tmp_path, ",A,B\nTCGA-02-0001,1,2\nTCGA-02-0002,1,\n"))


def test_changed_genes_against_normals_and_cohort(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("ABC"))
    values.index = [f"TCGA-02-{number:04d}-{'11' if number < 10 else '01'}A" for number in range(40)]
    values.iloc[20, 1] = 30.0
    values.to_csv(tmp_path / "e.csv")
    tumours, normals = split_normals(read_expression(tmp_path / "e.csv"))
    assert normals is not None
    assert len(normals.values) == 10
    for reference in (normals, None):
        changed = changed_genes(tumours, reference)
        assert changed.iloc[10, 1] == 1
        assert changed.to_numpy().mean() < 0.05
    assert normal_scores(tumours).iloc[:, 1].idxmax() == tumours.values.index[10]


def test_follow_up_of_several_makes(tmp_path: Path) -> None:
    mc3 = "Tumor_Sample_Barcode_min\tCDR_OS\tCDR_OS.time\tCDR_PFI\tCDR_PFI.time\n"
    mc3 += "TCGA-02-0001\t1\t144\t1\t40\nTCGA-02-0002\t0\t\t0\t9\n"
    found = read_clinical(_file(tmp_path, mc3, "a.tsv"))
    assert found.table.loc["TCGA-02-0001", ["os_event", "os_days", "pfi_days"]].tolist() == [1, 144, 40]
    assert found.flow.counts() == [{"step": "clinical", "reason": "no OS status or time", "unit": "patient", "n": 1}]
    portal = "#note\nPATIENT_ID\tOS_STATUS\tOS_MONTHS\nP1\t1:DECEASED\t12\nP2\t0:LIVING\t6\n"
    assert read_clinical(_file(tmp_path, portal, "b.tsv")).table["os_days"].round().tolist() == [365, 183]
    gdc = "submitter_id\tvital_status\tdays_to_death\tdays_to_last_follow_up\nP1\tDead\t7\t'--\nP2\tAlive\t'--\t8\n"
    assert read_clinical(_file(tmp_path, gdc, "c.tsv")).table["os_days"].tolist() == [7, 8]


def test_follow_up_that_contradicts_itself(tmp_path: Path) -> None:
    head = "patient_id,OS,OS.time\n"
    with pytest.raises(InputError, match=r"1 patient.*row 2"):
        read_clinical(_file(tmp_path, head + "P1,1,5\nP1,1,9\n"))
    with pytest.raises(InputError, match="'maybe'"):
        read_clinical(_file(tmp_path, head + "P1,maybe,5\n"))
    assert len(read_clinical(_file(tmp_path, head + "P1,1,5\nP1,1,5\n")).table) == 1


def test_alterations(tmp_path: Path) -> None:
    assert read_alterations(_file(tmp_path, '"A","B"\n1,0\n0,0\n')).index.tolist() == ["tumour 1", "tumour 2"]
    named = read_alterations(_file(tmp_path, ",A,B\nTCGA.02.0001,1,0\n"))
    assert named.loc["TCGA-02-0001"].tolist() == [1, 0]
    with pytest.raises(InputError, match="row 3, B: 'NA'"):
        read_alterations(_file(tmp_path, "A,B\n1,0\n0,NA\n"))
    with pytest.raises(InputError, match="event 'A' is there twice"):
        read_alterations(_file(tmp_path, "A,A\n1,0\n"))


@pytest.mark.data
def test_gistic_of_laml(research_data: Path) -> None:
    folder = research_data / "tumor" / "laml"
    peaks = read_peaks(folder / "del_genes.conf_99.txt")
    lesions = read_lesions(folder / "all_lesions.conf_99.txt")
    losses = peak_genes(lesions, peaks, "loss")
    assert (len(peaks), len(lesions)) == (12, 191)
    assert peaks[0].band == "5q31.2"
    assert (losses["NF1"] < 0).sum() == (lesions[peaks[2].region] < 0).sum() > 0
    assert set(np.unique(losses)) <= {-2, -1, 0}
    assert read_scores(folder / "scores.gistic")["q"].between(0, 1).all()


@pytest.mark.data
def test_gbm_segments_are_in_hg18(research_data: Path) -> None:
    path = research_data / "tumor" / "gbm_icluster" / "gbm_seg.csv.gz"
    with pytest.raises(InputError, match="behind the end"):
        read_segments(path, build="hg19")
    assert read_segments(path, build="hg18").without_mean > 0


def test_the_header_tells_the_separator(tmp_path: Path) -> None:
    for number, text in enumerate(["a,b\n1,2\n", "a\tb\n1\t2\n", "\ufeffa;b\n1;2\n", '"a",b\n"1",2\n']):
        found = read_table(_file(tmp_path, text, f"{number}.csv"))
        assert found.to_dict("list") == {"a": [1], "b": [2]}
    # One column is one column, and is not parted at a letter.
    with pytest.raises(InputError, match="no column of gene symbols") as error:
        read_genes(_file(tmp_path, "FOO1\nBAR2\n"))
    assert "it has FOO1." in error.value.cure
    with pytest.raises(InputError, match="a header and no row"):
        read_table(_file(tmp_path, "a,b\n"))


def test_lengths_that_are_no_numbers_name_the_gene(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TP53 has length nan"):
        read_genes(_file(tmp_path, "gene,length\nTP53,long\n"))


def test_ids_without_events_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has ids and no event"):
        read_alterations(_file(tmp_path, "FOO1\nBAR2\n"))
