"""The command line as a person types it: a mistake ends in one message and exit code 2, never in a traceback."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest

from presage.breast.phantom import make_phantom

STUDY = """\
cohort: .
outcome: {column: cancer}
standard: {marker: percent-density, name: Density, views: [CC]}
markers:
  - {marker: tissue, name: Tissue, views: [CC]}
validation: {folds: 2, repeats: 1, seed: 1}
engine: {name: local, workers: 1}
"""
Typed = Callable[..., tuple[int, str, str]]
Change = Callable[[Any], object]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "cohort"
    make_phantom(folder, women=16, seed=7, size="demo")
    (folder / "study.yaml").write_text(STUDY)
    return folder


@pytest.fixture
def cohort(phantoms: Path, tmp_path: Path) -> Path:
    """A cohort to spoil: its tables are copies, its images are the phantoms'."""
    folder = tmp_path / "cohort"
    (folder / "images").mkdir(parents=True)
    for name in ("patients.csv", "recordings.csv", "cohort.yaml", "study.yaml"):
        shutil.copy(phantoms / name, folder)
    for image in (phantoms / "images").iterdir():
        (folder / "images" / image.name).symlink_to(image)
    return folder


def change(table: Path, **cells: dict[int, str]) -> None:
    frame = pd.read_csv(table, dtype=str)
    for column, rows in cells.items():
        for row, value in rows.items():
            frame.loc[row, column] = value
    frame.to_csv(table, index=False)


def refused(said: tuple[int, str, str], *parts: str) -> None:
    code, _, complaint = said
    assert code == 2, said
    assert "Traceback" not in complaint
    for part in parts:
        assert part in complaint.replace("\n", " ")


def test_what_there_is(presage: Typed) -> None:
    assert presage("--version")[:2] == (0, "0.1.0\n")
    code, said, _ = presage("list")
    assert code == 0
    for name in ("percent-density", "googlenet-lda", "googlenet", "mammogram", "dicom", "mini-mias", "breast"):
        assert name in said
    code, said, _ = presage("import", "--help")
    assert code == 0
    assert {"daic-woz", "dicom", "eatd", "interviews", "mini-mias"} <= set(said.split())
    code, said, _ = presage("import", "dicom", "--help")
    assert code == 0
    assert "--outcomes" in said
    assert "InputError" not in said


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("run nothing.yaml", "there is no such study file"),
        ("run .", "there is no such study file"),
        ("fit nothing.yaml Density model", "there is no such study file"),
        ("report empty", "there are no findings"),
        ("report nowhere", "there are no findings"),
        ("report junk.csv", "not a file of findings"),
        ("report {}.json", "holds no findings of the form"),
        ("show nowhere", "there is no such cohort folder"),
        ("show empty", "there is no patients.csv"),
        ("check empty", "there is no patients.csv"),
        ("check foo://x", "cannot be opened"),
        ("demo nothing", "demos: breast"),
        ("demo --women 21", "even number"),
        ("evaluate missing.csv --outcome a --standard b --markers c", "there is no file missing.csv"),
        ("evaluate junk.csv --outcome a --standard b --markers c", "no column 'patient_id'"),
        ("evaluate junk.csv", "Missing option"),
        ("import", "no importer named"),
        ("import dicm a b", "did you mean 'dicom'"),
        ("import dicom a", "two folders are needed"),
        ("import dicom nowhere new", "there is no such folder"),
        ("import dicom empty new", "holds no file"),
        ("import dicom empty new --outcoms x", "its options: --outcomes"),
        ("import dicom empty new --outcomes", "--outcomes needs a value"),
        ("import mini-mias junk new", "no Info.txt"),
        ("frobnicate", "No such command"),
        ("run", "Missing argument"),
    ],
)
def test_wrong_commands(presage: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, part: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "x").write_text("x")
    (tmp_path / "junk.csv").write_text("a,b\n1,2\n")
    (tmp_path / "{}.json").write_text("{}")
    refused(presage(*words.split()), part)


