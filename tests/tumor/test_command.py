"""The command as a person types it, on a small phantom cohort in files."""

from __future__ import annotations

import gzip
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.tumor.phantom import draw_tumours
from presage.tumor.phantom_files import write_phantom
from presage.tumor.phantom_genome import draw_genome, draw_mutations, draw_rates

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom-tumours")
    write_phantom(draw_tumours(70, drivers=5, passengers=30, genes=150, seed=3), folder, seed=3)
    return folder


@pytest.fixture
def cohort(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "cohort"))


def options(cohort: Path, out: Path) -> list[object]:
    return [
        *("--maf", cohort / "mutations.maf", "--build", "hg19"),
        *("--expression", cohort / "expression.csv", "--permutations", 4, "--out", out),
    ]


def test_tables_pages_and_a_private_key(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = [
        *("--copy-number", cohort / "segments.tsv", "--gene-positions", cohort / "gene_positions.tsv"),
        *("--clinical", cohort / "clinical.tsv", "--gene-lengths", cohort / "gene_lengths.tsv"),
        *("--gene-sets", cohort / "gene_sets.gmt", "--leak", "driver"),
    ]
    code, said, complained = presage("tumor", "drivers", *options(cohort, out), *more)
    assert code == 0, complained
    key = pd.read_csv(out / "key.csv")
    # A patient without any call is not in a MAF: lost, and counted.
    with_calls = set(pd.read_csv(cohort / "mutations.maf", sep="\t")["Tumor_Sample_Barcode"])
    assert set(key["patient_id"]) == with_calls
    assert len(with_calls) < 70
    assert "not in mutations" in (out / "cohort.html").read_text()
    assert f"report: {out / 'cohort.html'} and {len(key)} more pages" in said
    drivers = pd.read_csv(out / "drivers.tsv", sep="\t", comment="#")
    called = drivers[drivers["called"] == "yes"]
    assert len(called) > 10
    assert called["alteration"].str.startswith("DRIVER").mean() > 0.8
    assert set(drivers.loc[drivers["alteration"] == "DRIVER04", "kind"]) == {"amplification"}
    assert (drivers["expression_explained"].between(0, 1)).all()
    assert stat.S_IMODE((out / "key.csv").stat().st_mode) == 0o600
    assert sorted(key["code"]) == sorted(path.stem for path in (out / "tumours").glob("*.html"))
    # No id leaves the key, and made-up data say that they are.
    for path in [*out.glob("*.tsv"), out / "tumours.json", *out.rglob("*.html")]:
        text = path.read_text()
        assert "PHANTOM-0" not in text, path
        assert ("Made-up data" in text) if path.suffix == ".html" else ("PHANTOM" in text or '"phantom": true' in text)
    found = json.loads((out / "tumours.json").read_text())
    assert found["selection"]["tested"] == 35
    one = found["tumours"][0]
    assert one["unexplained"] + sum(a["share"] for a in one["alterations"]) == pytest.approx(1)


def test_same_seed_same_tables(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    for out, threads in (("one", 1), ("two", 2)):
        assert presage("tumor", "drivers", *options(cohort, tmp_path / out), "--threads", threads)[0] == 0
    for name in ("drivers.tsv", "genes.tsv", "key.csv", "cohort.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_ids_of_two_styles_are_shown_and_a_map_joins_them(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    table = pd.read_csv(cohort / "expression.csv", index_col=0)
    own = list(table.index)
    table.set_axis([f"array {n}" for n in range(len(own))]).to_csv(cohort / "expression.csv")
    words = [*options(cohort, tmp_path / "out"), "--rows", "tumours"]
    code, _, complained = presage("tumor", "drivers", *words)
    assert code == 2
    assert "'PHANTOM-0001'" in complained
    assert "'array 0'" in complained
    assert "--patients" in complained
    pd.DataFrame({"id": [f"array {n}" for n in range(len(own))], "patient": own}).to_csv(
        cohort / "whose.csv", index=False
    )
    assert presage("tumor", "drivers", *words, "--patients", cohort / "whose.csv")[0] == 0
    assert "PHANTOM-0001" in (tmp_path / "out" / "key.csv").read_text()


def test_symbols_that_became_dates_are_named(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    text = (cohort / "mutations.maf").read_text()
    (cohort / "mutations.maf").write_text(text.replace("PASSENGER001\t", "1-Mar\t"))
    code, _, complained = presage("tumor", "drivers", *options(cohort, tmp_path / "out"))
    assert code == 2
    assert "likely MARCH1" in complained
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--deg-rule", "normals"], "--deg-rule cohort"),
        (["--deg-threshold", "99"], "lower --deg-threshold"),
        (["--permutations", "3"], "even number"),
        (["--alterations", "x.csv"], "--maf or --alterations"),
        (["--at-least", "71"], "--at-least"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_cure(
    presage: Typed, made: Path, tmp_path: Path, extra: list[str], words: str
) -> None:
    code, _, complained = presage("tumor", "drivers", *options(made, tmp_path / "out"), *extra)
    assert code == 2
    assert words in complained


def test_a_table_of_alterations_and_given_changes(presage: Typed, tmp_path: Path) -> None:
    drawn = draw_tumours(60, drivers=4, passengers=12, genes=100, seed=5)
    ids = [f"PHANTOM-{n}" for n in range(60)]
    pd.DataFrame(drawn.altered, index=ids, columns=drawn.names).to_csv(tmp_path / "altered.csv")
    genes = [f"G{n}" for n in range(100)]
    pd.DataFrame(drawn.expressed, index=ids, columns=genes).to_csv(tmp_path / "changed.csv")
    words = ["--alterations", tmp_path / "altered.csv", "--expression", tmp_path / "changed.csv"]
    out = tmp_path / "out"
    code, _, complained = presage(
        "tumor", "drivers", *words, "--deg-rule", "given", "--permutations", 4, "--out", out, "--leave-out"
    )
    assert code == 0, complained
    found = json.loads((out / "tumours.json").read_text())
    assert "no silent mutations" in found["selection"]["not_computed"]
    assert "was not tested" in (out / "cohort.html").read_text()


def test_without_a_threshold(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    words = ("--evidence", "continuous", "--permutations", 25, "--fdr", 0.1)
    out = tmp_path / "out"
    code, _, complained = presage("tumor", "drivers", *options(cohort, out), *words)
    assert code == 0, complained
    drivers = pd.read_csv(out / "drivers.tsv", sep="\t", comment="#")
    called = drivers["called"] == "yes"
    assert called.sum() > 10
    # The rate is a mean over cohorts; here is one, with few alterations.
    assert drivers.loc[called, "alteration"].str.startswith("DRIVER").mean() > 0.7
    assert drivers.loc[called, "q"].max() <= 0.1
    assert drivers.loc[~called, "q"].min() >= 0.1
    assert drivers["targets_needed"].isna().all()
    for page in (out / "cohort.html", next((out / "tumours").glob("*.html"))):
        assert "hanged gene" not in page.read_text()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--fdr", "0.1"], "--evidence continuous"),
        (["--evidence", "continuous", "--fdr", "1.5"], "false discovery rate 1.5"),
        (["--alpha", "0"], "--alpha 0.01"),
        (["--alpha", "1"], "--alpha 0.01"),
        (["--evidence", "continuous", "--deg-rule", "given", "--expression", "changed.csv"], "--evidence changed"),
    ],
)
def test_evidence_that_cannot_be_is_refused_with_its_cure(
    presage: Typed, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[str], words: str
) -> None:
    monkeypatch.chdir(cohort)
    table = pd.read_csv("expression.csv", index_col=0)
    (table.abs() > 4).astype(int).to_csv("changed.csv")
    code, _, complained = presage("tumor", "drivers", *options(cohort, tmp_path / "out"), *extra)
    assert code == 2
    assert words in complained


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--evidence", "continuous"], "--expression FILE"),
        (["--evidence", "continuous", "--fdr", "0.1"], "--expression FILE"),
        (["--fdr", "0.1"], "--evidence continuous"),
        (["--alpha", "5"], "alpha 5 is no share"),
    ],
)
def test_without_expression_no_evidence_can_be_asked_for(
    presage: Typed, made: Path, tmp_path: Path, extra: list[str], words: str
) -> None:
    given = ["--maf", made / "mutations.maf", "--build", "hg19", "--out", tmp_path / "out"]
    code, _, complained = presage("tumor", "drivers", *given, *extra)
    assert code == 2
    assert words in complained
    assert not (tmp_path / "out").exists()


def test_a_field_is_loaded_when_it_is_used() -> None:
    script = (
        "import sys\nfrom presage import cli\nsys.argv = ['presage', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print(sorted(m for m in sys.modules if m in ('presage.tumor', 'numpy', 'pandas')))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.strip().endswith("[]")
    assert "Commands of the field" in told


def test_help_and_a_mistyped_command(presage: Typed) -> None:
    code, said, _ = presage("tumor", "--help")
    assert code == 0
    assert "drivers" in said
    assert presage("tumor", "driver")[0] == 2
    assert presage("tumour")[0] == 2


def test_selection_by_coding_sequences(presage: Typed, tmp_path: Path) -> None:
    """A phantom genome as the reference: what was read and fitted is said on the page; a bad reference is refused."""
    genome = draw_genome(200, seed=2, codons=120)
    planted = {"PHG0003": ("missense", 30), "PHG0050": ("truncating", 20)}
    table = draw_mutations(genome, draw_rates(), mutations=1500, patients=60, drivers=planted, seed=2)
    table.to_csv(tmp_path / "m.maf", sep="\t", index=False)
    people = sorted(table["Tumor_Sample_Barcode"].unique())
    values = np.random.default_rng(0).normal(size=(len(people), 40))
    values[:10, 0] += 9
    pd.DataFrame(values, people, [f"X{n}" for n in range(40)]).to_csv(tmp_path / "e.csv", index_label="id")
    genome.write_coding(tmp_path / "cds.fa.gz")
    genome.write_genome(tmp_path / "g.fa")
    base = ["tumor", "drivers", "--maf", tmp_path / "m.maf", "--expression", tmp_path / "e.csv", "--permutations", 2]
    base += ["--rows", "tumours", "--out", tmp_path / "out"]
    code, _, complained = presage(*base, "--coding-sequences", tmp_path / "cds.fa.gz")
    assert code == 0, complained
    page = (tmp_path / "out" / "cohort.html").read_text()
    assert "200 genes have a coding sequence" in page
    assert "rates by context (smallest AIC)" in page
    assert "silent changes and each gene's own sequence and the contexts of mutation let expect" in unescape(page)
    assert "protein length" not in page
    genes = pd.read_csv(tmp_path / "out" / "genes.tsv", sep="\t", comment="#").set_index("gene")
    assert (genes.loc[list(planted), "q"].astype(float) < 0.1).all()
    table.drop(columns=["HGVSc"]).to_csv(tmp_path / "m.maf", sep="\t", index=False)
    code, _, complained = presage(*base, "--coding-sequences", tmp_path / "cds.fa.gz", "--genome", tmp_path / "g.fa")
    assert code == 0, complained
    assert "Contexts by genome" in (tmp_path / "out" / "cohort.html").read_text()
    code, _, complained = presage(*base, "--genome", tmp_path / "g.fa")
    assert code != 0
    assert "--coding-sequences" in complained
    (tmp_path / "p.fa").write_text(">P [gene=TP53]\n" + "MEEPQSDPSVEPPLSQETFSDLWKLLPE" * 3 + "\n")
    code, _, complained = presage(*base, "--coding-sequences", tmp_path / "p.fa")
    assert code != 0
    assert "holds proteins" in complained


def _spoil(path: Path, how: str) -> Path:
    """A table in the place of `path` that cannot be read."""
    bad = path.with_name(f"bad-{how}.{'gz' if how == 'cut' else 'csv'}")
    packed = gzip.compress(path.read_bytes())
    bad.write_bytes(
        {"empty": b"", "cut": packed[: len(packed) // 2], "no text": b"id,patient\n\xff\xfe\x81,\x00\n"}[how]
    )
    return bad


@pytest.mark.parametrize("how", ["empty", "cut", "no text"])
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--maf", "mutations.maf"),
        ("--expression", "expression.csv"),
        ("--clinical", "clinical.tsv"),
        ("--gene-lengths", "gene_lengths.tsv"),
        ("--copy-number", "segments.tsv"),
        ("--gene-positions", "gene_positions.tsv"),
        ("--patients", "clinical.tsv"),
        ("--gene-sets", "gene_sets.gmt"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    presage: Typed, cohort: Path, tmp_path: Path, option: str, name: str, how: str
) -> None:
    given = {"--maf": cohort / "mutations.maf", "--expression": cohort / "expression.csv"}
    given |= {"--copy-number": cohort / "segments.tsv"} if option == "--gene-positions" else {}
    given[option] = bad = _spoil(cohort / name, how)
    words = [word for pair in given.items() for word in pair]
    code, _, said = presage("tumor", "drivers", *words, "--build", "hg19", "--permutations", 2, "--out", tmp_path / "o")
    assert code != 0
    assert bad.name in said, said
    assert "Traceback" not in said
    assert "Aborted" not in said


@pytest.mark.parametrize("how", ["empty", "cut", "no text"])
@pytest.mark.parametrize(
    "words",
    [
        ("tumor", "drivers", "--alterations"),
        ("tumor", "progression", "--events"),
        ("tumor", "selection", "--gene-lengths"),
        ("import", "tumors", "--clinical"),
    ],
)
def test_other_commands_name_a_bad_table(
    presage: Typed, cohort: Path, tmp_path: Path, words: tuple[str, ...], how: str
) -> None:
    bad = _spoil(cohort / "clinical.tsv", how)
    more: list[object] = ["--out", tmp_path / "o"]
    if words[1] == "selection":
        more += ["--maf", cohort / "mutations.maf", "--build", "hg19"]
    if words[0] == "import":
        more = ["--build", "hg19"]
        words = (*words[:2], str(cohort / "mutations.maf"), str(tmp_path / "o"), *words[2:])
    code, _, said = presage(*words, bad, *more)
    assert code != 0
    assert bad.name in said, said
    assert "Traceback" not in said
    assert "Aborted" not in said


def test_a_clinical_table_of_other_people_is_refused(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    other = cohort / "other.tsv"
    other.write_text((cohort / "clinical.tsv").read_text().replace("PHANTOM-", "ELSE-"))
    code, _, said = presage("tumor", "drivers", *options(cohort, tmp_path / "out"), "--clinical", other)
    assert code != 0
    assert "other.tsv: no patient of the tumours is in it" in said
    assert "ELSE-" in said
    assert "PHANTOM-" in said


def _with_doubts(cohort: Path) -> Path:
    """The cohort with one patient a second time under another id, and one with very many mutations."""
    table = pd.read_csv(cohort / "mutations.maf", sep="\t", dtype=str)
    names = table["Tumor_Sample_Barcode"].value_counts().index
    first = table[table["Tumor_Sample_Barcode"] == names[0]]
    loud = pd.concat([first.iloc[:1]] * 900).assign(Tumor_Sample_Barcode=names[1])
    loud["Start_Position"] = [str(1000 + 7 * number) for number in range(len(loud))]
    loud["Chromosome"], loud["Hugo_Symbol"] = "1", [f"LOUD{number % 300}" for number in range(len(loud))]
    own = loud[:30].assign(Tumor_Sample_Barcode=names[2])
    own["Start_Position"] = [str(90_000_000 + 11 * number) for number in range(len(own))]
    again = pd.concat([own, table[table["Tumor_Sample_Barcode"] == names[2]]])
    more = pd.concat([table, loud, own, again.assign(Tumor_Sample_Barcode=names[3])])
    path = cohort / "doubts.maf"
    more.to_csv(path, sep="\t", index=False)
    return path


def test_a_metastasis_is_another_tumour_than_the_primary(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    """Its calls change nothing, and the page says that they were left out."""
    calls = pd.read_csv(cohort / "mutations.maf", sep="\t", dtype=str)
    names = {name: f"TCGA-PH-{n:04d}" for n, name in enumerate(sorted(set(calls["Tumor_Sample_Barcode"])))}
    calls["Tumor_Sample_Barcode"] = calls["Tumor_Sample_Barcode"].map(names) + "-01A"
    values = pd.read_csv(cohort / "expression.csv", index_col=0)
    values[values.index.isin(names)].rename(index=names).to_csv(cohort / "expression.csv")
    calls.to_csv(cohort / "mutations.maf", sep="\t", index=False)
    code, _, complained = presage("tumor", "drivers", *options(cohort, tmp_path / "alone"))
    assert code == 0, complained
    others = calls[calls["Tumor_Sample_Barcode"] != calls["Tumor_Sample_Barcode"].iloc[0]].head(40)
    metastasis = others.assign(Tumor_Sample_Barcode=calls["Tumor_Sample_Barcode"].iloc[0].replace("-01A", "-06A"))
    pd.concat([metastasis, calls]).to_csv(cohort / "mutations.maf", sep="\t", index=False)
    code, _, complained = presage("tumor", "drivers", *options(cohort, tmp_path / "both"))
    assert code == 0, complained
    for name in ("drivers.tsv", "key.csv"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert "further or normal sample of a patient in mutations" in (tmp_path / "both" / "cohort.html").read_text()


def test_one_patient_twice_and_hypermutated_ones_are_told(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    maf, out = _with_doubts(cohort), tmp_path / "out"
    code, _, said = presage(
        *("tumor", "drivers", "--maf", maf, "--build", "hg19", "--expression", cohort / "expression.csv"),
        *("--evidence", "continuous", "--fdr", 0.1, "--permutations", 4, "--out", out),
    )
    assert code == 0, said
    assert "warning: 1 pair(s) of samples that count as different patients" in said
    assert "be one patient's: each such patient counts several times: PHANTOM-" in said
    assert "warning: 1 hypermutated patient was kept." in said
    assert "4 permutations is coarse: take --permutations 100" in said
    page = unescape((out / "cohort.html").read_text())
    assert "1 pair(s) of samples that count as different patients" in page
    assert "1 hypermutated patient was kept." in page
    assert "scale of the expression, by its values" in page
    assert "PHANTOM-" not in page
    found = json.loads((out / "tumours.json").read_text())
    entry = next(one for one in found["tumours"] if one["unjudged"]["n"] > 12)
    assert len(entry["unjudged"]["genes"]) == 12
    own = unescape((out / "tumours" / f"{entry['code']}.html").read_text())
    assert f"And {entry['unjudged']['n']} genes altered in fewer than 2 tumours were not judged" in own


def test_an_import_tells_the_same(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    maf = _with_doubts(cohort)
    clinical = pd.read_csv(cohort / "clinical.tsv", sep="\t", dtype=str)
    people = set(pd.read_csv(maf, sep="\t", dtype=str)["Tumor_Sample_Barcode"])
    key = next(name for name in clinical if clinical[name].isin(people).any())
    gone = [name for name in clinical[key] if name in people][:3]
    clinical[~clinical[key].isin(gone)].to_csv(cohort / "fewer.tsv", sep="\t", index=False)
    code, said, complained = presage(
        *("import", "tumors", maf, tmp_path / "made", "--clinical", cohort / "fewer.tsv", "--build", "hg19")
    )
    assert code == 0, complained
    told = said + complained
    assert "3 of the MAF no clinical row" in told
    assert "may be one patient's" in told
    assert "1 hypermutated patient was kept." in told
