"""A folder of DICOM files to a cohort that says nothing of any person."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from breast.dicom_files import DEFLATED, PROCESSING, breast_values, compress, mammogram_dataset, save
from presage.breast import read_mammogram
from presage.breast.importers import import_dicom
from presage.cohort import Cohort, InputError, Recording

SECRETS = ("Doe", "Jane", "DOE", "19600102", "20150304", "20170506", "A-17", "St. Elsewhere", "ACC123")


def put(folder: Path, name: str, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    values = breast_values(64, 48, laterality=elements.get("laterality", "L"))
    values[0, 20:23] = zlib.crc32(repr((name, elements)).encode()) & 0xFF, len(name), len(elements)
    identity = {"InstitutionName": "St. Elsewhere", "AccessionNumber": "ACC123", "PatientComments": "Jane Doe, A-17"}
    dataset = mammogram_dataset(values, **{**identity, "PatientID": "A-17", **elements})
    dataset.add_new((0x0009, 0x0010), "LO", "St. Elsewhere")
    if syntax == JPEG2000Lossless:
        compress(dataset, syntax).save_as(path)
        return path
    return save(dataset, path, syntax)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two visits of one woman, one of another, and what must be left out."""
    source = tmp_path / "source"
    put(source, "Doe_Jane/IM1", laterality="L", view="CC", StudyDate="20170506")
    put(source, "Doe_Jane/IM2", laterality="R", view="MLO", StudyDate="20170506")
    put(source, "Doe_Jane/IM3.dcm", laterality="L", view="CC")
    put(source, "other/x", PatientID="B-2", PatientName="Roe^Ann", laterality="R", view="CC")
    put(source, "other/ml", PatientID="B-2", PatientName="Roe^Ann", ViewPosition="ML", ViewCodeSequence=None)
    put(source, "other/nobody", PatientID="")
    put(source, "other/burned", BurnedInAnnotation="YES")
    (source / "readme.txt").write_text("Jane Doe was here, and this is no image")
    (source / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    return source


def outcomes(tmp_path: Path, text: str = "patient_id,cancer,age\nA-17,1,55\nB-2,0,61\nC-3,1,70\n") -> str:
    path = tmp_path / "outcomes.csv"
    path.write_text(text)
    return str(path)


def test_a_folder_becomes_a_cohort(folder: Path, tmp_path: Path) -> None:
    summary = import_dicom(str(folder), str(tmp_path / "cohort"), outcomes=outcomes(tmp_path))
    assert (summary.n_patients, summary.n_recordings) == (2, 4)
    assert summary.reasons == {
        "view ML": 1,
        "patient id missing": 1,
        "identity may be burned into the pixels": 1,
        "not a DICOM file": 1,
    }
    cohort = Cohort.read(str(tmp_path / "cohort"))
    assert sorted(cohort.patients["cancer"].astype(int)) == [0, 1]
    assert cohort.outcome_columns == ("cancer",)
    assert any("1 row(s) of the outcomes table" in note for note in summary.notes)
    table = cohort.recordings
    two = table[table["patient_id"] == cohort.patients.index[cohort.patients["cancer"].astype(int) == 1][0]]
    assert sorted(zip(two["visit"], two["laterality"], two["view"], strict=True)) == [
        ("1", "L", "CC"),
        ("2", "L", "CC"),
        ("2", "R", "MLO"),
    ]
    for recording in cohort.iter_recordings():
        assert read_mammogram(recording).laterality == recording["laterality"]


def test_a_study_is_ready_where_the_outcome_is_clear(folder: Path, tmp_path: Path) -> None:
    import_dicom(str(folder), str(tmp_path / "cohort"), outcomes=outcomes(tmp_path))
    study = yaml.safe_load((tmp_path / "cohort" / "study.yaml").read_text())
    assert study["outcome"]["column"] == "cancer"
    assert study["standard"]["views"] == ["CC", "MLO"]
    two = outcomes(tmp_path, "patient_id,cancer,interval\nA-17,1,0\nB-2,0,1\n")
    summary = import_dicom(str(folder), str(tmp_path / "other"), outcomes=two)
    assert not (tmp_path / "other" / "study.yaml").exists()
    assert any("2 columns are (cancer, interval)" in note for note in summary.notes)


def test_nothing_of_a_person_is_kept(folder: Path, tmp_path: Path) -> None:
    import_dicom(str(folder), str(tmp_path / "cohort"), outcomes=outcomes(tmp_path))
    files = [path for path in (tmp_path / "cohort").rglob("*") if path.is_file()]
    assert len(files) == 9
    originals = [dcmread(path) for path in folder.rglob("*") if path.name[:2] in ("IM", "x")]
    uids = [str(d[key].value) for d in originals for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    for path in files:
        content = path.read_bytes() + str(path.relative_to(tmp_path)).encode()
        for secret in (*SECRETS, *uids):
            assert secret.encode() not in content, (path.name, secret)
    images = [dcmread(path) for path in files if path.suffix == ".dcm"]
    for image in images:
        assert not any(element.tag.is_private for element in image)
        assert image.PatientIdentityRemoved == "YES"
        assert not any(element.VR in ("DA", "TM", "DT", "AS") for element in image)
    # Images of one study stay together, under UIDs that are new.
    assert len({image.StudyInstanceUID for image in images}) == len({d.StudyInstanceUID for d in originals})


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DEFLATED, JPEG2000Lossless]
)
@pytest.mark.parametrize("kind", ["window", "table", "raw"])
def test_copies_are_read_to_the_same_array(tmp_path: Path, syntax: str, kind: str) -> None:
    from pydicom.dataset import Dataset

    from breast.dicom_files import code

    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 12])
    item.add_new("LUTData", "US", [min(4095, round((i / 4095) ** 0.8 * 4095)) for i in range(4096)])
    item.LUTExplanation = "NORMAL for Jane Doe"
    region = code("76752008")
    elements: dict[str, dict[str, Any]] = {
        "window": {"WindowCenter": [100, 2000], "WindowWidth": [200, 3000], "PixelPaddingValue": 0}
        | {"WindowCenterWidthExplanation": ["HARDER", "NORMAL"], "AnatomicRegionSequence": [region]},
        "table": {"VOILUTSequence": [item]},
        "raw": {"SOPClassUID": PROCESSING, "PresentationIntentType": "FOR PROCESSING"}
        | {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": -1},
    }
    original = put(tmp_path / "source", "image", syntax, **elements[kind])
    import_dicom(str(tmp_path / "source"), str(tmp_path / "cohort"))
    (copied,) = Cohort.read(str(tmp_path / "cohort")).iter_recordings()
    before = read_mammogram(Recording("p", "1", "mammogram", str(original)))
    after = read_mammogram(copied)
    assert np.array_equal(before.pixels, after.pixels)
    assert (before.spacing_mm, before.origin, before.view) == (after.spacing_mm, after.origin, after.view)
    assert b"Doe" not in Path(copied.path).read_bytes()


def test_pseudonyms_come_from_the_key(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "secret.key"
    first = import_dicom(str(folder), str(tmp_path / "one"), key=str(key))
    import_dicom(str(folder), str(tmp_path / "two"), key=str(key))
    import_dicom(str(folder), str(tmp_path / "three"))
    ids = [pd.read_csv(tmp_path / name / "patients.csv")["patient_id"].tolist() for name in ("one", "two", "three")]
    assert ids[0] == ids[1]
    assert set(ids[0]).isdisjoint(ids[2])
    assert all(len(pid) == 16 and int(pid, 16) >= 0 for pid in ids[0])
    assert (tmp_path / "three.key").stat().st_mode & 0o777 == 0o600
    assert any(str(key) in note for note in first.notes)
    assert (tmp_path / "one" / "recordings.csv").read_bytes() == (tmp_path / "two" / "recordings.csv").read_bytes()


def test_the_key_must_not_lie_in_the_cohort(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must not lie in the cohort folder"):
        import_dicom(str(folder), str(tmp_path / "cohort"), key=str(tmp_path / "cohort" / "my.key"))
    (tmp_path / "bad.key").write_text("not hexadecimal")
    with pytest.raises(InputError, match="no key file"):
        import_dicom(str(folder), str(tmp_path / "cohort"), key=str(tmp_path / "bad.key"))


def test_links_keep_the_originals_and_say_so(folder: Path, tmp_path: Path) -> None:
    summary = import_dicom(str(folder), str(tmp_path / "cohort"), link=True)
    assert any("still hold the identity" in note for note in summary.notes)
    assert not (tmp_path / "cohort" / "images").exists()
    paths = [recording.path for recording in Cohort.read(str(tmp_path / "cohort")).iter_recordings()]
    assert all(path.startswith(str(folder)) for path in paths)


@pytest.mark.parametrize("element", [{"PatientBirthDate": "19700101"}, {"PatientSex": "M"}])
def test_two_persons_under_one_id_are_left_out(folder: Path, tmp_path: Path, element: dict[str, str]) -> None:
    put(folder, "Doe_Jane/mixed", PatientName="Doe^Joan", **element)
    summary = import_dicom(str(folder), str(tmp_path / "cohort"))
    assert summary.reasons["patient id shared by different persons"] == 4
    assert summary.n_patients == 1
    assert any("different persons" in note for note in summary.notes)
    assert not any(secret in note for note in summary.notes for secret in ("Doe", "DOE", "Joan", "A-17", "1970"))


def test_a_new_name_alone_is_flagged_and_kept(folder: Path, tmp_path: Path) -> None:
    put(folder, "Doe_Jane/married", PatientName="Smith^Jane", StudyDate="20190101")
    put(folder, "Doe_Jane/same", PatientName="DOE^JANE^", StudyDate="20190101", laterality="R")
    summary = import_dicom(str(folder), str(tmp_path / "cohort"))
    assert summary.n_patients == 2
    (note,) = [note for note in summary.notes if "different names" in note]
    pseudonyms = pd.read_csv(tmp_path / "cohort" / "patients.csv")["patient_id"]
    assert sum(pseudonym in note for pseudonym in pseudonyms) == 1
    assert "Smith" not in note


def test_each_image_once(folder: Path, tmp_path: Path) -> None:
    original = folder / "Doe_Jane" / "IM1"
    (folder / "again").write_bytes(original.read_bytes())
    uid = dcmread(original).StudyInstanceUID
    put(
        folder,
        "Doe_Jane/raw",
        StudyInstanceUID=uid,
        StudyDate="20170506",
        SOPClassUID=PROCESSING,
        PresentationIntentType="FOR PROCESSING",
    )
    summary = import_dicom(str(folder), str(tmp_path / "cohort"))
    assert summary.n_recordings == 4
    assert summary.reasons["same image twice"] == 1
    assert summary.reasons["raw twin of a presentation image"] == 1


def test_the_same_pixels_under_two_patients(folder: Path, tmp_path: Path) -> None:
    dataset = dcmread(folder / "Doe_Jane" / "IM1")
    dataset.PatientID, dataset.SOPInstanceUID = "Z-9", "1.2.3.4"
    dataset.save_as(folder / "other" / "stolen")
    dataset = dcmread(folder / "Doe_Jane" / "IM2")
    dataset.SOPInstanceUID = "1.2.3.5"
    dataset.save_as(folder / "Doe_Jane" / "sent_twice")
    summary = import_dicom(str(folder), str(tmp_path / "cohort"))
    assert summary.reasons["same pixels under two patient ids"] == 2
    assert summary.reasons["same image twice"] == 1
    listed = pd.read_csv(tmp_path / "cohort" / "recordings.csv")["path"]
    written = {path.relative_to(tmp_path / "cohort").as_posix() for path in (tmp_path / "cohort").rglob("*.dcm")}
    assert set(listed) == written


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("id,cancer\nA-17,1\n", "no column patient_id"),
        ("patient_id,cancer\nA-17,1\nA-17,0\n", "more than one row"),
        ("patient_id,cancer,birth_date\nA-17,1,1960-01-02\n", "'birth_date'"),
        ("patient_id,cancer,code\nA-17,1,A-17\nB-2,0,B-2\nC-3,0,C-3\n", "'code'"),
        ("patient_id,cancer\nX-1,1\n", "no patient of the outcomes table"),
    ],
)
def test_outcome_tables_refused(folder: Path, tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        import_dicom(str(folder), str(tmp_path / "cohort"), outcomes=outcomes(tmp_path, text))
    assert not (tmp_path / "cohort" / "patients.csv").exists()


def test_covariates_that_markers_may_see(folder: Path, tmp_path: Path) -> None:
    table = outcomes(tmp_path, "patient_id,cancer,parity\nA-17,1,2\nB-2,0,0\n")
    import_dicom(str(folder), str(tmp_path / "cohort"), outcomes=table, covariates="parity")
    assert Cohort.read(str(tmp_path / "cohort")).outcome_columns == ("cancer",)


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    import_dicom(str(folder), str(tmp_path / "cohort"))
    with pytest.raises(InputError, match="already"):
        import_dicom(str(folder), str(tmp_path / "cohort"))


def test_folders_without_mammograms(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        import_dicom(str(tmp_path / "nowhere"), str(tmp_path / "cohort"))
    (tmp_path / "source").mkdir()
    with pytest.raises(InputError, match="no file"):
        import_dicom(str(tmp_path / "source"), str(tmp_path / "cohort"))
    put(tmp_path / "source", "ct", Modality="CT")
    with pytest.raises(InputError, match="not a mammogram: 1"):
        import_dicom(str(tmp_path / "source"), str(tmp_path / "cohort"))
