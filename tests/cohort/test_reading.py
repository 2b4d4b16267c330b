from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from presage.cohort import Cohort, InputError, Outcome

Make = Callable[..., Path]
HEADER = "patient_id,visit,kind,path,laterality,view\n"


def row(pid: str, *, path: str | None = None, laterality: str = "L", view: str = "CC") -> str:
    return f"{pid},1,picture,{path or f'images/{pid}.dat'},{laterality},{view}\n"


def rows(*pids: str) -> str:
    return HEADER + "".join(row(pid) for pid in pids)


def reasons(cohort: Cohort) -> dict[str, int]:
    return {e.reason: len(e.ids) for e in cohort.flow}


def test_ids_stay_text_with_their_leading_zeros(make_folder: Make) -> None:
    cohort = Cohort.read(str(make_folder(3)))
    assert cohort.patient_ids == ("001", "002", "003")
    assert list(cohort.recordings["patient_id"]) == ["001", "002", "003"]
    assert cohort.patients["age"].tolist() == [50, 51, 52]
    assert cohort.patients["cancer"].dtype.kind == "i"
    assert len(cohort.flow) == 0
    recording = cohort.iter_recordings()[0]
    assert (recording.patient_id, recording.visit, recording["view"]) == ("001", "1", "CC")
    assert Path(recording.path).read_bytes() == b"bytes of 001"


def test_codes_are_not_read_as_numbers(make_folder: Make) -> None:
    folder = make_folder(2, patients="patient_id,cancer,zip,site\n001,0,01234,7\n002,1,98765,8\n")
    cohort = Cohort.read(str(folder))
    assert cohort.patients["zip"].tolist() == ["01234", "98765"]
    assert cohort.patients["site"].tolist() == ["7", "8"]


@pytest.mark.parametrize("encode", [lambda t: t.encode("utf-8-sig"), lambda t: t.encode("utf-16"), str.encode])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_as_spreadsheets_save_them(
    make_folder: Make, encode: Callable[[str], bytes], ends: str, separator: str
) -> None:
    def saved(text: str) -> bytes:
        return encode(text.replace(",", separator).replace("\n", ends))

    folder = make_folder(
        2, patients=saved("patient_id,cancer,naïve\n001,0,x\n002,1,y\n\n"), recordings=saved(rows("001", "002"))
    )
    cohort = Cohort.read(str(folder))
    assert cohort.patient_ids == ("001", "002")
    assert cohort.patients["naïve"].tolist() == ["x", "y"]


def test_decimal_commas_of_a_semicolon_table_are_numbers(make_folder: Make) -> None:
    cohort = Cohort.read(str(make_folder(2, patients="patient_id;cancer;bmi\n001;0;21,5\n002;1;30\n")))
    assert cohort.patients["bmi"].tolist() == [21.5, 30.0]


