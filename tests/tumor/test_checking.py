"""Files of a study's pages that cannot be used are refused before the study runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from presage.cohort import InputError
from presage.study import Study
from presage.study.prepare import read_selected
from presage.tumor.gathering import gather
from presage.tumor.people import owners_in
from presage.tumor.phantom import draw_tumours
from presage.tumor.phantom_files import write_phantom
from presage.tumor.reading import Files
from presage.tumor.risk import risk_table
from presage.tumor.study_pages import TumorPages

Typed = Callable[..., tuple[int, str, str]]
NAMES = {
    "maf": "mutations.maf",
    "expression": "expression.csv",
    "copy_number": "segments.tsv",
    "gene_positions": "gene_positions.tsv",
    "clinical": "clinical.tsv",
    "gene_lengths": "gene_lengths.tsv",
    "gene_sets": "gene_sets.gmt",
}
STUDY = SimpleNamespace(markers=[SimpleNamespace(name="Tumour risk")])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_phantom(draw_tumours(60, drivers=4, passengers=12, genes=40, seed=5), folder, seed=5)
    (folder / "cds.fa").write_text(">DRIVER01\nATGGCCTAA\n")
    return folder


def settings(files: Path, **more: Any) -> dict[str, Any]:
    return {name: files / own for name, own in NAMES.items()} | {"build": "hg19"} | more


def first_line(text: str, old: str, new: str) -> str:
    head, rest = text.split("\n", 1)
    assert old in head
    return f"{head.replace(old, new)}\n{rest}"


def with_build(build: str) -> Callable[[str], str]:
    def stated(text: str) -> str:
        head, *rows = text.splitlines()
        return "\n".join([f"{head}\tNCBI_Build", *(f"{row}\t{build}" for row in rows)]) + "\n"

    return stated


def calls(*rows: str) -> Callable[[str], str]:
    """Calls at the end of the file: gene, chromosome and position."""

    def added(text: str) -> str:
        sample = text.splitlines()[1].split("\t")[8]
        more = [f"{row.replace(' ', chr(9))}\t1\tMissense_Mutation\tSNP\tC\tT\t{sample}\tp.A1V\n" for row in rows]
        return text + "".join(more)

    return added


def test_good_files_are_not_refused(files: Path) -> None:
    assert TumorPages(**settings(files)).check(STUDY) is None
    assert TumorPages(maf=files / "mutations.maf", build="GRCh37").check(STUDY) is None
    assert TumorPages(**settings(files, coding_sequences=files / "cds.fa")).check(STUDY) is None
    turned = files / "turned.csv"
    turned.write_text("\n".join(",".join(row) for row in zip(*_cells(files / "expression.csv"), strict=True)) + "\n")
    assert TumorPages(**settings(files, expression=turned)).check(STUDY) is None


def _cells(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("setting", "spoil", "named", "told", "cure"),
    [
        ("maf", with_build("38"), "build", "says genome build hg38, and hg19 was asked for", "Lift it over"),
        ("maf", calls("TP53 17 7675088"), "build", "1 call(s) in often mutated genes lie where hg38", "is in hg38"),
        ("maf", calls("NO 8 146000000", "NO 3 198100000"), "build", "behind the end", "probably in hg18 or hg38"),
        ("maf", lambda text: first_line(text, "Variant_Classification", "Class"), "maf", "no column for effect", "has"),
        ("maf", lambda text: "<html></html>\n", "maf", "is no mutation table", "Rename the column"),
        ("maf", lambda text: text.replace("Silent", "Quiet"), "maf", "not known: Quiet", "MAF names"),
        ("maf", calls("NO 1 nowhere"), "maf", "start is 'nowhere', a number was expected", "correct the row"),
        ("expression", lambda text: text.replace("PHANTOM", "ELSE"), "expression", "'PHANTOM-", "`patients:` FILE.csv"),
        ("expression", lambda text: text.replace("\nPHANTOM-0001,", "\nPHANTOM-0001,x", 1), "expression", "'x", "hole"),
        ("expression", lambda text: "a\n1\n", "expression", "nobody of the mutations is in it", "`patients:`"),
        ("expression", lambda text: "", "expression", "is empty", "header"),
        ("copy_number", lambda text: first_line(text, "Segment_Mean", "M"), "copy_number", "no column for mean", "has"),
        ("copy_number", lambda text: text.replace("900000", "900000000"), "copy_number", "in hg19", "no known build"),
        ("copy_number", lambda text: text.replace("PHANTOM", "ELSE"), "copy_number", "'ELSE-", "`patients:`"),
        ("gene_positions", lambda text: first_line(text, "start", "from"), "gene_positions", "no column start", "end"),
        ("clinical", lambda text: first_line(text, "OS.time", "time"), "clinical", "no survival", "OS.time"),
        ("clinical", lambda text: text.replace("PHANTOM", "ELSE"), "clinical", "'ELSE-", "`patients:` FILE.csv"),
        ("gene_lengths", lambda text: first_line(text, "aa", "bb"), "gene_lengths", "protein lengths", "aa.length"),
        ("gene_sets", lambda text: "SET\tof nothing\n", "gene_sets", "line 1 has no genes", "GMT"),
        ("coding_sequences", lambda text: "MKV\n", "coding_sequences", "is no FASTA", "FASTA"),
        ("genome", lambda text: ">1\nACGT\n", "genome", "has no index", "samtools faidx"),
        ("patients", lambda text: "a,b\n1,2\n", "patients", "no columns id and patient", "one row for each id"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_setting(
    files: Path, tmp_path: Path, setting: str, spoil: Callable[[str], str], named: str, told: str, cure: str
) -> None:
    good = files / NAMES.get(setting, "cds.fa")
    bad = tmp_path / f"spoilt-{setting}.txt"
    bad.write_text(spoil(good.read_text()))
    found = TumorPages(**settings(files, **{setting: bad})).check(STUDY)
    assert found is not None
    assert found.location == (named,)
    assert found.what.startswith(f"{bad.name}: ")
    assert told in found.what
    assert cure in found.cure


def test_settings_that_the_files_or_the_study_cannot_serve(files: Path) -> None:
    for more, named, told in (
        ({"build": None}, "maf", "mutations.maf: does not say its genome build"),
        ({"build": "hg20"}, "build", "genome build 'hg20' is not known"),
        ({"deg_rule": "normals"}, "expression", "expression.csv: 0 normal sample(s)"),
        ({"deg_rule": "given"}, "expression", "0 or 1 was expected"),
        ({"rows": "genes"}, "expression", "no patient is both in mutations and in expression"),
        ({"genome": files / "cds.fa"}, "genome", "cds.fa: has no index"),
        ({"marker": "Tumor risk"}, "marker", "there is no marker called 'Tumor risk'"),
    ):
        found = TumorPages(**settings(files, **more)).check(STUDY)
        assert found is not None, more
        assert found.location == (named,), more
        assert told in found.what
        assert found.cure
        assert "--" not in found.cure


def test_too_few_tumours_in_all_tables(files: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    few.write_text("\n".join((files / "expression.csv").read_text().splitlines()[:12]) + "\n")
    found = TumorPages(**settings(files, expression=few)).check(STUDY)
    assert found is not None
    assert "needs 20 at the least" in found.what


def test_ids_that_a_map_tells(files: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text((files / "expression.csv").read_text().replace("PHANTOM-", "ELSE-"))
    ids = [f"{number:04d}" for number in range(0, 61)]
    (tmp_path / "ids.csv").write_text("id,patient\n" + "".join(f"ELSE-{one},PHANTOM-{one}\n" for one in ids))
    given = settings(files, expression=other, patients=tmp_path / "ids.csv")
    assert TumorPages(**given).check(STUDY) is None


def test_with_a_map_the_cohort_is_the_same(files: Path, tmp_path: Path) -> None:
    """Samples under barcodes of a sample's level, patients under names of the hospital's."""
    for name in ("mutations.maf", "expression.csv", "clinical.tsv"):
        new = r"H\1" if name == "clinical.tsv" else r"TCGA-02-\1-01"
        (tmp_path / name).write_text(re.sub(r"PHANTOM-(\d{4})", new, (files / name).read_text()))
    ids = [f"{number:04d}" for number in range(0, 61)]
    (tmp_path / "ids.csv").write_text("id,patient\n" + "".join(f"TCGA-02-{one}-01,H{one}\n" for one in ids))
    tables = {"maf": "mutations.maf", "expression": "expression.csv", "clinical": "clinical.tsv"}
    before = gather(Files(**{name: files / own for name, own in tables.items()}, build="hg19"))
    own = {name: tmp_path / file for name, file in tables.items()}
    after = gather(Files(**own, build="hg19", patients=tmp_path / "ids.csv"))
    assert after.patients == tuple(name.replace("PHANTOM-", "H") for name in before.patients)
    assert (after.altered.to_numpy() == before.altered.to_numpy()).all()
    assert after.changed is not None
    assert before.changed is not None
    assert (after.changed.to_numpy() == before.changed.to_numpy()).all()
    tables_of_risk = [risk_table(one.mutations, one.clinical) for one in (before, after)]
    assert len(tables_of_risk[1]) == len(tables_of_risk[0]) > 40
    assert (tables_of_risk[1]["burden"].to_numpy() == tables_of_risk[0]["burden"].to_numpy()).all()
    pages = TumorPages(**own, build="hg19", patients=tmp_path / "ids.csv")
    assert pages.check(STUDY) is None
    assert pages.check_patients(after.patients) is None


def test_a_name_that_means_two_people_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("id,patient\n1,2\n2,3\n3,3\n")
    with pytest.raises(InputError, match="'2' is a patient, and also an id of patient '3'"):
        owners_in(tmp_path / "ids.csv")


@pytest.fixture(scope="module")
def cohort(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from presage.tumor.importer import import_tumors

    folder = tmp_path_factory.mktemp("made") / "cohort"
    import_tumors(str(files / "mutations.maf"), str(folder), clinical=files / "clinical.tsv", build="hg19")
    return folder


def rewritten(cohort: Path, folder: Path, old: str, new: str) -> Path:
    text = (cohort / "study.yaml").read_text()
    assert old in text
    path = folder / "study.yaml"
    path.write_text(text.replace("cohort: .", f"cohort: {cohort}").replace(old, new))
    return path


def test_a_wrong_build_is_refused_with_its_line_by_every_command(
    files: Path, cohort: Path, tmp_path: Path, presage: Typed
) -> None:
    maf = tmp_path / "known.maf"
    maf.write_text(calls("TP53 17 7577120")((files / "mutations.maf").read_text()))
    study = rewritten(cohort, tmp_path, str(files / "mutations.maf"), str(maf))
    Study.read(study)
    study.write_text(study.read_text().replace("build: hg19", "build: hg38"))
    line = next(n for n, one in enumerate(study.read_text().splitlines(), start=1) if "build: hg38" in one)
    for words in (["run", study], ["cost", study]):
        code, _, complained = presage(*words, "--out", tmp_path / "run")
        assert code == 2
        assert f"line {line}, pages.0.build: known.maf: 1 call(s) in often mutated genes lie where hg19" in complained
        assert "The file is in hg19" in complained
        assert not (tmp_path / "run").exists()


def test_mutations_of_nobody_in_the_study_are_refused_once_the_cohort_is_read(
    files: Path, cohort: Path, tmp_path: Path
) -> None:
    maf = tmp_path / "other.maf"
    maf.write_text((files / "mutations.maf").read_text().replace("PHANTOM-0", "PHANTOM-9"))
    clinical = tmp_path / "other.tsv"
    clinical.write_text((files / "clinical.tsv").read_text().replace("PHANTOM-0", "PHANTOM-9"))
    path = rewritten(cohort, tmp_path, str(files / "mutations.maf"), str(maf))
    path.write_text(path.read_text().replace(str(files / "clinical.tsv"), str(clinical)))
    study = Study.read(path)
    with pytest.raises(InputError, match=r"none of the \d+ patients of the mutation table is in") as raised:
        read_selected(study)
    assert raised.value.where == "pages.0.maf"
    assert raised.value.what.startswith("other.maf: ")
    assert "'PHANTOM-9" in raised.value.what
    assert "patients: FILE.csv" in raised.value.cure
