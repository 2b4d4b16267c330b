"""From files to a study that ends with a page for every tumour: `presage import tumors`, `presage run`."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from presage import cli
from presage.cohort import InputError
from presage.study import Study
from presage.tumor.command import drivers
from presage.tumor.gathering import gather
from presage.tumor.phantom import draw_tumours
from presage.tumor.phantom_files import write_phantom
from presage.tumor.readers import read_clinical, read_maf
from presage.tumor.reading import Files
from presage.tumor.risk import risk_table
from presage.tumor.study_pages import TumorPages, _codes

Typed = Callable[..., tuple[int, str, str]]


@dataclass
class Made:
    """Files, cohort and a finished run."""

    files: Path
    cohort: Path
    run: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_phantom(draw_tumours(120, drivers=4, passengers=12, genes=40, seed=5), folder, seed=5)
    # Somebody without follow-up is in no study, and still has a page.
    table = pd.read_csv(folder / "clinical.tsv", sep="\t", dtype=str)
    with_calls = pd.read_csv(folder / "mutations.maf", sep="\t")["Tumor_Sample_Barcode"].iloc[0]
    table.loc[table["patient_id"] == with_calls, ["OS", "OS.time"]] = ""
    table.to_csv(folder / "clinical.tsv", sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def made(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Typed once: the cohort, the study and the run."""
    folder = tmp_path_factory.mktemp("study")
    patch = pytest.MonkeyPatch()
    words = [
        *("import", "tumors", files / "mutations.maf", folder / "cohort", "--clinical", files / "clinical.tsv"),
        *("--build", "hg19", "--gene-lengths", files / "gene_lengths.tsv"),
    ]
    study = folder / "cohort" / "study.yaml"
    for typed in (words, ["run", study, "--out", folder / "run", "--workers", 1]):
        patch.setattr("sys.argv", ["presage", *map(str, typed)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        study.write_text(study.read_text().replace("repeats: 4", "repeats: 1"))
    patch.undo()
    return Made(files, folder / "cohort", folder / "run")


def of_others(made: Made, folder: Path) -> str:
    """The study with mutations and follow-up of other people: the files fit each other, and not the cohort."""
    text = (made.cohort / "study.yaml").read_text().replace("cohort: .", f"cohort: {made.cohort}")
    for name in ("mutations.maf", "clinical.tsv"):
        (folder / name).write_text((made.files / name).read_text().replace("PHANTOM-0", "PHANTOM-9"))
        text = text.replace(json.dumps(str(made.files / name)), name)
    return text


def found(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "pages" / "tumors" / "tumours.json").read_text()))


def test_every_tumour_has_a_page_with_the_studys_own_risk(made: Made) -> None:
    document, findings = found(made.run), json.loads((made.run / "findings.json").read_text())
    below = made.run / "pages" / "tumors"
    assert len(list((below / "tumours").glob("*.html"))) == len(document["tumours"])
    scores = findings["scores"]
    first = dict(zip(scores["patients"], scores["scores"]["Tumour risk"][0], strict=True))
    own = {entry["code"]: entry["risk"] for entry in document["tumours"]}
    known = {code: risk for code, risk in own.items() if "marker" in risk}
    assert len(known) > 80
    assert all(risk["marker"] == pytest.approx(first[code]) for code, risk in known.items())
    assert any(risk["reasons"] for risk in known.values())
    assert document["risk"]["section"]["sentence"] == findings["sections"]["survival"]["sentence"]
    strangers = [code for code in own if code.startswith("X")]
    assert len(strangers) == 1
    assert own[strangers[0]]["not_computed"] == "the patient is not in the study"
    # A page for people, without expression, says what is missing; and nobody's id leaves the keys.
    page = (below / "tumours" / f"{next(iter(known))}.html").read_text()
    assert "Risk of death by 3 years" in page
    assert "none was given" in page
    for path in [*below.rglob("*.html"), *below.rglob("*.tsv"), below / "tumours.json"]:
        assert "PHANTOM-0" not in path.read_text(), path


def test_pages_are_left_alone_until_something_changes(made: Made, presage: Typed) -> None:
    below = made.run / "pages" / "tumors"
    before = {path: path.stat().st_mtime_ns for path in below.rglob("*") if path.is_file()}
    findings = (made.run / "findings.json").read_bytes()
    again = ["run", made.cohort / "study.yaml", "--out", made.run, "--workers", 1]
    code, said, complained = presage(*again)
    assert code == 0, complained
    assert f"pages: {below / 'cohort.html'}" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    # A page that is lost, a page of nobody: made again, the same bytes, and the findings are as they were.
    content = {path: path.read_bytes() for path in before}
    one = next(path for path in before if path.parent.name == "tumours")
    one.unlink()
    (below / "tumours" / "T9999.html").write_text("old")
    assert presage(*again)[0] == 0
    assert {path: path.read_bytes() for path in before} == content
    assert not (below / "tumours" / "T9999.html").exists()
    assert (made.run / "findings.json").read_bytes() == findings


