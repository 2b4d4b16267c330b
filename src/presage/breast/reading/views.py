"""Which breast and which projection, from every place in which a DICOM header may say so."""

from __future__ import annotations

from typing import cast

from pydicom.dataset import Dataset

from presage.breast.mammogram import Laterality, View
from presage.breast.reading.header import codes, sequence, text
from presage.cohort import UnusableRecording

# DICOM PS3.16 CID 4014, View for Mammography: SNOMED CT code, the older SNOMED RT code, DICOM's own abbreviation.
_VIEWS = (
    ("399162004", "R-10242", "CC"),
    ("399368009", "R-10226", "MLO"),
    ("399260004", "R-10224", "ML"),
    ("399352003", "R-10228", "LM"),
    ("399099002", "R-10230", "LMO"),
    ("399196006", "R-10244", "FB"),
    ("399188001", "R-102D0", "SIO"),
    ("441555000", "R-40AAA", "ISO"),
    ("399192008", "R-1024A", "XCCL"),
    ("399101009", "R-1024B", "XCCM"),
    ("127457009", "G-8310", "SPECIMEN"),
)
_VIEW_OF_CODE = {code: name for *both, name in _VIEWS for code in both}
_VIEW_NAMES = {name for *_, name in _VIEWS} | {"XCC", "CV", "AT"}

# PS3.16 CID 4015, View Modifier for Mammography. Those with an empty reason still show the whole breast.
_MODIFIERS = {
    **dict.fromkeys(("399163009", "R-102D6"), "magnification view"),
    **dict.fromkeys(("399055006", "R-102D7"), "spot compression view"),
    **dict.fromkeys(("399161006", "R-102D2"), "cleavage view"),
    **dict.fromkeys(("399011000", "R-102D1"), "axillary tail view"),
    **dict.fromkeys(("399110001", "R-102C2"), "tangential view"),
    **dict.fromkeys(("399209000", "R-102D5"), "implant displaced view"),
    **dict.fromkeys(
        ("399197002", "R-102D3", "399226006", "R-102D4", "414493004", "R-102CA", "415670009", "R-102C9"), "rolled view"
    ),
    **dict.fromkeys(("441752004", "P2-00161"), "anterior compression view"),
    **dict.fromkeys(("442581004", "R-40AB3", "442580003", "R-40AB2", "442593008", "R-40ABE"), ""),
}

_SIDES = {"7771000": "L", "G-A101": "L", "24028007": "R", "G-A100": "R", "51440002": "B", "G-A102": "B"}


def view_of(dataset: Dataset, stated: str = "") -> View:
    """CC or MLO, by View Position, View Code Sequence and the cohort's own column, which must agree.

    Raises
    ------
    UnusableRecording
        With the view's name as its reason when it is not CC or MLO; "view missing"; "view contradicts itself"; or the
        name of a view modifier (magnification, spot compression, ...).
    """
    tag = _view_name(text(dataset, "ViewPosition"))
    # A modifier may stand in the tag itself ("MLO ID", "CC M"): then it is no plain view and falls through as it is.
    in_codes = {_VIEW_OF_CODE[value] for _, value in codes(dataset, "ViewCodeSequence") if value in _VIEW_OF_CODE}
    if not in_codes and codes(dataset, "ViewCodeSequence") and not tag:
        raise UnusableRecording("view not known", f"View Code Sequence holds {codes(dataset, 'ViewCodeSequence')}")
    said = {name for name in (tag, stated.upper()) if name} | in_codes
    if len(said) > 1:
        raise UnusableRecording(
            "view contradicts itself",
            f"View Position (0018,5101) says {tag or 'nothing'}, View Code Sequence (0054,0220) "
            f"{', '.join(sorted(in_codes)) or 'nothing'}, recordings.csv {stated or 'nothing'}",
            cure="look at the image and correct the wrong one",
        )
    if not said:
        raise UnusableRecording(
            "view missing", "neither View Position nor View Code Sequence says CC or MLO", cure="fill the column view"
        )
    view = said.pop()
    if view == "SPECIMEN":
        raise UnusableRecording("specimen image", "the view is that of a tissue specimen")
    if view not in ("CC", "MLO"):
        # The flow counts by reason, and free text from a header must not become one.
        reason = f"view {view}" if view in _VIEW_NAMES else "view not known"
        raise UnusableRecording(reason, f"the view is {view[:40]!r}; studies use CC and MLO")
    for item in sequence(dataset, "ViewCodeSequence"):
        _refuse_modifiers(item)
    _refuse_modifiers(dataset)
    return cast(View, view)


def _view_name(value: str) -> str:
    """View Position in upper case, without the side that some exports put before it ("LMLO", "R CC")."""
    name = value.upper().replace("_", " ").strip()
    if name not in _VIEW_NAMES and name[:1] in ("L", "R") and name[1:].strip() in _VIEW_NAMES:
        name = name[1:].strip()
    return name


def _refuse_modifiers(dataset: Dataset) -> None:
    for scheme, value in codes(dataset, "ViewModifierCodeSequence"):
        reason = _MODIFIERS.get(value, "view modifier not known")
        if reason:
            raise UnusableRecording(reason, f"View Modifier Code Sequence (0054,0222) holds {value} ({scheme})")


def laterality_of(dataset: Dataset, stated: str = "") -> Laterality:
    """L or R, by every tag and code that says it and the cohort's own column, which must agree.

    Raises
    ------
    UnusableRecording
        "laterality missing", "laterality contradicts itself", or "both breasts in one image".
    """
    said = {
        "Image Laterality (0020,0062)": text(dataset, "ImageLaterality").upper(),
        "Laterality (0020,0060)": text(dataset, "Laterality").upper(),
        "recordings.csv": stated.upper(),
    }
    for index, region in enumerate(_regions(dataset)):
        for _, value in codes(region, "AnatomicRegionModifierSequence"):
            said[f"Anatomic Region Modifier ({index + 1})"] = _SIDES.get(value, "")
    for item in _frame_anatomy(dataset):
        said["Frame Laterality (0020,9072)"] = text(item, "FrameLaterality").upper()
    position = text(dataset, "ViewPosition").upper().strip()
    if position not in _VIEW_NAMES and _view_name(position) in _VIEW_NAMES and position:
        said["View Position (0018,5101)"] = position[0]
    said = {place: value for place, value in said.items() if value not in ("", "U")}
    values = set(said.values())
    if "B" in values:
        raise UnusableRecording("both breasts in one image", "the header says that the image shows both sides")
    if not values & {"L", "R"}:
        raise UnusableRecording(
            "laterality missing",
            "no tag or code says which breast this is",
            cure="fill the column laterality of recordings.csv with L or R",
        )
    if len(values) > 1:
        raise UnusableRecording(
            "laterality contradicts itself",
            ", ".join(f"{place} says {value[:8]}" for place, value in said.items()),
            cure="look at the image and correct the wrong one",
        )
    return cast(Laterality, values.pop())


def _regions(dataset: Dataset) -> list[Dataset]:
    nested = [region for item in _frame_anatomy(dataset) for region in sequence(item, "AnatomicRegionSequence")]
    return sequence(dataset, "AnatomicRegionSequence") + nested


def _frame_anatomy(dataset: Dataset) -> list[Dataset]:
    groups = sequence(dataset, "SharedFunctionalGroupsSequence")
    return [item for group in groups for item in sequence(group, "FrameAnatomySequence")]


def regions_shown(dataset: Dataset) -> set[str]:
    """Code values of the Anatomic Region Sequence."""
    return {text(region, "CodeValue").upper() for region in _regions(dataset)} - {""}