def test_models_and_places_that_are_none(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    refused(presage("score", cohort, cohort), "no saved marker", "presage fit")
    refused(presage("fit", cohort / "study.yaml", "Densty", tmp_path / "m"), "no marker called 'Densty'", "'Density'")
    refused(presage("show", cohort, "--limit", 1, "--out", "/dev/null/x.png"), "/dev/null", "check the path")
    refused(presage("run", cohort / "study.yaml", "--out", cohort / "study.yaml"), "choose another folder")
    (cohort / "recordings.csv").unlink()
    refused(presage("show", cohort), "there is no recordings.csv")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("validation:", "validaton:", ("line 6", "did you mean 'validation'?")),
        ("folds: 2", "fold: 2", ("line 6", "did you mean 'folds'?")),
        ("marker: tissue", "marker: tisue", ("line 5", "did you mean 'tissue'?")),
        ("name: Tissue, views", "name: Tissue, view", ("line 5", "did you mean 'views'?")),
        ("views: [CC]}\nm", "views: [XX]}\nm", ("line 3", "XX")),
        ("name: Tissue", "name: Density", ("line 5", "two markers are called")),
        ("column: cancer", "column: canser", ("no outcome column 'canser'", "cancer")),
        ("outcome: {column: cancer}\n", "", ("outcome is missing",)),
        ("folds: 2", "folds: two", ("line 6", "integer")),
        ("folds: 2", "folds: 9", ("9 folds need", "use at most 8")),
        ("name: local", "name: slurm", ("line 7", "local")),
        ("cohort: .", "cohort: nowhere", ("there is no such cohort folder",)),
        ("seed: 1}", "seed: 1, splits: none.csv}", ("there is no such splits file",)),
        ("engine:", "report: {specificites: [0.8]}\nengine:", ("line 7", "did you mean 'specificities'?")),
        ("engine:", "report: {specificities: [80]}\nengine:", ("line 7", "not a percentage")),
        ("engine:", "  x: [1,\nengine:", ("not YAML",)),
    ],
)
def test_wrong_studies(
    presage: Typed, cohort: Path, tmp_path: Path, old: str, new: str, parts: tuple[str, ...]
) -> None:
    assert old in STUDY
    (cohort / "study.yaml").write_text(STUDY.replace(old, new))
    refused(presage("run", cohort / "study.yaml", "--out", tmp_path / "run"), *parts)


def test_wrong_tables(presage: Typed, phantoms: Path, cohort: Path, tmp_path: Path) -> None:
    study, run = cohort / "study.yaml", tmp_path / "run"

    def spoilt(name: str, **cells: dict[int, str]) -> tuple[int, str, str]:
        change(cohort / name, **cells)
        said = presage("run", study, "--out", run)
        shutil.copy(phantoms / name, cohort)
        return said

    refused(spoilt("patients.csv", patient_id={1: "P0001"}), "P0001 (lines 2, 3)", "give two persons two ids")
    refused(spoilt("patients.csv", cancer={0: "2"}), "must be 0 or 1", "P0001: 2", "correct these cells")
    refused(spoilt("patients.csv", cancer=dict.fromkeys(range(16), "1")), "16 of 16 patients are cases", "both classes")
    refused(spoilt("recordings.csv", path={0: "../outside.dcm"}), "line 2", "leads out of the cohort folder")
    refused(spoilt("recordings.csv", path={0: "/etc/passwd"}), "line 2", "outside the cohort folder")
    refused(spoilt("recordings.csv", patient_id={0: "P0099"}), "P0099 (line 2)", "patients.csv does not list")
    weights = tmp_path / "other.safetensors"
    weights.write_bytes(b"no tensors")
    study.write_text(STUDY.replace("marker: tissue", f"marker: googlenet-lda, weights: {weights}"))
    refused(presage("run", study, "--out", run), "other.safetensors")


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ("0,0,{a},train\n0,0,{b},train\n0,0,{a},test\n0,0,{c},test\n", ("this split leaks", "{a}", "one side only")),
        ("0,0,{a},train\n0,0,{b},train\n0,0,{c},test\n0,0,{d},test\n", ("no cases", "both sides")),
    ],
)
def test_wrong_splits(presage: Typed, cohort: Path, tmp_path: Path, rows: str, parts: tuple[str, ...]) -> None:
    patients = pd.read_csv(cohort / "patients.csv", dtype=str)
    cases, controls = (list(patients.loc[patients["cancer"] == value, "patient_id"]) for value in "10")
    ids = {"a": cases[0], "b": controls[0], "c": controls[1], "d": controls[2]}
    (cohort / "mine.csv").write_text("repeat,fold,patient_id,role\n" + rows.format(**ids))
    (cohort / "study.yaml").write_text(STUDY.replace("seed: 1}", "seed: 1, splits: mine.csv}"))
    said = presage("run", cohort / "study.yaml", "--out", tmp_path / "run")
    refused(said, "mine.csv, repeat 0, fold 0", *(part.format(**ids) for part in parts))


