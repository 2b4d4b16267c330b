"""One look at every DICOM header of a folder: what can be used, whose it is, and what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from presage.breast.reading.dicom import facts_of, parse_header
from presage.breast.reading.facts import Facts
from presage.breast.reading.header import text, whole
from presage.breast.reading.source import check_size, located, open_source
from presage.cohort import Recording, UnusableRecording, storage


@dataclass(frozen=True)
class Found:
    """A usable mammogram of the source folder; holds identity, so it never leaves this package's memory.

    Attributes
    ----------
    file
        Path relative to the source.
    facts
        What it shows.
    person
        Patient id with its issuer.
    name, birth_date, sex
        As the header has them, in upper case; compared, never stored.
    study
        (date, UID): orders the visits of a patient.
    instance
        SOP Instance UID.
    manufacturer, model
        Of the machine.
    """

    file: str
    facts: Facts
    person: str
    name: str
    birth_date: str
    sex: str
    study: tuple[str, str]
    instance: str
    manufacturer: str
    model: str


def scan(root: str, files: Iterable[str], *, accept_burned_in: bool) -> tuple[list[Found], list[tuple[str, str]]]:
    """Every usable mammogram among `files`, and (file, reason) of the others.

    Raises
    ------
    Nothing for a bad file: each becomes an exclusion.
    """
    found, excluded = [], []
    for file in files:
        if file.rsplit("/", 1)[-1].upper() == "DICOMDIR":
            continue
        try:
            found.append(_look(root, file, accept_burned_in))
        except UnusableRecording as unusable:
            excluded.append((file, unusable.reason))
    return found, excluded


def _look(root: str, file: str, accept_burned_in: bool) -> Found:
    path = storage.join(root, file)
    with open_source(path) as stream, located(path):
        header = parse_header(stream)
        facts = facts_of(header, Recording("", "1", "mammogram", path))
        check_size(whole(header, "Rows", default=0), whole(header, "Columns", default=0), path)
        if not accept_burned_in and text(header, "BurnedInAnnotation").upper() == "YES":
            raise UnusableRecording("identity may be burned into the pixels", "Burned In Annotation (0028,0301) is YES")
        return _found(file, header, facts)


def _found(file: str, header: Dataset, facts: Facts) -> Found:
    patient = text(header, "PatientID")
    if not patient:
        raise UnusableRecording("patient id missing", "Patient ID (0010,0020) is empty")
    issuer = text(header, "IssuerOfPatientID")
    return Found(
        file=file,
        facts=facts,
        person=f"{issuer}\0{patient}" if issuer else patient,
        name=" ".join(text(header, "PatientName").replace("^", " ").upper().split()),
        birth_date=text(header, "PatientBirthDate"),
        sex=text(header, "PatientSex").upper(),
        study=(text(header, "StudyDate"), text(header, "StudyInstanceUID")),
        instance=text(header, "SOPInstanceUID") or file,
        manufacturer=text(header, "Manufacturer"),
        model=text(header, "ManufacturerModelName"),
    )


def without_duplicates(found: list[Found]) -> tuple[list[Found], list[tuple[str, str]]]:
    """Each image once, and the raw image of an exposure only where there is no presentation image of it."""
    seen: set[str] = set()
    once, excluded = [], []
    for image in found:
        if image.instance in seen:
            excluded.append((image.file, "same image twice"))
        else:
            seen.add(image.instance)
            once.append(image)
    shown = {_exposure(image) for image in once if image.facts.origin == "for-presentation"}
    kept = [i for i in once if i.facts.origin != "for-processing" or _exposure(i) not in shown]
    excluded += [(i.file, "raw twin of a presentation image") for i in once if i not in kept]
    return kept, excluded


def _exposure(image: Found) -> tuple[str, ...]:
    return image.person, *image.study, image.facts.laterality, image.facts.view


def shared_ids(found: list[Found]) -> tuple[set[str], set[str]]:
    """Patient ids with different birth dates or sexes (several persons), and those with different names alone."""
    several, renamed = set(), set()
    by_person = defaultdict(list)
    for image in found:
        by_person[image.person].append(image)
    for person, images in by_person.items():
        if any(len({getattr(image, trait) for image in images} - {""}) > 1 for trait in ("birth_date", "sex")):
            several.add(person)
        elif len({image.name for image in images} - {""}) > 1:
            renamed.add(person)
    return several, renamed


def visits(found: list[Found]) -> dict[tuple[str, tuple[str, str]], str]:
    """The number of each visit of each person, by the order of study dates; two studies of one day are one visit."""
    days: dict[str, set[str]] = defaultdict(set)
    for image in found:
        days[image.person].add(_day(image))
    order = {person: {day: str(rank) for rank, day in enumerate(sorted(own), start=1)} for person, own in days.items()}
    return {(image.person, image.study): order[image.person][_day(image)] for image in found}


def _day(image: Found) -> str:
    date, uid = image.study
    # Studies without a date come last, each as a visit of its own.
    return date if date else f"~{uid}"
