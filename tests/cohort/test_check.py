from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
from rich.console import Console

from presage.cohort import Cohort
from presage.cohort.check import CheckReport, check_cohort
from presage.cohort.flow import Flow

Make = Callable[..., Path]


def test_counts_prevalence_and_flow(make_folder: Make) -> None:
    folder = make_folder(
        6, files=["001", "002", "003", "004", "005"], about="name: Six women\noutcomes: [cancer, age]\n"
    )
    (folder / "images" / "003.dat").write_bytes(b"broken file")
    report = check_cohort(str(folder))
    assert (report.n_listed, len(report.cohort)) == (6, 4)
    assert report.kinds == {"picture": {"L CC": 4}}
    cancer, age = report.outcomes
    assert (cancer.column, cancer.n_known, cancer.n_cases, cancer.summary) == ("cancer", 4, 2, "2 cases (50.0%)")
    assert (age.n_cases, age.summary) == (None, "median 52, range 50 to 54")
    assert [(e.step, e.reason, e.unit, e.ids) for e in report.flow] == [
        ("read", "file not found", "recording", ("images/006.dat",)),
        ("read", "no usable recording left", "patient", ("006",)),
        ("inspect", "not a picture", "recording", ("images/003.dat",)),
        ("inspect", "no usable recording left", "patient", ("003",)),
    ]
    text = report.to_text()
    for part in ("Six women", "4 of 6", "2 cases (50.0%)", "not a picture", "images/003.dat"):
        assert part in text
    assert len(check_cohort(str(folder), inspect=False).cohort) == 5


def test_undeclared_and_odd_outcomes_are_warned_of(make_folder: Make) -> None:
    report = check_cohort(str(make_folder(4, name="a")))
    assert "declares no outcomes" in report.warnings[0]
    assert "cancer" in report.warnings[0]
    patients = "patient_id,cancer,dead,stage\n001,1,0,I\n002,1,,II\n"
    about = "outcomes: [cancer, dead, stage]\nphantom: true\n"
    report = check_cohort(str(make_folder(2, patients=patients, about=about, name="b")))
    assert report.warnings == [
        "outcome cancer: all 2 patients have the same value",
        "outcome dead: all 1 patients have the same value",
        "outcome dead is not recorded for 1 patients",
        "outcome stage holds text: I, II",
    ]
    assert "made up" in report.to_text()


def test_a_cohort_without_exclusions_says_so(make_folder: Make) -> None:
    console = Console(record=True, width=100, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(check_cohort(str(make_folder(4))))
    assert "nobody was excluded" in console.export_text()


def test_names_of_those_left_out_are_whole_on_a_narrow_terminal() -> None:
    name = "a-long-folder-of-a-hospital/another-long-folder/P000123-visit-2-of-the-second-study-recording.wav"
    flow = Flow()
    flow.add("recordings", "audio shorter than its transcript, which ends later", "recording", [name])
    cohort = Cohort(pd.DataFrame(index=pd.Index(["P1"], name="patient_id")), pd.DataFrame(columns=["path"]), flow=flow)
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(CheckReport(cohort, 1, {}, []))
    # The last cell of each line of the table of the flow.
    cells = [
        line.rsplit("│", 2)[1].strip() for line in out.getvalue().split("Cohort flow")[1].splitlines() if "│" in line
    ]
    assert name in "".join(cells)