def test_findings_are_the_same_without_pages(made: Made, tmp_path: Path, presage: Typed) -> None:
    text = (made.cohort / "study.yaml").read_text()
    plain = Path(shutil.copytree(made.cohort, tmp_path / "cohort")) / "study.yaml"
    plain.write_text(text[: text.index("\n# After the findings")])
    assert presage("run", plain, "--out", tmp_path / "run", "--workers", 1)[0] == 0
    assert (tmp_path / "run" / "findings.json").read_bytes() == (made.run / "findings.json").read_bytes()
    assert not (tmp_path / "run" / "pages").exists()


def test_settings_are_those_of_the_command(made: Made) -> None:
    given = {"maf": made.files / "mutations.maf", "expression": made.files / "expression.csv"}
    pages = TumorPages(**given, evidence="continuous", permutations=25, fdr=0.1, rows="tumours", repair_dates=True)
    assert pages.permutations == 25
    options = set(inspect.signature(drivers).parameters) - {"out", "alterations", "outcome", "horizon", "repeats"}
    assert options - {"threads"} <= set(TumorPages.model_fields)


def test_codes_of_strangers_follow_no_order_of_ids() -> None:
    people = tuple(f"P{number:02d}" for number in range(40))
    codes = _codes(people, {"P00": "P-0001"}, 7)
    assert codes["P00"] == "P-0001"
    strangers = [codes[one] for one in people[1:]]
    assert sorted(strangers) == [f"X{number:04d}" for number in range(1, 40)]
    assert strangers != sorted(strangers)
    assert codes == _codes(people, {"P00": "P-0001"}, 7)


def test_what_no_entry_names_any_more_goes_with_its_key(made: Made, tmp_path: Path, presage: Typed) -> None:
    run = Path(shutil.copytree(made.run, tmp_path / "run"))
    text = (made.cohort / "study.yaml").read_text().replace("cohort: .", f"cohort: {made.cohort}")
    (tmp_path / "study.yaml").write_text(text)
    again = ["run", tmp_path / "study.yaml", "--out", run, "--workers", 1]
    fits = sorted((run / "pages" / "fitted").iterdir())
    old = run / "pages" / "fitted" / f"{fits[0].name.split('-f')[0]}-f00-0123456789ab.facts.json"
    old.write_text("{}")
    (run / "pages" / "earlier").mkdir()
    (run / "pages" / "earlier" / "key.csv").write_text("patient,code\n")
    (run / "pages" / "notes.txt").write_text("a file alone")
    (run / "pages" / "tumors" / "pages.json").unlink()  # made anew
    assert presage(*again)[0] == 0
    assert {path.name for path in (run / "pages").iterdir()} == {"fitted", "tumors"}
    assert sorted((run / "pages" / "fitted").iterdir()) == fits
    # Also where the pages that are named cannot be made.
    (run / "pages" / "earlier").mkdir()
    (run / "pages" / "earlier" / "key.csv").write_text("patient,code\n")
    (tmp_path / "study.yaml").write_text(of_others(made, tmp_path))
    assert presage(*again)[0] == 2
    assert not (run / "pages" / "earlier").exists()
    (tmp_path / "study.yaml").write_text(text[: text.index("\n# After the findings")])
    findings = (run / "findings.json").read_bytes()
    code, said, complained = presage(*again)
    assert code == 0, complained
    assert "pages:" not in said
    assert not (run / "pages").exists()
    assert (run / "findings.json").read_bytes() == findings


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("pages: tumors", "pages: tumor", "pages.0.pages", "did you mean 'tumors'"),
        ("    build: hg19", "    bild: hg19", "pages.0.bild", "did you mean 'build'"),
        ("/mutations.maf", "/mutation.maf", "pages.0.maf", "there is no file"),
        ("    build: hg19", "    permutations: 3", "pages.0.permutations", "even number"),
        ("    build: hg19", "    evidence: continuous", "pages.0.evidence", "expression: FILE"),
        ("    build: hg19", "    fdr: 0.1", "pages.0.fdr", "evidence: continuous, or alpha"),
        ("    build: hg19", "    rows: samples", "pages.0.rows", "'tumours' or 'genes'"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    made: Made, tmp_path: Path, old: str, new: str, where: str, words: str
) -> None:
    text = (made.cohort / "study.yaml").read_text()
    text = text.replace("cohort: .", f"cohort: {made.cohort}").replace(old, new)
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        Study.read(tmp_path / "study.yaml")
    assert where in str(raised.value)
    assert words in str(raised.value)
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if new.strip() in one)
    assert f"line {line}" in str(raised.value)