def rewrite(image: Path, edit: Change) -> None:
    dataset = pydicom.dcmread(image)
    image.unlink()
    edit(dataset)
    dataset.save_as(image)


def too_few_bits(image: Any) -> None:
    image.BitsStored, image.HighBit = 8, 7


def black(image: Any) -> None:
    image.PixelData = bytes(len(image.PixelData))


def hand(image: Any) -> None:
    """A palm and five fingers, under the tags of a mammogram."""
    rows, columns = image.Rows, image.Columns
    y, x = np.mgrid[:rows, :columns]
    picture = np.where((y - rows // 2) ** 2 + (x - columns // 2) ** 2 < (columns // 5) ** 2, 2500, 0)
    for finger in range(-2, 3):
        centre = columns // 2 + finger * columns // 14
        picture[rows // 6 : rows // 2, centre - columns // 45 : centre + columns // 45] = 2300
    image.PixelData = picture.astype(np.uint16).tobytes()


def other_modality(image: Any) -> None:
    image.Modality, image.BodyPartExamined = "DX", "HAND"


def test_images_that_cannot_be_used_are_counted(presage: Typed, cohort: Path, tmp_path: Path) -> None:
    recordings = pd.read_csv(cohort / "recordings.csv", dtype=str)
    above = recordings[recordings["view"] == "CC"].reset_index().merge(pd.read_csv(cohort / "patients.csv", dtype=str))
    # Cases and controls in turn, so that both are left for a study.
    above = above.assign(turn=above.groupby("cancer").cumcount()).sort_values(["turn", "cancer"])
    rows, seen = list(above["index"]), [cohort / path for path in above["path"]]
    whole = seen[0].read_bytes()
    seen[0].unlink()
    seen[0].write_bytes(whole[: len(whole) // 2])
    seen[1].unlink()
    seen[1].write_bytes(b"no image" * 100)
    for image, edit in zip(seen[2:6], (too_few_bits, black, hand, other_modality), strict=True):
        rewrite(image, edit)
    change(cohort / "recordings.csv", laterality={rows[6]: ""}, view={rows[7]: "ML"})
    code, said, _ = presage("check", cohort)
    assert code == 0
    assert "laterality missing" in said
    code, said, complaint = presage("run", cohort / "study.yaml", "--out", tmp_path / "run")
    assert code == 0, complaint
    about = json.loads((tmp_path / "run" / "findings.json").read_text())["cohort"]
    assert about["n_patients"] == 8
    reasons = {row["reason"] for row in about["flow"] if row["unit"] == "recording"}
    assert {"truncated file", "blank image", "grey levels beyond the stated bits"} <= reasons
    assert {"laterality missing", "view ML, not CC or MLO", "not a DICOM file", "not a mammogram"} <= reasons
    assert sum(row["n"] for row in about["flow"] if row["unit"] == "recording") == 8


def test_a_full_disk_says_where_and_the_run_goes_on(
    presage: Typed, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(path: Path, *arguments: Any, **keywords: Any) -> int:
        if path.name == "report.html.part":
            path.write_bytes(b"half of a pa")
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *arguments, **keywords)

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        refused(presage("run", cohort / "study.yaml", "--out", tmp_path / "run"), "report.html", "free space")
    assert not list((tmp_path / "run").glob("*.part"))
    assert presage("run", cohort / "study.yaml", "--out", tmp_path / "run")[0] == 0


def test_ctrl_c_says_that_the_run_goes_on(
    presage: Typed, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("presage.study.planning.prepared", stopped)
    code, _, complaint = presage("run", cohort / "study.yaml", "--out", tmp_path / "run")
    assert code == 130
    assert complaint == "stopped; the same command goes on from the finished tasks\n"


def test_the_path_of_the_handbook(
    presage: Typed, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/how-to/own-cohort.md, with telling ids in the hospital's files; then the run moves house without images."""
    monkeypatch.chdir(tmp_path)
    patients = pd.read_csv(phantoms / "patients.csv", dtype=str)
    names = {pid: f"SMITH-{number:03d}" for number, pid in enumerate(patients["patient_id"])}
    source = tmp_path / "pacs"
    for row in pd.read_csv(phantoms / "recordings.csv", dtype=str).itertuples():
        image = pydicom.dcmread(phantoms / str(row.path))
        image.PatientID, image.PatientName = names[str(row.patient_id)], "Smith^Mary"
        (source / names[str(row.patient_id)]).mkdir(parents=True, exist_ok=True)
        image.save_as(source / names[str(row.patient_id)] / f"IM{row.Index}")
    patients.assign(patient_id=patients["patient_id"].map(names)).drop(columns="match_set").to_csv(
        "o.csv", index=False, sep=";"
    )

    code, said, complaint = presage("import", "dicom", "pacs", "cohort", "--outcomes", "o.csv")
    assert code == 0, complaint
    assert "16 patients, 32 recordings" in said
    assert (tmp_path / "cohort.key").stat().st_mode & 0o777 == 0o600
    assert "made up" in presage("check", "cohort")[1]  # a phantom stays one
    assert presage("show", "cohort", "--out", "sheet.png", "--limit", 4)[0] == 0
    (tmp_path / "cohort" / "study.yaml").write_text(STUDY)
    code, said, complaint = presage("run", "cohort/study.yaml", "--out", "runs/first")
    assert code == 0, complaint
    run = tmp_path / "runs" / "first"
    assert presage("fit", "cohort/study.yaml", "Tissue", "model")[0] == 0
    assert presage("score", "model", "cohort", "--out", "scores.csv")[0] == 0
    assert pd.read_csv("scores.csv")["score"].notna().sum() == 16

    private = {"key.csv", "splits.csv", "patients.csv", "recordings.csv", "done.json"}
    ids = list(pd.read_csv(tmp_path / "cohort" / "patients.csv", dtype=str)["patient_id"])
    for file in [path for folder in (run, tmp_path / "model") for path in folder.rglob("*") if path.is_file()]:
        assert b"SMITH-0" not in file.read_bytes(), file
        if file.name in private:
            assert file.stat().st_mode & 0o077 == 0, file
        else:
            assert not any(pid.encode() in file.read_bytes() for pid in ids), file
    assert str(tmp_path) not in (run / "report.html").read_text() + (run / "findings.json").read_text()

    page = (run / "report.html").read_bytes()
    elsewhere = shutil.copytree(run, tmp_path / "elsewhere")
    for gone in (tmp_path / "cohort", run, elsewhere / "cohort", elsewhere / "tasks"):
        shutil.rmtree(gone)
    (elsewhere / "report.html").unlink()
    assert presage("report", elsewhere)[0] == 0
    assert (elsewhere / "report.html").read_bytes() == page
