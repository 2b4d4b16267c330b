"""The mini-MIAS film mammograms (Suckling et al., Excerpta Medica Int Congr Ser 1994;1069:375-378)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

from presage.breast.importers.summary import write_study
from presage.cohort import InputError, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables

Design = Literal["all", "contralateral"]
Status = Literal["normal", "benign", "malignant"]

SPACING_MM = 0.2
_ROWS = 1024
_LINE = re.compile(
    r"mdb(?P<number>\d{3})\s+(?P<tissue>[FGD])\s+"
    r"(?:NORM|(?P<kind>CALC|CIRC|SPIC|MISC|ARCH|ASYM)\s+(?P<severity>[BM])"
    r"(?:\s+(?P<x>\d+)\s+(?P<y>\d+)\s+(?P<radius>\d+)|\s+\*NOTE 3\*)?)\s*"
)


@dataclass(frozen=True)
class Lesion:
    """One lesion of a film, in the pixels of its file.

    Attributes
    ----------
    kind
        CALC, CIRC, SPIC, MISC, ARCH or ASYM.
    malignant
        Whether it is malignant.
    circle
        Column, row from the **top**, and radius in pixels; None where the listing gives none (spread calcifications).
    """

    kind: str
    malignant: bool
    circle: tuple[int, int, int] | None


@dataclass(frozen=True)
class Film:
    """One film of the listing: its number (1 for ``mdb001``), tissue (F fatty, G glandular, D dense) and lesions."""

    number: int
    tissue: str
    lesions: tuple[Lesion, ...]

    @property
    def woman(self) -> int:
        """Films come in pairs of one woman."""
        return (self.number + 1) // 2

    @property
    def laterality(self) -> Literal["L", "R"]:
        """Even numbers are left breasts, odd ones right."""
        return "L" if self.number % 2 == 0 else "R"

    @property
    def status(self) -> Status:
        """Malignant when any lesion is, else benign when there is one, else normal."""
        if any(lesion.malignant for lesion in self.lesions):
            return "malignant"
        return "benign" if self.lesions else "normal"


def read_listing(text: str) -> dict[int, Film]:
    """Films by number from the text of ``Info.txt``; a film may have several rows, a lesion no circle.

    Raises
    ------
    InputError
        For a row that starts like a film and cannot be understood, or films of one number with two tissue classes.
    """
    films: dict[int, Film] = {}
    for line_number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("mdb"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InputError(f"this row cannot be understood: {line.strip()!r}", where=f"Info.txt, line {line_number}")
        number, tissue = int(match["number"]), match["tissue"]
        known = films.get(number, Film(number, tissue, ()))
        if known.tissue != tissue:
            raise InputError(
                f"film {number} has tissue {known.tissue} and {tissue}", where=f"Info.txt, line {line_number}"
            )
        lesions = known.lesions + ((_lesion(match),) if match["kind"] else ())
        films[number] = Film(number, tissue, lesions)
    if not films:
        raise InputError(
            "no row starts with mdb and a number", where="Info.txt", cure="use the file that came with the films"
        )
    return films


def _lesion(match: re.Match[str]) -> Lesion:
    circle = None
    if match["x"]:
        # The listing counts y from the bottom of the 1024 x 1024 film.
        circle = int(match["x"]), _ROWS - 1 - int(match["y"]), int(match["radius"])
    return Lesion(match["kind"], match["severity"] == "M", circle)


def import_mini_mias(
    source: str, cohort: str, *, design: str = "all", seed: int = 0, copy: bool = False
) -> ImportSummary:
    """Make a cohort of the mini-MIAS films.

    Parameters
    ----------
    source
        Folder with ``Info.txt`` and the films ``mdb001.pgm`` ...; films that are not there are left out.
    cohort
        Folder to make.
    design
        ``all``: every woman with both films, tissue class and lesions of each breast. ``contralateral``: a proxy study;
        cases are the normal breasts of women with a malignant lesion in the other one, controls one breast each of
        women with two normal ones.
    seed
        Draws the side of each control in the contralateral design.
    copy
        Copy the films into the cohort folder; otherwise they are read where they are.

    Raises
    ------
    InputError
        If the folder, its listing or every film is missing, or `design` is not one of the two.
    """
    if design not in get_args(Design):
        raise InputError(f"there is no design {design!r}", cure=f"choose one of {', '.join(get_args(Design))}")
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    listing = next((name for name in files if name.lower() == "info.txt"), None)
    if listing is None:
        raise InputError(
            "the folder has no Info.txt", where=root, cure="name the folder as it came from the MIAS archive"
        )
    films = read_listing(storage.read_bytes(storage.join(root, listing)).decode("latin-1"))
    paths = {int(name[3:6]): name for name in files if re.fullmatch(r"mdb\d{3}\.pgm", name)}
    women = {}
    for woman in sorted({film.woman for film in films.values()}):
        pair = (2 * woman, 2 * woman - 1)
        if all(number in films and number in paths for number in pair):
            women[woman] = (films[pair[0]], films[pair[1]])
    if not women:
        raise InputError(
            "no woman has both of her films here", where=root, cure="unpack the films mdb001.pgm ... beside Info.txt"
        )
    absent = len(films) - sum(number in paths for number in films)
    notes = [f"{absent} of the {len(films)} listed films are not in the folder"] if absent else []
    single = [
        (name, "other breast's film missing")
        for number, name in sorted(paths.items())
        if (number + 1) // 2 not in women
    ]
    build = _contralateral if design == "contralateral" else _everyone
    patients, used, unused, facts = build(women, seed)
    excluded = sorted(single + [(paths[film.number], reason) for film, reason in unused])
    recordings = _recordings(used, paths, root, target, copy, with_lesions=design == "all")
    write_tables(
        target,
        pd.DataFrame(patients),
        pd.DataFrame(recordings),
        name="mini-MIAS" if design == "all" else "mini-MIAS, contralateral proxy",
        description=_DESCRIPTIONS[design],
        outcomes=_OUTCOMES[design],
    )
    write_excluded(storage.join(target, "excluded.csv"), excluded)
    if design == "contralateral":
        counts = {name: facts[name] for name in ("cases", "controls")}
        title = "Contralateral proxy on mini-MIAS"
        write_study(target, title=title, column="contralateral_malignancy", views=["MLO"], **counts)
    notes.append(_DESCRIPTIONS[design])
    return ImportSummary(len(patients), len(recordings), excluded, notes, facts)


_DATABASE = (
    "Scanned film mammograms (MLO, 0.2 mm per pixel) of the mini-MIAS database, licensed for research only. It has no "
    "dates and no follow-up, so it cannot measure short-term risk."
)
_DESCRIPTIONS = {
    "all": f"{_DATABASE} Each woman with both breasts, her tissue class and lesions.",
    "contralateral": (
        f"{_DATABASE} This study is a proxy and no effect is to be expected. Cases: the normal breast of women with a "
        "malignant lesion in the other one. Controls: women with two normal breasts, one breast each, sides in the "
        "cases' proportion."
    ),
}
_OUTCOMES = {"all": ("tissue", "left", "right", "malignant"), "contralateral": ("contralateral_malignancy",)}
_Built = tuple[list[dict[str, Any]], list[Film], list[tuple[Film, str]], dict[str, Any]]


def _patient_id(woman: int) -> str:
    return f"mias-{woman:03d}"


def _everyone(women: dict[int, tuple[Film, Film]], seed: int) -> _Built:
    patients = [
        {
            "patient_id": _patient_id(woman),
            "tissue": left.tissue,
            "left": left.status,
            "right": right.status,
            "malignant": int("malignant" in (left.status, right.status)),
        }
        for woman, (left, right) in women.items()
    ]
    counts = pd.Series([row["tissue"] for row in patients]).value_counts()
    facts = {"women": len(patients), "tissue": {key: int(counts.get(key, 0)) for key in "FGD"}}
    return patients, [film for pair in women.values() for film in pair], [], facts


def _contralateral(women: dict[int, tuple[Film, Film]], seed: int) -> _Built:
    cases, normal, excluded = [], [], []
    for left, right in women.values():
        states = {left.status, right.status}
        if states == {"normal"}:
            normal.append((left, right))
        elif states == {"normal", "malignant"}:
            case, other = (left, right) if left.status == "normal" else (right, left)
            cases.append(case)
            excluded.append((other, "breast with the malignant lesion"))
        else:
            reason = "lesions in both breasts" if "normal" not in states else "benign lesion, no malignant one"
            excluded += [(left, reason), (right, reason)]
    if not cases or not normal:
        raise InputError(
            f"the films here give {len(cases)} cases and {len(normal)} controls", cure="import more of the database"
        )
    # As many left controls, in proportion, as there are left cases; who gives which side is drawn.
    lefts = round(len(normal) * sum(case.laterality == "L" for case in cases) / len(cases))
    drawn = set(random.Random(seed).sample(range(len(normal)), lefts))
    controls = [pair[0] if index in drawn else pair[1] for index, pair in enumerate(normal)]
    excluded += [
        (pair[1] if index in drawn else pair[0], "other side of a control") for index, pair in enumerate(normal)
    ]
    chosen = {film.woman: film for film in cases + controls}
    of_case = {film.woman for film in cases}
    patients = [
        {
            "patient_id": _patient_id(woman),
            "contralateral_malignancy": int(woman in of_case),
            "side": chosen[woman].laterality,
            "tissue": chosen[woman].tissue,
        }
        for woman in sorted(chosen)
    ]
    facts = {
        "outcome": "contralateral_malignancy",
        "cases": len(cases),
        "controls": len(controls),
        "left_cases": sum(case.laterality == "L" for case in cases),
        "left_controls": lefts,
        "seed": seed,
    }
    return patients, [chosen[woman] for woman in sorted(chosen)], excluded, facts


def _recordings(
    used: list[Film], paths: dict[int, str], root: str, target: str, copy: bool, *, with_lesions: bool
) -> list[dict[str, Any]]:
    rows = []
    for film in used:
        path = storage.join(root, paths[film.number])
        if copy:
            copied = storage.join(target, f"films/{paths[film.number]}")
            storage.write_bytes(copied, storage.read_bytes(path))
            path = copied
        row = {
            "patient_id": _patient_id(film.woman),
            "visit": "1",
            "kind": "mammogram",
            "path": path,
            "laterality": film.laterality,
            "view": "MLO",
            "spacing_mm": SPACING_MM,
            "origin": "film",
            "tissue": film.tissue,
        }
        # In the proxy every film that is used is normal; in the whole set the column says what the film shows.
        rows.append(row | ({"lesion": film.status} if with_lesions else {}))
    return rows