def test_files_are_found_from_the_study_file(made: Made, tmp_path: Path) -> None:
    shutil.copy(made.files / "mutations.maf", tmp_path / "own.maf")
    text = (made.cohort / "study.yaml").read_text().replace("cohort: .", f"cohort: {made.cohort}")
    text = text.replace(json.dumps(str(made.files / "mutations.maf")), "own.maf")
    (tmp_path / "study.yaml").write_text(text)
    study = Study.read(tmp_path / "study.yaml")
    assert study.pages[0].settings["maf"] == str(tmp_path / "own.maf")
    (tmp_path / "again.yaml").write_text(study.to_yaml())
    assert Study.read(tmp_path / "again.yaml") == study


def test_mutations_of_other_people_are_refused_and_the_findings_stay(
    made: Made, tmp_path: Path, presage: Typed
) -> None:
    (tmp_path / "study.yaml").write_text(of_others(made, tmp_path))
    run = Path(shutil.copytree(made.run, tmp_path / "run"))
    code, _, complained = presage("run", tmp_path / "study.yaml", "--out", run, "--workers", 1)
    assert code == 2
    assert "is in the study" in complained
    assert "the findings are written" in complained
    # What was there before is still there.
    assert (run / "pages" / "tumors" / "cohort.html").exists()


def test_copy_number_gives_columns_to_an_imported_cohort(files: Path, tmp_path: Path, presage: Typed) -> None:
    words = ["import", "tumors", files / "mutations.maf", tmp_path / "cohort", "--clinical", files / "clinical.tsv"]
    where = ("--gene-positions", files / "gene_positions.tsv")
    code, said, complained = presage(*words, "--build", "hg19", "--copy-number", files / "segments.tsv", *where)
    assert code == 0, complained
    table = pd.read_csv(tmp_path / "cohort" / "patients.csv", index_col="patient_id")
    columns = [name for name in table if name.startswith(("cna_amplified_", "cna_lost_"))]
    assert columns
    assert "gene_positions: " in (tmp_path / "cohort" / "study.yaml").read_text()
    assert f"{len(columns)} changes of copy number have a column" in said
    assert set(table[columns].stack().unique()) == {0, 1}
    named = Files(
        maf=files / "mutations.maf",
        copy_number=files / "segments.tsv",
        gene_positions=files / "gene_positions.tsv",
        build="hg19",
    )
    mutations, clinical = read_maf(files / "mutations.maf", build="hg19"), read_clinical(files / "clinical.tsv")
    gathered = risk_table(mutations, clinical, copies=gather(named, at_least=1).copies)
    pd.testing.assert_frame_equal(table[columns].sort_index(), gathered[columns], check_dtype=False)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "--clinical FILE"),
        (["--clinical", "nowhere.tsv"], "no such file"),
        (["--clinical", "clinical.tsv", "--outcome", "dfs"], "os or pfi"),
        (["--clinical", "clinical.tsv", "--outcome", "pfi", "--build", "hg19"], "nobody has PFI follow-up"),
        (["--clinical", "clinical.tsv", "--horizon", "0"], "above 0"),
        (["--clinical", "clinical.tsv", "--horizon", "inf"], "above 0"),
        (["--clinical", "clinical.tsv", "--horizon", "nan"], "above 0"),
        (["--clinical", "clinical.tsv", "--build", "hg19", "--least", "1"], "below 1, not 1"),
        (["--clinical", "clinical.tsv", "--build", "hg19", "--least", "-0.1"], "below 1, not -0.1"),
        (["--clinical", "clinical.tsv", "--build", "hg19", "--least", "nan"], "below 1, not nan"),
        (["--clinical", "clinical.tsv", "--build", "hg19", "--least", "0.99"], "a lower --least"),
    ],
)
def test_an_import_that_cannot_be_is_refused(
    files: Path, tmp_path: Path, presage: Typed, more: list[str], words: str
) -> None:
    given = [str(files / word) if word == "clinical.tsv" else word for word in more]
    code, _, complained = presage("import", "tumors", files / "mutations.maf", tmp_path / "cohort", *given)
    assert code == 2
    assert words in complained
    assert not (tmp_path / "cohort" / "patients.csv").exists()
