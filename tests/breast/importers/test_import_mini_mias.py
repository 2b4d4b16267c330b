"""The mini-MIAS listing and films to a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from breast.dicom_files import breast_values
from presage.breast import read_mammogram
from presage.breast.importers import import_mini_mias
from presage.breast.importers.mini_mias import Lesion, read_listing
from presage.cohort import Cohort, InputError
from presage.study import Study

LISTING = """Some words before.

mdb001 G CIRC B 535 425 197
mdb002 G NORM
mdb003 D NORM
mdb004 D NORM
mdb005 F CIRC B 477 133 30
mdb005 F CIRC M 500 168 26
mdb006 F NORM
mdb007 G CALC M *NOTE 3*
mdb008 G MISC B
mdb009 D NORM
mdb010 D NORM
mdb011 F NORM
mdb012 F SPIC M 10 1023 5
mdb013 F NORM
mdb014 F NORM
mdb015 F NORM
mdb016 F NORM
mdb017 F NORM
mdb018 F NORM
mdb019 F NORM

Some words after.
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Women 1 to 8 with both films; 9 with one; 10 listed without films."""
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "Info.txt").write_text(LISTING)
    values = (breast_values(64, 64, bits=8)).astype(np.uint8)
    for number in range(1, 18):
        film = np.array(values if number % 2 == 0 else values[:, ::-1])
        film[0, 32] = number  # no two films are equal
        (folder / f"mdb{number:03d}.pgm").write_bytes(b"P5\n64 64\n255\n" + np.ascontiguousarray(film).tobytes())
    return folder


def test_the_listing_is_read_exactly() -> None:
    films = read_listing(LISTING)
    assert len(films) == 19
    assert films[1].lesions == (Lesion("CIRC", False, (535, 1023 - 425, 197)),)
    assert [lesion.malignant for lesion in films[5].lesions] == [False, True]
    assert films[7].lesions == (Lesion("CALC", True, None),)
    assert films[8].lesions == (Lesion("MISC", False, None),)
    assert films[12].lesions[0].circle == (10, 0, 5)
    assert [films[n].status for n in (1, 2, 5, 7, 8)] == ["benign", "normal", "malignant", "malignant", "benign"]
    assert [films[n].woman for n in (1, 2, 3, 4)] == [1, 1, 2, 2]
    assert [films[n].laterality for n in (1, 2)] == ["R", "L"]


@pytest.mark.parametrize(
    "row", ["mdb001 X NORM", "mdb001 G CIRC", "mdb001 G CIRC B 535 425", "mdb001 G LUMP B 1 2 3", "mdb01 G NORM"]
)
def test_a_row_that_cannot_be_understood_is_named(row: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        read_listing(f"words\n{row}\n")


def test_contradicting_rows_and_an_empty_listing() -> None:
    with pytest.raises(InputError, match="tissue"):
        read_listing("mdb001 G CIRC B 1 2 3\nmdb001 F CIRC B 1 2 3\n")
    with pytest.raises(InputError, match="no row"):
        read_listing("nothing")


def test_every_woman_with_both_films(source: Path, tmp_path: Path) -> None:
    summary = import_mini_mias(str(source), str(tmp_path / "cohort"))
    assert (summary.n_patients, summary.n_recordings) == (8, 16)
    assert summary.excluded == [("mdb017.pgm", "other breast's film missing")]
    cohort = Cohort.read(str(tmp_path / "cohort"))
    row = cohort.patients.loc["mias-003"]
    assert (row["tissue"], row["left"], row["right"], int(row["malignant"])) == ("F", "normal", "malignant", 1)
    assert set(cohort.outcome_columns) == {"tissue", "left", "right", "malignant"}
    recordings = cohort.iter_recordings()
    assert {r["view"] for r in recordings} == {"MLO"}
    assert all(r.path.startswith(str(source)) for r in recordings)
    assert [(r["laterality"], r["lesion"]) for r in recordings if r.patient_id == "mias-001"] == [
        ("L", "normal"),
        ("R", "benign"),
    ]
    image = read_mammogram(recordings[0])
    assert (image.spacing_mm, image.origin) == (0.2, "film")


def test_the_contralateral_proxy(source: Path, tmp_path: Path) -> None:
    summary = import_mini_mias(str(source), str(tmp_path / "cohort"), design="contralateral", seed=3)
    cohort = Cohort.read(str(tmp_path / "cohort"))
    # Women 3 (malignant right) and 6 (malignant left) are cases; 2, 5, 7, 8 have two normal breasts.
    assert cohort.patients["contralateral_malignancy"].astype(int).to_dict() == {
        "mias-002": 0,
        "mias-003": 1,
        "mias-005": 0,
        "mias-006": 1,
        "mias-007": 0,
        "mias-008": 0,
    }
    sides = {r.patient_id: r["laterality"] for r in cohort.iter_recordings()}
    assert len(sides) == summary.n_recordings == 6
    assert (sides["mias-003"], sides["mias-006"]) == ("L", "R")
    assert sum(sides[pid] == "L" for pid in ("mias-002", "mias-005", "mias-007", "mias-008")) == 2
    assert cohort.outcome_columns == ("contralateral_malignancy",)
    assert "lesion" not in cohort.recordings.columns
    assert "cannot measure short-term risk" in cohort.description
    assert "proxy" in cohort.description
    assert summary.reasons == {
        "other side of a control": 4,
        "benign lesion, no malignant one": 2,
        "breast with the malignant lesion": 2,
        "lesions in both breasts": 2,
        "other breast's film missing": 1,
    }
    assert len(pd.read_csv(tmp_path / "cohort" / "excluded.csv")) == 11
    assert summary.facts["cases"] == 2
    study = Study.read(tmp_path / "cohort" / "study.yaml")
    assert study.outcome.column == "contralateral_malignancy"
    assert study.validation.folds == 2


def test_the_seed_draws_the_sides(source: Path, tmp_path: Path) -> None:
    drawn = []
    for name, seed in (("a", 1), ("b", 1), *((f"c{seed}", seed) for seed in range(2, 9))):
        import_mini_mias(str(source), str(tmp_path / name), design="contralateral", seed=seed)
        drawn.append((tmp_path / name / "recordings.csv").read_text())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_films_are_copied_when_asked(source: Path, tmp_path: Path) -> None:
    import_mini_mias(str(source), str(tmp_path / "cohort"), copy=True)
    table = pd.read_csv(tmp_path / "cohort" / "recordings.csv")
    assert table["path"].str.startswith("films/").all()
    assert "external_paths" not in (tmp_path / "cohort" / "cohort.yaml").read_text()


def test_what_is_missing_is_said(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no design 'both'"):
        import_mini_mias(str(source), str(tmp_path / "cohort"), design="both")
    (source / "Info.txt").unlink()
    with pytest.raises(InputError, match=r"Info\.txt"):
        import_mini_mias(str(source), str(tmp_path / "cohort"))


@pytest.mark.data
def test_the_real_films(research_data: Path, tmp_path: Path) -> None:
    everyone = import_mini_mias(str(research_data / "mini_mias"), str(tmp_path / "all"))
    assert (everyone.n_patients, everyone.n_recordings) == (81, 162)
    proxy = import_mini_mias(str(research_data / "mini_mias"), str(tmp_path / "proxy"), design="contralateral")
    facts = proxy.facts
    assert facts["cases"] + facts["controls"] == proxy.n_patients == proxy.n_recordings
    assert (
        abs(facts["left_cases"] / facts["cases"] - facts["left_controls"] / facts["controls"])
        < 0.5 / facts["controls"] + 0.01
    )
    films = read_listing((research_data / "mini_mias" / "Info.txt").read_text("latin-1"))
    assert len(films) == 322
    for recording in Cohort.read(str(tmp_path / "proxy")).iter_recordings():
        assert films[int(Path(recording.path).stem[3:])].status == "normal"
