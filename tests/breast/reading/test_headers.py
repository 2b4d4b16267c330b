"""What a DICOM header says: which views are used, which are left out, and for what reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from breast.dicom_files import PROCESSING, breast_values, code, mammogram_dataset, recording, save
from presage.breast import Mammogram, MammogramKind, read_mammogram
from presage.cohort import Recording, UnusableRecording


def written(tmp_path: Path, **elements: Any) -> Path:
    return save(mammogram_dataset(breast_values(64, 48), **elements), tmp_path / "image.dcm")


def read(tmp_path: Path, attributes: dict[str, str] | None = None, **elements: Any) -> Mammogram:
    """Read after `inspect`, which must not refuse what can be read."""
    found = recording(written(tmp_path, **elements), **(attributes or {}))
    MammogramKind().inspect(found)
    return read_mammogram(found)


def reason(tmp_path: Path, attributes: dict[str, str] | None = None, **elements: Any) -> str:
    """The reason of the refusal, which reading and inspecting must share."""
    found: Recording = recording(written(tmp_path, **elements), **(attributes or {}))
    reasons = []
    for step in (MammogramKind().inspect, read_mammogram):
        with pytest.raises(UnusableRecording) as refused:
            step(found)
        assert refused.value.where == found.path
        reasons.append(refused.value.reason)
    assert reasons[0] == reasons[1]
    return reasons[0]


def view_item(value: str, scheme: str = "SCT", *modifiers: str) -> list[Dataset]:
    item = code(value, scheme)
    item.ViewModifierCodeSequence = [code(modifier) for modifier in modifiers]
    return [item]


@pytest.mark.parametrize(
    ("tag", "value", "scheme", "expected"),
    [
        ("CC", None, "", "CC"),
        ("MLO", None, "", "MLO"),
        ("cc ", None, "", "CC"),
        (None, "399162004", "SCT", "CC"),
        (None, "R-10242", "SRT", "CC"),
        (None, "399368009", "SCT", "MLO"),
        (None, "R-10226", "SNM3", "MLO"),
        ("MLO", "R-10226", "SRT", "MLO"),
        ("RMLO", None, "", "MLO"),
    ],
)
def test_view_by_tag_and_by_code(tmp_path: Path, tag: str, value: str, scheme: str, expected: str) -> None:
    laterality = "R" if tag == "RMLO" else "L"
    codes = view_item(value, scheme) if value else None
    image = read(tmp_path, laterality=laterality, ViewPosition=tag, ViewCodeSequence=codes)
    assert image.view == expected


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        ("ML", "399260004", "view ML"),
        ("ML", None, "view ML"),
        (None, "R-10224", "view ML"),
        ("LM", None, "view LM"),
        (None, "399352003", "view LM"),
        ("LMO", "399099002", "view LMO"),
        ("XCCL", "399192008", "view XCCL"),
        (None, "399101009", "view XCCM"),
        (None, "399196006", "view FB"),
        (None, "127457009", "specimen image"),
        ("MLO", "399260004", "view contradicts itself"),
        ("CC", "399368009", "view contradicts itself"),
        ("MLOID", None, "view not known"),
        (None, None, "view missing"),
        (None, "12345", "view not known"),
    ],
)
def test_other_views_are_left_out(tmp_path: Path, tag: str, value: str, expected: str) -> None:
    assert reason(tmp_path, ViewPosition=tag, ViewCodeSequence=view_item(value) if value else None) == expected


def test_the_cohort_fills_what_the_header_leaves_out(tmp_path: Path) -> None:
    bare = {"ViewPosition": None, "ViewCodeSequence": None, "ImageLaterality": None, "ImagerPixelSpacing": None}
    image = read(tmp_path, {"view": "MLO", "laterality": "R", "spacing_mm": "0.07"}, **bare)
    assert (image.view, image.laterality, image.spacing_mm) == ("MLO", "R", 0.07)
    assert reason(tmp_path, {"view": "MLO"}, ImageLaterality=None) == "laterality missing"


def test_the_cohort_must_not_contradict_the_header(tmp_path: Path) -> None:
    assert reason(tmp_path, {"view": "MLO", "laterality": "L"}) == "view contradicts itself"
    assert reason(tmp_path, {"view": "CC", "laterality": "R"}) == "laterality contradicts itself"
    assert reason(tmp_path, {"spacing_mm": "0.2"}) == "pixel spacing contradicts itself"


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        ("399163009", "magnification view"),
        ("R-102D6", "magnification view"),
        ("399055006", "spot compression view"),
        ("399161006", "cleavage view"),
        ("399011000", "axillary tail view"),
        ("399110001", "tangential view"),
        ("399209000", "implant displaced view"),
        ("399197002", "rolled view"),
        ("399226006", "rolled view"),
        ("441752004", "anterior compression view"),
        ("0815", "view modifier not known"),
    ],
)
def test_view_modifiers(tmp_path: Path, modifier: str, expected: str) -> None:
    assert reason(tmp_path, ViewCodeSequence=view_item("399162004", "SCT", modifier)) == expected


def test_a_nipple_in_profile_is_still_the_whole_breast(tmp_path: Path) -> None:
    assert read(tmp_path, ViewCodeSequence=view_item("399162004", "SCT", "442581004")).view == "CC"


def region(side: str) -> list[Dataset]:
    item = code("76752008")
    item.AnatomicRegionModifierSequence = [code(side)]
    return [item]


def functional_group(side: str) -> list[Dataset]:
    anatomy = Dataset()
    anatomy.FrameLaterality = side
    group = Dataset()
    group.FrameAnatomySequence = [anatomy]
    return [group]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"ImageLaterality": "R"}, "R"),
        ({"Laterality": "R"}, "R"),
        ({"AnatomicRegionSequence": region("24028007")}, "R"),
        ({"AnatomicRegionSequence": region("G-A101")}, "L"),
        ({"SharedFunctionalGroupsSequence": functional_group("L")}, "L"),
        ({"ViewPosition": "LCC"}, "L"),
        ({"ImageLaterality": "U", "Laterality": "L"}, "L"),
    ],
)
def test_laterality_by_every_tag(tmp_path: Path, elements: dict[str, Any], expected: str) -> None:
    assert read(tmp_path, **{"ImageLaterality": None, **elements}).laterality == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"ImageLaterality": "L", "Laterality": "R"}, "laterality contradicts itself"),
        ({"ImageLaterality": "L", "AnatomicRegionSequence": region("24028007")}, "laterality contradicts itself"),
        ({"ImageLaterality": "B"}, "both breasts in one image"),
        ({"ImageLaterality": "U"}, "laterality missing"),
        ({"ImageLaterality": None}, "laterality missing"),
    ],
)
def test_laterality_refused(tmp_path: Path, elements: dict[str, Any], expected: str) -> None:
    assert reason(tmp_path, **elements) == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"Modality": "CT"}, "not a mammogram"),
        ({"Modality": "CR", "BodyPartExamined": "HAND"}, "not a mammogram"),
        ({"BodyPartExamined": "HAND"}, "not a mammogram"),
        ({"AnatomicRegionSequence": [code("85562004")]}, "not a mammogram"),  # a hand
        ({"NumberOfFrames": 60}, "tomosynthesis or multi-frame image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.3"}, "tomosynthesis or multi-frame image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"BreastImplantPresent": "YES"}, "breast implant"),
        ({"PartialView": "YES"}, "partial view"),
        ({"EstimatedRadiographicMagnificationFactor": 1.8}, "magnification view"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "STEREO_PLUS"]}, "biopsy image"),
        ({"ImageType": ["DERIVED", "PRIMARY", "SUBTRACTION"]}, "contrast-enhanced image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "TOMO_PROJ"]}, "tomosynthesis or multi-frame image"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "presentation intent contradicts itself"),
        ({"SOPClassUID": PROCESSING}, "presentation intent contradicts itself"),
        ({"Rows": 60000, "Columns": 60000}, "absurd image size"),
        ({"Rows": 0}, "no pixel data"),
    ],
)
def test_what_is_no_whole_breast_mammogram(tmp_path: Path, elements: dict[str, Any], expected: str) -> None:
    assert reason(tmp_path, **elements) == expected


def test_tomosynthesis_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording, match="synthesized"):
        read(tmp_path, NumberOfFrames=60)


def test_digitized_film_as_secondary_capture(tmp_path: Path) -> None:
    capture = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "PresentationIntentType": None}
    assert read(tmp_path, {"origin": "film"}, **capture).origin == "film"
    assert read(tmp_path, ConversionType="DF", **capture).origin == "film"


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"ImagerPixelSpacing": [0.07, 0.07]}, 0.07),
        ({"ImagerPixelSpacing": [0.1, 0.1], "EstimatedRadiographicMagnificationFactor": 1.05}, 0.1 / 1.05),
        ({"PixelSpacing": [0.065, 0.065], "ImagerPixelSpacing": [0.07, 0.07]}, 0.065),
        ({"PixelSpacing": [0.07, 0.07], "ImagerPixelSpacing": [0.07, 0.07]}, 0.07),
        (
            {
                "PixelSpacing": [0.07, 0.07],
                "PixelSpacingCalibrationType": "GEOMETRY",
                "EstimatedRadiographicMagnificationFactor": 1.1,
            },
            0.07,
        ),
        ({"ImagerPixelSpacing": None, "PixelSpacing": [0.085, 0.085]}, 0.085),
        ({"ImagerPixelSpacing": None, "NominalScannedPixelSpacing": [0.05, 0.05]}, 0.05),
        ({"ImagerPixelSpacing": None, "DetectorElementSpacing": [0.05, 0.05], "DetectorBinning": [2, 2]}, 0.1),
    ],
)
def test_spacing_by_every_tag(tmp_path: Path, elements: dict[str, Any], expected: float) -> None:
    assert read(tmp_path, **elements).spacing_mm == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        (None, "no pixel spacing"),
        ([0.0, 0.0], "absurd pixel spacing"),
        ([70, 70], "absurd pixel spacing"),
        ([-0.1, -0.1], "absurd pixel spacing"),
        ([0.1, 0.2], "pixels not square"),
    ],
)
def test_spacing_refused(tmp_path: Path, spacing: list[float] | None, expected: str) -> None:
    assert reason(tmp_path, ImagerPixelSpacing=spacing) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty file"),
        (b"hello, this is a letter and no image at all" * 20, "not a DICOM file"),
        (b"\0" * 128 + b"DICM", "not a mammogram"),
        (b"\0" * 128 + b"DICM" + b"\xff" * 400, "not a mammogram"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path))
    assert refused.value.reason == expected


def test_a_missing_file(tmp_path: Path) -> None:
    for step in (read_mammogram, MammogramKind().inspect):
        with pytest.raises(UnusableRecording) as refused:
            step(recording(tmp_path / "nowhere.dcm"))
        assert refused.value.reason == "file missing"


def test_an_object_without_pixels_and_a_truncated_file(tmp_path: Path) -> None:
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(written(tmp_path, PixelData=None)))
    assert refused.value.reason == "no pixel data"
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UnusableRecording) as refused:
        read_mammogram(recording(path))
    assert refused.value.reason == "truncated file"
    MammogramKind().inspect(recording(path))  # the header alone is whole


def test_a_damaged_number_names_its_tag(tmp_path: Path) -> None:
    path = written(tmp_path, WindowCenter="2000", WindowWidth="3000")
    path.write_bytes(path.read_bytes().replace(b"2000", b"2x00"))
    with pytest.raises(UnusableRecording, match=r"Window Center \(0028,1050\)"):
        read_mammogram(recording(path))


def test_pydicom_test_files_are_refused_in_words() -> None:
    """CT, MR, RT, structured reports, colour captures: none is a mammogram, each says so."""
    from pydicom import data

    folder = Path(data.__file__).parent / "test_files"
    files = sorted(folder.glob("*.dcm"))
    assert len(files) > 50
    for file in files:
        with pytest.raises(UnusableRecording) as refused:
            read_mammogram(recording(file))
        assert refused.value.reason in ("not a mammogram", "not a DICOM file"), file.name
