"""The folder: valid DICOM that Presage reads, the same from the same seed, resumable, and marked as made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import yaml

from presage.breast import read_mammogram
from presage.breast.demo import BreastDemo
from presage.breast.phantom import draw_women, make_phantom
from presage.breast.phantom.picture import make_picture
from presage.cohort import Cohort, InputError, Outcome

WOMEN, SEED = 6, 42


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("phantom") / "cohort"
    make_phantom(path, women=WOMEN, seed=SEED, workers=2)
    return path


@pytest.fixture(scope="module")
def headers(folder):
    return [pydicom.dcmread(p) for p in sorted((folder / "images").glob("*.dcm"))]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_cohort_reads_whole(folder):
    cohort = Cohort.read(str(folder))
    assert cohort.phantom
    assert "made up" in cohort.name
    assert cohort.description.startswith("PHANTOM")
    assert len(cohort) == WOMEN
    assert len(cohort.iter_recordings("mammogram")) == 2 * WOMEN
    assert not len(cohort.flow)
    assert cohort.outcome_columns == ("cancer",)
    assert cohort.with_outcome(Outcome("cancer")).cases().sum() == WOMEN // 2


def test_patients_table_hides_the_oracle(folder):
    patients = pd.read_csv(folder / "patients.csv")
    assert list(patients.columns) == ["patient_id", "cancer", "age", "bi_rads_density", "site", "match_set"]
    oracle = pd.read_csv(folder / "oracle.csv")
    assert {"patient_id", "oracle_risk", "percent_density"} <= set(oracle.columns)
    assert oracle["oracle_risk"].between(0, 1).all()
    assert "oracle" not in (folder / "recordings.csv").read_text()


def test_headers_are_complete_and_say_phantom(headers):
    for header in headers:
        assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.2"
        assert header.file_meta.MediaStorageSOPInstanceUID == header.SOPInstanceUID
        assert (header.Modality, header.PresentationIntentType) == ("MG", "FOR PRESENTATION")
        assert str(header.PatientName) == "PHANTOM"
        assert "made-up" in header.ImageComments
        assert header.Manufacturer.startswith("PHANTOM")
        assert (header.BitsAllocated, header.BitsStored, header.HighBit) == (16, 12, 11)
        assert header.pixel_array.max() < 4096
        assert [float(v) for v in header.ImagerPixelSpacing] == [0.25, 0.25]
        assert header.ImageLaterality in "LR"
        assert header.ViewPosition in ("CC", "MLO")
        code = {"CC": "399162004", "MLO": "399368009"}[header.ViewPosition]
        assert header.ViewCodeSequence[0].CodeValue == code
        assert "WindowCenter" in header or "VOILUTSequence" in header
        for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "PatientOrientation", "RescaleSlope"):
            assert name in header
    assert len({header.SOPInstanceUID for header in headers}) == len(headers)


def test_makers_differ_in_how_they_store(headers):
    stored = {(h.PhotometricInterpretation, "VOILUTSequence" in h) for h in headers}
    assert stored == {("MONOCHROME1", False), ("MONOCHROME2", False), ("MONOCHROME2", True)}


def test_every_maker_is_read_as_the_same_kind_of_picture(folder):
    women = {w.patient_id: w for w in draw_women(WOMEN, SEED)}
    seen = set()
    for recording in Cohort.read(str(folder)).iter_recordings("mammogram"):
        woman = women[recording.patient_id]
        read = read_mammogram(recording)
        drawn = make_picture(woman, recording["view"], SEED, 0.25)
        drawn = drawn if woman.laterality == "L" else drawn[:, ::-1]
        assert (read.laterality, read.view, read.spacing_mm) == (woman.laterality, recording["view"], 0.25)
        assert read.origin == "for-presentation"
        assert read.pixels.shape == drawn.shape
        # Black air, bright gland and the chest wall left, whatever the photometric interpretation.
        assert read.pixels[:, -2:].mean() < 0.02 < read.pixels[:, :40].mean()
        assert np.corrcoef(read.pixels.ravel(), drawn.ravel())[0, 1] > 0.995
        seen.add((woman.vendor, woman.laterality))
    assert {vendor for vendor, _ in seen} == {"PHANTOM A", "PHANTOM B", "PHANTOM C"}
    assert {side for _, side in seen} == {"L", "R"}


def test_for_processing_is_read_too(tmp_path):
    cohort = make_phantom(tmp_path / "raw", women=4, seed=1, intent="for-processing", workers=2)
    for recording in cohort.iter_recordings():
        read = read_mammogram(recording)
        assert read.origin == "for-processing"
        assert read.pixels[:, -2:].mean() < read.pixels[:, :40].mean()


def test_segmented_density_follows_the_truth(folder):
    from presage.breast import segment

    truth = pd.read_csv(folder / "oracle.csv").set_index("patient_id")["percent_density"]
    for view in ("CC", "MLO"):
        pairs = []
        for recording in Cohort.read(str(folder)).iter_recordings("mammogram"):
            if recording["view"] == view:
                tissue = segment(read_mammogram(recording), spacing_mm=0.4)
                pairs.append((truth[recording.patient_id], 100 * tissue.dense.sum() / tissue.breast.sum()))
        assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.9


def test_bytes_do_not_depend_on_workers_or_interruption(folder, tmp_path):
    again = tmp_path / "again"

    def stop(done: int, total: int) -> None:
        assert total == 2 * WOMEN
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_phantom(again, women=WOMEN, seed=SEED, workers=1, progress=stop)
    assert not (again / "cohort.yaml").exists()
    made = set((again / "images").glob("*.dcm"))
    assert 3 <= len(made) < 2 * WOMEN
    kept = {path: path.stat().st_mtime_ns for path in made}
    counted: list[int] = []
    make_phantom(again, women=WOMEN, seed=SEED, workers=3, progress=lambda done, total: counted.append(done))
    assert counted[-1] == 2 * WOMEN
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert contents(again) == contents(folder)


def test_full_disk_is_said_and_the_next_call_goes_on(folder, tmp_path, monkeypatch):
    from pydicom.dataset import Dataset

    half = tmp_path / "half"
    (half / "images").mkdir(parents=True)
    (half / "phantom.json").write_bytes((folder / "phantom.json").read_bytes())
    (half / "images" / ".P0001_L_CC.dcm.1.part").write_bytes(b"left by a killed run")
    save = Dataset.save_as

    def fill(self, path, **options):
        save(self, path, **options)
        if self.PatientID == "P0003":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Dataset, "save_as", fill)
        with pytest.raises(InputError, match="No space left on device"):
            make_phantom(half, women=WOMEN, seed=SEED, workers=1)
    assert not list((half / "images").glob("*P0003*"))
    make_phantom(half, women=WOMEN, seed=SEED)
    assert contents(half) == contents(folder)


def test_finished_cohort_is_not_made_again(folder):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    make_phantom(folder, women=WOMEN, seed=SEED, progress=lambda done, total: pytest.fail("made again"))
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_another_cohort_is_not_overwritten(folder, tmp_path):
    with pytest.raises(InputError, match="other settings"):
        make_phantom(folder, women=WOMEN, seed=SEED + 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "patients.csv").write_text("patient_id\n")
    with pytest.raises(InputError, match="not empty"):
        make_phantom(tmp_path / "mine", women=4)
    assert (tmp_path / "mine" / "patients.csv").read_text() == "patient_id\n"


@pytest.mark.parametrize("wrong", [{"size": "huge"}, {"intent": "for-fun"}, {"women": 5}])
def test_impossible_settings_are_refused_before_anything_is_written(wrong, tmp_path):
    with pytest.raises(InputError):
        make_phantom(tmp_path / "none", **wrong)
    assert not (tmp_path / "none").exists()


def test_demo_writes_studies_that_can_be_read(tmp_path):
    from presage.study.plan import Study

    demo = BreastDemo()
    assert "made-up" in demo.summary
    path = demo.build(tmp_path, women=4, seed=3)
    assert path == tmp_path / "study.yaml"
    short, long = Study.read(path), Study.read(tmp_path / "study-full.yaml")
    assert "made up" in short.title
    assert short.cohort == str(tmp_path / "cohort")
    assert short.standard.marker == "percent-density"
    assert [plan.marker for plan in short.markers] == ["googlenet-lda", "googlenet-lda", "googlenet"]
    assert len(long.markers) == 12
    assert (long.validation.folds, long.validation.repeats) == (10, 10)
    assert yaml.safe_load((tmp_path / "cohort" / "cohort.yaml").read_text())["phantom"] is True
    assert json.loads((tmp_path / "cohort" / "phantom.json").read_text())["women"] == 4
    written = path.stat().st_mtime_ns
    assert demo.build(tmp_path, women=4, seed=3) == path
    assert path.stat().st_mtime_ns == written