def test_text_that_is_not_utf8_is_refused_with_its_line(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"patients.csv, line 3: the text is not UTF-8\nsave the table as 'CSV UTF-8'"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer,n\n001,0,x\n002,1,é\n".encode("latin-1"))))


def test_a_row_with_too_many_or_too_few_cells_is_refused_with_its_line(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"patients.csv, line 3: this row has 2 cells, the header has 3"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer,age\n001,0,50\n002,1\n")))


def test_quoted_line_breaks_count_lines_right(make_folder: Make) -> None:
    folder = make_folder(2, patients='patient_id,cancer,note\n001,0,"a\nb"\n002,1\n')
    with pytest.raises(InputError, match="line 4: this row has 2 cells"):
        Cohort.read(str(folder))


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_table_is_refused(make_folder: Make, text: str) -> None:
    with pytest.raises(InputError, match=r"patients.csv: the table is empty"):
        Cohort.read(str(make_folder(patients=text)))


def test_a_missing_table_or_two_are_refused(make_folder: Make) -> None:
    folder = make_folder(2)
    (folder / "recordings.csv").rename(folder / "record.csv")
    with pytest.raises(InputError, match=r"there is no recordings.csv or recordings.parquet"):
        Cohort.read(str(folder))
    (folder / "record.csv").rename(folder / "recordings.csv")
    (folder / "recordings.parquet").write_bytes(b"")
    with pytest.raises(InputError, match="there are both"):
        Cohort.read(str(folder))
    with pytest.raises(InputError, match="no such cohort folder"):
        Cohort.read(str(folder / "nowhere"))


def test_duplicate_patients_are_named_with_their_rows(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"1 patient id\(s\) stand for several rows: 001 \(lines 2, 4\)"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer\n001,0\n002,1\n001,1\n")))


def test_empty_and_rounded_ids_are_refused(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"1 row\(s\) have no patient_id: lines 3"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer\n001,0\n,1\n", name="a")))
    with pytest.raises(InputError, match=r"a spreadsheet has rounded these patient ids.*1\.23E\+11"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer\n1.23E+11,0\n002,1\n", name="b")))


def test_recordings_of_unknown_patients_are_refused_and_spreadsheet_damage_is_recognised(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"patients.csv does not list: 999 \(line 3\)\nadd the patients"):
        Cohort.read(str(make_folder(2, recordings=rows("001", "999"), name="a")))
    with pytest.raises(InputError, match=r"'1.0' looks like patient '001', changed by a spreadsheet"):
        Cohort.read(str(make_folder(2, recordings=rows("1.0", "002"), name="b")))


@pytest.mark.parametrize(
    ("wrong", "right"), [("PatientID", "patient_id"), ("patient id", "patient_id"), ("patiend_id", "patient_id")]
)
def test_a_near_miss_of_patient_id_is_named(make_folder: Make, wrong: str, right: str) -> None:
    with pytest.raises(InputError, match=f"there is a column '{wrong}' and none '{right}': did you mean"):
        Cohort.read(str(make_folder(2, patients=f"{wrong},cancer\n001,0\n002,1\n")))


def test_near_misses_of_optional_columns_are_refused_too(make_folder: Make) -> None:
    with pytest.raises(InputError, match="did you mean 'match_set'"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer,matchset\n001,0,a\n002,1,a\n", name="a")))
    text = rows("001", "002").replace("laterality", "Lateralty")
    with pytest.raises(InputError, match=r"recordings.csv: there is a column 'Lateralty'.*did you mean 'laterality'"):
        Cohort.read(str(make_folder(2, recordings=text, name="b")))


def test_a_missing_required_column_is_named(make_folder: Make) -> None:
    text = "patient_id,kind,path,view\n001,picture,images/001.dat,CC\n"
    with pytest.raises(
        InputError, match=r"there is no column 'laterality'; the columns are patient_id, kind, path, view"
    ):
        Cohort.read(str(make_folder(2, recordings=text)))


def test_a_column_named_twice_is_refused(make_folder: Make) -> None:
    with pytest.raises(InputError, match="the column 'cancer' is there twice"):
        Cohort.read(str(make_folder(2, patients="patient_id,cancer,cancer\n001,0,1\n")))


def test_an_unknown_kind_is_refused_with_a_suggestion(make_folder: Make) -> None:
    with pytest.raises(InputError, match=r"kind 'pictures'\ndid you mean 'picture'"):
        Cohort.read(str(make_folder(1, recordings=rows("001").replace("picture", "pictures"))))


def test_values_that_the_kind_does_not_allow_are_excluded_with_the_reason(make_folder: Make) -> None:
    text = HEADER + row("001", view="ML") + row("002", laterality="") + row("003", view="cc")
    text += row("004", view="Jane Doe, ML".replace(",", "")) + row("003", view="MLO", path="images/005.dat")
    cohort = Cohort.read(str(make_folder(5, recordings=text)))
    assert reasons(cohort) == {
        "view ML, not CC or MLO": 1,
        "laterality missing": 1,
        "view not CC or MLO": 1,
        "no recording listed": 1,
        "no usable recording left": 3,
    }
    assert cohort.patient_ids == ("003",)
    assert [r["view"] for r in cohort.iter_recordings()] == ["CC", "MLO"]
    assert [e.ids for e in cohort.flow if e.reason == "laterality missing"] == [("images/002.dat",)]


def test_nothing_usable_is_an_error_not_an_empty_cohort(make_folder: Make) -> None:
    text = HEADER + row("001", view="ML") + row("002", view="ML")
    with pytest.raises(InputError, match=r"no recording can be used: view ML, not CC or MLO \(2 times\)\nthe allowed"):
        Cohort.read(str(make_folder(2, recordings=text, name="a")))
    with pytest.raises(InputError, match="none of the 2 files is there; the first is"):
        Cohort.read(str(make_folder(2, files=[], name="b")))


def test_missing_and_empty_files_are_excluded_and_their_patients_too(make_folder: Make) -> None:
    folder = make_folder(4, files=["001", "002", "004"])
    (folder / "images" / "004.dat").write_bytes(b"")
    cohort = Cohort.read(str(folder))
    assert reasons(cohort) == {"file not found": 1, "empty file": 1, "no usable recording left": 2}
    assert cohort.patient_ids == ("001", "002")


@pytest.mark.parametrize("path", ["../outside.dat", "images/../../outside.dat", "..\\outside.dat"])
def test_a_relative_path_out_of_the_folder_is_refused(make_folder: Make, path: str) -> None:
    folder = make_folder(2, recordings=HEADER + row("001", path=path) + row("002"), about="external_paths: true\n")
    (folder.parent / "outside.dat").write_bytes(b"x")
    with pytest.raises(InputError, match=r"recordings.csv, line 2: the path .* leads out of the cohort folder"):
        Cohort.read(str(folder))


@pytest.mark.parametrize("address", ["{outside}", "file://{outside}", "memory://elsewhere/x.dat"])
def test_paths_elsewhere_need_the_cohorts_word(make_folder: Make, tmp_path: Path, address: str) -> None:
    outside = tmp_path / "outside.dat"
    outside.write_bytes(b"x")
    fsspec.filesystem("memory").pipe_file("/elsewhere/x.dat", b"y")
    text = HEADER + row("001", path=address.format(outside=outside)) + row("002")
    with pytest.raises(InputError, match="lies outside the cohort folder"):
        Cohort.read(str(make_folder(2, recordings=text, name="a")))
    cohort = Cohort.read(str(make_folder(2, recordings=text, about="external_paths: true\n", name="b")))
    assert cohort.patient_ids == ("001", "002")


def test_an_absolute_path_inside_the_folder_and_backslashes_are_fine(make_folder: Make, tmp_path: Path) -> None:
    inside = tmp_path / "cohort" / "images" / "001.dat"
    text = HEADER + row("001", path=str(inside)) + row("002", path="images\\002.dat")
    assert len(Cohort.read(str(make_folder(2, recordings=text)))) == 2


def test_the_same_bytes_under_two_patients_are_refused_naming_both(make_folder: Make) -> None:
    folder = make_folder(3)
    (folder / "images" / "003.dat").write_bytes((folder / "images" / "001.dat").read_bytes())
    with pytest.raises(InputError, match=r"under different patients: 001: images/001.dat = 003: images/003.dat"):
        Cohort.read(str(folder))


def test_two_people_may_give_the_same_short_answer(make_folder: Make) -> None:
    folder = make_folder(2)
    for said, refused in (("no.", False), ("no. " * 40, True)):
        for pid in ("001", "002"):
            (folder / "images" / f"{pid}.txt").write_text(said)
        (folder / "recordings.csv").write_text(
            HEADER + "".join(row(pid, path=f"images/{pid}.txt") for pid in ("001", "002"))
        )
        if refused:
            with pytest.raises(InputError, match="under different patients"):
                Cohort.read(str(folder))
        else:
            assert len(Cohort.read(str(folder)).recordings) == 2


def test_large_files_that_differ_in_one_byte_only_are_two_files(make_folder: Make) -> None:
    folder = make_folder(2)
    block = bytearray(200_000)
    (folder / "images" / "001.dat").write_bytes(block)
    block[60_000] = 1  # outside every sampled part: only the whole digest can tell
    (folder / "images" / "002.dat").write_bytes(block)
    assert len(Cohort.read(str(folder))) == 2


def test_a_row_given_twice_is_refused(make_folder: Make) -> None:
    with pytest.raises(InputError, match="the same recording is listed twice: lines 2, 3"):
        Cohort.read(str(make_folder(2, recordings=rows("001", "001", "002"))))


def test_cohort_yaml_is_read_and_checked(make_folder: Make) -> None:
    about = "name: Test\ndescription: Made up.\nphantom: true\noutcomes: [cancer]\n"
    cohort = Cohort.read(str(make_folder(2, about=about, name="a")))
    assert (cohort.name, cohort.description, cohort.phantom) == ("Test", "Made up.", True)
    assert cohort.outcome_columns == ("cancer",)
    assert "cancer" not in cohort.blinded().patients.columns
    for about, message in (
        ("nmae: x\n", r"unknown key 'nmae'\ndid you mean 'name'"),
        ("phantom: maybe\n", "phantom must be a bool, not 'maybe'"),
        ("name: [\n", "cohort.yaml, line 2: this is not YAML"),
        ("outcomes: [cancr]\n", "did you mean 'cancr'|there is no column 'cancr'"),
    ):
        folder = make_folder(2, about=about, name=str(abs(hash(about))))
        with pytest.raises(InputError, match=message):
            Cohort.read(str(folder))


def test_parquet_gives_the_same_cohort_as_csv(make_folder: Make) -> None:
    folder = make_folder(4)
    expected = Cohort.read(str(folder))
    for name in ("patients", "recordings"):
        pd.read_csv(folder / f"{name}.csv", dtype={"patient_id": str}).to_parquet(folder / f"{name}.parquet")
        (folder / f"{name}.csv").unlink()
    found = Cohort.read(str(folder))
    pd.testing.assert_frame_equal(found.patients, expected.patients)
    pd.testing.assert_frame_equal(found.recordings, expected.recordings)


def test_parquet_ids_that_became_floats_are_whole_again(make_folder: Make) -> None:
    folder = make_folder(2, recordings=rows("1", "2"), files=["1", "2"])
    (folder / "patients.csv").unlink()
    pd.DataFrame({"patient_id": [1.0, 2.0], "cancer": [0, 1]}).to_parquet(folder / "patients.parquet")
    assert Cohort.read(str(folder)).patient_ids == ("1", "2")


def test_written_cohorts_read_back_the_same(make_folder: Make, tmp_path: Path) -> None:
    cohort = Cohort.read(str(make_folder(5, about="name: T\noutcomes: [cancer]\n")))
    cohort.write(str(tmp_path / "copy"))
    again = Cohort.read(str(tmp_path / "copy"))  # files lie outside: allowed by the cohort.yaml that was written
    pd.testing.assert_frame_equal(again.patients, cohort.patients)
    pd.testing.assert_frame_equal(again.recordings, cohort.recordings)
    assert (again.name, again.outcome_columns) == ("T", ("cancer",))
    cohort.write(cohort.root)
    assert (Path(cohort.root) / "recordings.csv").read_text().splitlines()[1] == "001,1,picture,images/001.dat,L,CC"


def test_a_cohort_at_an_fsspec_address(make_folder: Make) -> None:
    folder = make_folder(3, files=["001", "002"])
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/there/cohort", recursive=True)
    cohort = Cohort.read("memory://there/cohort")
    assert cohort.patient_ids == ("001", "002")
    assert reasons(cohort) == {"file not found": 1, "no usable recording left": 1}
    assert cohort.iter_recordings()[0].path == "memory://there/cohort/images/001.dat"
    cohort.write("memory://there/copy")
    assert Cohort.read("memory://there/copy").patient_ids == ("001", "002")
    with pytest.raises(InputError, match="cannot be opened"):
        Cohort.read("nosuchprotocol://x/y")


def test_an_outcome_of_two_names_the_patient(make_folder: Make) -> None:
    cohort = Cohort.read(str(make_folder(3, patients="patient_id,cancer\n001,0\n002,2\n003,1\n")))
    with pytest.raises(InputError, match=r"column 'cancer' must be 0 or 1, but 1 patient\(s\).*002: "):
        cohort.with_outcome(Outcome("cancer"))


def test_a_word_among_the_outcomes_names_the_patient(make_folder: Make) -> None:
    cohort = Cohort.read(str(make_folder(3, patients="patient_id,cancer\n001,0\n002,yes\n003,1\n")))
    with pytest.raises(InputError, match=r"must be a number, but 1 patient\(s\).*002: 'yes'"):
        cohort.with_outcome(Outcome("cancer"))


def test_one_class_only_is_refused_and_missing_outcomes_go_into_the_flow(make_folder: Make) -> None:
    cohort = Cohort.read(str(make_folder(3, patients="patient_id,cancer\n001,1\n002,1\n003,\n")))
    with pytest.raises(InputError, match="2 of 2 patients are cases of 'cancer'"):
        cohort.with_outcome(Outcome("cancer"))
    cohort = Cohort.read(str(make_folder(3, patients="patient_id,cancer\n001,1\n002,0\n003,NA\n", name="b")))
    assert reasons(cohort.with_outcome(Outcome("cancer"))) == {"no cancer recorded": 1}
